"""Families by name, so that a run folder or a weights file can say which one a model has."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sbp_jax.distributions.binned import Binned
from sbp_jax.distributions.family import Family
from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.gaussian_mixture import GaussianMixture
from sbp_jax.distributions.hybrid_pareto import HybridPareto
from sbp_jax.distributions.quantile_head import QuantileHead
from sbp_jax.distributions.spliced_binned_pareto import SplicedBinnedPareto
from sbp_jax.distributions.student_t import StudentT

F = TypeVar("F", bound=type)

_KNOWN: dict[str, type] = {}


def register_family(family: F) -> F:
    """Let descriptions name a class of families, a frozen dataclass; a decorator.

    Its fields are numbers, texts, None, and tuples of such. A class that is defined anew, as by a
    cell of a notebook that is run again, takes the place of the old one.

    Raises:
        ValueError: another class has that name.
    """
    known = _KNOWN.get(family.__name__, family)
    if (known.__module__, known.__qualname__) != (family.__module__, family.__qualname__):
        raise ValueError(f"family: expected a name of its own, got {known!r} and {family!r}")
    _KNOWN[family.__name__] = family
    return family


def family_from(description: Mapping[str, Any]) -> Family:
    """Build the family that `sbp_jax.export.describe` described: its name, and its fields.

    Raises:
        ValueError: the name is unknown, or a field is out of its range.
        TypeError: a field is missing or unknown.

    >>> family_from({"name": "Gaussian", "center": 7.0, "spread": 10.0})
    Gaussian(center=7.0, spread=10.0)
    """
    fields = dict(description)
    name = fields.pop("name", None)
    if name not in _KNOWN:
        raise ValueError(f"family: expected one of {sorted(_KNOWN)}, got {name!r}")
    family: Family = _KNOWN[name](**{key: _frozen(value) for key, value in fields.items()})
    return family


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


for _family in (
    Binned, Gaussian, GaussianMixture, HybridPareto, QuantileHead, SplicedBinnedPareto, StudentT
):  # fmt: skip
    register_family(_family)
