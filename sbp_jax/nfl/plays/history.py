"""The series of a pass: the snaps of its game before it, oldest first.

Each step describes one earlier snap, whose outcome was known by the time of the throw, and how it
relates to the pass at hand: whether the same offence, passer or target was at work then. The
relations say that two people are the same, never who they are.

Legend: B passes, T steps, C features, N snaps.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.clock import SECONDS_PLAYED
from sbp_jax.runs.ranges import Count, Whole, refuse_unless

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "pass": ("pass", "spike"),
    "run": ("run", "scramble"),
    "sack": ("sack",),
    "kick": ("punt", "kickoff", "field_goal", "extra_point"),
}


def _near_one(column: str, scale: float, limit: float) -> pl.Expr:
    return pl.col(column).fill_null(0).cast(pl.Float32).clip(-limit, limit) / scale


SNAP_FEATURES: Final[Mapping[str, pl.Expr]] = {
    **{f"is_{name}": pl.col("kind").is_in(kinds) for name, kinds in _KINDS.items()},
    "yards": _near_one("yards", 10, 50),
    "air_yards": _near_one("air_yards", 10, 50),
    "complete": pl.col("complete"),
    "interception": pl.col("interception"),
    "touchdown": pl.col("touchdown"),
    "first_down": pl.col("first_down"),
    "turnover": pl.col("turnover"),
    "penalty_yards": _near_one("penalty_yards", 10, 30),
    "down": _near_one("down", 4, 4),
    "yards_to_go": _near_one("yards_to_go", 10, 30),
    "yards_to_endzone": _near_one("yards_to_endzone", 50, 100),
    "shotgun": pl.col("shotgun"),
    "no_huddle": pl.col("no_huddle"),
    "location_left": pl.col("pass_location") == "left",
    "location_middle": pl.col("pass_location") == "middle",
    "location_right": pl.col("pass_location") == "right",
}
"""Columns that describe an earlier snap by itself."""

RELATION_FEATURES: Final = (
    "same_offense",
    "same_passer",
    "same_target",
    "target_ran",
    "same_drive",
    "lead_then",
    "minutes_ago",
)
"""Columns that relate an earlier snap to the pass at hand."""

# name: (the snaps that count, what is averaged over them)
_AVERAGES: Final[Mapping[str, tuple[str, str]]] = {
    "passer_complete_so_far": ("same_passer", "complete"),
    "passer_air_yards_so_far": ("same_passer", "air_yards"),
    "passer_yards_so_far": ("same_passer", "yards"),
    "target_complete_so_far": ("same_target", "complete"),
    "target_air_yards_so_far": ("same_target", "air_yards"),
    "target_yards_so_far": ("same_target", "yards"),
    "target_left_so_far": ("same_target", "location_left"),
    "target_right_so_far": ("same_target", "location_right"),
    "sacks_so_far": ("same_offense", "is_sack"),
    "shotgun_so_far": ("same_offense", "shotgun"),
    "no_huddle_so_far": ("same_offense", "no_huddle"),
    "drive_yards_so_far": ("same_drive", "yards"),
}
_COUNTS: Final[Mapping[str, str]] = {
    "passes_so_far": "same_passer",
    "targets_so_far": "same_target",
    "target_runs_so_far": "target_ran",
}
RUNNING_FEATURES: Final = (*_AVERAGES, *_COUNTS)
"""Columns that sum the game up to and including a snap, as it bears on the pass at hand.

A network could learn these sums, but the game so far says little about the next pass, and with
so weak a signal it learns noise instead: they are worth more than all else in the series.
"""

HISTORY_FEATURES: Final = (*SNAP_FEATURES, *RELATION_FEATURES, *RUNNING_FEATURES)


def history(
    passes: pl.DataFrame, snaps: pl.DataFrame, max_snaps: int = 64, chunk: int = 1024
) -> tuple[Float[NDArray, "B T C"], Bool[NDArray, "B T"]]:
    """Sequence (float16) and mask of the preceding snaps of each pass, at most ``max_snaps``.

    Args:
        passes: any rows of the passes table.
        snaps: every snap of their games.
        max_snaps: T, >= 0; of a longer history the newest snaps are kept.
        chunk: passes handled at once, >= 1, which bounds the memory in between.

    Raises:
        ValueError: a pass has no row in ``snaps``.
        SettingError: a number out of its range.
    """
    refuse_unless(Whole, max_snaps=max_snaps)
    refuse_unless(Count, chunk=chunk)
    snaps = snaps.sort("game_id", "snap")
    described = snaps.select(
        expression.cast(pl.Float32).fill_null(0).alias(name)
        for name, expression in SNAP_FEATURES.items()
    )
    own = {name: described[name].to_numpy() for name in SNAP_FEATURES}
    at, first = _locate(passes, snaps)
    start = np.maximum(first, at - max_snaps)
    mask = np.arange(max_snaps)[None] < (at - start)[:, None]
    sequence = np.zeros((len(at), max_snaps, len(HISTORY_FEATURES)), np.float16)
    then, now = _identities(snaps, passes)
    for begin in range(0, len(at), chunk):
        rows = np.arange(begin, min(begin + chunk, len(at)))
        index = np.where(mask[rows], start[rows, None] + np.arange(max_snaps)[None], 0)
        block = sequence[rows[0] : rows[-1] + 1]
        columns = {name: np.where(mask[rows], values[index], 0) for name, values in own.items()}
        columns |= {
            name: np.where(mask[rows], values, 0)
            for name, values in _relations(then, now, index, rows).items()
        }
        columns |= _running(columns)
        for number, name in enumerate(HISTORY_FEATURES):
            block[..., number] = np.where(mask[rows], columns[name], 0)
    return sequence, mask


def _locate(
    passes: pl.DataFrame, snaps: pl.DataFrame
) -> tuple[Int[NDArray, " B"], Int[NDArray, " B"]]:
    """Row of each pass in the sorted snaps, and of the first snap of its game."""
    numbered = snaps.select("game_id", "snap").with_row_index("at")
    numbered = numbered.with_columns(first=pl.col("at").min().over("game_id"))
    joined = passes.select("game_id", "snap").join(
        numbered, on=["game_id", "snap"], how="left", maintain_order="left"
    )
    if missing := joined["at"].null_count():
        row = joined.row(int(joined["at"].is_null().arg_max() or 0), named=True)
        raise ValueError(
            f"expected every pass among the snaps, got {missing} that are not, the first being "
            f"snap {row['snap']} of game {row['game_id']}"
        )
    return joined["at"].to_numpy().astype(np.int64), joined["first"].to_numpy().astype(np.int64)


_IDENTITIES: Final = {
    # name: (column of the snap, column of the pass)
    "offense": ("offense", "offense"),
    "passer": ("passer_id", "passer_id"),
    "receiver": ("receiver_id", "receiver_id"),
    "rusher": ("rusher_id", "receiver_id"),
}


def _identities(
    snaps: pl.DataFrame, passes: pl.DataFrame
) -> tuple[dict[str, NDArray], dict[str, NDArray]]:
    """Columns that relations compare, of the snaps and of the passes; names become numbers."""
    then: dict[str, NDArray] = {}
    now: dict[str, NDArray] = {}
    for name, (of_snap, of_pass) in _IDENTITIES.items():
        both = pl.concat([snaps[of_snap].alias("x"), passes[of_pass].alias("x")])
        codes = both.rank("dense").cast(pl.Int32)
        # Unknown equals nothing, itself included.
        then[name] = codes[: len(snaps)].fill_null(-1).to_numpy()
        now[name] = codes[len(snaps) :].fill_null(-2).to_numpy()
    for table, columns in ((snaps, then), (passes, now)):
        columns["drive"] = table["drive"].fill_null(-1).to_numpy()
        columns["lead"] = table["score_diff"].fill_null(0).to_numpy().astype(np.float32)
        columns["minute"] = table.select(SECONDS_PLAYED / 60).to_series().to_numpy()
    return then, now


def _relations(
    then: Mapping[str, NDArray],
    now: Mapping[str, NDArray],
    index: Int[NDArray, "b T"],
    rows: Int[NDArray, " b"],
) -> dict[str, NDArray]:
    """The columns of `RELATION_FEATURES`, each (b, T)."""

    def same(name: str) -> Bool[NDArray, "b T"]:
        return then[name][index] == now[name][rows][:, None]

    same_offense = same("offense")
    lead = np.where(same_offense, 1, -1) * np.clip(then["lead"][index], -28, 28) / 14
    minutes = np.clip(now["minute"][rows][:, None] - then["minute"][index], 0, 90) / 10
    return {
        "same_offense": same_offense,
        "same_passer": same("passer"),
        "same_target": same("receiver"),
        "target_ran": same("rusher"),
        "same_drive": same("drive"),
        "lead_then": lead,
        "minutes_ago": minutes,
    }


def _running(columns: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The columns of `RUNNING_FEATURES`, from the columns that they sum."""

    def total(values: NDArray) -> Float[NDArray, "b T"]:
        return np.cumsum(values, axis=1, dtype=np.float32)

    # As if there had been three more that showed nothing: a rate after one snap is no rate.
    averages = {
        name: total(columns[which] * columns[what]) / (total(columns[which]) + 3)
        for name, (which, what) in _AVERAGES.items()
    }
    counts = {name: np.log1p(total(columns[which])) / 2 for name, which in _COUNTS.items()}
    return averages | counts
