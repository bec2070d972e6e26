"""Calibrated, heavy-tailed predictive distributions in JAX, and the NFL passing score.

    model = sbp_jax.fit(x, y)                       # arrays, data frames or sequences
    law = model(x_new)                              # a distribution for each row
    law.quantile([0.05, 0.5, 0.95])
    model.save("model.npz")
    model = sbp_jax.load("model.npz")

Football is `sbp_jax.nfl`; of the rest only `sbp_jax.jobs`, what experiments and scripts do, imports
from there. See docs/design.md.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sbp_jax.arrays.fit import fit, fit_each
    from sbp_jax.arrays.model import Model
    from sbp_jax.distributions.law import Law, mixture_of
    from sbp_jax.jobs.load import load
    from sbp_jax.plots.law_figure import law_figure

__version__ = "0.1.0"

__all__ = ["Law", "Model", "fit", "fit_each", "law_figure", "load", "mixture_of"]

_PLACES = {
    "Law": "sbp_jax.distributions.law",
    "Model": "sbp_jax.arrays.model",
    "fit": "sbp_jax.arrays.fit",
    "fit_each": "sbp_jax.arrays.fit",
    "law_figure": "sbp_jax.plots.law_figure",
    "load": "sbp_jax.jobs.load",
    "mixture_of": "sbp_jax.distributions.law",
}


def __getattr__(name: str) -> Any:
    """The door's names, imported when they are asked for: importing the package loads no JAX."""
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
