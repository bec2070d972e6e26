"""What `fit` may be told, checked before anything is computed."""

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, Final, get_args

import jax
import optax

from sbp_jax.distributions import Family
from sbp_jax.errors import InputError
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.models.tcn import Precision
from sbp_jax.training.objective import ObjectiveName, make_objective

Rule = tuple[Callable[[Any], bool], str]
"""Whether a value will do, and what is expected."""

_SEEDS: Final = 2**31
_LEAST_CELL: Final = 1e-5  # standard deviations: less is lost in float32


def _whole(least: int, below: float = math.inf) -> Callable[[Any], bool]:
    return lambda x: isinstance(x, Integral) and _no_bool(x) and least <= int(x) < below


def _number(holds: Callable[[float], bool]) -> Callable[[Any], bool]:
    return lambda x: isinstance(x, Real) and _no_bool(x) and holds(float(x))


def _no_bool(x: Any) -> bool:
    return not isinstance(x, bool)


_COUNT: Final[Rule] = (_whole(1), "a whole number >= 1")
_RULES: Final[dict[str, Rule]] = {
    "members": _COUNT,
    "epochs": _COUNT,
    "batch_size": _COUNT,
    "devices": _COUNT,
    "cell": (_number(lambda x: 0 < x < math.inf), "a finite number > 0"),
    "learning_rate": (_number(lambda x: 0 < x < math.inf), "a finite number > 0"),
    "weight_decay": (_number(lambda x: 0 <= x < math.inf), "a finite number >= 0"),
    "seed": (_whole(0, _SEEDS), "a whole number in [0, 2**31)"),
    "precision": (lambda x: x in get_args(Precision), f"one of {get_args(Precision)}"),
    "objective": (lambda x: x in get_args(ObjectiveName), f"one of {get_args(ObjectiveName)}"),
    "missing": (lambda x: x in ("refuse", "fill"), "'refuse' or 'fill'"),
    "network": (lambda x: isinstance(x, NetworkConfig), "a NetworkConfig"),
    "optimizer": (
        lambda x: isinstance(x, optax.GradientTransformation),
        "an optax.GradientTransformation",
    ),
}
_OPTIONAL: Final = (
    "epochs", "batch_size", "cell", "learning_rate", "objective", "network", "optimizer",
)  # fmt: skip


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse what `fit` cannot do.

    Args:
        settings: by name of the argument of `fit`.

    Raises:
        InputError: a setting is of another type or out of its range.
    """
    for name, value in settings.items():
        holds, expected = _RULES[name]
        if name in _OPTIONAL:
            if value is None:
                continue
            expected = f"None or {expected}"
        if not holds(value):
            raise InputError(f"{name}: expected {expected}, got {value!r}")
    if (devices := settings["devices"]) > len(jax.devices()):
        raise InputError(f"devices: expected at most {len(jax.devices())} here, got {devices}")


def said_family(family: Any, y: Any) -> Family:
    """The family that `fit` was told, made of the standardised target if it is a function.

    Raises:
        InputError: it is none.
    """
    if isinstance(family, type) or not (isinstance(family, Family) or callable(family)):
        raise InputError(
            f"family: expected an instance, such as Gaussian(), or a function of y, got {family!r}"
        )
    found = family if isinstance(family, Family) else family(y)
    if isinstance(found, type) or not isinstance(found, Family):
        raise InputError(f"family: expected a function that returns a family, got {found!r} of it")
    return found


def check_objective(family: Family, objective: ObjectiveName, cell: float | None) -> None:
    """Refuse an objective that a family has no use for.

    Args:
        family: in standard units.
        objective: its name.
        cell: width in standard units.

    Raises:
        InputError: the family lacks what it needs, or there is no cell, or far too small a one.
    """
    if cell is not None and cell < _LEAST_CELL:
        raise InputError(
            f"cell: expected at least {_LEAST_CELL} standard deviations of y, got {cell:.2g}"
        )
    if objective == "interval_nll" and cell is None:
        raise InputError("cell: expected a width with the objective interval_nll, got None")
    try:
        make_objective(objective, family, cell)
    except (TypeError, ValueError) as error:
        raise InputError(f"objective: {error}") from error
