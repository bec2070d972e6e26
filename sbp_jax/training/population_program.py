"""The compiled programs of a population, and where its members live.

Members lie along the mesh axis of `Devices`, examples on every device. On a device its members
are computed side by side (vmap) or one after the other (scan); the step is the same for all, so
that a choice between length buckets stays one.

Legend: K members, S slots.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.models.forecaster import Forecaster
from sbp_jax.models.network import AdjustableNetwork
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.forecaster_loss import Criteria, forecaster_criteria
from sbp_jax.training.hyperparameters import Hyperparameters, Stacked, stack
from sbp_jax.training.member_examples import place_for_members
from sbp_jax.training.optimizer import make_optimizer
from sbp_jax.training.parallel import PLAYS, device_epoch, device_mean
from sbp_jax.training.placing import Placed
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


@dataclass(frozen=True)
class Recipe:
    """All that the programs of a population depend on.

    Attributes:
        head: the same for all members but for their numbers.
        config: likewise; its seed, learning rate and weight decay are the members' own.
        mesh: of the devices.
        mapping: how a device's members are computed.
        total_steps: of the whole training.
        own_train: whether each member has training examples of its own.
        own_valid: likewise of the examples that it is judged by.
        shapes: of the examples, so that programs of other shapes are others, and are forgotten.
    """

    head: Head
    config: TrainConfig
    mesh: Mesh
    mapping: MembersMapping
    total_steps: int
    own_train: bool
    own_valid: bool
    shapes: tuple[tuple[int, ...], ...]


class Programs:
    """The compiled programs of a recipe; see `programs_of`.

    Attributes:
        begun: (numbers of all slots, training examples, parameters or None for fresh ones) to
            members that are not trained yet.
        epoch: (population, training examples) to (population, losses (S, steps)); the population
            given is used up.
        score: (population, validation examples) to mean scores (S,).
        keep: (population, improved (S,)) to a population that remembers the present parameters of
            the improved slots as their best; the one given is used up.
        take: (population, slots) to the members of these slots alone.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        sharding = jax.tree.map(lambda spec: NamedSharding(recipe.mesh, spec), _SHARDED)
        self.begun = jax.jit(self._begun, out_shardings=sharding)
        self.epoch = self._mapped(self._epoch, recipe.own_train, (_SHARDED, P(PLAYS)), donated=(0,))
        self.score = self._mapped(self._score, recipe.own_valid, P(PLAYS))
        self.keep = jax.jit(_keep_improved, donate_argnums=0, out_shardings=sharding)
        self.take = jax.jit(_take_slots, out_shardings=sharding)

    def _begun(
        self, numbers: Stacked, examples: tuple[Shards, ...], params: Params | None
    ) -> Population:
        lead = 2 if self._recipe.own_train else 1  # axes of members and shards
        example = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape[lead:], leaf.dtype), examples[0].batch
        )
        init = self._recipe.head.forecaster.init
        if params is None:
            params = jax.vmap(lambda key: init(key, example))(numbers.key)
        opt_state = jax.vmap(lambda n, p: self._optimizer(n).init(p))(numbers, params)
        return Population(numbers, params, opt_state, params, jnp.int32(0))

    def _optimizer(self, numbers: Stacked) -> optax.GradientTransformation:
        """The head's, or `make_optimizer`, of whose schedule a member's rate is a factor."""
        if self._recipe.head.optimizer is not None:
            return self._recipe.head.optimizer
        decay: Any = numbers.weight_decay  # the schedule needs a concrete peak
        settings = replace(self._recipe.config, learning_rate=1.0, weight_decay=decay)
        of_unit_rate = make_optimizer(settings, self._recipe.total_steps)
        return optax.chain(of_unit_rate, optax.scale(numbers.learning_rate))

    def _epoch(
        self, population: Population, examples: tuple[Shards, ...]
    ) -> tuple[Population, Float[Array, "S steps"]]:
        """One device's members through `device_epoch`."""
        config = self._recipe.config

        def one(
            numbers: Stacked, params: Params, opt_state: optax.OptState, shards: tuple[Shards, ...]
        ) -> Any:
            low = self._recipe.head.forecaster.with_settings(**numbers.network)
            low = low.computing_in(config.precision)
            state, losses = device_epoch(
                self._criteria(low, numbers).loss,
                self._optimizer(numbers),
                config.rows_per_step,
                TrainState(params, opt_state, population.step, numbers.key),
                shards,
                accumulate=config.accumulate,
                joined=self._recipe.head.optimizer is None,
                axis=None,
            )
            return state.params, state.opt_state, losses

        of_member = (population.numbers, population.params, population.opt_state)
        params, opt_state, losses = self._over_members(
            one, of_member, examples, own=self._recipe.own_train
        )
        step = population.step + losses.shape[1]
        return population._replace(params=params, opt_state=opt_state, step=step), losses

    def _score(self, population: Population, examples: tuple[Shards, ...]) -> Float[Array, " S"]:
        """One device's members through `device_mean`."""

        def one(numbers: Stacked, params: Params, shards: tuple[Shards, ...]) -> Float[Array, ""]:
            score = self._criteria(self._recipe.head.forecaster, numbers).score
            rows = self._recipe.config.rows_per_step
            return device_mean(score, rows, params, shards, axis=None)

        of_member = (population.numbers, population.params)
        return self._over_members(one, of_member, examples, own=self._recipe.own_valid)

    def _criteria(self, forecaster: Forecaster, numbers: Stacked) -> Criteria:
        smoothing = 0.0 if numbers.smoothing is None else numbers.smoothing
        member = with_tail_mass(forecaster, numbers)
        head = self._recipe.head
        return forecaster_criteria(
            member, head.objective, head.augment, cell=head.cell, smoothing=smoothing
        )

    def _over_members(
        self, one: Callable[..., Any], of_member: Any, examples: tuple[Shards, ...], *, own: bool
    ) -> Any:
        """A function of (what a member has ..., examples) for all members of a device."""
        if self._recipe.mapping == "vmap":
            axes = (*(0 for _ in of_member), 0 if own else None)
            return jax.vmap(one, axes)(*of_member, examples)
        if own:
            return jax.lax.map(lambda each: one(*each[0], each[1]), (of_member, examples))
        return jax.lax.map(lambda each: one(*each, examples), of_member)

    def _mapped(
        self, body: Callable[..., Any], own: bool, out_specs: Any, *, donated: tuple[int, ...] = ()
    ) -> Any:
        """Compile a function of (population, examples) for all devices."""
        mapped = jax.shard_map(
            body,
            mesh=self._recipe.mesh,
            in_specs=(_SHARDED, P(PLAYS) if own else P()),
            out_specs=out_specs,
            check_vma=False,
        )
        return jax.jit(mapped, donate_argnums=donated)


def programs_of(recipe: Recipe) -> Programs:
    """Programs of a recipe: those of an equal one, if one of the last few was.

    What they compiled is found again then, so that the second of two like trainings starts at
    once. A recipe that cannot be hashed, such as one with a network of arrays, has its own.
    """
    try:
        return _kept_programs(recipe)
    except TypeError:
        return Programs(recipe)


@functools.lru_cache(maxsize=4)  # a process may map only so many programs
def _kept_programs(recipe: Recipe) -> Programs:
    return Programs(recipe)


class PopulationProgram:
    """Programs that start, train, judge and shrink a population, and the examples they read.

    Args are those of `fit_population`.

    Attributes:
        count: K.
        slots: S at the start.
        steps: optimizer steps of an epoch.
        config: what is the same for all members.
        devices: what they are divided over.
        mapping: how a device's members are computed.
    """

    def __init__(
        self,
        head: Head,
        members: Sequence[Hyperparameters],
        *,
        train: Placed | Sequence[Placed],
        valid: Placed | Sequence[Placed],
        mapping: MembersMapping | None,
    ) -> None:
        if jax.process_count() > 1:
            raise ValueError(
                f"a population: expected one process, got {jax.process_count()}; start one on "
                "each host and let them share a study instead"
            )
        first = train if isinstance(train, Placed) else train[0]
        self.config, self.devices = config, devices = first.config, first.devices
        check_numbers(stack(members, config), head)
        if head.optimizer is not None and any(map(_varies_optimizer, members)):
            raise ValueError("optimizer: expected None, whose settings members vary, got another")
        self.count = len(members)
        self.slots = -(-self.count // devices.count) * devices.count
        self._members = [*members, *[members[0]] * (self.slots - self.count)]
        self._train = place_for_members("train", train, first, self.count, self.slots)
        self._valid = place_for_members("valid", valid, first, self.count, self.slots)
        self.steps = self._train.steps
        if mapping is None:
            mapping = self._usual_mapping(head)
        self.mapping: MembersMapping = mapping
        examples = jax.tree.leaves((self._train.shards, self._valid.shards))
        self._programs = programs_of(
            Recipe(
                head,
                replace(config, seed=0, learning_rate=1.0, weight_decay=0.0),
                devices.mesh,
                mapping,
                config.epochs * self.steps,
                self._train.own,
                self._valid.own,
                tuple(leaf.shape for leaf in examples),
            )
        )

    def _usual_mapping(self, head: Head) -> MembersMapping:
        batch = self._train.shards[0].batch
        lead = 2 if self._train.own else 1
        example = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(leaf.shape[lead:], leaf.dtype), batch
        )
        params = jax.eval_shape(lambda key: head.forecaster.init(key, example), jax.random.key(0))
        platform = self.devices.mesh.devices.flat[0].platform
        return choose_mapping(platform, count_params(params), self.config.batch_size)

    def start(self, given: Params | None = None) -> Population:
        """Members as runs of their own would begin; fillers repeat the first.

        Args:
            given: parameters (K, ...) to begin with; drawn anew if left out.
        """
        if given is not None:
            own = np.array([*range(self.count), *[0] * (self.slots - self.count)])
            given = jax.tree.map(lambda leaf: jnp.asarray(leaf)[own], given)
        numbers = stack(self._members, self.config)
        return self._programs.begun(numbers, self._train.shards, given)

    def epoch(self, population: Population) -> tuple[Population, Float[Array, "S steps"]]:
        """Train for an epoch, and the loss of each step; uses up the population given."""
        return self._programs.epoch(population, self._train.shards)

    def score(self, population: Population) -> Float[Array, " S"]:
        """Mean validation score of each slot."""
        return self._programs.score(population, self._valid.shards)

    def keep(self, population: Population, improved: Bool[NDArray, " S"]) -> Population:
        """Remember the present parameters of some slots as their best; uses up the one given."""
        return self._programs.keep(population, improved)

    def take(self, population: Population, slots: Int[NDArray, " s"]) -> Population:
        """The members of these slots alone, whose examples are read from now on."""
        self._train, self._valid = self._train.of_slots(slots), self._valid.of_slots(slots)
        return self._programs.take(population, slots)


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
    ranges = network.varied if isinstance(network, AdjustableNetwork) else {}
    for name, values in numbers.network.items():
        if name not in ranges:
            raise ValueError(f"network: expected settings of {sorted(ranges)}, got {name!r}")
        low, high = ranges[name]
        if bad := [x for x in values.tolist() if not low <= x < high]:
            raise ValueError(f"{name}: expected numbers in [{low:g}, {high:g}), got {bad[0]!r}")


def _varies_optimizer(member: Hyperparameters) -> bool:
    return member.learning_rate is not None or member.weight_decay is not None


def with_tail_mass(forecaster: Forecaster, numbers: Stacked) -> Forecaster:
    """The forecaster with one member's tail mass, which may be traced, on the sides with a tail."""
    family = forecaster.family
    if numbers.tail_mass is None or not hasattr(family, "with_tail_mass"):
        return forecaster
    return replace(forecaster, family=family.with_tail_mass(numbers.tail_mass))


def _keep_improved(population: Population, improved: Bool[Array, " S"]) -> Population:
    def keep(best: Array, now: Array) -> Array:
        return jnp.where(improved.reshape(-1, *(1,) * (now.ndim - 1)), now, best)

    return population._replace(best=jax.tree.map(keep, population.best, population.params))


def _take_slots(population: Population, slots: Int[Array, " s"]) -> Population:
    def take(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[slots], tree)

    numbers, params, opt_state, best, step = population
    return Population(take(numbers), take(params), take(opt_state), take(best), step)
