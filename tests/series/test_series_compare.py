"""Several families on one panel: what is kept in a folder, and what is read from it."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.evaluation import pp_mae
from sbp_jax.series import SeriesNetwork, Split, compare, make_panel
from sbp_jax.series.compare import (
    Candidate,
    bands_file,
    load_bands,
    load_scores,
    mean_pp_mae,
    medians_file,
    pooled_verdict,
    save_scores,
    score_candidates,
    scores_file,
    series_scores,
)
from sbp_jax.series.synthetic import POINTS, SpikyLaw, level, synthetic_series
from sbp_jax.series.train import SeriesTraining
from tests.series.small import FAMILIES, NETWORK, TRAINING, wave

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


def scores(points, seed):
    names = ("log_score", "crps", "twcrps", "median", "pit_lower", "pit_upper", "y")
    columns = np.sort(np.random.default_rng(seed).random((len(names), points)), axis=0)
    return series_scores(**dict(zip(names, columns, strict=True)))  # lower ends below upper ones


SCORED = {"one": scores(5, 0), "two/of a kind": scores(8, 1)}
CANDIDATES = {"normal law, wide": Candidate(FAMILIES["gaussian"], "density_nll", NETWORK)}


def assert_same(one, other):
    assert list(one) == list(other)
    for name in one:
        for a, b in zip(*map(jax.tree.leaves, (one[name], other[name])), strict=True):
            np.testing.assert_array_equal(a, b)


def test_scores_are_read_as_they_were_written(tmp_path):
    save_scores(tmp_path / "scores.npz", SCORED)
    assert_same(load_scores(tmp_path / "scores.npz"), SCORED)


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path, monkeypatch):
    path = tmp_path / "scores.npz"

    def interrupted(file, *args, **settings):
        file.write(b"half of it")
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array", interrupted)
        with pytest.raises(OSError, match="disk full"):
            save_scores(path, SCORED)
        assert list(tmp_path.iterdir()) == []
    save_scores(path, SCORED)
    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array", interrupted)
        with pytest.raises(OSError, match="disk full"):
            save_scores(path, {"one": scores(5, 3)})
    assert [each.name for each in tmp_path.iterdir()] == ["scores.npz"]
    assert_same(load_scores(path), SCORED)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared") / "scores"
    panel = make_panel([wave(name="file"), wave(seed=1)])  # a name that NumPy uses itself
    return folder, panel, score_candidates(CANDIDATES, panel, TRAINING, folder)


def test_what_is_kept_of_a_candidate(finished):
    folder, panel, found = finished
    name = "normal law, wide"
    path = scores_file(folder, name)
    assert path.name == "normal_law_wide.npz"
    assert_same(load_scores(path), found[name])
    np.testing.assert_array_equal(found[name]["file"].y, panel.series[0].values[96:])
    shown = load_bands(bands_file(folder, name))
    np.testing.assert_array_equal(shown.steps, np.arange(96, 120))
    np.testing.assert_array_equal(shown.y, panel.series[0].values[96:])
    assert np.all(np.diff(shown.quantiles, axis=0) > 0)
    with np.load(medians_file(folder, name)) as medians:
        assert {key: medians[key].shape for key in medians.files} == {
            "file": (24,),
            "wave 1": (24,),
        }


def test_what_the_folder_holds_is_not_trained_again(finished, monkeypatch):
    folder, panel, found = finished

    def untouched(*args, **settings):
        raise AssertionError("trained again")

    monkeypatch.setattr(compare, "fit_series", untouched)
    again = score_candidates(CANDIDATES, panel, TRAINING, folder)
    assert_same(again["normal law, wide"], found["normal law, wide"])
    more = CANDIDATES | {"other": replace(CANDIDATES["normal law, wide"], objective="crps")}
    with pytest.raises(AssertionError, match="trained again"):
        score_candidates(more, panel, TRAINING, folder)


def test_the_scores_are_written_last(finished, monkeypatch, tmp_path):
    """So that a candidate counts as finished only when all of its files are there."""
    _, panel, _ = finished

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "save_scores", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score_candidates(CANDIDATES, panel, TRAINING, tmp_path)
    assert not scores_file(tmp_path, "normal law, wide").exists()
    assert bands_file(tmp_path, "normal law, wide").exists()
    assert medians_file(tmp_path, "normal law, wide").exists()


def test_series_are_pooled_in_order_and_averaged_one_by_one():
    pooled = pooled_verdict(SCORED)
    np.testing.assert_array_equal(pooled.crps[:5], SCORED["one"].verdict.crps)
    np.testing.assert_array_equal(pooled.pit_upper[5:], SCORED["two/of a kind"].verdict.pit_upper)
    assert np.isnan(pooled.mean).all()
    each = [pp_mae(s.verdict.pit_lower, s.verdict.pit_upper) for s in SCORED.values()]
    for region, value in mean_pp_mae(SCORED).items():
        assert value == pytest.approx((each[0][region] + each[1][region]) / 2)


@pytest.mark.slow
def test_the_spliced_family_comes_near_the_true_law(tmp_path):
    panel = make_panel([synthetic_series(seed) for seed in (100, 101)], Split(*POINTS))
    known = panel.values[..., : POINTS[0]]
    spliced = SplicedBinnedPareto(np.linspace(known.min(), known.max(), 101))
    candidate = Candidate(spliced, "base_plus_tail", SeriesNetwork())
    found = score_candidates({"SBP": candidate}, panel, SeriesTraining(), tmp_path)["SBP"]
    at, law = np.arange(6_000, 7_000), SpikyLaw()
    for series in panel.series:
        true = law.crps(series.values[at] - level(at)).mean()
        assert 0.97 * true < found[series.name].verdict.crps.mean() < 1.05 * true
        best = -law.log_pdf(series.values[at] - level(at)).mean()
        assert found[series.name].verdict.log_score.mean() < best + 0.2
