"""Simulated passes with forecasts that are right by construction."""

from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from sbp_jax.evaluation import Verdict, point_verdict
from sbp_jax.evaluation.verdict import pmf_verdict
from sbp_jax.nfl.figures import CELLS, CellForecast, FigureInputs
from sbp_jax.nfl.plays import DroppedGame, GamesReport
from sbp_jax.nfl.ratings import Ratings, rate, scored_plays
from sbp_jax.nfl.ratings.extreme_plays import ExtremePlays, extreme_plays
from sbp_jax.plots import style

PLAYS, PASSERS, SEASON = 1500, 24, 2018
YARDS = np.arange(CELLS[0], CELLS[1] + 1)


class Simulated(NamedTuple):
    passes: pl.DataFrame
    forecast: CellForecast
    verdicts: dict[str, Verdict]


def simulate(seed: int = 0) -> Simulated:
    rng = np.random.default_rng(seed)
    air = rng.integers(-5, 45, PLAYS)
    to_endzone = rng.integers(1, 100, PLAYS)
    pmf = probabilities(air, to_endzone)
    gained = YARDS[(np.cumsum(pmf, axis=1) < rng.random(PLAYS)[:, None]).sum(axis=1)]
    caught = gained != 0
    passer = rng.integers(0, PASSERS, PLAYS)
    passes = pl.DataFrame(
        {
            "season": np.full(PLAYS, SEASON),
            "game_id": [f"{SEASON}09{i % 16:02d}00" for i in range(PLAYS)],
            "passer_id": [f"id-{i}" for i in passer],
            "passer_name": [f"P.Number{i}" for i in passer],
            "receiver_name": pl.Series([None if i % 5 == 0 else "R.Catcher" for i in range(PLAYS)]),
            "offense": [f"T{i:02d}" for i in passer],
            "down": rng.integers(1, 5, PLAYS),
            "yards_to_go": np.minimum(10, to_endzone),
            "yards_to_endzone": to_endzone,
            "air_yards": air,
            "pass_location": rng.choice(["left", "middle", "right"], PLAYS),
            "complete": caught,
            "interception": ~caught & (rng.random(PLAYS) < 0.1),
            "pass_touchdown": caught & (gained == to_endzone),
            "yards_gained": gained,
        }
    )
    right = pmf_verdict(pmf, CELLS[0], gained.astype(np.float64))
    # Knows only how far the mean play goes: too wide, and off its axis in the figures.
    wrong = right._replace(pit_lower=right.pit_lower**3, pit_upper=right.pit_upper**3)
    forecast = CellForecast(
        pmf, right.median, np.full(PLAYS, -0.5), np.minimum(to_endzone, 60) + 0.5
    )
    verdicts = {"SBP": right, "Gaussian": wrong, "point": point_verdict(right.median)}
    return Simulated(passes, forecast, verdicts)


def probabilities(air: np.ndarray, to_endzone: np.ndarray) -> np.ndarray:
    """An atom at 0 that grows with the air yards, a catch that gains them and more, a goal line."""
    beyond = YARDS - air[:, None]
    catch = np.where(beyond >= 0, 0.8 ** np.maximum(beyond, 0), 0.0)
    catch = np.where(to_endzone[:, None] > YARDS, catch, 0.0)
    catch /= np.maximum(catch.sum(axis=1, keepdims=True), 1.0) * 1.25
    touchdown = to_endzone[:, None] == YARDS
    catch = catch + touchdown * (1 - catch.sum(axis=1, keepdims=True))
    incomplete = (0.3 + 0.01 * np.maximum(air, 0))[:, None]
    return incomplete * (YARDS == 0) + (1 - incomplete) * catch


def learned(start: float) -> list[dict[str, float]]:
    return [
        {
            "epoch": i,
            "train_loss": start + 0.5 / (i + 1),
            "validation_score": start + 0.1 / (i + 1),
            "seconds": 1.0,
            "examples_per_second": 1000.0,
        }
        for i in range(4)
    ]


@pytest.fixture(scope="session")
def simulated() -> Simulated:
    return simulate()


@pytest.fixture(scope="session")
def plays(simulated: Simulated) -> pl.DataFrame:
    """Scored plays, with all that splits read, of passers of whom each is better than the last."""
    rng = np.random.default_rng(1)
    right = simulated.verdicts["SBP"]
    scored = scored_plays(
        simulated.passes.with_columns(
            season_type=pl.lit("REG"),
            week=pl.Series(np.arange(PLAYS) % 16 + 1),
            defense=pl.lit("DEF"),
            quarter=pl.Series(rng.integers(1, 5, PLAYS)),
            clock_seconds=pl.Series(rng.integers(0, 901, PLAYS)),
            score_diff=pl.Series(rng.integers(-14, 15, PLAYS)),
        ),
        outcome=simulated.passes["yards_gained"].to_numpy().astype(np.float64),
        expected=simulated.forecast.pmf @ YARDS,
        pit_lower=np.asarray(right.pit_lower),
        pit_upper=np.asarray(right.pit_upper),
    )
    skill = 0.5 * pl.col("passer_id").str.strip_prefix("id-").cast(pl.Float64)
    return scored.with_columns(pl.col("throw_score", "standard_score") + skill)


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> int:
    """The width of a file in pixels where few are drawn, which is quick."""
    monkeypatch.setattr(style, "DPI", 50)
    return 50 * int(style.WIDTH)


@pytest.fixture(scope="session")
def extremes(simulated: Simulated, plays: pl.DataFrame, ratings: Ratings) -> ExtremePlays:
    numbered = extreme_plays(plays.with_row_index("at"), ratings.qualified)
    pmf = simulated.forecast.pmf[numbered["at"].to_numpy()]
    return ExtremePlays(numbered.drop("at"), pmf, YARDS.astype(float))


@pytest.fixture(scope="session")
def ratings(plays: pl.DataFrame) -> Ratings:
    return rate(plays, min_attempts=30)


@pytest.fixture(scope="session")
def figure_inputs(simulated: Simulated, ratings: Ratings) -> FigureInputs:
    return FigureInputs(
        passes=simulated.passes,
        forecast=simulated.forecast,
        verdicts=simulated.verdicts,
        histories={"SBP": learned(2.2), "Binned": learned(2.21), "Gaussian": learned(3.1)},
        objectives={"SBP": "base_plus_tail", "Binned": "cell log score"},
        ratings=ratings,
        seasons=(SEASON,),
    )


@pytest.fixture(scope="session")
def build_report() -> GamesReport:
    return GamesReport(
        source="simulated",
        seasons=(SEASON,),
        games_seen=18,
        games_kept=16,
        preseason=1,
        dropped=(DroppedGame("broken.json", "not JSON: line 1"),),
        passes=PLAYS,
        snaps=3 * PLAYS,
        problems={"passes without air yards": 2},
        seconds=0.5,
        seasons_from_cache=0,
        fingerprint="0123abcd",
    )
