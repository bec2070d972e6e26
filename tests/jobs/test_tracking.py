"""The experiment on tracking end to end on a small simulated season."""

import json
from dataclasses import replace

import numpy as np
import pytest

import sbp_jax
from sbp_jax.errors import RunFolderError
from sbp_jax.export import load_model
from sbp_jax.jobs.tracking import FOLDERS, Tracking, main, prepared_data
from sbp_jax.jobs.tracking_results import UNFOLDING
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.nfl.ratings import read_scored_plays
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.tracking.split_plays import load_split
from sbp_jax.training.config import TrainConfig

# Four networks are compiled; what the experiment is made of has tests of its own.
pytestmark = pytest.mark.slow

PLAYS = 240


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return Tracking(
        run=tmp_path_factory.mktemp("runs") / "small",
        simulate=SimulateConfig(plays=PLAYS, weeks=6),
        network=NetworkConfig(features=4, layers=1, hidden=(8,)),
        train=TrainConfig(epochs=2, batch_size=64, virtual_shards=8, warmup_steps=2),
        min_attempts=5,
    )


@pytest.fixture(scope="module")
def finished(config, quick_compilation_throughout):
    main(config)
    return config


@pytest.fixture(scope="module")
def test_plays(finished):
    return load_split(prepared_data(finished)[1], "test")


def test_everything_is_written(finished, test_plays):
    evaluation = json.loads((finished.run / "evaluation.json").read_text())
    assert evaluation["plays"] == len(test_plays) == PLAYS // 6
    assert set(evaluation["forecasts"]) == {*FOLDERS, "XGBoost (median)", "oracle"}
    # The oracle knows the law; two epochs on few plays come nowhere near.
    assert evaluation["differences"]["oracle"]["log_score"]["mean"] < -0.1
    for name in ("pit_histogram", "pp_plot", "learning_curves", "unfolding"):
        data = (finished.run / "figures" / f"{name}.png").read_bytes()
        assert data.startswith(b"\x89PNG")
    assert (finished.run / "figures" / "unfolding.gif").read_bytes().startswith(b"GIF8")
    scores = read_scored_plays(finished.run)
    assert scores["play_score"].is_between(0, 1).all()
    assert scores["yards_gained"].to_list() == test_plays.batch.target.tolist()


def test_the_weights_serve_the_same_scores(finished, test_plays):
    scores = read_scored_plays(finished.run)
    batch = test_plays.batch
    model = load_model(finished.run / "weights.npz")
    served = model.score(batch.sequence, batch.mask, batch.static, batch.target)
    np.testing.assert_allclose(served, scores["play_score"].to_numpy(), atol=2e-5)


def test_the_run_is_a_model_of_other_plays(finished, test_plays):
    batch = test_plays.batch
    law = sbp_jax.load(finished.run)(batch)
    ends = batch.target + np.array([[-0.5], [0.5]], np.float32)
    score = np.asarray(law.cdf(ends)).mean(axis=0)
    told = read_scored_plays(finished.run)["play_score"].to_numpy()
    np.testing.assert_allclose(score, told, atol=2e-5)
    other = sbp_jax.load(finished.run, head=UNFOLDING)(batch)
    assert not np.allclose(other.median, law.median)


def test_a_finished_run_is_printed_and_another_is_refused(finished, capsys):
    log = (finished.run / "metrics.jsonl").stat().st_mtime_ns
    main(finished)
    printed = capsys.readouterr().out
    assert "is finished" in printed
    assert "from the best possible log score" in printed
    assert (finished.run / "metrics.jsonl").stat().st_mtime_ns == log
    with pytest.raises(RunFolderError, match=r"settings.tail_mass: expected 0.02, got 0.002"):
        main(replace(finished, tail_mass=0.02))
