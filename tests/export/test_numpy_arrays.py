"""What `Model.save` wrote, served with NumPy alone: the same laws as the model's own."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import polars as pl
import pytest

import sbp_jax
from sbp_jax.arrays.choose_family import moving_bins
from sbp_jax.arrays.inputs import Columns
from sbp_jax.arrays.model import Model
from sbp_jax.arrays.scaling import Scaling
from sbp_jax.batch import Batch
from sbp_jax.distributions import GaussianMixture, SplicedBinnedPareto, StudentT
from sbp_jax.errors import BatchError, ExportError
from sbp_jax.export import load_model, load_weights, save_weights
from sbp_jax.export.family import Binned, Gaussian
from sbp_jax.export.law import NumpyLaw
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

RNG = np.random.default_rng(0)
LOC, SCALE = -40.0, 25.0


def random_model(family, static, steps=0, members=1, *, named=False, arrangement=None):
    """Random parameters, far from their start; nothing is trained."""
    config = NetworkConfig(features=4, layers=2 if steps else 0, hidden=(16, 16), residual=True)
    forecaster = make_forecaster(config, family, arrangement=arrangement)
    names = tuple(f"x{i}" for i in range(static)), tuple(f"step {i}" for i in range(steps))
    scaling = Scaling(
        RNG.normal(size=static), RNG.uniform(0.5, 2, static), RNG.normal(size=max(steps, 1)),
        RNG.uniform(0.5, 2, max(steps, 1)), LOC, SCALE,
    )  # fmt: skip
    zeros = jax.ShapeDtypeStruct
    batch = Batch(
        zeros((2, 4, max(steps, 1)), np.float32), zeros((2, 4), np.bool_),
        zeros((2, static), np.float32), zeros((2,), np.float32),
    )  # fmt: skip
    shapes = jax.eval_shape(forecaster.init, jax.random.key(0), batch)

    def fill(leaf):
        size = np.prod(leaf.shape[:-1]) if len(leaf.shape) > 1 else 4
        return (RNG.normal(size=(members, *leaf.shape)) / np.sqrt(size)).astype(np.float32)

    params = jax.tree.map(fill, shapes)
    return Model(forecaster, params, Columns(*names, named), scaling, None, [[]] * members)


@jax.jit
def at_points(law, y):
    return law.log_prob(y), law.cdf(y), law.sf(y)


def check_same(law, served):
    """The law's own quantile is tried with its family; here the law is asked at the served ones."""
    levels = np.array([0.0009765625, 0.25, 0.5, 0.9990234375])
    quantiles = served.quantile(levels)
    fixed = LOC + SCALE * np.array([-1e3, -8, -1.3, 0.2, 2.7, 30, 1e4])[:, None]
    y = np.concatenate([np.broadcast_to(fixed, (7, len(law))), quantiles.T])
    expected = at_points(law, y.astype(np.float32))
    assert served.shape == law.shape == (len(law),)
    for method, other in zip(("log_prob", "cdf", "sf"), expected, strict=True):
        found = getattr(served, method)(y)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, other, rtol=2e-3, atol=1e-5, err_msg=method)
    np.testing.assert_allclose(expected[1][7:], np.broadcast_to(levels, (len(law), 4)).T, atol=1e-5)
    np.testing.assert_array_equal(served.median, quantiles[:, 2])
    np.testing.assert_array_equal(served.interval(0.5)[:, 0], quantiles[:, 1])
    np.testing.assert_array_equal(served[1:3].median, served.median[1:3])
    assert len(served[2:]) == len(law) - 2
    assert served[4].shape == ()
    assert served[4].median == served.median[4]
    assert served.quantile(np.full((2, 3), 0.5)).shape == (len(law), 2, 3)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    usual = moving_bins()
    model = random_model(usual.family, 3, members=2, named=True, arrangement=usual.arrangement)
    path = tmp_path_factory.mktemp("served") / "model.npz"
    model.save(path)
    return model, path


@pytest.fixture(scope="module")
def sequences(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "model.npz"
    random_model(StudentT(), 0, steps=2).save(path)
    return path


def frame_of(*names):
    """What a data frame with these columns answers; polars has none with two of one name."""
    return SimpleNamespace(columns=names, to_numpy=lambda: np.ones((1, len(names))))


def test_an_ensemble_on_a_data_frame(table):
    model, path = table
    x = RNG.normal(size=(6, 3))
    frame = pl.DataFrame(x, schema=["x0", "x1", "x2"])
    served = load_model(path)
    check_same(model(x), served(x))
    law = served(frame.select("x2", "x0", pl.lit(7).alias("more"), "x1"))
    np.testing.assert_array_equal(law.median, served(x).median)
    assert served.members == 2


@pytest.mark.parametrize(
    "family",
    [
        StudentT(),
        pytest.param(GaussianMixture(2), marks=pytest.mark.slow),
        pytest.param(
            SplicedBinnedPareto(np.linspace(-3, 3, 9), (None, 0.02)), marks=pytest.mark.slow
        ),
    ],
)
def test_one_network_on_sequences(tmp_path, family):
    model = random_model(family, 2, steps=3)
    model.save(tmp_path / "model.npz")
    served = load_model(tmp_path / "model.npz")
    steps = [RNG.normal(size=(length, 3)) for length in (4, 1, 0, 7, 2)]
    facts = RNG.normal(size=(5, 2))
    check_same(model(steps, static=facts), served(steps, static=facts))
    x = np.full((5, 7, 3), np.nan)
    mask = np.arange(7) < np.array([[len(each)] for each in steps])
    x[mask] = np.concatenate(steps)
    law = served(x, mask=mask, static=facts)
    np.testing.assert_array_equal(law.median, served(steps, static=facts).median)


def test_a_law_is_indexed_as_an_array_of_its_shape():
    family = Binned([0.0, 1.0, 3.0, 4.0])
    law = NumpyLaw(family, family.constrain(RNG.normal(size=(2, 5, 3))), (2, 5))
    for index in (1, (0, 3), (..., slice(2)), (slice(None), None), [1, 0], np.eye(2, 5) > 0):
        np.testing.assert_array_equal(law[index].median, law.median[index])
        assert law[index].shape == law.median[index].shape
    with pytest.raises(IndexError):
        law[2]


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_of_numbers_far_out(table):
    law = load_model(table[1])([[1e30, -1e30, 0.0], [0.0, 0.0, 0.0]])
    assert np.isnan(law.quantile([np.nan, 2.0])).all()
    assert (law.cdf(np.array([[-np.inf], [np.inf]])) == [[0], [1]]).all()
    gaussian = NumpyLaw(Gaussian(0.0, 1.0), {"loc": np.zeros(1), "scale": np.ones(1)}, (1,))
    assert np.isnan(gaussian.quantile(np.nan)).all()


def test_missing_numbers_are_filled_and_marked(tmp_path):
    """A network on two columns and one mark is one on three columns, the third of 0 and 1."""
    model = random_model(StudentT(), 3)
    scaling = model.scaling._replace(
        static_loc=np.array([0.5, -1.0, 0.0]), static_scale=np.array([2.0, 3.0, 1.0])
    )
    model = replace(model, scaling=scaling)
    model.save(tmp_path / "model.npz")
    params, config = load_weights(tmp_path / "model.npz")
    config |= {"static_names": ["b missing", "b"], "filling": {"static": [0, 7], "sequence": []}}
    for name in ("static_loc", "static_scale"):
        del config["scaling"][name][2]
    save_weights(tmp_path / "filled.npz", params, config)
    served = load_model(tmp_path / "filled.npz")
    law = served([[1.5, np.nan], [np.nan, 2.0]])
    whole = load_model(tmp_path / "model.npz")([[1.5, -1.0, 1.0], [0.5, 2.0, 0.0]])
    np.testing.assert_array_equal(law.median, whole.median)
    frame = pl.DataFrame({"b missing": [1.5], "b": [None]})
    np.testing.assert_array_equal(served(frame).median, whole.median[:1])
    na = type("NAType", (), {})()  # pandas' sign for a missing number
    nullable = SimpleNamespace(
        columns=["b missing", "b"], to_numpy=lambda: np.array([[1.5, na]], object)
    )
    np.testing.assert_array_equal(served(nullable).median, whole.median[:1])
    masked = np.ma.masked_equal([[1.5, 99.0]], 99)
    for x in ([[1.5, None]], masked):
        np.testing.assert_array_equal(served(x).median, whole.median[:1])
    with pytest.raises(BatchError, match="x: expected finite values, got inf in row 0, column 'b'"):
        served([[0.0, np.inf]])


@pytest.mark.parametrize(
    ("x", "more", "message"),
    [
        (np.zeros((2, 4)), {}, r"x: expected \(B, 3\) with columns x0, x1, x2, got \(2, 4\)"),
        (np.full((2, 3), np.nan), {}, "x: expected finite values, got nan in row 0"),
        (np.full((2, 3), "a"), {}, "x: expected numbers"),
        (np.zeros((0, 3)), {}, "x: expected at least one row, got none"),
        (np.zeros((2, 3)), {"mask": np.ones((2, 1), bool)}, "mask, static: expected none"),
        (pl.DataFrame({"x0": [1.0], "x1": [1.0]}), {}, r"got no \['x2'\]"),
        (pl.DataFrame({"x0": [1.0], "x1": [1.0], "x2": ["7"]}), {}, "x: expected numbers, got"),
        (pl.LazyFrame({"x0": [1.0], "x1": [1.0], "x2": [1.0]}), {}, "x: expected numbers, got"),
        (frame_of("x0", "x1", "x2", "x1"), {}, r"columns of different names, got \['x1'\] twice"),
        (np.ma.masked_equal([[1.0, 2.0, 99.0]], 99), {}, "got nan in row 0, column 'x2'"),
        ([[1.0, 2.0, None]], {}, "got nan in row 0, column 'x2'"),
        ([[1.0, 2.0, 3.0], [4.0]], {}, "x: expected an array of numbers, got .*inhomogeneous"),
        (
            [[1.0, 2.0, 1e31]],
            {},
            r"numbers within 1e\+30, got 1e\+31 in row 0, column 'x2'",
        ),
    ],
)
def test_what_no_model_can_be_asked_is_refused(table, x, more, message):
    with pytest.raises(BatchError, match=message):
        load_model(table[1])(x, **more)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (3.5, r"x: expected \(B, T, 2\) with columns step 0, step 1, got \(\)"),
        (None, "x: expected numbers, got dtype object"),
        ([], "x: expected at least one row, got none"),
        ([np.array([["1", "2"]])], r"x\[0\]: expected numbers, got dtype <U1"),
        ([np.ones((1, 2)) * 1j], r"x\[0\]: expected numbers, got dtype complex128"),
        ([np.ma.masked_equal([[1.0, 99.0]], 99)], "got nan in row 0, step 0, column 'step 1'"),
        ([[[1.0, 2.0], [3.0]]], r"x\[0\]: expected an array of numbers, got .*inhomogeneous"),
    ],
)
def test_what_are_no_sequences_is_refused(sequences, x, message):
    with pytest.raises(BatchError, match=message):
        load_model(sequences)(x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(members=3), r"expected shape \(3, 16\), found \(2, 16\)"),
        (lambda c: c["scaling"].pop("loc"), "scaling: expected loc as a finite number"),
        (lambda c: c["scaling"].update(scale=0), "scaling: expected scale as a finite number abo"),
        (lambda c: c["scaling"]["static_loc"].pop(), "expected static_loc as a list, each a fin"),
        (
            lambda c: c["family"]["base"]["base"].update(edges=[1]),
            "family: expected edges as at least 3",
        ),
        (lambda c: c["model"]["arrangement"].pop("pace"), "arrangement: expected pace as a list"),
        (lambda c: c["model"]["arrangement"]["start"].append(0), "arrangement: expected start as"),
        (
            lambda c: c["family"].update(base=c["family"]["base"]["base"]),
            "family: expected base as a family that is moved",
        ),
        (
            lambda c: c["family"]["base"].update(base=1),
            "family: expected base as a family, found 1",
        ),
        (lambda c: c.update(filling={"static": [1]}), "filling: expected static as a list"),
        (lambda c: c.update(named="yes"), "config: expected named as true or false, found 'yes'"),
        (lambda c: c.update(scaling=[1]), "config: expected scaling as an object"),
    ],
)
def test_files_that_describe_no_model_are_refused(table, tmp_path, change, message):
    params, config = load_weights(table[1])
    change(config)
    save_weights(tmp_path / "other.npz", params, config)
    with pytest.raises(ExportError, match=message):
        load_model(tmp_path / "other.npz")
    # Under JAX a family says for itself what it is refused for.
    with pytest.raises(
        ExportError, match="describes no model" if message[:6] == "family" else message
    ):
        sbp_jax.load(tmp_path / "other.npz")


def test_a_file_that_lacks_an_array_is_refused_when_it_is_loaded(table, tmp_path):
    params, config = load_weights(table[1])
    del params["raw"]["bias"]
    save_weights(tmp_path / "other.npz", params, config)
    for load in (sbp_jax.load, load_model):
        with pytest.raises(ExportError, match=r"parameter 'raw/bias': expected .* found None"):
            load(tmp_path / "other.npz")


def test_serving_arrays_imports_numpy_alone(table):
    program = f"""
import sys
import numpy as np
from sbp_jax.export import load_model
law = load_model({str(table[1])!r})(np.zeros((2, 3)))
law.quantile([0.1, 0.9]), law.log_prob(0.0)
print(*sorted(sys.modules.keys() & {{"jax", "flax", "scipy", "jaxtyping", "polars"}}))
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"
