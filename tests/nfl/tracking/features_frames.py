"""Plays made of random numbers, and changes of them that features must or must not notice."""

import numpy as np
import polars as pl

from sbp_jax.nfl.tracking.play_frames import NOBODY, PLAYERS, SIDE, PlayFrames, Role
from sbp_jax.nfl.tracking.tables import PLAY_COLUMNS

MOTION = ("x", "y", "speed", "direction", "orientation")


def random_frames(seed, lengths=(12, 1, 30), *, grid=0.01, absent=False):
    """Plays of the given lengths; positions lie on a grid, so that a coarse one makes ties.

    With ``absent``, every play lacks its line and some of its defenders, the last one all of them.
    """
    rng = np.random.default_rng(seed)
    plays, rows = len(lengths), sum(lengths)
    start = np.repeat(rng.normal(0, 8, (2, plays, PLAYERS)), lengths, axis=1)
    position = start + rng.normal(0, 2, (2, rows, PLAYERS))
    role = np.zeros((plays, PLAYERS), np.int8)
    for own in role:
        eligible = rng.integers(2, 6)
        offense = [Role.PASSER, Role.TARGET] + [Role.ELIGIBLE] * eligible
        own[:SIDE] = rng.permutation(offense + [Role.LINE] * (SIDE - len(offense)))
        rushers = rng.integers(0, 7)
        own[SIDE:] = rng.permutation([Role.RUSHER] * rushers + [Role.COVERAGE] * (SIDE - rushers))
    if absent:
        role[role == Role.LINE] = Role.ABSENT
        role[:, SIDE:][rng.random((plays, SIDE)) < 0.4] = Role.ABSENT
        role[-1, SIDE:] = Role.ABSENT
    player_id = rng.permuted(np.tile(np.arange(40_000, 40_000 + PLAYERS), (plays, 1)), axis=1)
    here = np.repeat(role != Role.ABSENT, lengths, axis=0)
    return PlayFrames(
        np.concatenate([[0], np.cumsum(lengths, dtype=int)]),
        *(np.where(here, np.round(p / grid) * grid, 0).astype(np.float32) for p in position),
        np.where(here, rng.uniform(0, 10, (rows, PLAYERS)), 0).astype(np.float32),
        *(
            np.where(here, rng.uniform(-np.pi, np.pi, (rows, PLAYERS)), 0).astype(np.float32)
            for _ in range(2)
        ),
        np.where(role == Role.ABSENT, NOBODY, player_id),
        role,
    )


def shuffled(frames, seed):
    """The same plays with the players of each side in another order, of each play its own."""
    rng = np.random.default_rng(seed)
    order = np.tile(np.arange(PLAYERS), (len(frames.role), 1))
    order[:, :SIDE] = rng.permuted(order[:, :SIDE], axis=1)
    order[:, SIDE:] = rng.permuted(order[:, SIDE:], axis=1)
    wide = np.repeat(order, np.diff(frames.offsets), axis=0)
    return frames._replace(
        **{name: np.take_along_axis(getattr(frames, name), wide, axis=1) for name in MOTION},
        player_id=np.take_along_axis(frames.player_id, order, axis=1),
        role=np.take_along_axis(frames.role, order, axis=1),
    )


def truncated(frames, lengths):
    """The first frames of each play."""
    starts = frames.offsets[:-1]
    rows = np.concatenate([s + np.arange(n) for s, n in zip(starts, lengths, strict=True)])
    return frames._replace(
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        **{name: getattr(frames, name)[rows] for name in MOTION},
    )


FIRST_AND_TEN = {
    "game_id": 2022090800,
    "play_id": 56,
    "season": 2022,
    "week": 1,
    "file": "tracking_week_1.csv",
    "home_team": "LA",
    "away_team": "BUF",
    "offense": "BUF",
    "defense": "LA",
    "quarter": 1,
    "clock_seconds": 900,
    "down": 1,
    "yards_to_go": 10,
    "yards_to_endzone": 75,
    "offense_score": 0,
    "defense_score": 0,
    "passer_id": 1,
    "target_id": 2,
    "pass_result": "C",
    "yards_gained": 6,
    "snap_frame": 11,
    "throw_frame": 40,
    "description": "a pass",
}


def plays_table(*changes):
    """A table of plays like `FIRST_AND_TEN`, each with its own changes."""
    return pl.DataFrame([FIRST_AND_TEN | change for change in changes], schema=PLAY_COLUMNS)
