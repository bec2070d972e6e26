"""Table plays.csv in the layout of the Big Data Bowl 2025.

Columns that a simulation has nothing to say about are there, and empty.

Legend: K plays.
"""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.clock import QUARTER_SECONDS
from sbp_jax.nfl.simulator.chunk import Chunk
from sbp_jax.nfl.simulator.coverage import Scheme
from sbp_jax.nfl.simulator.league import TEAMS, League
from sbp_jax.nfl.simulator.lineup import FORMATIONS, QUARTERBACK, SIDELINE
from sbp_jax.nfl.simulator.schedule import (
    PASS,
    RUN,
    SACK,
    SPIKE,
    Games,
)
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND

PLAYS_COLUMNS: Final = (
    *("gameId", "playId", "playDescription", "quarter", "down", "yardsToGo", "possessionTeam"),
    *("defensiveTeam", "yardlineSide", "yardlineNumber", "gameClock", "preSnapHomeScore"),
    *("preSnapVisitorScore", "playNullifiedByPenalty", "absoluteYardlineNumber"),
    *("preSnapHomeTeamWinProbability", "preSnapVisitorTeamWinProbability", "expectedPoints"),
    *("offenseFormation", "receiverAlignment", "playClockAtSnap", "passResult", "passLength"),
    *("targetX", "targetY", "playAction", "dropbackType", "dropbackDistance"),
    *("passLocationType", "timeToThrow", "timeInTackleBox", "timeToSack", "passTippedAtLine"),
    *("unblockedPressure", "qbSpike", "qbKneel", "qbSneak", "rushLocationType", "penaltyYards"),
    *("prePenaltyYardsGained", "yardsGained", "homeTeamWinProbabilityAdded"),
    *("visitorTeamWinProbilityAdded", "expectedPointsAdded", "isDropback"),
    *("pff_runConceptPrimary", "pff_runConceptSecondary", "pff_runPassOption"),
    *("pff_passCoverage", "pff_manZone"),
)
"""In the order of the files, with their spelling."""

_TEAM: Final = pl.Series(TEAMS)
_FORMATION: Final = pl.Series([formation.name for formation in FORMATIONS])
_COVERAGE: Final = pl.Series(
    ["Quarters" if s is Scheme.QUARTERS else f"Cover-{s.value}" for s in Scheme]
)
_MAN_SCHEMES: Final = (Scheme.COVER_0, Scheme.COVER_1)
_DEEP_PASS: Final = 15
_OFF_CENTER: Final = 6.0
"""Yards from the ball beyond which a throw is to the left or the right."""


def plays_table(league: League, games: Games, chunk: Chunk) -> pl.DataFrame:
    """Rows of K plays, columns `PLAYS_COLUMNS`."""
    known = pl.DataFrame(
        {**_situation(games, chunk), **_result(chunk), "playDescription": _texts(league, chunk)}
    )
    # Polars' own null type would be lost in a table of several chunks.
    unknown = [pl.lit(None, pl.String).alias(name) for name in PLAYS_COLUMNS]
    unknown = [column for column in unknown if column.meta.output_name() not in known.columns]
    return known.with_columns(unknown).select(PLAYS_COLUMNS)


def _situation(games: Games, chunk: Chunk) -> dict[str, NDArray | pl.Series]:
    plays = chunk.plays
    left = QUARTER_SECONDS - (plays.seconds % QUARTER_SECONDS).astype(np.int64) - 1
    offense, defense = _TEAM.gather(plays.offense), _TEAM.gather(plays.defense)
    formation = chunk.script.lineup.formation
    side = pl.select(
        pl.when(pl.lit(pl.Series(plays.to_endzone > 50)))
        .then(offense)
        .when(pl.lit(pl.Series(plays.to_endzone < 50)))
        .then(defense)  # at midfield, nobody's
    ).to_series()
    return {
        "gameId": games.game_id[plays.game],
        "playId": plays.play_id,
        "quarter": (plays.seconds // QUARTER_SECONDS).astype(np.int64) + 1,
        "down": plays.down,
        "yardsToGo": plays.to_go,
        "possessionTeam": offense,
        "defensiveTeam": defense,
        "yardlineSide": side,
        "yardlineNumber": np.minimum(plays.to_endzone, 100 - plays.to_endzone),
        "gameClock": _clock(left),
        "preSnapHomeScore": plays.home_score,
        "preSnapVisitorScore": plays.away_score,
        "playNullifiedByPenalty": pl.Series(["N"]).gather(np.zeros_like(left)),
        "absoluteYardlineNumber": plays.line,
        "offenseFormation": _FORMATION.gather(formation),
        "isDropback": _flag(plays.kind != RUN),
        "qbSpike": _flag(plays.kind == SPIKE),
        "pff_passCoverage": _COVERAGE.gather(chunk.script.defense.scheme),
        "pff_manZone": pl.Series(["Zone", "Man"]).gather(
            np.isin(chunk.script.defense.scheme, _MAN_SCHEMES).astype(np.int64)
        ),
    }


def _result(chunk: Chunk) -> dict[str, NDArray | pl.Series]:
    plays, flight = chunk.plays, chunk.flight
    passes = plays.kind == PASS
    along = np.where(plays.to_right, 1, -1)
    seconds = chunk.script.routes.frames / FRAMES_PER_SECOND
    return {
        "passResult": _pass_results(chunk),
        "passLength": _where(passes, np.rint(chunk.facts.depth)).cast(pl.Int64),
        "targetX": _where(passes, (along * flight.to.real + plays.line).round(2)),
        "targetY": _where(passes, (along * flight.to.imag + SIDELINE).round(2)),
        "timeToThrow": _where(passes, seconds),
        "timeToSack": _where(plays.kind == SACK, seconds),
        "prePenaltyYardsGained": chunk.yards,
        "yardsGained": chunk.yards,
    }


def _pass_results(chunk: Chunk) -> pl.Series:
    """C complete, I incomplete (a spike is), IN intercepted, S sack; nothing for a run."""
    kind, outcomes = chunk.plays.kind, chunk.outcomes
    codes = np.select(
        [kind == RUN, kind == SACK, kind == SPIKE, outcomes.complete, outcomes.intercepted],
        [4, 3, 1, 0, 2],
        1,
    )
    return pl.Series(["C", "I", "IN", "S", None]).gather(codes)


def _texts(league: League, chunk: Chunk) -> pl.Series:
    """Sentences such as "(12:31) A.Shaw pass short left to B.Holt for 7 yards."."""
    plays, rows = chunk.plays, np.arange(chunk.target.size)
    initials = [f"{first[0]}.{last}" for first, last in (name.split() for name in league.name)]
    short = pl.Series(initials)
    player = chunk.script.lineup.player
    across = chunk.flight.to.imag - plays.ball_y
    side = np.where(np.abs(across) < _OFF_CENTER, 1, np.where(across > 0, 0, 2))
    left = QUARTER_SECONDS - (plays.seconds % QUARTER_SECONDS).astype(np.int64) - 1
    frame = pl.DataFrame(
        {
            "clock": _clock(left),
            "kind": plays.kind,
            "result": _pass_results(chunk),
            "passer": short.gather(player[:, QUARTERBACK]),
            "target": short.gather(player[rows, chunk.target]),
            "interceptor": short.gather(player[rows, chunk.interceptor]),
            "depth": pl.Series(["short", "deep"]).gather(
                (chunk.facts.depth >= _DEEP_PASS).astype(np.int64)
            ),
            "side": pl.Series(["left", "middle", "right"]).gather(side),
            "yards": chunk.yards,
        }
    )
    where = pl.format("pass {} {}", "depth", "side")
    missed = pl.format("pass incomplete {} {} to {}.", "depth", "side", "target")
    caught = pl.format("{} to {} for {} yards.", where, "target", "yards")
    lost = pl.format("{} intended for {} INTERCEPTED by {}.", where, "target", "interceptor")
    what = (
        pl.when(pl.col("kind") == SPIKE)
        .then(pl.lit("spiked the ball to stop the clock."))
        .when(pl.col("kind") == SACK)
        .then(pl.format("sacked for {} yards.", "yards"))
        .when(pl.col("kind") == RUN)
        .then(pl.format("run for {} yards.", "yards"))
        .when(pl.col("result") == "C")
        .then(caught)
        .when(pl.col("result") == "IN")
        .then(lost)
        .otherwise(missed)
    )
    who = pl.when(pl.col("kind") == RUN).then("target").otherwise("passer")
    return frame.select(pl.format("({}) {} {}", "clock", who, what)).to_series()


def _clock(seconds: Int[NDArray, " K"]) -> pl.Series:
    """Text MM:SS."""
    digits = pl.Series([f"{number:02d}" for number in range(60)])
    minutes, rest = np.divmod(seconds, 60)
    return digits.gather(minutes) + ":" + digits.gather(rest)


def _flag(values: NDArray) -> pl.Series:
    return pl.Series(["FALSE", "TRUE"]).gather(values.astype(np.int64))


def _where(rows: NDArray, values: Float[NDArray, " K"]) -> pl.Series:
    """The values of these rows; null in the others."""
    return pl.Series(np.where(rows, values, np.nan)).fill_nan(None)
