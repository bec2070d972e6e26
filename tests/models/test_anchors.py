"""Anchored logits against a loop, and their place in the play model."""

import functools
import json

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
    QuantileHead,
    SplicedBinnedPareto,
    StudentT,
)
from sbp_jax.export import describe
from sbp_jax.models.anchors import Anchor, anchor_bin, anchored_logits
from sbp_jax.models.ceiling import Ceiling
from sbp_jax.models.forecaster import NetworkConfig, forecaster_from, make_forecaster
from sbp_jax.models.knot_anchors import KnotAnchor

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation")

EDGES = np.arange(-5.5, 20)


def batch_of(rows=6, steps=4, seed=0):
    rng = np.random.default_rng(seed)
    static = rng.normal(size=(rows, 3)).astype(np.float32)
    static[:, 1] = rng.integers(-10, 25, rows) / 10
    return Batch(
        rng.normal(size=(rows, steps, 2)).astype(np.float16),
        np.arange(steps)[None] < rng.integers(0, steps + 1, rows)[:, None],
        static,
        rng.integers(0, 10, rows).astype(np.float32),
    )


def zeros_for(forecaster, batch):
    shapes = jax.eval_shape(forecaster.init, jax.random.key(0), batch)
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)


@functools.partial(jax.jit, static_argnums=0)
def readings(forecaster, params, batch):
    """At the last step and at every step."""
    return tuple(forecaster.apply(params, batch, readout=readout) for readout in ("last", "all"))


def test_anchored_logits_follow_their_anchor():
    anchor = Anchor(column=1, scale=10.0, below=3, above=4)
    static = jnp.array([[0.0, yards / 10] for yards in range(-12, 30)])
    at = anchor_bin(static, anchor, EDGES[0], 1.0)
    relative = jnp.asarray(np.random.default_rng(0).normal(size=(len(static), anchor.width)))
    found = anchored_logits(relative, anchor, at, len(EDGES) - 1)
    for row, yards in enumerate(range(-12, 30)):
        for i, center in enumerate((EDGES[:-1] + EDGES[1:]) / 2):
            distance = int(np.clip(center - yards, -3, 4))
            assert found[row, i] == relative[row, distance + 3]


@pytest.mark.parametrize("yards", [-15, -1, 0, 7, 33, 60])
@pytest.mark.parametrize("scale", [10.0, 50.0, 7.0])
def test_scaling_down_and_up_does_not_shift_an_anchor(yards, scale):
    static = (jnp.array([[float(yards)]]) / scale).astype(jnp.float32)
    assert anchor_bin(static, Anchor(0, scale, 1, 1), -15.5, 1.0)[0] == yards + 15
    # Nor where the anchor lies on an edge.
    assert anchor_bin(static, Anchor(0, scale, 1, 1), -15.0, 1.0)[0] == yards + 15


def test_moving_the_anchor_moves_the_anchored_part_of_the_prediction():
    anchor = Anchor(column=1, scale=10.0, below=30, above=30)
    forecaster = make_forecaster(NetworkConfig(hidden=()), Binned(EDGES), (anchor,))
    batch = batch_of()
    params = zeros_for(forecaster, batch)
    peak = jnp.zeros(61).at[30].set(5.0)
    params["anchor_0"]["bias"] = peak
    logits = jax.jit(forecaster.predict)(params, batch).logits
    best = np.argmax(logits, axis=1)
    inside = (batch.static[:, 1] > -0.5) & (batch.static[:, 1] < 1.9)
    assert inside.any()
    expected = np.round(batch.static[:, 1] * 10) + 5
    np.testing.assert_array_equal(best[inside], expected[inside])


READ = {
    "spliced": SplicedBinnedPareto(EDGES, 0.01, "edge"),
    "binned": Binned(EDGES),
    "gaussian": Gaussian(5.0, 3.0),
}
FAST = {  # each size once; bins and tails with anchors that move from step to step
    ("binned", 0, ()),
    ("gaussian", 2, ()),
    ("spliced", 0, (1,)),
    ("spliced", 2, (1, 0)),
}


@pytest.mark.parametrize(
    ("family", "layers", "step_columns"),
    [
        pytest.param(
            family,
            *size,
            marks=() if (name, *size) in FAST else pytest.mark.slow,
            id=f"{name}-{size}",
        )
        for name, family in READ.items()
        for size in ((0, ()), (2, ()), (0, (1,)), (2, (1, 0)))
    ],
)
def test_reading_everywhere_ends_in_the_last_reading(family, layers, step_columns):
    anchors = (Anchor(1, 10.0, 3, 4), Anchor(2 + len(step_columns), 4.0, 2, 2))
    network = NetworkConfig(features=4, layers=layers)
    forecaster = make_forecaster(network, family, anchors, step_columns)
    batch = batch_of()
    params = jax.jit(forecaster.init)(jax.random.key(1), batch)
    last, everywhere = readings(forecaster, params, batch)
    assert last.shape == (6, family.num_outputs)
    assert everywhere.shape == (6, 4, family.num_outputs)
    lengths = np.asarray(batch.mask).sum(axis=1)
    for row, length in enumerate(lengths):
        if length:
            np.testing.assert_allclose(everywhere[row, length - 1], last[row], atol=1e-5)


def test_an_anchor_follows_a_column_of_the_step_that_is_read():
    anchor = Anchor(column=3, scale=1.0, below=30, above=30)  # the first after three static facts
    network = NetworkConfig(layers=0, hidden=())
    forecaster = make_forecaster(network, Binned(EDGES), (anchor,), step_columns=(1,))
    batch = batch_of()
    yards = np.random.default_rng(4).integers(-5, 20, batch.mask.shape)
    batch.sequence[..., 1] = np.where(batch.mask, yards, np.nan)  # padding must not be read
    params = zeros_for(forecaster, batch)
    params["anchor_0"]["bias"] = jnp.zeros(61).at[30].set(5.0)
    last, everywhere = readings(forecaster, params, batch)
    everywhere = np.argmax(everywhere, axis=-1)
    expected = np.where(batch.mask, yards, 0) + 5
    np.testing.assert_array_equal(everywhere, expected)
    last = np.argmax(last, axis=-1)
    lengths = batch.mask.sum(axis=1)
    for row, length in enumerate(lengths):
        assert last[row] == (expected[row, length - 1] if length else 5)


def test_the_target_is_never_read():
    forecaster = make_forecaster(NetworkConfig(features=4), Binned(EDGES))
    batch = batch_of()
    params = jax.jit(forecaster.init)(jax.random.key(1), batch)
    other = batch._replace(target=batch.target * np.nan)
    for found, expected in zip(
        readings(forecaster, params, other), readings(forecaster, params, batch), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "family",
    [
        SplicedBinnedPareto(EDGES, (0.01, 0.02), "edge"),
        SplicedBinnedPareto(EDGES, (None, 0.02)),
        Binned(EDGES),
        Gaussian(5.0, 3.0),
        StudentT(5.0, 3.0),
        GaussianMixture(2, 5.0, 3.0),
        HybridPareto(2, shape_range=(0.0, 0.5)),
        QuantileHead([0.1, 0.5, 0.9]),
    ],
    ids=repr,
)
def test_a_description_rebuilds_the_forecaster(family):
    anchors = (Anchor(1, 10.0, 3, 4), KnotAnchor(None, 1.0, (0.0, 2.0)))
    made = make_forecaster(
        NetworkConfig(features=4), family, anchors, (1, 0), ceiling=Ceiling(0, 2.0)
    )
    described = describe(made.network, made.family, static_names="abc", sequence_names="de")
    # Through JSON, as from a run folder.
    assert forecaster_from(json.loads(json.dumps(described))) == made


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="expected a family with bins of equal width"):
        make_forecaster(NetworkConfig(), Binned([0.0, 1.0, 3.0]), (Anchor(0, 1.0, 1, 1),))
    with pytest.raises(ValueError, match=r"expected one of .*, got 'Cauchy'"):
        forecaster_from({"model": {}, "family": {"name": "Cauchy"}})
