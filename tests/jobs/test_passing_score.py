"""The main job end to end on a dozen real games: what it writes, skips, refuses and exports."""

import json
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import polars as pl
import pytest

import sbp_jax
from sbp_jax.batch import Batch
from sbp_jax.errors import BatchError, InputError, RunFolderError
from sbp_jax.export import load_model
from sbp_jax.jobs import passing_score
from sbp_jax.jobs.export_weights import ExportWeights
from sbp_jax.jobs.export_weights import main as export
from sbp_jax.jobs.passing_score import NO_HISTORY, PASSING_HEADS, SBP, PassingScore, main
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.nfl.plays import load_plays
from sbp_jax.nfl.plays.splits import SeasonSplit, split_examples
from sbp_jax.nfl.ratings import read_scored_plays
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.restore import restore_forecaster

HEADS = (SBP, NO_HISTORY)  # of the four that are trained alike, those that the report compares


@pytest.fixture(scope="module", autouse=True)
def whole_heads():
    whole = passing_score.make_heads
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            passing_score, "make_heads", lambda config: {n: whole(config)[n] for n in HEADS}
        )
        yield whole


@pytest.fixture(scope="module")
def config(source, tmp_path_factory):
    return PassingScore(
        run=tmp_path_factory.mktemp("runs") / "small",
        source=source,
        cache=tmp_path_factory.mktemp("cache"),
        split=SeasonSplit(train=(2009,), valid=(2010,), test=(2011,), max_snaps=8),
        network=NetworkConfig(features=4, layers=1, hidden=(8,)),
        train=TrainConfig(epochs=2, batch_size=64, virtual_shards=8, warmup_steps=2),
        min_attempts=10,
    )


@pytest.fixture(scope="module")
def run(config, quick_compilation_throughout):
    main(config)
    return config.run


def test_unless_fewer_are_asked_for_four_are_trained(config, whole_heads):
    heads = whole_heads(config)
    assert tuple(heads) == PASSING_HEADS
    assert [head.objective for head in heads.values()] == [
        "base_plus_tail", "interval_nll", "interval_nll", "base_plus_tail"
    ]  # fmt: skip


def test_everything_is_there(run):
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert set(evaluation["forecasts"]) >= {*HEADS, "XGBoost (median)", "constant"}
    assert evaluation["games"] == 4
    assert evaluation["speed"]["scoring_plays_per_second"] > 0
    for name in HEADS:
        assert np.isfinite(evaluation["forecasts"][name]["log_score"]["mean"])
    scores = pl.read_csv(run / "scores.csv")
    assert scores.filter("qualified").height >= 2
    report = (run / "report.md").read_text()
    for figure in (run / "figures").glob("*.png"):
        assert figure.name in report
    assert len(list((run / "figures").glob("*.png"))) == 5
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2
    assert not [path for path in run.rglob("*") if "partial" in path.name]


def test_a_second_run_only_prints(run, config, capsys, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    monkeypatch.setattr(
        "sbp_jax.jobs.passing_score.train_heads", lambda *a, **k: pytest.fail("trained again")
    )
    main(config)
    printed = capsys.readouterr().out
    assert "is finished" in printed
    assert "Without the game so far" in printed
    assert str(run / "report.md") in printed
    assert before == {path: path.stat().st_mtime_ns for path in run.rglob("*")}


def test_another_config_is_refused(run, config):
    other = replace(config, train=replace(config.train, learning_rate=1.0))
    with pytest.raises(RunFolderError, match=r"settings.train.learning_rate: expected 1.0"):
        main(other)


def test_the_run_is_a_model_that_says_of_plays_what_it_said(run, config, tmp_path):
    tables = load_plays(config.source, seasons=config.split.seasons, cache=config.cache)
    batch = split_examples(tables, config.split)["test"].batch
    model = sbp_jax.load(run)
    assert (model.cell, len(model.history[0])) == (1, 2)
    ends = batch.target + np.array([[-0.5], [0.5]], np.float32)
    told = read_scored_plays(run).select("pit_lower", "pit_upper").to_numpy().T
    np.testing.assert_allclose(model(batch).cdf(ends), told, atol=2e-6)
    model.save(tmp_path / "passes.npz")
    served = load_model(tmp_path / "passes.npz")
    law = served(batch.sequence, mask=batch.mask, static=batch.static)
    np.testing.assert_allclose(law.cdf(ends), told, atol=1e-4)
    with pytest.raises(InputError, match=r"x: expected a Batch with \d+ static columns and steps"):
        model(batch._replace(static=batch.static[:, 1:]))
    with pytest.raises(InputError, match="mask, static: expected none with a Batch"):
        model(batch, mask=batch.mask)
    batch.static[1, 0] = np.nan
    with pytest.raises(BatchError, match=f"nan in row 1, column '{model.columns.static[0]}'"):
        model(batch)


@pytest.mark.slow
def test_interrupted_after_training_it_concludes(run, config, capsys):
    """Without its report a run is not finished; what was trained is not trained again."""
    evaluation = json.loads((run / "evaluation.json").read_text())
    (run / "report.md").unlink()
    main(config)
    again = json.loads((run / "evaluation.json").read_text())
    assert (run / "report.md").exists()
    assert again["forecasts"] == evaluation["forecasts"]


def test_export_reproduces_the_model_on_real_plays_without_jax(run, config, tmp_path):
    path = export(ExportWeights(run, output=tmp_path / "weights.npz"))
    served = load_model(path)
    tables = load_plays(config.source, seasons=config.split.seasons, cache=config.cache)
    test = split_examples(tables, config.split)["test"].batch
    forecaster, params, _ = restore_forecaster(run)
    expected = jax.jit(forecaster.predict)(params, Batch(*map(jax.numpy.asarray, test)))
    found = served.parameters(test.sequence, test.mask, test.static)
    for name, values in expected._asdict().items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, atol=1e-5, err_msg=name)
    # The file written at the end of the run is the same model.
    written = load_model(Path(run) / "weights.npz")
    np.testing.assert_array_equal(
        written.raw(test.sequence, test.mask, test.static),
        served.raw(test.sequence, test.mask, test.static),
    )
