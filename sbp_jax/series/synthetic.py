r"""The synthetic series of the spliced binned-Pareto paper, and the law it is drawn from.

    y_t = 5 + sin(2 pi t / 100) + e_t + s_t

e_t is half of the time below and half of the time above 0, each half a Student t with 10 degrees
of freedom times 0.25, drawn apart. s_t is 0 but for 15 % of the points: half of these jump up by a
generalized Pareto excess of scale 1 and shape 1/25, half down by one of shape 1/50. Residuals
e_t + s_t are independent of each other, so the best forecast that there is knows the sine, and
the law of the residual.

Reference: the set-up of the public code of Ehrlich, Callot and Aubet (2021), arXiv 2106.10952.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from jaxtyping import Float
from scipy import stats

from sbp_jax.runs.ranges import Finite, Positive, Share, refuse_out_of_range
from sbp_jax.series.series import Series, make_series

POINTS: Final = (5_000, 1_000, 1_000)
"""To train on, to choose the epoch by, to test on."""

_GRID: Final = np.linspace(-60.0, 90.0, 60_001)
# A spike's law is cut into pieces: the first 90 % equally likely, the rest narrower than noise.
_LEVELS: Final = np.linspace(0.0, 0.9, 181)
_REST: Final = np.arange(2.3, 60.05, 0.1)


@dataclass(frozen=True)
class SpikyLaw:
    """The law of a residual e + s.

    Attributes:
        freedom: degrees of freedom of the lower and the upper half of the noise, > 0.
        noise: scales of the same, > 0.
        spikes: share of the points that jump, in [0, 1).
        shapes: of the jumps down and up, finite.

    Raises:
        SettingError: a number out of its range.
    """

    freedom: tuple[Positive, Positive] = (10.0, 10.0)
    noise: tuple[Positive, Positive] = (0.25, 0.25)
    spikes: Share = 0.15
    shapes: tuple[Finite, Finite] = (1 / 50, 1 / 25)

    def __post_init__(self) -> None:
        """Refuse what is no law."""
        refuse_out_of_range(self)

    def sample(self, rng: np.random.Generator, size: int) -> Float[np.ndarray, " size"]:
        """Independent residuals."""
        lower, upper = (
            scale * np.abs(rng.standard_t(freedom, size))
            for freedom, scale in zip(self.freedom, self.noise, strict=True)
        )
        noise = np.where(rng.random(size) < 0.5, -lower, upper)
        down, up = (
            stats.genpareto.rvs(shape, size=size, random_state=rng) for shape in self.shapes
        )
        kind = rng.random(size)
        jump = np.where(kind < self.spikes / 2, -down, np.where(kind < self.spikes, up, 0.0))
        return noise + jump

    def cdf(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Distribution function, to 1e-5.

        >>> law = SpikyLaw()
        >>> law.cdf(np.array([-60.0, 90.0])).round(3).tolist()
        [0.0, 1.0]
        """
        return np.interp(residual, _GRID, self._cdf_on_grid)

    def crps(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Continuous ranked probability score of the law itself, by the trapezoidal rule."""
        below = np.concatenate([[0.0], np.cumsum(_trapezoids(self._cdf_on_grid**2))])
        squares = _trapezoids((1 - self._cdf_on_grid) ** 2)
        above = np.concatenate([np.cumsum(squares[::-1])[::-1], [0.0]])
        return np.interp(residual, _GRID, below + above)

    def log_pdf(self, residual: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Log density."""
        residual = np.asarray(residual)
        plain = (1 - self.spikes) * self._noise_pdf(residual)
        for shape, sign in zip(self.shapes, (-1, 1), strict=True):
            jumps, masses = _pieces(shape)
            plain += self.spikes / 2 * self._noise_pdf(residual[..., None] - sign * jumps) @ masses
        return np.log(plain)

    def _noise_pdf(self, e: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        lower, upper = (
            stats.t.pdf(e / scale, freedom) / scale
            for freedom, scale in zip(self.freedom, self.noise, strict=True)
        )
        return np.where(e < 0, lower, upper)

    def _noise_cdf(self, e: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        lower, upper = (
            stats.t.cdf(e / scale, freedom)
            for freedom, scale in zip(self.freedom, self.noise, strict=True)
        )
        return np.where(e < 0, lower, upper)

    @cached_property
    def _cdf_on_grid(self) -> Float[np.ndarray, " grid"]:
        """A jump shifts the noise; its law is taken as that of pieces."""
        noise = self._noise_cdf(_GRID)
        total = (1 - self.spikes) * noise
        for shape, sign in zip(self.shapes, (-1, 1), strict=True):
            for jump, mass in zip(*_pieces(shape), strict=True):
                total += self.spikes / 2 * mass * np.interp(_GRID - sign * jump, _GRID, noise)
        return total


def synthetic_series(seed: int, law: SpikyLaw | None = None) -> Series:
    """A series of the paper's set-up; the same seed gives the same numbers.

    >>> synthetic_series(0).values.shape
    (7000,)
    """
    points = sum(POINTS)
    residuals = (law or SpikyLaw()).sample(np.random.default_rng(seed), points)
    return make_series(level(np.arange(points)) + residuals, name=f"seed {seed}")


def level(index: np.ndarray) -> Float[np.ndarray, "..."]:
    """What the series moves about."""
    return 5 + np.sin(2 * np.pi * index / 100)


def _pieces(shape: float) -> tuple[Float[np.ndarray, " pieces"], Float[np.ndarray, " pieces"]]:
    """Medians of the pieces of a spike's law, and their probabilities; 1e-13 lies beyond."""
    ends = np.unique(np.concatenate([stats.genpareto.ppf(_LEVELS, shape), _REST]))
    beyond = stats.genpareto.sf(ends, shape)
    return stats.genpareto.isf((beyond[1:] + beyond[:-1]) / 2, shape), beyond[:-1] - beyond[1:]


def _trapezoids(values: Float[np.ndarray, " grid"]) -> Float[np.ndarray, "..."]:
    return (values[1:] + values[:-1]) / 2 * (_GRID[1] - _GRID[0])
