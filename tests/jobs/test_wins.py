"""The comparison of ratings end to end on a dozen real games: what it writes, skips and refuses."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import sbp_jax
from sbp_jax.errors import InputError, RunFolderError
from sbp_jax.jobs.other_ratings import OtherRatings
from sbp_jax.jobs.wins import Wins, main
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.nfl.plays.splits import SplitError
from sbp_jax.nfl.ratings import ScoringError, rate, read_scored_plays
from sbp_jax.nfl.ratings.compare_ratings import RATINGS
from sbp_jax.nfl.ratings.dropback import PARTS
from sbp_jax.nfl.ratings.extreme_plays import read_extreme_plays
from sbp_jax.nfl.ratings.outcome import POINTS
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.operations import Operations

FEW = ("passing_score", "passer_rating")
OTHER = """season,player,club,points
2009,Ben Roethlisberger,PIT,70.5
2009,Matt Ryan,ATL,60
2010,Nobody Atall,KC,50
"""


@pytest.fixture(scope="module")
def config(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wins")
    (folder / "other.csv").write_text(OTHER)
    return Wins(
        run=folder / "run",
        source=source,
        cache=folder / "cache",
        seasons=(2009, 2010, 2011),
        folds=3,
        network=NetworkConfig(layers=0, hidden=(8,), dropout=0.0),
        train=TrainConfig(epochs=1, batch_size=64, virtual_shards=8, warmup_steps=2),
        min_attempts=15,
        min_games=1,
        operations=Operations(devices=1),
        other=OtherRatings(folder / "other.csv", "points", "player", "points", "club", where=""),
    )


@pytest.fixture(scope="module")
def run(config, quick_compilation_throughout):
    main(config)
    return config.run


def test_everything_is_there(run):
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["wins"]["rows"] >= 15
    assert evaluation["playoffs"] is None  # no playoff game is among these
    assert evaluation["stability"]["passing_score"]["split_half"] is None  # one game each
    assert "2 passers have a rating" in evaluation["joined"]
    assert "Nobody Atall" in evaluation["joined"]
    named = json.loads((run / "other_ratings.json").read_text())
    assert named["without_passer"] == ["2010 Nobody Atall KC"]
    assert evaluation["without_target_not_scored"] > 0
    report = (run / "report.md").read_text()
    figures = sorted(path.name for path in (run / "figures").glob("*.png"))
    assert figures == ["passer_page.png", "passers.png", "seasons.png", "wins.png"]
    assert all(name in report for name in figures)
    assert len(list((run / "folds").iterdir())) == 3
    assert not [path for path in run.rglob("*") if "partial" in path.name]


def test_every_throw_and_sack_is_scored_once(run):
    plays = read_scored_plays(run)
    throws, sacks = plays.filter(~pl.col("sack")), plays.filter("sack")
    assert set(plays["season"]) == {2009, 2010, 2011}
    assert plays.select("game_id", "play_id").is_unique().all()
    assert sacks.height > 20
    assert sacks["play_score"].null_count() == sacks.height
    assert throws["play_score"].is_between(0, 1).all()
    # A season's fold never saw it, and every season is somebody's.
    assert throws.select("season", "fold").unique().height == 3
    whole = plays.select(pl.sum_horizontal(PARTS)).to_series().to_numpy()
    np.testing.assert_allclose(whole, plays["standard_score"].to_numpy(), atol=1e-9)
    np.testing.assert_allclose(
        plays.group_by("season").agg(pl.col("standard_score").mean())["standard_score"],
        0.0,
        atol=1e-9,
    )
    # Expected points of eight games are rough, but not so rough.
    assert throws.filter("pass_touchdown")["outcome"].mean() > 1
    assert throws.filter("interception")["outcome"].mean() < -1


def test_the_table_is_the_rating_of_the_scored_plays(run, config):
    written = pl.read_csv(run / "scores.csv")
    again = rate(
        read_scored_plays(run), where="season_type = 'REG'", min_attempts=config.min_attempts
    ).table
    np.testing.assert_allclose(written["value"], again["value"], atol=1e-9)


def test_extreme_plays_come_with_what_was_forecast(run):
    extremes = read_extreme_plays(run)
    assert extremes.pmf.shape == (extremes.plays.height, extremes.values.size)
    np.testing.assert_allclose(extremes.pmf.sum(axis=1), 1, atol=0.01)
    mean = extremes.pmf @ extremes.values
    np.testing.assert_allclose(mean, extremes.plays["expected"].to_numpy(), atol=0.2)


def test_the_folds_are_one_model_in_points(run):
    model = sbp_jax.load(run)
    columns = model.columns.static
    assert (model.members, model.cell, columns[-1]) == (3, POINTS.step, "if_intercepted")
    rows = pl.DataFrame({name: [0.0, 1.0] for name in reversed(columns)})
    law = model(rows)
    assert law.shape == (2,)
    np.testing.assert_allclose(law.params.base.scale, POINTS.step)
    with pytest.raises(InputError, match=r"x: expected the columns .*, got no \['if_caught'\]"):
        model(rows.drop("if_caught"))


def test_a_second_run_only_prints(run, config, capsys, monkeypatch):
    monkeypatch.setattr("sbp_jax.jobs.wins.cross_fit", lambda *a, **k: pytest.fail("fitted again"))
    main(config)
    printed = capsys.readouterr().out
    assert "is finished" in printed
    assert "NFL passer rating" in printed
    assert "exceed 3" in printed


@pytest.mark.slow
def test_interrupted_after_the_folds_it_trains_none_again(run, config):
    before = json.loads((run / "evaluation.json").read_text())
    metrics = {path: path.read_text() for path in run.glob("folds/*/metrics.jsonl")}
    (run / "report.md").unlink()
    (run / "scoring.json").unlink()
    main(config)
    after = json.loads((run / "evaluation.json").read_text())
    for name, found in after["wins"]["ratings"].items():
        assert found == pytest.approx(before["wins"]["ratings"][name], rel=1e-9)
    assert metrics == {path: path.read_text() for path in run.glob("folds/*/metrics.jsonl")}


def test_other_settings_are_refused(run, config):
    with pytest.raises(RunFolderError, match=r"settings.tail_mass: expected 0.01, got 0.002"):
        main(replace(config, tail_mass=0.01))


@pytest.mark.slow
def test_without_the_other_ratings_it_is_compared_anew_but_not_fitted(
    run, config, capsys, monkeypatch
):
    monkeypatch.setattr("sbp_jax.jobs.wins.cross_fit", lambda *a, **k: pytest.fail("fitted again"))
    main(replace(config, other=OtherRatings()), {name: RATINGS[name] for name in FEW})
    assert "passers have a rating" not in capsys.readouterr().out
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["joined"] is None
    assert tuple(evaluation["stability"]) == FEW
    main(config)
    assert "2 passers have a rating" in capsys.readouterr().out


def test_bad_input_is_refused_before_anything_is_written(config, tmp_path):
    fresh = replace(config, run=tmp_path / "run")
    with pytest.raises(SplitError, match=r"\[2019\] are reserved"):
        main(replace(fresh, seasons=(2009, 2010, 2019)))
    with pytest.raises(ScoringError, match="folds: expected 2 to 3"):
        main(replace(fresh, folds=4))
    with pytest.raises(ScoringError, match="999 attempts and 1 games, got none"):
        main(replace(fresh, min_attempts=999))
    missing = replace(config.other, file=tmp_path / "none.csv")
    with pytest.raises(ScoringError, match=r"none\.csv: expected a CSV file"):
        main(replace(fresh, other=missing))
    assert not fresh.run.exists()


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["net_yards", "yards"])
def test_other_outcomes(config, outcome, quick_compilation_throughout):
    other = replace(config, run=config.run.with_name(outcome), outcome=outcome)
    main(replace(other, other=OtherRatings()))
    plays = read_scored_plays(other.run).filter(~pl.col("sack"))
    gained = plays.filter(~pl.col("interception"))
    assert (gained["outcome"] == gained["yards_gained"]).all()
    lost = plays.filter("interception")
    if outcome == "net_yards":
        assert (lost["outcome"] < 0).mean() > 0.9
    else:
        assert (lost["outcome"] == 0).all()
