"""Settings that members of a population may differ in: numbers that change no shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from sbp_jax.runs.ranges import (
    NotNegative,
    Positive,
    Range,
    Seed,
    TailMass,
    refuse_out_of_range,
)
from sbp_jax.training.config import TrainConfig

_OF_CONFIG: Final = ("learning_rate", "weight_decay", "seed")


@dataclass(frozen=True)
class Hyperparameters:
    """What one member is trained with, as a run of its own would be; None is as everybody's.

    Attributes:
        learning_rate: of the optimizer, > 0.
        weight_decay: likewise, >= 0.
        tail_mass: probability of either tail of a spliced family, in (0, 0.5).
        smoothing: of labels, for smoothed_classification; in [0, 0.5).
        seed: initial parameters, order of the examples, dropout; in [0, 2**31).
        network: numbers among those that the network declares (`AdjustableNetwork.varied`).

    Raises:
        SettingError: a number is out of its range.

    >>> Hyperparameters(learning_rate=0.0)
    Traceback (most recent call last):
    sbp_jax.errors.SettingError: learning_rate: expected None or a finite number > 0, got 0.0
    """

    learning_rate: Positive | None = None
    weight_decay: NotNegative | None = None
    tail_mass: TailMass | None = None
    smoothing: Annotated[float, Range(0, 0.5, below=True)] | None = None
    seed: Seed | None = None
    network: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Refuse numbers out of their ranges: once they are traced, nobody can."""
        refuse_out_of_range(self)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Stacked:
    """The numbers of K members as arrays, or those of one, traced.

    Attributes:
        learning_rate: as in `Hyperparameters`, and so the others.
        weight_decay: likewise.
        tail_mass: likewise; None if the members have none.
        smoothing: likewise.
        network: likewise; only names that all members have.
        key: of the seed.
    """

    learning_rate: Float[Array, "*K"]
    weight_decay: Float[Array, "*K"]
    tail_mass: Float[Array, "*K"] | None
    smoothing: Float[Array, "*K"] | None
    network: dict[str, Float[Array, "*K"]]
    key: Key[Array, "*K"]


def stack(members: Sequence[Hyperparameters], config: TrainConfig) -> Stacked:
    """Stack the numbers of K members.

    Args:
        members: their numbers.
        config: has the learning rate, weight decay and seed of those who have none.

    Raises:
        ValueError: no members, or a number that only some of them have.

    >>> members = [Hyperparameters(network={"dropout": x}) for x in (0.5, 0.25)]
    >>> stack(members, TrainConfig()).network["dropout"].tolist()
    [0.5, 0.25]
    """
    if not members:
        raise ValueError("members: expected at least one, got none")

    def column(name: str) -> list[float | None]:
        values = [getattr(member, name) for member in members]
        if name in _OF_CONFIG:
            return [getattr(config, name) if value is None else value for value in values]
        return values

    columns = {
        one.name: column(one.name) for one in fields(Hyperparameters) if one.name != "network"
    }
    keys = [jax.random.key(int(seed or 0)) for seed in columns.pop("seed")]
    names = dict.fromkeys(name for member in members for name in member.network)
    network = {name: _array(name, [m.network.get(name) for m in members]) for name in names}
    return Stacked(
        key=jnp.stack(keys),
        network=network,  # type: ignore[arg-type]  # a name of some member is never all None
        **{name: _array(name, values) for name, values in columns.items()},  # type: ignore[arg-type]
    )


def _array(name: str, values: Sequence[float | None]) -> Float[Array, " K"] | None:
    """None if no member has a number."""
    missing = [i for i, value in enumerate(values) if value is None]
    if missing and len(missing) < len(values):
        raise ValueError(
            f"{name}: expected a number of every member or of none, got None of member {missing[0]}"
        )
    return None if missing else jnp.asarray(values, jnp.float32)
