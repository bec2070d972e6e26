"""A target in another unit is the same target: objectives, steps and the choice of the epoch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import (
    Binned,
    Gaussian,
    GaussianMixture,
    HybridPareto,
    Moved,
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.loop import VALIDATION_SCORE, fit
from sbp_jax.training.objective import make_objective
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.program import Head

pytestmark = pytest.mark.usefixtures("quick_compilation")

EDGES = np.array([-3.0, -1.0, -0.5, 0.25, 1.0, 4.0])
CELL = 0.25
FAMILIES = {
    "binned": lambda c: Binned(c * EDGES),
    "spliced": lambda c: SplicedBinnedPareto(c * EDGES, splice="edge"),
    "moved": lambda c: Moved(SplicedBinnedPareto(EDGES), c * 0.5, c * 2.0),
    "gaussian": lambda c: Gaussian(c * 0.5, c * 2.0),
    "student": lambda c: StudentT(c * 0.5, c * 2.0),
    "mixture": lambda c: GaussianMixture(2, c * 0.5, c * 2.0),
    "hybrid": lambda c: HybridPareto(2, c * 0.5, c * 2.0),
    "quantiles": lambda c: QuantileHead((0.1, 0.5, 0.9), c * 0.5, c * 2.0),
}
OF_DENSITY = ("density_nll", "window_nll", "base_plus_tail without a cell")
SHIFTED = ("density_nll", "window_nll", "base_plus_tail")
PAIRS = [
    *((name, family) for name in ("density_nll", "interval_nll", "crps") for family in FAMILIES),
    ("base_plus_tail", "spliced"),
    ("base_plus_tail without a cell", "spliced"),
    ("smoothed_classification", "binned"),
    ("window_nll", "moved"),
    ("pinball", "quantiles"),
]
FAST = {"quantiles", "spliced"}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        pytest.param(
            *pair, marks=() if pair[1] in FAST or pair[0] == "window_nll" else pytest.mark.slow
        )
        for pair in PAIRS
    ],
)
def test_the_loss_moves_by_log_c_and_its_gradient_stays(name, family):
    rng = np.random.default_rng(0)
    y = np.array([-2.9, -0.7, 0.1, 0.9, 3.0, 3.9], np.float32)
    raw = rng.normal(size=(y.size, FAMILIES[family](1.0).num_outputs)).astype(np.float32)

    def loss_and_slope(c):
        law = FAMILIES[family](c)
        cell = None if name in OF_DENSITY else c * CELL
        objective = make_objective(name.split()[0], law, cell)

        def total(raw):
            losses = objective(law.constrain(raw), jnp.asarray(c * y, jnp.float32))
            return losses.sum(), losses

        return jax.jit(jax.grad(total, has_aux=True))(raw)

    slope, loss = loss_and_slope(1.0)
    for c in (1e-6, 1e6):
        other_slope, other = loss_and_slope(c)
        shift = np.log(c) if name in SHIFTED else 0.0
        if name == "base_plus_tail without a cell":  # beyond the thresholds two densities
            assert set(np.round((other - loss) / np.log(c)).tolist()) == {1.0, 2.0}
        else:
            np.testing.assert_allclose(other, loss + shift, rtol=1e-4, atol=2e-4)
        np.testing.assert_allclose(other_slope, slope, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("cell", [None, CELL])
def test_training_takes_the_same_steps_and_keeps_the_same_epoch(tmp_path, cell):
    """The fault that this is about: a cell of 1 held every epoch for perfect, the first one too."""
    rng = np.random.default_rng(0)
    static = rng.normal(size=(192, 2)).astype(np.float32)
    target = static[:, 0] + 0.5 * rng.normal(size=192).astype(np.float32)
    config = TrainConfig(epochs=4, batch_size=32, virtual_shards=4, learning_rate=3e-2)

    def train(c):
        devices = Devices(jax.devices()[:1])
        parts = [
            place_examples(
                Batch(
                    np.zeros((rows.stop - rows.start, 1, 1), np.float32),
                    np.ones((rows.stop - rows.start, 1), bool),
                    static[rows],
                    (c * target[rows]).astype(np.float32),
                ),
                config,
                devices,
                shuffle=rows.start == 0,
            )
            for rows in (slice(0, 128), slice(128, 192))
        ]
        sizes = NetworkConfig(layers=0, hidden=(8,), dropout=0.0)
        forecaster = make_forecaster(sizes, Gaussian(0.0, c))
        objective = "density_nll" if cell is None else "interval_nll"
        head = Head(forecaster, objective, cell=None if cell is None else c * cell)
        return fit(head, *parts, folder=tmp_path / str(c), progress=False)

    one = train(1.0)
    scores = np.array([metrics[VALIDATION_SCORE] for metrics in one.history])
    assert scores.min() < scores[0] - 0.1
    for c in (1e-6, 1e6):
        other = train(c)
        shift = np.log(c) if cell is None else 0.0
        found = [metrics[VALIDATION_SCORE] for metrics in other.history]
        np.testing.assert_allclose(found, scores + shift, atol=1e-3)
        assert other.best_epoch == one.best_epoch
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, atol=2e-3), other.params, one.params
        )
