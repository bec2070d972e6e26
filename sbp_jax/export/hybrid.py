"""The hybrid Pareto mixture in NumPy.

Formulas and symbols are those of `sbp_jax.distributions.hybrid_pareto`: a normal body that goes on
smoothly, from the junction s on, as a generalized Pareto tail; later components face down.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbp_jax.export.family import (
    Parameters,
    at_values_of,
    clipped,
    log_normal_density,
    normal_cdf,
    normal_quantile,
    positive,
    squashed_shape,
)
from sbp_jax.export.mixture import Mixture
from sbp_jax.export.spliced import excess, hazard

Floats = NDArray[np.floating]
_SCALE_AT_ZERO = 0.25  # in spreads
_FARTHEST = 1e4  # of a location from the centre, in spreads
_HALLEY_STEPS = 4


class HybridPareto(Mixture):
    """Mixture of hybrid Pareto components; the first ceil(K / 2) have their tail above."""

    def __init__(
        self, components: int, center: float, spread: float, shape_range: Sequence[float]
    ) -> None:
        down = components // 2
        signs = np.repeat([1.0, -1.0], [components - down, down])
        super().__init__(Component(signs), components)
        self._offsets = np.concatenate([np.arange(n) / n for n in (components - down, down)])
        self._offsets *= signs
        self._center, self._spread, self._shape_range = center, spread, shape_range

    def constrain(self, raw: Floats) -> Parameters:
        """Logits, locations, scales and shapes, K of each."""
        logits, locs, scales, shapes = np.split(clipped(raw), 4, axis=-1)
        shifts = np.clip(locs + self._offsets.astype(raw.dtype), -_FARTHEST, _FARTHEST)
        base = {
            "loc": self._center + self._spread * shifts,
            "scale": positive(scales, _SCALE_AT_ZERO * self._spread),
            "shape": squashed_shape(shapes, self._shape_range),
        }
        return {"logits": logits, "base": base}


class Joint(NamedTuple):
    """What follows from the shape: junction s, Pareto scale beta, and gamma, all of scale 1."""

    at: Floats
    scale: Floats
    mass: Floats


class Component:
    """One component, or K of them on the last axis.

    Args:
        signs: (K,) 1 for those whose tail is above, -1 for the others.
    """

    num_outputs = 3

    def __init__(self, signs: Floats) -> None:
        self._signs = signs

    def constrain(self, raw: Floats) -> Parameters:
        """Not asked for: the mixture makes the parameters of all its components."""
        raise NotImplementedError

    def log_prob(self, parameters: Parameters, y: Floats) -> Floats:
        """Log density."""
        z, joint = self._standard(parameters, y)
        over = np.maximum(z - joint.at, 0)
        shape, scale = parameters["shape"], parameters["scale"]
        tail = -np.log(joint.scale) - (1 + shape) * hazard(over, shape, joint.scale)
        body = log_normal_density(np.minimum(z, joint.at))
        return np.where(z < joint.at, body, tail) - np.log(joint.mass) - np.log(scale)

    def cdf(self, parameters: Parameters, y: Floats) -> Floats:
        """Distribution function."""
        short, beyond = self._sides(parameters, y)
        return np.where(self._signs > 0, short, beyond)

    def sf(self, parameters: Parameters, y: Floats) -> Floats:
        """Survival function."""
        short, beyond = self._sides(parameters, y)
        return np.where(self._signs > 0, beyond, short)

    def quantile(self, parameters: Parameters, q: Floats) -> Floats:
        """Inverse of F, in closed form."""
        loc, shape = parameters["loc"], parameters["shape"]
        q, joint = at_values_of(loc, q), join(shape)
        short, beyond = np.where(self._signs > 0, q, 1 - q), np.where(self._signs > 0, 1 - q, q)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_tail = np.log(beyond * joint.mass)
        tail = joint.at + excess(np.maximum(-log_tail, 0), shape, joint.scale)
        body = normal_quantile(np.clip(short * joint.mass, 0, 0.9)).astype(loc.dtype)
        z = np.where(log_tail < 0, tail, body)
        return np.where((q >= 0) & (q <= 1), loc + self._signs * parameters["scale"] * z, np.nan)

    def _standard(self, parameters: Parameters, y: Floats) -> tuple[Floats, Joint]:
        """Distance from the location in the direction that a component faces."""
        loc = parameters["loc"]
        z = self._signs * ((at_values_of(loc, y) - loc) / parameters["scale"])
        return z, join(parameters["shape"])

    def _sides(self, parameters: Parameters, y: Floats) -> tuple[Floats, Floats]:
        """Mass before a point in the direction of facing, and beyond it."""
        z, joint = self._standard(parameters, y)
        over = np.maximum(z - joint.at, 0)
        tail = np.exp(-hazard(over, parameters["shape"], joint.scale)) / joint.mass
        normal = normal_cdf(np.minimum(z, joint.at)) / joint.mass
        inside = z < joint.at
        return np.where(inside, normal, 1 - tail), np.where(inside, 1 - normal, tail)


def join(shape: Floats) -> Joint:
    """Junction, Pareto scale and gamma of a component with location 0 and scale 1.

    >>> [round(float(x), 4) for x in join(np.array(0.0))]
    [0.3722, 2.6864, 1.6451]
    """
    at = np.sqrt(_lambert_w((1 + shape) ** 2 / (2 * math.pi)))
    return Joint(at, (1 + shape) / at, 1 + normal_cdf(at))


def _lambert_w(x: Floats) -> Floats:
    """W with `W exp(W) = x`, for x > 0, by Halley's method."""
    log = np.log1p(x)
    w = log * (1 - np.log1p(log) / (2 + log))
    for _ in range(_HALLEY_STEPS):
        off = w - x * np.exp(-w)
        w = w - off / (1 + w - 0.5 * (2 + w) * off / (1 + w))
    return w
