"""The experiment on the synthetic series, on few of them and with networks that learn little."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra figures is not installed")

from sbp_jax.jobs import heavy_tails
from sbp_jax.jobs.heavy_tails import ORACLE, HeavyTails, main, make_candidates, score_true_law
from sbp_jax.series import Split, make_panel
from sbp_jax.series.compare import mean_pp_mae
from sbp_jax.series.synthetic import POINTS, synthetic_series
from tests.jobs.finished import (
    check_another_is_refused,
    check_figures,
    check_printed_without_training,
)
from tests.series.small import NETWORK, TRAINING

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

FEW = ("SBP", "Gaussian")


def small(folder, seeds=(0,)):
    training = replace(TRAINING, epochs=1, segment=64)
    return HeavyTails(folder / "run", seeds=seeds, bins=12, network=NETWORK, train=training)


@pytest.fixture(scope="module", params=["few", pytest.param("all", marks=pytest.mark.slow)])
def finished(request, tmp_path_factory):
    """A run, of two families or of all."""
    config = small(tmp_path_factory.mktemp("heavy"), (0,) if request.param == "few" else (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "few":
            patch.setattr(heavy_tails, "DRAWN", (*FEW, ORACLE))
            patch.setattr(
                heavy_tails,
                "make_candidates",
                lambda config, panel: {
                    "SBP": make_candidates(config, panel)["Binned"],  # compiles sooner
                    "Gaussian": make_candidates(config, panel)["Gaussian"],
                },
            )
        main(config)
        yield config


def test_everything_is_written(finished):
    evaluation = json.loads((finished.run / "evaluation.json").read_text())
    assert evaluation["points"] == POINTS[2]
    forecasts = evaluation["forecasts"]
    assert {*FEW, ORACLE} <= set(forecasts)
    true = forecasts[ORACLE]
    assert true["crps_ratio"]["mean"] == 1
    assert true["log_score_above_true"]["mean"] == 0
    # One epoch of a network of four channels is far from the best that there is.
    assert all(row["crps_ratio"]["mean"] > 1 for name, row in forecasts.items() if name != ORACLE)
    table = (finished.run / "table.txt").read_text()
    assert all(name in table for name in forecasts)
    assert max(map(len, table.splitlines())) <= 100
    check_figures(finished)


def test_a_finished_run_is_printed_without_training(finished, monkeypatch, capsys):
    check_printed_without_training(main, finished, monkeypatch, capsys)


def test_another_config_is_refused(finished):
    check_another_is_refused(main, finished, "bins")


def test_every_family_has_the_same_network_and_bins_over_the_training_values():
    config = small(Path("nowhere"))
    panel = make_panel([synthetic_series(0)], Split(*POINTS))
    candidates = make_candidates(config, panel)
    assert {"SBP", "Binned", "Gaussian", "Student t", "hybrid Pareto"} <= set(candidates)
    assert {candidate.network for candidate in candidates.values()} == {config.network}
    edges = candidates["SBP"].family.edges
    assert edges == candidates["Binned"].family.edges
    assert edges[0] == pytest.approx(panel.values[..., :5000].min())
    assert edges[-1] == pytest.approx(panel.values[..., :5000].max())
    assert len(edges) == 13


def test_the_true_law_is_calibrated():
    panel = make_panel([synthetic_series(seed) for seed in (7, 8)], Split(*POINTS))
    true = score_true_law(panel)
    np.testing.assert_array_equal(true["seed 7"].y, panel.series[0].values[6000:])
    # The PP-MAE of a perfect forecast of 1,000 points is about 0.01, and seldom above 0.02.
    assert mean_pp_mae(true)["full"] < 0.02
