"""The NumPy runtime against the JAX model, and what it says of input it cannot use."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.errors import BatchError
from sbp_jax.export.runtime import NumpyModel
from tests.export.conftest import ANCHORS, EDGES, FAMILIES, Pair, make_batch, make_pair

SHAPES = [  # layers, kernel size, channels, steps, anchors, hidden
    (0, 3, 7, 5, (), (24, 16)),
    (0, 3, 7, 5, ANCHORS, ()),
    (1, 2, 7, 1, (), (24,)),
    (1, 4, 8, 9, ANCHORS[:1], (24, 16)),
    (2, 3, 8, 2, ANCHORS, (16,)),
    (3, 2, 7, 64, ANCHORS, (24, 16)),
    (4, 4, 7, 13, (), (24, 16)),
    (5, 3, 20, 64, ANCHORS, (32, 32)),
    (6, 2, 7, 33, (), (16,)),
    (6, 4, 8, 64, ANCHORS, (24, 16)),
]


def jax_raw(pair: Pair, batch) -> np.ndarray:
    apply = jax.jit(lambda batch: pair.model.apply({"params": pair.params}, batch))
    return np.asarray(apply(batch))


@pytest.mark.parametrize(("layers", "kernel", "channels", "steps", "anchors", "hidden"), SHAPES)
def test_raw_outputs_equal_those_of_jax(
    tmp_path, layers, kernel, channels, steps, anchors, hidden
) -> None:
    pair = make_pair(
        tmp_path / "weights.npz",
        channels=channels,
        seed=layers * 10 + kernel,
        layers=layers,
        kernel_size=kernel,
        anchors=anchors,
        hidden=hidden,
    )
    batch = make_batch(17, steps, channels, seed=steps)
    expected = jax_raw(pair, batch)
    assert expected.std() > 0.3  # far from the zeros of a fresh network
    found = pair.served.raw(batch.sequence, batch.mask, batch.static)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_and_functions_equal_those_of_jax(tmp_path, name) -> None:
    pair = make_pair(tmp_path / "weights.npz", name)
    batch = make_batch(50, 12, 7)
    params = pair.family.constrain(jnp.asarray(jax_raw(pair, batch)))
    found = pair.served.parameters(batch.sequence, batch.mask, batch.static)
    assert set(found) == set(params._fields)
    for field, expected in params._asdict().items():
        np.testing.assert_allclose(found[field], expected, rtol=1e-5, atol=1e-5, err_msg=field)

    y = np.concatenate([np.arange(-15, 70, 0.5), [-300.0, 500.0]])[:, None]
    expected = pair.family.cdf(params, y)
    np.testing.assert_allclose(pair.served.cdf(found, y), expected, rtol=0, atol=1e-5)

    # A quantile moves by the density's inverse times the rounding of the bins' sums.
    q = np.array([0.001, 0.01, 0.04, 0.06, 0.2, 0.5, 0.9, 0.96, 0.99, 0.999])[:, None]
    expected = pair.family.quantile(params, q)
    np.testing.assert_allclose(pair.served.quantile(found, q), expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(pair.served.median(found), expected[5], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", FAMILIES)
def test_ends_of_the_quantile_and_of_the_support(tmp_path, name) -> None:
    pair = make_pair(tmp_path / "weights.npz", name, layers=0)
    raw = jnp.asarray(np.random.default_rng(1).normal(size=(6, pair.family.num_outputs)))
    raw = raw.at[0].set(0.0).at[1].set(50.0).at[2].set(-50.0)
    params = pair.family.constrain(raw)
    found = {name: np.asarray(value) for name, value in params._asdict().items()}
    with np.errstate(all="raise", under="ignore"):
        ends = pair.served.quantile(found, np.array([0.0, 1.0, -0.1, 1.1])[:, None])
        far = pair.served.cdf(found, np.array([-np.inf, -1e30, 1e30, np.inf])[:, None])
    expected = pair.family.quantile(params, np.array([0.0, 1.0, -0.1, 1.1])[:, None])
    np.testing.assert_allclose(ends, expected, rtol=1e-5)
    np.testing.assert_allclose(far, [[0.0] * 6, [0.0] * 6, [1.0] * 6, [1.0] * 6], rtol=0, atol=1e-6)


def test_exponential_tails_are_served() -> None:
    from sbp_jax.export.spliced import Spliced

    family = FAMILIES["edge"]
    logits = np.random.default_rng(2).normal(size=(3, len(EDGES) - 1)).astype(np.float32)
    zero, scale = np.zeros(3, np.float32), np.full(3, 4.0, np.float32)
    params = family.Params(logits, zero, scale, zero, scale)
    served = Spliced(family.edges, family.tail_mass, family.splice, family.shape_range)
    y = np.arange(-60.0, 120.0, 3.0)[:, None]
    q = np.array([0.0, 1e-4, 0.5, 1 - 1e-4, 1.0])[:, None]
    expected, quantiles = family.cdf(params, y), family.quantile(params, q)
    np.testing.assert_allclose(served.cdf(params._asdict(), y), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(served.quantile(params._asdict(), q), quantiles, rtol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_score_is_the_middle_of_the_jump(tmp_path, name) -> None:
    pair = make_pair(tmp_path / "weights.npz", name)
    batch = make_batch(30, 8, 7)
    y = np.random.default_rng(3).integers(-15, 70, 30)
    params = pair.family.constrain(jnp.asarray(jax_raw(pair, batch)))
    expected = (pair.family.cdf(params, y - 0.5) + pair.family.cdf(params, y + 0.5)) / 2
    found = pair.served.score(batch.sequence, batch.mask, batch.static, y)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_chunks_change_nothing(pair, monkeypatch) -> None:
    batch = make_batch(23, 10, 7)
    arguments = batch.sequence, batch.mask, batch.static
    y = np.zeros(23)
    raw, score = pair.served.raw(*arguments), pair.served.score(*arguments, y)
    monkeypatch.setattr("sbp_jax.export.runtime._CHUNK", 2000)
    assert len(list(pair.served._chunks(batch.sequence))) > 3
    np.testing.assert_allclose(pair.served.raw(*arguments), raw, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pair.served.score(*arguments, y), score, rtol=0, atol=1e-6)


def test_padding_content_and_amount_do_not_matter(pair) -> None:
    batch = make_batch(9, 10, 7)
    raw = pair.served.raw(batch.sequence, batch.mask, batch.static)
    longer = np.concatenate([batch.sequence, np.full((9, 20, 7), np.inf, np.float16)], axis=1)
    mask = np.concatenate([batch.mask, np.zeros((9, 20), bool)], axis=1)
    np.testing.assert_array_equal(pair.served.raw(longer, mask, batch.static), raw)


@pytest.mark.parametrize("steps", [0, 4])
def test_plays_without_any_step_and_no_plays_at_all(pair, steps) -> None:
    static = make_batch(3, 4, 7).static
    nothing = np.zeros((3, steps, 7)), np.zeros((3, steps), bool), static
    one = np.zeros((3, 1, 7)), np.zeros((3, 1), bool), static
    np.testing.assert_array_equal(pair.served.raw(*nothing), pair.served.raw(*one))
    empty = [array[:0] for array in nothing]
    assert pair.served.raw(*empty).shape == (0, pair.model.num_outputs)


def _spoiled(pair: Pair, **changes):
    batch = make_batch(4, 6, 7)._replace(**changes)
    return lambda: pair.served.raw(batch.sequence, batch.mask, batch.static)


def test_wrong_columns_are_named(pair) -> None:
    with pytest.raises(BatchError, match=r"static: expected \(B, 5\) .*air_yards.*got \(4, 6\)"):
        _spoiled(pair, static=np.zeros((4, 6)))()
    with pytest.raises(BatchError, match=r"sequence: expected \(B, T, 7\) .*got \(4, 6, 3\)"):
        _spoiled(pair, sequence=np.zeros((4, 6, 3)))()
    with pytest.raises(BatchError, match="static: expected numbers, got dtype <U1"):
        _spoiled(pair, static=np.full((4, 5), "a"))()
    with pytest.raises(BatchError, match="sequence: expected 4 rows, as many as static, got 3"):
        _spoiled(pair, sequence=np.zeros((3, 6, 7)))()


def test_wrong_masks_are_refused(pair) -> None:
    with pytest.raises(BatchError, match=r"mask: expected bool of shape \(4, 6\), got int64"):
        _spoiled(pair, mask=np.ones((4, 6), int))()
    with pytest.raises(BatchError, match=r"mask: expected bool .* got bool of shape \(4, 5\)"):
        _spoiled(pair, mask=np.ones((4, 5), bool))()
    late = np.ones((4, 6), bool)
    late[2, 1] = False
    with pytest.raises(BatchError, match="got padding first in row 2"):
        _spoiled(pair, mask=late)()


def test_values_that_are_not_finite_are_named(pair) -> None:
    static = np.zeros((4, 5))
    static[3, 1] = np.nan
    with pytest.raises(BatchError, match="static: .* got nan in row 3, column 'to_goal'"):
        _spoiled(pair, static=static)()
    sequence = np.zeros((4, 6, 7))
    sequence[1, 5, 2] = np.inf
    mask = np.ones((4, 6), bool)
    with pytest.raises(BatchError, match="got inf in row 1, step 5, column 'feature_2'"):
        _spoiled(pair, sequence=sequence, mask=mask)()


def test_wrong_outcomes_are_refused(pair) -> None:
    batch = make_batch(4, 6, 7)
    with pytest.raises(BatchError, match=r"y: expected shape \(4,\), got \(3,\)"):
        pair.served.score(batch.sequence, batch.mask, batch.static, np.zeros(3))
    with pytest.raises(BatchError, match="y: expected finite values, got nan in row 1"):
        pair.served.score(batch.sequence, batch.mask, batch.static, [0, np.nan, 0, 0])


def test_serving_imports_numpy_alone(tmp_path) -> None:
    make_pair(path := tmp_path / "weights.npz")
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


def test_a_model_is_built_from_arrays_too(pair, tmp_path) -> None:
    from sbp_jax.export.weights import read_flat

    pair_again = make_pair(path := tmp_path / "weights.npz", anchors=ANCHORS)
    batch = make_batch(3, 4, 7)
    arguments = batch.sequence, batch.mask, batch.static
    model = NumpyModel(*read_flat(path))
    np.testing.assert_array_equal(model.raw(*arguments), pair_again.served.raw(*arguments))
