"""Families by name, so that a run folder or a weights file can say which one a model has."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from sbp_jax.distributions.binned import Binned
from sbp_jax.distributions.family import Family
from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.gaussian_mixture import GaussianMixture
from sbp_jax.distributions.hybrid_pareto import HybridPareto
from sbp_jax.distributions.mixture import Mixture
from sbp_jax.distributions.moved import Moved
from sbp_jax.distributions.quantile_head import QuantileHead
from sbp_jax.distributions.spliced_binned_pareto import SplicedBinnedPareto
from sbp_jax.distributions.student_t import StudentT
from sbp_jax.distributions.tabulated import Tabulated
from sbp_jax.distributions.tops import Tops

F = TypeVar("F", bound=type)

_KNOWN: dict[str, type] = {}


def register_family(family: F) -> F:
    """Let descriptions name a class of families, a frozen dataclass; a decorator.

    Its fields are numbers, texts, None, families, and tuples of such. A class that is defined
    anew, as by a cell of a notebook that is run again, takes the place of the old one.

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
    given = dict(description)
    name = given.pop("name", None)
    if name not in _KNOWN:
        raise ValueError(f"family: expected one of {sorted(_KNOWN)}, got {name!r}")
    family: Family = _KNOWN[name](**{key: _read(value) for key, value in given.items()})
    return family


def describe_family(family: Any) -> dict[str, Any]:
    """The inverse of `family_from`: a family's name and its fields, families among them likewise.

    >>> from sbp_jax.distributions.moved import Moved
    >>> describe_family(Moved(Gaussian(), spread=2.0))["base"]
    {'name': 'Gaussian', 'center': 0.0, 'spread': 1.0}
    """
    values = {one.name: getattr(family, one.name) for one in fields(family)}
    described = {
        name: describe_family(value) if is_dataclass(value) else value
        for name, value in values.items()
    }
    return {"name": type(family).__name__, **described}


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        return family_from(value)
    return tuple(map(_read, value)) if isinstance(value, list) else value


for _family in (
    Binned, Gaussian, GaussianMixture, HybridPareto, Mixture, Moved, QuantileHead,
    SplicedBinnedPareto, StudentT, Tabulated, Tops,
):  # fmt: skip
    register_family(_family)
