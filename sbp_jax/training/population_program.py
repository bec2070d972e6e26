"""The compiled programs of a population, and where its members live.

Members lie along the mesh axis of `Devices`, examples on every device. On a device its members
are computed side by side (vmap) or one after the other (scan); the step is the same for all, so
that a choice between length buckets stays one.

Legend: K members, S slots.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.models.forecaster import Forecaster
from sbp_jax.models.network import AdjustableNetwork
from sbp_jax.training.forecaster_loss import Criteria, forecaster_criteria
from sbp_jax.training.hyperparameters import Hyperparameters, Stacked, stack
from sbp_jax.training.optimizer import make_optimizer
from sbp_jax.training.parallel import PLAYS, Devices, device_epoch, device_mean
from sbp_jax.training.placing import Placed, check_placed_alike
from sbp_jax.training.program import Head
from sbp_jax.training.shards import Shards
from sbp_jax.training.state import Params, TrainState, count_params

MembersMapping = Literal["vmap", "scan"]


class Population(NamedTuple):
    """Everything that differs between members, stacked in S slots, and the step they share.

    Attributes:
        numbers: hyper-parameters, and the key from which each draws its randomness.
        params: parameters.
        opt_state: states of the optimizers.
        best: parameters of the best epoch.
        step: optimizer steps taken, one number.
    """

    numbers: Stacked
    params: Params
    opt_state: optax.OptState
    best: Params
    step: Int[Array, ""]


_LARGE_STEP: Final = 20_000_000  # parameters times examples, from which side by side is slower

_SHARDED: Final = Population(P(PLAYS), P(PLAYS), P(PLAYS), P(PLAYS), P())  # type: ignore[arg-type]


class PopulationProgram:
    """Programs that start, train, judge and shrink a population.

    Args are those of `fit_population`.

    Attributes:
        count: K.
        slots: S at the start.
        steps: optimizer steps of an epoch.
        config: what is the same for all members.
        devices: what they are divided over.
        mapping: how a device's members are computed.
        epoch: population to (population, losses (S, steps)); the one given is used up.
        score: population to mean validation scores (S,).
    """

    def __init__(
        self,
        head: Head,
        members: Sequence[Hyperparameters],
        *,
        train: Placed,
        valid: Placed,
        mapping: MembersMapping | None,
    ) -> None:
        if jax.process_count() > 1:
            raise ValueError(
                f"a population: expected one process, got {jax.process_count()}; start one on "
                "each host and let them share a study instead"
            )
        check_placed_alike(train, valid)
        self.config, self.devices = config, devices = train.config, train.devices
        check_numbers(stack(members, config), head)
        self._head, self._members = head, members
        self.count = len(members)
        self.slots = -(-self.count // devices.count) * devices.count
        self.steps = train.steps
        shards = replicated(train, devices)
        self._example = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), shards[0].batch
        )
        params = jax.eval_shape(self._init, jax.random.key(0))
        platform = devices.mesh.devices.flat[0].platform
        self.mapping = mapping or choose_mapping(platform, count_params(params), config.batch_size)
        self._sharding = jax.tree.map(lambda spec: NamedSharding(devices.mesh, spec), _SHARDED)
        self.epoch = self._mapped(self._epoch, shards, (_SHARDED, P(PLAYS)), donated=(0,))
        self.score = self._mapped(self._score, replicated(valid, devices), P(PLAYS))
        self._keep = jax.jit(_keep_improved, donate_argnums=0, out_shardings=self._sharding)
        self._take = jax.jit(_take_slots, out_shardings=self._sharding)

    def start(self, given: Params | None = None) -> Population:
        """Members as runs of their own would begin; fillers repeat the first.

        Args:
            given: parameters (K, ...) to begin with; drawn anew if left out.
        """
        fillers = [self._members[0]] * (self.slots - self.count)
        if given is not None:
            own = [*range(self.count), *(0 for _ in fillers)]
            given = jax.tree.map(lambda leaf: jnp.asarray(leaf)[np.array(own)], given)

        def begun(numbers: Stacked, params: Params | None) -> Population:
            params = jax.vmap(self._init)(numbers.key) if params is None else params
            opt_state = jax.vmap(lambda n, p: self._optimizer(n).init(p))(numbers, params)
            return Population(numbers, params, opt_state, params, jnp.int32(0))

        return jax.jit(begun, out_shardings=self._sharding)(
            stack([*self._members, *fillers], self.config), given
        )

    def keep(self, population: Population, improved: Bool[NDArray, " S"]) -> Population:
        """Remember the present parameters of some slots as their best; uses up the one given."""
        return self._keep(population, improved)

    def take(self, population: Population, slots: Int[NDArray, " s"]) -> Population:
        """The members of these slots alone."""
        return self._take(population, slots)

    def _init(self, key: jax.Array) -> Params:
        return self._head.forecaster.init(key, self._example)

    def _optimizer(self, numbers: Stacked) -> optax.GradientTransformation:
        """`make_optimizer`, whose schedule needs a concrete peak: the rate is a factor of it."""
        decay: Any = numbers.weight_decay
        settings = replace(self.config, learning_rate=1.0, weight_decay=decay)
        of_unit_rate = make_optimizer(settings, self.config.epochs * self.steps)
        return optax.chain(of_unit_rate, optax.scale(numbers.learning_rate))

    def _epoch(
        self, population: Population, shards: tuple[Shards, ...]
    ) -> tuple[Population, Float[Array, "S steps"]]:
        """One device's members through `device_epoch`."""

        def one(numbers: Stacked, params: Params, opt_state: optax.OptState) -> Any:
            low = self._head.forecaster.with_settings(**numbers.network)
            low = low.computing_in(self.config.precision)
            loss = self._criteria(low, numbers).loss
            state, losses = device_epoch(
                loss,
                self._optimizer(numbers),
                self.config.rows_per_step,
                TrainState(params, opt_state, population.step, numbers.key),
                shards,
                accumulate=self.config.accumulate,
                axis=None,
            )
            return state.params, state.opt_state, losses

        params, opt_state, losses = self._over_members(one)(
            population.numbers, population.params, population.opt_state
        )
        step = population.step + self.steps
        return population._replace(params=params, opt_state=opt_state, step=step), losses

    def _score(self, population: Population, shards: tuple[Shards, ...]) -> Float[Array, " S"]:
        """One device's members through `device_mean`."""

        def one(numbers: Stacked, params: Params) -> Float[Array, ""]:
            score = self._criteria(self._head.forecaster, numbers).score
            return device_mean(score, self.config.rows_per_step, params, shards, axis=None)

        return self._over_members(one)(population.numbers, population.params)

    def _criteria(self, forecaster: Forecaster, numbers: Stacked) -> Criteria:
        smoothing = 0.0 if numbers.smoothing is None else numbers.smoothing
        member = with_tail_mass(forecaster, numbers)
        head = self._head
        return forecaster_criteria(
            member, head.objective, head.augment, cell=head.cell, smoothing=smoothing
        )

    def _over_members(self, one: Callable[..., Any]) -> Callable[..., Any]:
        if self.mapping == "vmap":
            return jax.vmap(one)
        return lambda *stacked: jax.lax.map(lambda member: one(*member), stacked)

    def _mapped(
        self,
        body: Callable[..., Any],
        examples: tuple[Shards, ...],
        out_specs: Any,
        *,
        donated: tuple[int, ...] = (),
    ) -> Callable[[Population], Any]:
        """Compile a function of (population, examples) for all devices, and give it the latter."""
        mapped = jax.shard_map(
            body,
            mesh=self.devices.mesh,
            in_specs=(_SHARDED, P()),
            out_specs=out_specs,
            check_vma=False,
        )
        program = jax.jit(mapped, donate_argnums=donated)
        return lambda population: program(population, examples)


def choose_mapping(platform: str, parameters: int, batch_size: int) -> MembersMapping:
    """How to compute the members of one device.

    On CPU by what was measured (2 cores, 8 members, time of vmap over time of scan, by parameters
    times batch size): 0.1 million 0.86, 0.4 million 0.79, 1.5 million 0.88, 6 million 0.78,
    22 million 0.98 and 1.03, 51 million 1.30; both took as long to compile. Elsewhere vmap, since
    an accelerator has room for members side by side.

    Args:
        platform: of the devices, such as "cpu".
        parameters: of one member.
        batch_size: examples of a step of one member.

    >>> choose_mapping("cpu", 45_000, 512), choose_mapping("cpu", 6_000, 64)
    ('scan', 'vmap')
    """
    return "scan" if platform == "cpu" and parameters * batch_size > _LARGE_STEP else "vmap"


def check_numbers(numbers: Stacked, head: Head) -> None:
    """Refuse numbers that the network, the family, the objective or the optimizer has no use for.

    Raises:
        ValueError: there are such numbers.
    """
    network, family = head.forecaster.network, head.forecaster.family
    if numbers.tail_mass is not None and not hasattr(family, "with_tail_mass"):
        name = type(family).__name__
        raise ValueError(f"tail_mass: expected None, as {name} has none, got numbers")
    if numbers.smoothing is not None and head.objective != "smoothed_classification":
        raise ValueError(f"smoothing: expected None, as {head.objective} has none, got numbers")
    if head.optimizer is not None:
        raise ValueError("optimizer: expected None, whose settings members vary, got another")
    ranges = network.varied if isinstance(network, AdjustableNetwork) else {}
    for name, values in numbers.network.items():
        if name not in ranges:
            raise ValueError(f"network: expected settings of {sorted(ranges)}, got {name!r}")
        low, high = ranges[name]
        if bad := [x for x in values.tolist() if not low <= x < high]:
            raise ValueError(f"{name}: expected numbers in [{low:g}, {high:g}), got {bad[0]!r}")


def with_tail_mass(forecaster: Forecaster, numbers: Stacked) -> Forecaster:
    """The forecaster with one member's tail mass, which may be traced, on the sides with a tail."""
    family = forecaster.family
    if numbers.tail_mass is None or not hasattr(family, "with_tail_mass"):
        return forecaster
    return replace(forecaster, family=family.with_tail_mass(numbers.tail_mass))


def replicated(placed: Placed, devices: Devices) -> tuple[Shards, ...]:
    """All shards on every device, leaves (V, n, ...), from wherever they lie."""

    def whole(shards: Shards) -> Shards:
        lead = shards.weight.ndim - 1  # under pmap the axis of shards is split
        return jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, lead), shards)

    return tuple(devices.replicate(whole(shards)) for shards in placed.shards)


def _keep_improved(population: Population, improved: Bool[Array, " S"]) -> Population:
    def keep(best: Array, now: Array) -> Array:
        return jnp.where(improved.reshape(-1, *(1,) * (now.ndim - 1)), now, best)

    return population._replace(best=jax.tree.map(keep, population.best, population.params))


def _take_slots(population: Population, slots: Int[Array, " s"]) -> Population:
    def take(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[slots], tree)

    numbers, params, opt_state, best, step = population
    return Population(take(numbers), take(params), take(opt_state), take(best), step)
