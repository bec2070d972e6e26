r"""Student's t distribution in NumPy.

Formulas are those of `sbp_jax.distributions.student_t`: NumPy has no incomplete beta function, and
two Gauss rules need none. nu degrees of freedom, L = log(1 + z^2 / nu), T(z) = 1 - F(z):

    near:  T = 1/2 - c sqrt(nu) \int_0^asinh(z / sqrt(nu)) cosh(s)^-nu ds         (Legendre)
    far:   T = c nu^-1/2 exp(-nu L / 2) \int_0^oo e^-w (1 - e^(-L - 2 w / nu))^-1/2 dw  (Laguerre)
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.family import Parameters, at_values_of, clipped, positive, sigmoid
from sbp_jax.export.search import invert

Floats = NDArray[np.floating]
_DF_AT_ZERO = 5.0
_FAR = 5.0  # nu L from which on the far formula holds
_LEGENDRE = np.polynomial.legendre.leggauss(20)
_LAGUERRE = tuple(rule[:17] for rule in np.polynomial.laguerre.laggauss(24))  # the rest < 1e-19
_log_gamma = np.frompyfunc(math.lgamma, 1, 1)


class StudentT:
    """Student's t distribution with location, scale and degrees of freedom.

    >>> family = StudentT(center=7.0, spread=10.0, df_range=(2.0, 100.0))
    >>> {name: x.round(4).tolist() for name, x in family.constrain(np.zeros(3)).items()}
    {'loc': 7.0, 'scale': 10.0, 'df': 5.0}
    """

    num_outputs = 3

    def __init__(self, center: float, spread: float, df_range: Sequence[float]) -> None:
        self._center, self._spread = center, spread
        self._df_range = df_range

    def constrain(self, raw: Floats) -> Parameters:
        """Location, scale, and degrees of freedom, whose logarithm is logistic in its bounds."""
        raw = clipped(raw)
        low, high = self._df_range
        run = math.log(high / low)
        at_zero = math.log(_DF_AT_ZERO / low) / run if low < _DF_AT_ZERO < high else 0.5
        share = sigmoid(raw[..., 2] + math.log(at_zero / (1 - at_zero)))
        return {
            "loc": self._center + self._spread * raw[..., 0],
            "scale": positive(raw[..., 1], self._spread),
            "df": np.clip(low * np.exp(run * share), low, high),
        }

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """`log c - log sigma - (nu + 1) L / 2`."""
        df = parameters["df"]
        L = _log1p_square(_standard(parameters, y), df)
        return _log_peak(df) - 0.5 * (df + 1) * L - np.log(parameters["scale"])

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Distribution function, accurate also where it is small."""
        return _upper(-_standard(parameters, y), parameters["df"])

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """Survival function, accurate also where it is small."""
        return _upper(_standard(parameters, y), parameters["df"])

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """Inverse of F by a search; infinite at 0 and 1, NaN outside [0, 1]."""
        loc, scale, df = (parameters[name] for name in ("loc", "scale", "df"))
        q, df = np.broadcast_arrays(np.asarray(q, np.float64), df)
        inside = (q > 0) & (q < 1)
        guess = np.full(q.shape, 2.0)
        standard = {"loc": np.zeros(()), "scale": np.ones(()), "df": df}
        z = invert(self, standard, q.ndim, np.where(inside, q, 0.5), -guess, guess)
        ends = np.where(q == 0, -np.inf, np.where(q == 1, np.inf, np.nan))
        found = loc + scale * np.where(inside, z, ends)
        return np.asarray(found, loc.dtype)


def _standard(parameters: Parameters, y: Floats) -> Floats:
    loc = parameters["loc"]
    return (at_values_of(loc, y) - loc) / parameters["scale"]


def _log_peak(df: Floats) -> Floats:
    """Log c, the log density at z = 0."""
    half = 0.5 * np.asarray(df, np.float64)
    step = _log_gamma(half + 0.5) - _log_gamma(half)
    return np.asarray(step, np.float64) - 0.5 * np.log(2 * math.pi * half)


def _log1p_square(z: Floats, df: Floats) -> Floats:
    """L, also where z^2 would overflow."""
    r = np.abs(z) / np.sqrt(df)
    with np.errstate(divide="ignore"):
        beyond = 2 * np.log(r) + np.log1p((1 / np.maximum(r, 1)) ** 2)
    return np.where(r > 1, beyond, np.log1p(np.minimum(r, 1) ** 2))


def _upper(z: Floats, df: Floats) -> Floats:
    """1 - F(z)."""
    tail = _tail(np.abs(z), df)
    return np.where(z < 0, 1 - tail, tail)


def _tail(z: Floats, df: Floats) -> Floats:
    """T(z) for z >= 0."""
    z, df = np.broadcast_arrays(z, df)
    L, peak = _log1p_square(z, df), _log_peak(df)
    far = df * L > _FAR
    # Far out: the factor by which the tail differs from a power law, between 1 and sqrt(nu).
    beyond = np.where(far, L, _FAR / df)
    falls = beyond[..., None] + 2 * _LAGUERRE[0] / df[..., None]
    factor = np.sum(_LAGUERRE[1] / np.sqrt(-np.expm1(-falls)), axis=-1)
    outer = np.exp(peak - 0.5 * np.log(df) - 0.5 * df * beyond) * factor
    # Near the centre: what is left of 1/2.
    end = np.arcsinh(np.where(far, 0.0, z) / np.sqrt(df))
    s = end[..., None] * (0.5 + 0.5 * _LEGENDRE[0])
    body = np.exp(-0.5 * df[..., None] * np.log1p(np.sinh(s) ** 2))
    mass = np.exp(peak) * np.sqrt(df) * end * np.sum(0.5 * _LEGENDRE[1] * body, axis=-1)
    return np.where(far, outer, 0.5 - mass)
