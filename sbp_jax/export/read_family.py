"""The family that a weights file describes, for the NumPy runtime."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sbp_jax.export.cells import QuantileHead, Tabulated
from sbp_jax.export.family import Binned, Family, Gaussian
from sbp_jax.export.hybrid import HybridPareto
from sbp_jax.export.mixture import GaussianMixture, Mixture, Tops
from sbp_jax.export.moved import Moved
from sbp_jax.export.spliced import Spliced
from sbp_jax.export.student_t import StudentT

_SERVED: Final[Mapping[str, Callable[..., Family]]] = {
    "SplicedBinnedPareto": Spliced,
    "Binned": Binned,
    "Gaussian": Gaussian,
    "StudentT": StudentT,
    "GaussianMixture": GaussianMixture,
    "HybridPareto": HybridPareto,
    "QuantileHead": QuantileHead,
    "Tabulated": Tabulated,
    "Moved": Moved,
    "Mixture": Mixture,
    "Tops": Tops,
}


def read_family(described: Mapping[str, Any]) -> Family:
    """Build the family of a description that `check_config` has let pass.

    >>> gaussian = {"name": "Gaussian", "center": 0.0, "spread": 1.0}
    >>> read_family({"name": "Mixture", "base": gaussian, "components": 4}).num_outputs
    12
    """
    fields = {
        name: read_family(value) if isinstance(value, Mapping) else value
        for name, value in described.items()
        if name != "name"
    }
    return _SERVED[described["name"]](**fields)
