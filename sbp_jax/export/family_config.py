"""The family that a weights file names, built from its static fields."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sbp_jax.errors import ExportError
from sbp_jax.export.architecture import field, number
from sbp_jax.export.family import Binned, Family, Gaussian
from sbp_jax.export.spliced import Spliced

_MODES = ("quantile", "edge")


def read_family(config: Mapping[str, Any]) -> Family:
    """Build the family that the config of a weights file describes.

    Raises:
        ExportError: an unknown family, or a field that is missing or out of range.

    >>> read_family({"family": {"name": "Binned", "edges": [0, 1, 2]}}).num_outputs
    2
    """
    family = field(config, "family", dict)
    name = field(family, "name", str)
    if name == "Gaussian":
        return Gaussian(number(family, "center"), number(family, "spread"))
    if name == "Binned":
        return Binned(_edges(family))
    if name == "SplicedBinnedPareto":
        mode = field(family, "splice", str)
        if mode not in _MODES:
            raise ExportError(f"config: expected 'splice' as one of {_MODES}, found {mode!r}")
        return Spliced(_edges(family), _tail_mass(family), mode, _shape_range(family))
    raise ExportError(
        "config: expected the family SplicedBinnedPareto, Binned or Gaussian, found " + repr(name)
    )


def _numbers(family: Mapping[str, Any], name: str) -> tuple[float, ...]:
    values = field(family, name, list)
    if not all(isinstance(value, int | float) for value in values):
        raise ExportError(f"config: expected {name!r} as a list of numbers, found {values}")
    return tuple(float(value) for value in values)


def _edges(family: Mapping[str, Any]) -> tuple[float, ...]:
    edges = _numbers(family, "edges")
    if len(edges) < 3 or not np.all(np.diff(np.asarray(edges, np.float32)) > 0):
        raise ExportError("config: expected at least 3 increasing 'edges', found " + str(edges))
    return edges


def _tail_mass(family: Mapping[str, Any]) -> tuple[float, float]:
    masses = _numbers(family, "tail_mass")
    if len(masses) != 2 or not all(0 < mass < 0.5 for mass in masses):
        raise ExportError(f"config: expected two 'tail_mass' in (0, 0.5), found {masses}")
    return masses[0], masses[1]


def _shape_range(family: Mapping[str, Any]) -> tuple[float, float]:
    ends = _numbers(family, "shape_range")
    if len(ends) != 2 or not -1 < ends[0] < ends[1] < 2:
        raise ExportError(
            f"config: expected 'shape_range' as -1 < lowest < highest < 2, found {ends}"
        )
    return ends[0], ends[1]
