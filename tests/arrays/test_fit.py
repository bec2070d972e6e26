"""From arrays to a law and back from a file: what a stranger writes."""

import subprocess
import sys

import jax
import numpy as np
import optax
import polars as pl
import pytest

import sbp_jax
from sbp_jax.distributions import Gaussian, Mixture, Moved, SplicedBinnedPareto, StudentT
from sbp_jax.errors import ExportError, InputError
from sbp_jax.export import save_weights
from sbp_jax.export.arrays import KIND
from sbp_jax.models.forecaster import NetworkConfig

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

SMALL = NetworkConfig(features=4, layers=2, hidden=(16, 16), dropout=0.0, residual=True)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(320, 2))
NOISE = RNG.standard_t(4, size=320)
Y = 3 * X[:, 0] + (0.2 + 0.4 * (X[:, 1] > 0)) * NOISE


def fitted(c=1.0, **settings):
    """Of a family that compiles fast; those of the default law say so."""
    given = {
        "network": SMALL, "epochs": 60, "learning_rate": 1e-2, "progress": False,
        "family": StudentT(),
    }  # fmt: skip
    return sbp_jax.fit(X[:256], c * Y[:256], **(given | settings))


@pytest.fixture(scope="module")
def model(quick_compilation_throughout):
    return fitted(members=2)


def test_the_law_follows_the_rows(model):
    law = model(X[256:])
    assert law.shape == (64,)
    assert isinstance(law.family, Mixture)
    assert np.corrcoef(law.median, 3 * X[256:, 0])[0, 1] > 0.97
    # Noise is three times as large on one side.
    width = np.diff(law.interval(0.5))[:, 0]
    assert width[X[256:, 1] > 0.3].mean() > 1.6 * width[X[256:, 1] < -0.3].mean()
    inside = (law.interval(0.8)[:, 0] < Y[256:]) & (Y[256:] < law.interval(0.8)[:, 1])
    assert abs(inside.mean() - 0.8) < 4 * np.sqrt(0.16 / 64)


def test_what_is_saved_says_the_same(model, tmp_path):
    model.save(tmp_path / "model.npz")
    again = sbp_jax.load(tmp_path / "model.npz")
    levels = [0.01, 0.5, 0.99]
    np.testing.assert_array_equal(again(X[:9]).quantile(levels), model(X[:9]).quantile(levels))
    assert again.report() == model.report()
    assert "2 x " in model.report()
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_a_model_is_shown_without_its_numbers(model):
    assert repr(model).startswith("Model(forecaster=")
    assert "array(" not in repr(model)


@pytest.fixture(scope="module")
def one(quick_compilation_throughout):
    return fitted(epochs=3, family=None)


@pytest.mark.parametrize("c", [1e-6, pytest.param(1e6, marks=pytest.mark.slow)])
def test_another_unit_is_the_same_fit(one, c):
    other = fitted(c, epochs=3, family=None)
    np.testing.assert_allclose(
        other(X[:50]).median, c * one(X[:50]).median, rtol=1e-3, atol=1e-3 * c
    )
    shift = other(X[:50]).log_prob(c * Y[:50]) - one(X[:50]).log_prob(Y[:50])
    np.testing.assert_allclose(shift, -np.log(c), atol=2e-2)


def test_a_model_is_kept_in_a_folder_that_holds_none(tmp_path):
    settings = {"epochs": 1, "folder": tmp_path / "runs" / "one"}
    model = fitted(**settings)
    again = sbp_jax.load(tmp_path / "runs" / "one" / "model.npz")
    np.testing.assert_array_equal(again(X[:9]).median, model(X[:9]).median)
    assert (tmp_path / "runs" / "one" / "report.txt").read_text() == model.report() + "\n"
    with pytest.raises(InputError, match=r"folder: expected one without a model, got .*model\.npz"):
        fitted(**settings)
    with pytest.raises(InputError, match="folder: expected one that can be made"):
        fitted(epochs=1, folder=tmp_path / "runs" / "one" / "report.txt" / "below")


def test_parts_together_are_fits_of_each():
    parts = [np.arange(200), np.arange(40, 256)]  # as many steps in an epoch
    settings = {
        "network": SMALL, "epochs": 3, "batch_size": 64, "family": StudentT(), "progress": False
    }  # fmt: skip
    together = sbp_jax.fit_each(X, Y, parts, members=2, **settings)
    for part, model in zip(parts, together, strict=True):
        alone = sbp_jax.fit(X[part], Y[part], members=2, **settings)
        np.testing.assert_allclose(
            model(X[256:]).median, alone(X[256:]).median, rtol=1e-3, atol=1e-3
        )
        assert model.first(1).members == 1
    for bad, message in (
        ([], "parts: expected at least one, got none"),
        ([np.array([0.5])], r"parts\[0\]: expected numbers of rows, got float64"),
        ([parts[0], np.arange(300, 330)], r"parts\[1\]: expected rows 0 to 319, got others"),
    ):
        with pytest.raises(InputError, match=message):
            sbp_jax.fit_each(X, Y, bad)
    with pytest.raises(InputError, match="count: expected 1 to 2 networks, got 3"):
        together[0].first(3)


def test_another_optimizer():
    quiet = fitted(epochs=2, optimizer=optax.sgd(0.0), members=2)
    scores = [epoch["validation_score"] for epoch in quiet.history[0]]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)  # nothing is learnt at rate 0


def test_whole_numbers_are_cells():
    counts = np.random.default_rng(1).poisson(np.exp(1 + 0.5 * X[:256, 0]))
    model = sbp_jax.fit(
        X[:256], counts, cell=1.0, network=SMALL, epochs=20, learning_rate=1e-2, progress=False
    )
    law = model(X[:256])
    assert isinstance(law.family.base, SplicedBinnedPareto)
    numbers = np.arange(-1, counts.max() + 2)[:, None]
    mass = np.exp(law.log_interval(numbers - 0.5, numbers + 0.5))
    np.testing.assert_allclose(mass.sum(axis=0), 1, atol=0.05)
    score = -np.asarray(law.log_interval(counts - 0.5, counts + 0.5)).mean()
    constant = np.bincount(counts) / counts.size
    assert score < -np.log(constant[counts]).mean()


def test_sequences_of_unequal_length():
    rng = np.random.default_rng(2)
    steps = [rng.normal(size=(rng.integers(2, 9), 3)) for _ in range(200)]
    y = np.array([each[-1, 0] + 0.1 * rng.normal() for each in steps])
    model = sbp_jax.fit(
        steps, y, network=SMALL, epochs=40, learning_rate=2e-2, family=Moved(Gaussian()),
        progress=False,
    )  # fmt: skip
    law = model(steps[:50])
    assert np.corrcoef(law.mean, y[:50])[0, 1] > 0.8
    alone = model([steps[0]]).median
    np.testing.assert_allclose(alone[0], law.median[0], rtol=1e-4, atol=1e-4)


def test_columns_of_a_data_frame_are_asked_for_by_name():
    frame = pl.DataFrame(X[:64], schema=["depth", "age"])
    model = sbp_jax.fit(frame, Y[:64], network=SMALL, epochs=1, family=StudentT(), progress=False)
    np.testing.assert_array_equal(model(frame).median, model(frame.select("age", "depth")).median)
    with pytest.raises(InputError, match=r"got no \['age'\]"):
        model(frame.drop("age"))


def test_validation_rows_may_be_given():
    model = fitted(valid=(X[256:], Y[256:]), epochs=2)
    assert len(model.history[0]) == 2
    with pytest.raises(InputError, match=r"valid: expected \(x, y\) or"):
        fitted(valid=(X[256:],))


def test_each_of_several_parts_has_the_fit_of_its_rows():
    """Also of parts that differ in size, and so in how many steps an epoch has."""
    settings = {
        "network": SMALL, "family": Moved(Gaussian()), "epochs": 2, "batch_size": 32,
        "progress": False,
    }  # fmt: skip
    parts = [np.arange(110), np.arange(50, 270), RNG.permutation(320)[:100]]
    for part, found in zip(parts, sbp_jax.fit_each(X, Y, parts, **settings), strict=True):
        alone = sbp_jax.fit(X[part], Y[part], **settings)
        assert [one["step"] for one in found.history[0]] == [
            one["step"] for one in alone.history[0]
        ]
        np.testing.assert_allclose(found(X[:9]).median, alone(X[:9]).median, atol=1e-5)


def test_files_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(ExportError, match="expected a weights file, found none"):
        sbp_jax.load(tmp_path / "none.npz")
    save_weights(tmp_path / "other.npz", {"a": np.ones(1)}, {"kind": "passes"})
    with pytest.raises(ExportError, match=r"expected a file of Model.save, .* kind 'passes'"):
        sbp_jax.load(tmp_path / "other.npz")
    save_weights(tmp_path / "half.npz", {"a": np.ones(1)}, {"kind": KIND})
    with pytest.raises(ExportError, match="describes no model"):
        sbp_jax.load(tmp_path / "half.npz")
    (tmp_path / "text.npz").write_text("depth, age")
    with pytest.raises(ExportError, match=r"text\.npz: not a weights file, or a damaged one"):
        sbp_jax.load(tmp_path / "text.npz")
    with np.load(tmp_path / "half.npz") as file:
        newer = file["config_json"].item().replace('"format": 1', '"format": 2')
    np.savez(tmp_path / "newer.npz", config_json=np.array(newer))
    with pytest.raises(ExportError, match=r"newer\.npz: expected format 1, found 2"):
        sbp_jax.load(tmp_path / "newer.npz")


def test_a_file_that_cannot_be_written_is_one_clear_error(model, tmp_path):
    with pytest.raises(ExportError, match=r"gone/model\.npz: expected a file that can be written"):
        model.save(tmp_path / "gone" / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_the_door_opens_without_loading_jax():
    code = (
        "import sys, sbp_jax; assert 'jax' not in sys.modules; "
        "assert {'fit', 'load', 'Law'} <= set(dir(sbp_jax)); print(sbp_jax.fit.__module__); "
        "assert 'sklearn' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "sbp_jax.arrays.fit\n"
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        sbp_jax.fitt  # noqa: B018


def test_a_law_of_a_model_passes_through_jit(model):
    law = jax.jit(lambda one: jax.tree.map(lambda leaf: leaf, one))(model(X[:3]))
    np.testing.assert_array_equal(law.median, model(X[:3]).median)
