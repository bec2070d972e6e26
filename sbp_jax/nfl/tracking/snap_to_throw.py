"""When each play was snapped and thrown, and the rows from the one to the other."""

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl

from sbp_jax.nfl.tracking import drops
from sbp_jax.nfl.tracking.drops import Sieve
from sbp_jax.nfl.tracking.sources import Event, Source
from sbp_jax.nfl.tracking.tracking_rows import BALL, MS_PER_FRAME

_SNAPS: Final = (Event.SNAP, Event.AUTOMATIC_SNAP)
_THROWS: Final = (Event.THROW, Event.AUTOMATIC_THROW)


def find_spans(
    rows: pl.DataFrame, source: Source, sieve: Sieve, min_frames: int, max_frames: int
) -> pl.DataFrame:
    """The snap and the throw of each play.

    The snap is the first snap tag; the throw is the last tag of a forward pass after it, because
    an earlier one went backwards or was none. A tag on any row counts. Tags set by hand are
    trusted before automatic ones. In a source without tags a play's first frame is the snap and
    its last the throw.

    Args:
        rows: of `TrackingRows`.
        source: of the file.
        sieve: plays without snap or throw, too short or too long, are dropped from it.
        min_frames: fewest frames from the snap to the throw, both included.
        max_frames: most frames.

    Returns:
        play, snap (ms), frames (both ends included), of the plays that are kept; sorted.
    """
    if "event" in source.tracking:
        spans = _tagged(rows, sieve)
    else:
        spans = rows.group_by("play").agg(snap=pl.col("ms").min(), throw=pl.col("ms").max())
    length = ((pl.col("throw") - pl.col("snap")) / MS_PER_FRAME).round().cast(pl.Int64) + 1
    spans = spans.select("play", "snap", frames=length).sort("play")
    detail = pl.format("{} frames", pl.col("frames"))
    for reason, wrong in (
        (drops.TOO_SHORT, pl.col("frames") < min_frames),
        (drops.TOO_LONG, pl.col("frames") > max_frames),
    ):
        bad = spans.filter(wrong)
        sieve.drop(bad["play"].to_numpy(), reason, bad.select(detail).to_series().to_list())
    return sieve.keep(spans)


def cut_windows(rows: pl.DataFrame, spans: pl.DataFrame, plays: int) -> pl.DataFrame:
    """The rows from snap to throw, with tick, the frames since the snap.

    Args:
        rows: of `TrackingRows`.
        spans: of `find_spans`.
        plays: number of candidate plays.
    """
    # Lookups by number: a join of all rows of a file would take longer than all that follows.
    snap, frames = np.zeros(plays, np.int64), np.zeros(plays, np.int64)
    snap[spans["play"].to_numpy()] = spans["snap"].to_numpy()
    frames[spans["play"].to_numpy()] = spans["frames"].to_numpy()
    play = rows["play"].to_numpy()
    since = rows["ms"].fill_null(-1).to_numpy() - snap[play]
    tick = np.rint(since / MS_PER_FRAME).astype(np.int64)
    inside = (tick >= 0) & (tick < frames[play])
    ticks = pl.Series("tick", tick[inside])
    return rows.filter(pl.Series(inside)).drop("ms", "event").with_columns(ticks)


def number_ends(window: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """The spans with snap_frame and throw_frame, the file's numbers of these frames.

    Of a player who was missing for a while some sources number his own samples, which lag behind;
    so the highest number of that moment counts.

    Args:
        window: of `cut_windows`, the ball's rows included.
        spans: of `find_spans`.
    """
    ends = window.select("play", "frame", "tick").join(spans.select("play", "frames"), on="play")
    frame, tick = pl.col("frame"), pl.col("tick")
    numbers = ends.group_by("play").agg(
        snap_frame=frame.filter(tick == 0).max(),
        throw_frame=frame.filter(tick == pl.col("frames") - 1).max(),
    )
    return spans.join(numbers, on="play", how="left", maintain_order="left")


def _tagged(rows: pl.DataFrame, sieve: Sieve) -> pl.DataFrame:
    """Columns play, snap and throw (ms), of the plays that have both."""
    plays = rows.filter(pl.col("side") != BALL).select("play").unique()
    events = rows.filter(pl.col("event") > 0).select("play", "ms", "event")
    snaps = _preferred(events, _SNAPS, pl.Expr.min).rename({"ms": "snap"})
    spans = plays.join(snaps, on="play", how="left")
    sieve.drop(spans.filter(pl.col("snap").is_null())["play"].to_numpy(), drops.NO_SNAP)
    after = events.join(snaps, on="play").filter(pl.col("ms") > pl.col("snap"))
    throws = _preferred(after, _THROWS, pl.Expr.max).rename({"ms": "throw"})
    spans = spans.drop_nulls().join(throws, on="play", how="left")
    sieve.drop(spans.filter(pl.col("throw").is_null())["play"].to_numpy(), drops.NO_THROW)
    return spans.drop_nulls()


def _preferred(
    events: pl.DataFrame, kinds: tuple[Event, Event], which: Callable[[pl.Expr], pl.Expr]
) -> pl.DataFrame:
    """Columns play and ms: which of the tags of the first kind that a play has, else the second."""
    times = [which(pl.col("ms").filter(pl.col("event") == kind.value)) for kind in kinds]
    return events.group_by("play").agg(ms=pl.coalesce(times)).drop_nulls()
