"""A search space, and what it is searched on, as Python values.

Numeric settings change no shape and are trained as a population; structural ones make another
program. A setting is named as the field it sets, which the experiment's config has itself or in
its ``network`` or ``train``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Final, TypeVar

from sbp_jax.batch import Batch
from sbp_jax.errors import SweepError
from sbp_jax.runs.ranges import Finite, Range, refuse_out_of_range
from sbp_jax.training.hyperparameters import Hyperparameters

T = TypeVar("T")

_PARTS: Final = ("network", "train")
_OF_TRAINING: Final = ("learning_rate", "weight_decay", "seed")
_OF_HEAD: Final = ("tail_mass",)
"""Numbers that members may differ in, by where an experiment's config has them; its network
declares its own."""


@dataclass(frozen=True)
class Problem:
    """Examples that a sweep trains on and judges by; nothing of the test plays is in it.

    Attributes:
        train: NumPy arrays.
        valid: NumPy arrays.
        fingerprint: of the data that both were made from.
    """

    train: Batch
    valid: Batch
    fingerprint: str


@dataclass(frozen=True)
class Uniform:
    """Numbers from ``low`` to ``high``, all alike; both are finite, and low < high."""

    low: Finite
    high: Finite

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        refuse_out_of_range(self, SweepError)
        if self.low >= self.high:
            raise SweepError(f"expected low < high, got {self}")


@dataclass(frozen=True)
class LogUniform(Uniform):
    """Numbers from ``low`` to ``high``, every ratio alike; both are > 0."""

    def __post_init__(self) -> None:
        """Refuse what has no logarithm."""
        super().__post_init__()
        if self.low <= 0:
            raise SweepError(f"expected low > 0, got {self}")


@dataclass(frozen=True)
class Integers(Uniform):
    """Whole numbers from ``low`` to ``high``, both included."""

    low: Annotated[int, Range()]
    high: Annotated[int, Range()]


@dataclass(frozen=True)
class Choice:
    """One of some values, which need not be numbers; each has a label."""

    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        """Refuse options that could not be told apart."""
        if not self.options or len(set(self.labels)) < len(self.options):
            raise SweepError(f"expected different options, got {self.options!r}")

    @property
    def labels(self) -> tuple[str, ...]:
        """What stands for the options in a study and in tables.

        >>> Choice(((128, 128), 7, "crps")).labels
        ('128-128', '7', 'crps')
        """
        return tuple(
            "-".join(map(str, option)) if isinstance(option, tuple) else str(option)
            for option in self.options
        )

    def option(self, label: str) -> Any:
        """The option of a label."""
        return self.options[self.labels.index(label)]


@dataclass(frozen=True)
class SearchSpace:
    """What is varied; everything else stays as the config has it.

    Attributes:
        numeric: ranges of settings that a population may vary: `Hyperparameters`, or numbers
            that the config's network declares.
        structural: values of any other settings.

    Raises:
        SweepError: a setting is in both.
    """

    numeric: Mapping[str, Uniform]
    structural: Mapping[str, Choice]

    def __post_init__(self) -> None:
        """Refuse settings in the wrong place."""
        if twice := sorted(self.numeric.keys() & self.structural.keys()):
            raise SweepError(f"expected each setting once, got {twice} as numeric and structural")

    def describe(self) -> dict[str, Any]:
        """Plain values that tell one space from another."""
        return {
            name: {"kind": type(values).__name__, **vars(values)}
            for name, values in {**self.numeric, **self.structural}.items()
        }

    def settings(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Settings of a trial's parameters: labels become the options they stand for."""
        return {
            name: self.structural[name].option(value) if name in self.structural else value
            for name, value in parameters.items()
        }

    def check(self, config: Any) -> None:
        """Set every end of a range and every option once, to find what the config refuses.

        Raises:
            SweepError: there is such a value, or a numeric setting that no population can vary;
                the message names it.
        """
        known = (*_OF_TRAINING, *_OF_HEAD, *config.network.varied)
        if strange := sorted(self.numeric.keys() - set(known)):
            raise SweepError(f"search space: numeric: expected settings of {known}, got {strange}")
        for name, value in self._extremes():
            try:
                member_of(with_settings(config, {name: value}))
            except (ValueError, TypeError) as error:
                raise SweepError(f"search space: {name} = {value!r}: {error}") from error

    def _extremes(self) -> Iterator[tuple[str, Any]]:
        for name, values in self.numeric.items():
            yield from ((name, values.low), (name, values.high))
        for name, choice in self.structural.items():
            yield from ((name, option) for option in choice.options)


def with_settings(config: T, settings: Mapping[str, Any]) -> T:
    """An experiment's config with some settings replaced.

    Args:
        config: a dataclass with the parts ``network`` and ``train``.
        settings: by the name of the field, wherever it is.

    Raises:
        TypeError: no part has a field of that name.
        ValueError: the config refuses a value.
    """
    remaining = dict(settings)
    parts = {}
    for part in _PARTS:
        inner = getattr(config, part)
        own = [name for name in settings if _has(inner, name)]
        parts[part] = replace(inner, **{name: remaining.pop(name) for name in own})
    if unknown := [name for name in remaining if not _has(config, name)]:
        raise TypeError(f"expected settings of {type(config).__name__}, got {unknown}")
    return replace(config, **remaining, **parts)  # type: ignore[type-var]


def member_of(config: Any) -> Hyperparameters:
    """The numbers that a config of an experiment trains its spliced head with.

    Raises:
        ValueError: one is out of its range.
    """
    numbers = {name: getattr(config.network, name) for name in config.network.varied}
    for name, (low, high) in config.network.varied.items():
        if not low <= numbers[name] < high:
            raise ValueError(
                f"{name}: expected a number in [{low:g}, {high:g}), got {numbers[name]}"
            )
    shared = {name: getattr(config.train, name) for name in _OF_TRAINING}
    return Hyperparameters(**shared, **{n: getattr(config, n) for n in _OF_HEAD}, network=numbers)


def _has(config: Any, name: str) -> bool:
    return any(field.name == name for field in fields(config))
