"""Settings that members of a population may differ in: numbers that change no shape."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

_RANGES: Final[dict[str, tuple[Callable[[float], bool], str]]] = {
    "learning_rate": (lambda x: 0 < x < math.inf, "a finite number > 0"),
    "weight_decay": (lambda x: 0 <= x < math.inf, "a finite number >= 0"),
    "dropout": (lambda x: 0 <= x < 1, "a number in [0, 1)"),
    "encoder_dropout": (lambda x: 0 <= x < 1, "a number in [0, 1)"),
    "tail_mass": (lambda x: 0 < x < 0.5, "a number in (0, 0.5)"),
    "smoothing": (lambda x: 0 <= x < 0.5, "a number in [0, 0.5)"),
    "seed": (lambda x: 0 <= x < 2**31 and x == int(x), "a whole number in [0, 2**31)"),
}
_OPTIONAL: Final = ("tail_mass", "smoothing")


@dataclass(frozen=True)
class Hyperparameters:
    """What one member is trained with, as a run of its own would be.

    Attributes:
        learning_rate: peak of the schedule.
        weight_decay: decoupled, on kernels alone.
        dropout: probability of dropping a unit of the state or of a hidden layer.
        encoder_dropout: probability of dropping a channel within the TCN.
        tail_mass: probability of either tail of a spliced family; None for any other, or to
            leave the masses as the family has them.
        smoothing: of labels; None for any objective but smoothed_classification.
        seed: initial parameters, order of the examples, dropout.

    Raises:
        ValueError: a number is out of its range.

    >>> Hyperparameters(learning_rate=0.0)
    Traceback (most recent call last):
    ValueError: learning_rate: expected a finite number > 0, got 0.0
    """

    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    dropout: float = 0.2
    encoder_dropout: float = 0.1
    tail_mass: float | None = None
    smoothing: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers out of their ranges: once they are traced, nobody can."""
        for name, (holds, expected) in _RANGES.items():
            value = getattr(self, name)
            if not (value is None and name in _OPTIONAL) and not holds(value):
                raise ValueError(f"{name}: expected {expected}, got {value!r}")


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Stacked:
    """The numbers of K members as arrays, or those of one, traced.

    Attributes:
        learning_rate: as in `Hyperparameters`, and so the others.
        weight_decay: likewise.
        dropout: likewise.
        encoder_dropout: likewise.
        tail_mass: likewise; None if the members have none.
        smoothing: likewise.
        key: of the seed.
    """

    learning_rate: Float[Array, "*K"]
    weight_decay: Float[Array, "*K"]
    dropout: Float[Array, "*K"]
    encoder_dropout: Float[Array, "*K"]
    tail_mass: Float[Array, "*K"] | None
    smoothing: Float[Array, "*K"] | None
    key: Key[Array, "*K"]


def stack(members: Sequence[Hyperparameters]) -> Stacked:
    """Stack the numbers of K members.

    Raises:
        ValueError: no members, or a number that only some of them have.

    >>> stack([Hyperparameters(dropout=0.5), Hyperparameters(dropout=0.25)]).dropout.tolist()
    [0.5, 0.25]
    """
    if not members:
        raise ValueError("members: expected at least one, got none")
    columns = {
        field.name: [getattr(member, field.name) for member in members]
        for field in fields(Hyperparameters)
    }
    seeds = columns.pop("seed")
    arrays: dict[str, Array | None] = {}
    for name, values in columns.items():
        missing = [i for i, value in enumerate(values) if value is None]
        if missing and len(missing) < len(values):
            raise ValueError(
                f"{name}: expected a number of every member or of none, got None of member "
                f"{missing[0]}"
            )
        arrays[name] = None if missing else jnp.asarray(values, jnp.float32)
    return Stacked(key=jnp.stack([jax.random.key(seed) for seed in seeds]), **arrays)  # type: ignore[arg-type]
