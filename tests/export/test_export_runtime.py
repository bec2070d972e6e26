"""The NumPy runtime against the JAX model, and what it says of input it cannot use."""

import functools
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from sbp_jax.errors import BatchError
from sbp_jax.export.runtime import NumpyModel
from sbp_jax.export.weights import read_flat

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

FAMILIES = ("edge", "quantile", "binned", "gaussian")  # see conftest.py

SHAPES = [  # layers, kernel size, channels, steps, anchors, hidden, step columns
    (0, 3, 7, 5, 0, (24, 16), ()),
    (0, 3, 7, 5, 2, (), ()),
    (0, 3, 7, 5, 3, (16,), (2,)),
    (1, 2, 7, 1, 0, (24,), ()),
    (1, 4, 8, 9, 1, (24, 16), ()),
    (2, 3, 8, 2, 2, (16,), ()),
    (3, 2, 7, 64, 3, (24, 16), (6, 0)),
    (4, 4, 7, 13, 0, (24, 16), ()),
    *(
        pytest.param(*shape, marks=pytest.mark.slow)
        for shape in (
            (5, 3, 20, 64, 2, (32, 32), ()),
            (6, 2, 7, 33, 0, (16,), ()),
            (6, 4, 8, 64, 2, (24, 16), ()),
        )
    ),
]


def jax_raw(pair, batch):
    apply = jax.jit(lambda batch: pair.model.apply({"params": pair.params}, batch))
    return np.asarray(apply(batch))


@pytest.mark.parametrize(
    ("layers", "kernel", "channels", "steps", "anchors", "hidden", "step_columns"), SHAPES
)
def test_raw_outputs_equal_those_of_jax(
    make_pair, make_batch, layers, kernel, channels, steps, anchors, hidden, step_columns
):
    pair = make_pair(
        channels=channels,
        seed=layers * 10 + kernel,
        layers=layers,
        kernel_size=kernel,
        anchors=anchors,
        hidden=hidden,
        step_columns=step_columns,
    )
    batch = make_batch(17, steps, channels, seed=steps)
    expected = jax_raw(pair, batch)
    assert expected.std() > 0.3  # far from the zeros of a fresh network
    found = pair.served.raw(batch.sequence, batch.mask, batch.static)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_knots_and_a_ceiling_equal_those_of_jax(make_pair, make_batch, name):
    pair = make_pair(name, knots=True, step_columns=(3,))
    batch = make_batch(40, 12, 7)
    expected = jax_raw(pair, batch)
    found = pair.served.raw(batch.sequence, batch.mask, batch.static)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=3e-5)
    if name != "gaussian":
        beyond = np.arange(-10, 61) > np.round(100 * batch.static[:, 1:2])
        probability = np.exp(found[:, :71] - found[:, :71].max(axis=1, keepdims=True))
        assert beyond.any()
        assert probability[beyond].max() < 1e-10


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_and_score_equal_those_of_jax(make_pair, make_batch, name):
    pair = make_pair(name)
    batch = make_batch(50, 12, 7)
    y = np.random.default_rng(3).integers(-15, 70, 50)

    @jax.jit
    def answer(batch):
        params = pair.family.constrain(pair.model.apply({"params": pair.params}, batch))
        return params, pair.family.cdf(params, y + np.array([[-0.5], [0.5]]))

    params, cdf = answer(batch)
    arguments = batch.sequence, batch.mask, batch.static
    found = pair.served.parameters(*arguments)
    assert set(found) == set(params._fields)
    for field, expected in params._asdict().items():
        np.testing.assert_allclose(found[field], expected, rtol=1e-5, atol=1e-5, err_msg=field)
    score = pair.served.score(*arguments, y)
    np.testing.assert_allclose(score, cdf.mean(axis=0), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_functions_equal_those_of_jax(make_pair, name):
    pair = make_pair(name, layers=0)
    raw = np.random.default_rng(1).normal(size=(8, pair.family.num_outputs)).astype(np.float32)
    raw[:3] = [[0.0], [50.0], [-50.0]]  # equal bins; tails as heavy as they get, and as light
    y = np.array([*np.arange(-15, 70, 0.5), -300, 500, -1e30, 1e30, -np.inf, np.inf])[:, None]
    q = np.array([0.001, 0.04, 0.06, 0.2, 0.5, 0.9, 0.96, 0.999, 0, 1, -0.1, 1.1])[:, None]

    @jax.jit
    def answer(raw):
        params = pair.family.constrain(raw)
        if "upper_shape" in params._fields:  # exponential tails, which no raw number gives
            shape = params.upper_shape.at[4].set(0.0)
            params = params._replace(lower_shape=shape, upper_shape=shape)
        return params, pair.family.cdf(params, y), pair.family.quantile(params, q)

    params, cdf, quantile = answer(raw)
    found = {name: np.asarray(value) for name, value in params._asdict().items()}
    with np.errstate(all="raise", under="ignore"):  # no warning in a server's log
        np.testing.assert_allclose(pair.served.cdf(found, y), cdf, rtol=0, atol=1e-5)
        # A quantile moves by the inverse of the density times the rounding of the bins' sums.
        close = functools.partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-3)
        close(pair.served.quantile(found, q), quantile)
        close(pair.served.median(found), quantile[4])


def test_chunks_change_nothing(pair, make_batch, monkeypatch):
    batch = make_batch(23, 10, 7)
    arguments = batch.sequence, batch.mask, batch.static
    y = np.zeros(23)
    raw, score = pair.served.raw(*arguments), pair.served.score(*arguments, y)
    monkeypatch.setattr("sbp_jax.export.runtime._CHUNK", 1000)
    assert len(list(pair.served._chunks(batch.sequence))) > 3
    np.testing.assert_allclose(pair.served.raw(*arguments), raw, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pair.served.score(*arguments, y), score, rtol=0, atol=1e-6)


def test_padding_content_and_amount_do_not_matter(pair, make_batch):
    batch = make_batch(9, 10, 7)
    raw = pair.served.raw(batch.sequence, batch.mask, batch.static)
    longer = np.concatenate([batch.sequence, np.full((9, 20, 7), np.inf, np.float16)], axis=1)
    mask = np.concatenate([batch.mask, np.zeros((9, 20), bool)], axis=1)
    np.testing.assert_array_equal(pair.served.raw(longer, mask, batch.static), raw)


@pytest.mark.parametrize("steps", [0, 4])
def test_plays_without_any_step_and_no_plays_at_all(pair, make_batch, steps):
    static = make_batch(3, 4, 7).static
    nothing = np.zeros((3, steps, 7)), np.zeros((3, steps), bool), static
    one = np.zeros((3, 1, 7)), np.zeros((3, 1), bool), static
    np.testing.assert_array_equal(pair.served.raw(*nothing), pair.served.raw(*one))
    empty = [array[:0] for array in nothing]
    assert pair.served.raw(*empty).shape == (0, pair.model.num_outputs)


@pytest.fixture
def ask(pair, make_batch):
    """Ask about a batch with some of its arrays replaced."""

    def ask_with(**changes):
        batch = make_batch(4, 6, 7)._replace(**changes)
        return pair.served.raw(batch.sequence, batch.mask, batch.static)

    return ask_with


def test_wrong_columns_are_named(ask):
    with pytest.raises(BatchError, match=r"static: expected \(B, 5\) .*air_yards.*got \(4, 6\)"):
        ask(static=np.zeros((4, 6)))
    with pytest.raises(BatchError, match=r"sequence: expected \(B, T, 7\) .*got \(4, 6, 3\)"):
        ask(sequence=np.zeros((4, 6, 3)))
    with pytest.raises(BatchError, match="static: expected numbers, got dtype <U1"):
        ask(static=np.full((4, 5), "a"))
    with pytest.raises(BatchError, match="sequence: expected 4 rows, as many as static, got 3"):
        ask(sequence=np.zeros((3, 6, 7)))


def test_numbers_that_only_look_like_some_are_refused(ask, pair, make_batch):
    with pytest.raises(BatchError, match=r"numbers within 3\.4e\+38, got 1e\+300 in"):
        ask(static=np.full((4, 5), 1e300))
    with pytest.raises(BatchError, match=r"static: .* got nan in row 0, column 'air_yards'"):
        ask(static=np.ma.masked_equal(np.zeros((4, 5)), 0))
    batch = make_batch(4, 6, 7)
    with pytest.raises(BatchError, match="y: expected numbers, got dtype <U1"):
        pair.served.score(batch.sequence, batch.mask, batch.static, ["1"] * 4)


def test_wrong_masks_are_refused(ask):
    with pytest.raises(BatchError, match=r"mask: expected bool of shape \(4, 6\), got int64"):
        ask(mask=np.ones((4, 6), int))
    with pytest.raises(BatchError, match=r"mask: expected bool .* got bool of shape \(4, 5\)"):
        ask(mask=np.ones((4, 5), bool))
    late = np.ones((4, 6), bool)
    late[2, 1] = False
    with pytest.raises(BatchError, match="got padding first in row 2"):
        ask(mask=late)


def test_values_that_are_not_finite_are_named(ask):
    static = np.zeros((4, 5))
    static[3, 1] = np.nan
    with pytest.raises(BatchError, match=r"static: .* got nan in row 3, column 'to_goal'"):
        ask(static=static)
    sequence = np.zeros((4, 6, 7))
    sequence[1, 5, 2] = np.inf
    mask = np.ones((4, 6), bool)
    with pytest.raises(BatchError, match="got inf in row 1, step 5, column 'feature_2'"):
        ask(sequence=sequence, mask=mask)


def test_wrong_outcomes_are_refused(pair, make_batch):
    batch = make_batch(4, 6, 7)
    with pytest.raises(BatchError, match=r"y: expected shape \(4,\), got \(3,\)"):
        pair.served.score(batch.sequence, batch.mask, batch.static, np.zeros(3))
    with pytest.raises(BatchError, match="y: expected finite values, got nan in row 1"):
        pair.served.score(batch.sequence, batch.mask, batch.static, [0, np.nan, 0, 0])


def test_serving_imports_numpy_alone(make_pair, tmp_path):
    make_pair()
    path = tmp_path / "weights.npz"
    program = f"""
import sys
import numpy as np
import sbp_jax.export
before = set(sys.modules)
model = sbp_jax.export.load_model({str(path)!r})
sequence, mask, static = np.zeros((2, 3, 7)), np.ones((2, 3), bool), np.zeros((2, 5))
model.median(model.parameters(sequence, mask, static))
model.score(sequence, mask, static, np.zeros(2))
print(*sorted({{name.split(".")[0] for name in sys.modules}}))
"""
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    foreign = set(run.stdout.split()) - set(sys.stdlib_module_names)
    # Modules that site starts by itself, before any import of ours.
    bare = [sys.executable, "-c", "import sys; print(*{n.split('.')[0] for n in sys.modules})"]
    started = subprocess.run(bare, capture_output=True, text=True, check=True).stdout.split()
    assert foreign - set(started) == {"numpy", "sbp_jax"}


def test_a_model_is_built_from_arrays_too(make_pair, make_batch, tmp_path):
    pair = make_pair(anchors=2)
    batch = make_batch(3, 4, 7)
    arguments = batch.sequence, batch.mask, batch.static
    model = NumpyModel(*read_flat(tmp_path / "weights.npz"))
    np.testing.assert_array_equal(model.raw(*arguments), pair.served.raw(*arguments))
