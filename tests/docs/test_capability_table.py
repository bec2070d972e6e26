"""Every cell of the capability table of docs/heavy_tails.md is what a probe of the method finds."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.extremes import Spot, run_on_residuals

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "heavy_tails.md"
EDGES = np.linspace(-4, 4, 17)
FAMILIES = {
    "SBP": SplicedBinnedPareto(EDGES),
    "Binned": Binned(EDGES),
    "Gaussian": Gaussian(),
    "Student t": StudentT(),
    "Gaussian mixture": GaussianMixture(),
    "hybrid Pareto": HybridPareto(),
    "quantiles": QuantileHead((0.05, 0.2, 0.4, 0.6, 0.8, 0.95)),
}
DETECTORS = {"SPOT": 0, "DSPOT": 100, "NN-SPOT": 0}
COLUMNS = (
    "base",
    "several modes",
    "tails differ",
    "unbounded",
    "mean moves",
    "scale moves",
    "tail index moves",
    "threshold moves",
    "one stage",
    "density",
)
GRID = np.linspace(-12, 12, 4801)


def table():
    """Rows of the page's table, each with its cells as booleans."""
    text = PAGE.read_text(encoding="utf-8").split("\n## Who can do what\n")[1]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert tuple(rows[0][1:]) == COLUMNS
    return {row[0]: [{"yes": True, "no": False}[cell] for cell in row[1:]] for row in rows[2:]}


def varies(values):
    """Whether numbers differ by more than rounding between parameters."""
    return bool(np.ptp(values) > 1e-3 * (1 + np.abs(np.median(values))))


def probe_family(family):
    """The row of a family, from 64 random outputs of a network."""
    raw = 3 * jax.random.normal(jax.random.key(0), (64, family.num_outputs))
    params = jax.jit(family.constrain)(raw)

    def at(method, values):
        return np.asarray(jax.jit(jax.vmap(method, (None, 0)))(params, jnp.asarray(values)))

    density = np.exp(at(family.log_prob, GRID)).T
    lower, middle, upper, *quartiles = at(family.quantile, [0.001, 0.5, 0.999, 0.25, 0.75])
    beside = np.minimum(
        np.maximum.accumulate(density, axis=1), np.maximum.accumulate(density[:, ::-1], 1)[:, ::-1]
    )
    far = at(family.log_sf, [1e5, 1e6])
    with np.errstate(invalid="ignore"):
        index = -(far[1] - far[0]) / np.log(10)
    heavy = np.isfinite(index) & (index < 100)
    thresholds = getattr(family, "thresholds", getattr(family, "junctions", None))
    ends = at(family.cdf, GRID[[0, -1]])
    slope = jax.grad(lambda r: jnp.sum(family.log_prob(family.constrain(r), 0.3)))(raw)
    return [
        bool(np.all((ends[1] - ends[0]) > 0.05) and np.all(np.isfinite(middle))),
        bool(np.any(density < 0.8 * beside)),
        varies((upper - middle) / (middle - lower)),
        bool(np.all(np.isfinite(at(family.log_sf, [1e3])))),
        varies(middle),
        varies(quartiles[1] - quartiles[0]),
        bool(heavy.any()) and varies(index[heavy]),
        thresholds is not None and varies(np.ravel(thresholds(params)[0])),
        bool(jnp.all(jnp.isfinite(slope)) and jnp.any(slope != 0)),
        integrates(family, raw / 8),
    ]


def integrates(family, raw):
    """Whether the density on the grid has the area that the distribution function says it has."""
    params = family.constrain(raw)
    density = jnp.exp(jax.vmap(family.log_prob, (None, 0))(params, jnp.asarray(GRID)))
    area = jnp.sum(density[1:] + density[:-1], axis=0) / 2 * (GRID[1] - GRID[0])
    return bool(
        jnp.all(jnp.abs(area - family.cdf(params, 12.0) + family.cdf(params, -12.0)) < 0.01)
    )


def probe_detector(name, depth):
    """The row of a detector, from streams that move, widen, or are skewed."""
    rng = np.random.default_rng(0)
    noise = rng.exponential(size=4000) - 1.0
    spot = Spot(risk=1e-3, tails="both", depth=depth)

    def run(stream, predicted):
        if name == "NN-SPOT":
            state = spot.fit(noise[:2000])
            return run_on_residuals(spot, state, stream, predicted)[1]
        return spot.run(spot.fit(noise[:2000]), stream)[1]

    still = run(noise[2000:], np.zeros(2000))
    ramp = np.linspace(0, 5, 2000)
    moved = run(noise[2000:] + ramp, ramp)
    rise = float(moved.limit[-1, 0] - moved.limit[0, 0])
    probability = np.asarray(still.probability)[:, 0]
    reach = np.abs(np.asarray(still.limit)[0])
    widened = run(np.where(np.arange(2000) < 1000, 1, 0.5) * noise[2000:], np.zeros(2000))
    follows = rise > 4
    return [
        bool(np.isfinite(probability).mean() > 0.5),
        False,  # there is no body that could have modes: see the first column
        bool(reach[0] > 2 * reach[1]),
        bool(Spot(risk=1e-9).fit(noise[:2000]).tails.limit.max() > noise.max()),
        follows,
        bool(abs(widened.limit[-1, 0] / widened.limit[999, 0] - 0.5) < 0.2),
        False,  # one shape for all inputs: `Tails.shape` has no axis of time
        follows,
        False,  # thresholds first, by rank, the tail after
        bool(np.nanmax(probability) > 0.5),
    ]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("SBP", "Gaussian") else pytest.mark.slow)
        for name in FAMILIES
    ],
)
def test_a_family_can_do_what_its_row_says(name):
    assert dict(zip(COLUMNS, probe_family(FAMILIES[name]), strict=True)) == dict(
        zip(COLUMNS, table()[name], strict=True)
    )


@pytest.mark.parametrize("name", DETECTORS)
def test_a_detector_can_do_what_its_row_says(name):
    assert dict(zip(COLUMNS, probe_detector(name, DETECTORS[name]), strict=True)) == dict(
        zip(COLUMNS, table()[name], strict=True)
    )


def test_every_row_is_tried():
    assert set(table()) == {*FAMILIES, *DETECTORS}
