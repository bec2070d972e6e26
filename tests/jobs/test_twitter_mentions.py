"""The experiment on counts, on two series that are drawn, and the reading of the real ones."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra figures is not installed")

from sbp_jax.jobs import twitter_mentions
from sbp_jax.jobs.twitter_mentions import (
    RISKS,
    TwitterMentions,
    count_alarms,
    main,
    make_candidates,
    read_folder,
    score_constant,
    thresholds,
    upper_pp_mae,
)
from sbp_jax.series import SeriesError, make_panel
from sbp_jax.series.compare import series_scores
from tests.jobs.finished import (
    check_another_is_refused,
    check_figures,
    check_printed_without_training,
)
from tests.series.small import NETWORK, TRAINING, mentions

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

FEW = ("SBP", "Gaussian")
POINTS = 1500
DETECTED = {
    name: {"upper": 0.01, "alarms": {"0.001": 3, "0.0001": 1}}
    for name in ("SPOT", "DSPOT", "NN-SPOT")
}


def write(folder, names=("Twitter_volume_AAA.csv", "BBB.csv"), points=POINTS):
    folder.mkdir()
    for seed, name in enumerate(names):
        counts = mentions(points, seed=seed, mean=5.0 * (seed + 1)).values.astype(int)
        rows = [f"{5 * i},{count}" for i, count in enumerate(counts)]
        (folder / name).write_text("\n".join(["timestamp,value", *rows]) + "\n")
    return folder


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("few", marks=pytest.mark.slow),
        pytest.param("all", marks=pytest.mark.slow),
    ],
)
def finished(request, tmp_path_factory):
    """A run, of two families and what detectors might say, or of all families and detectors."""
    folder = tmp_path_factory.mktemp("mentions")
    config = TwitterMentions(
        source=write(folder / "source"),
        run=folder / "run",
        bins=12,
        depth=20,
        network=replace(NETWORK, center=1.0),
        train=replace(TRAINING, epochs=1, segment=64),
    )
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "few":
            patch.setattr(twitter_mentions, "DRAWN", FEW)
            patch.setattr(twitter_mentions, "detect", lambda config, panel: DETECTED)
            patch.setattr(
                twitter_mentions,
                "make_candidates",
                lambda config: {
                    "SBP": make_candidates(config)["Binned"],  # compiles sooner
                    "Gaussian": make_candidates(config)["Gaussian"],
                },
            )
        main(config)
        yield config


def test_everything_is_written(finished):
    evaluation = json.loads((finished.run / "evaluation.json").read_text())
    assert evaluation["points"] == 2 * POINTS // 5
    assert set(FEW) <= set(evaluation["forecasts"])
    assert set(evaluation["detectors"]) == set(DETECTED)
    assert set(evaluation["alarms"]) == {*evaluation["forecasts"], *DETECTED}
    for alarms in evaluation["alarms"].values():
        assert list(alarms) == ["0.001", "0.0001"]
        assert 0 <= alarms["0.0001"] <= alarms["0.001"] < evaluation["points"] / 10
    for row in evaluation["forecasts"].values():
        assert set(row["by_series"]) == {"AAA", "BBB"}
        assert row["twcrps"] > 0
    table = (finished.run / "table.txt").read_text()
    assert all(name in table for name in evaluation["alarms"])
    assert max(map(len, table.splitlines())) <= 100
    check_figures(finished)


def test_a_finished_run_is_printed_without_training(finished, monkeypatch, capsys):
    check_printed_without_training(main, finished, monkeypatch, capsys)


def test_another_config_is_refused(finished):
    check_another_is_refused(main, finished, "depth")


def test_a_folder_without_series_is_refused(tmp_path):
    with pytest.raises(SeriesError, match=r"nowhere: expected a folder of series, got none"):
        main(TwitterMentions(source=tmp_path / "nowhere", run=tmp_path / "run"))
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(SeriesError, match=r"expected files .csv or .csv.gz, got none"):
        main(TwitterMentions(source=tmp_path, run=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    return make_panel(read_folder(write(tmp_path_factory.mktemp("two") / "source")), counts=True)


def test_names_are_those_of_the_companies(panel):
    assert [series.name for series in panel.series] == ["BBB", "AAA"]


def test_thresholds_are_the_counts_that_one_in_twenty_reaches(panel):
    found = thresholds(panel)
    for series in panel.series:
        known, r = series.values[:900], found[series.name]
        assert r == int(r)
        assert np.mean(known > r) <= 0.05 <= np.mean(known >= r - 1)


def test_the_constant_forecast_is_scored_by_plain_sums(panel):
    found, r = score_constant(panel), thresholds(panel)
    for series in panel.series:
        known, y = series.values[:900], series.values[1200:]
        numbers = np.arange(r[series.name], series.values.max() + 1)
        cdf = (known[:, None] <= numbers).mean(axis=0)
        expected = ((cdf - (y[:, None] <= numbers)) ** 2).sum(axis=1)
        np.testing.assert_allclose(found[series.name], expected, rtol=1e-9, atol=1e-12)


def test_alarms_are_expected_numbers_over_randomised_pits():
    nothing = np.zeros(3)
    scores = series_scores(
        pit_lower=np.array([0.2, 0.998, 0.9995]),
        pit_upper=np.array([0.4, 1.0, 1.0]),
        twcrps=nothing,
        y=nothing,
    )
    found = count_alarms({"AAA": scores, "BBB": scores})
    assert found == pytest.approx({f"{RISKS[0]:g}": 2 * 1.5, f"{RISKS[1]:g}": 2 * (0.05 + 0.2)})


def test_probabilities_of_a_perfect_detector_are_well_calibrated():
    """Uniform probabilities of which those below the threshold are not told."""
    probability = (np.arange(10_000) + 0.5) / 10_000
    told = np.where(probability < 0.05, probability, np.nan)
    assert upper_pp_mae(told) < 2e-4
    assert upper_pp_mae(np.full(100, np.nan)) == pytest.approx(0.02, abs=0.01)


def test_the_ten_real_series_are_read(shared_data):
    folder = shared_data / "nab_tweets"
    if not folder.is_dir():
        pytest.skip("the real series of tweets are not beside this checkout")
    series = read_folder(folder)
    assert [each.name for each in series] == [
        *("AAPL", "AMZN", "CRM", "CVS", "FB", "GOOG", "IBM", "KO", "PFE", "UPS")
    ]
    panel = make_panel(series, counts=True)
    assert panel.values.shape[:2] == (10, 1)
    assert all(each.values.size > 15_000 for each in series)
