"""Small raw folders to build from, and what a build of them is."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from sbp_jax.nfl.tracking.parts import open_part
from tests.nfl.tracking.small_season import SmallPlay, write_season

KICKOFF = datetime(2022, 9, 8, 20, 24, 5)


def season_plays(weeks=7, each=3, seed=0):
    """Plays of two games a week that differ in length, place and outcome."""
    rng = np.random.default_rng(seed)
    plays = []
    for week in range(1, weeks + 1):
        day = KICKOFF + timedelta(days=7 * (week - 1))
        for game in range(2):
            game_id = int(day.strftime("%Y%m%d")) * 100 + game
            for number in range(each):
                result = str(rng.choice(["C", "I", "IN"]))
                plays.append(
                    SmallPlay(
                        game_id=game_id,
                        play_id=50 + 20 * number,
                        week=week,
                        right=bool(rng.integers(2)),
                        home=bool(rng.integers(2)),
                        own_yards=int(rng.integers(5, 90)),
                        frames=int(rng.integers(8, 45)),
                        result=result,
                        yards=int(rng.integers(-3, 40)) if result == "C" else 0,
                        start=day + timedelta(minutes=number),
                    )
                )
    return plays


def write_weeks(folder, plays, layout="2025", **options):
    return write_season(folder, layout, plays, **options)


def moved(plays, week, **changes):
    """The same plays, with those of a week changed."""
    return [replace(play, **changes) if play.week == week else play for play in plays]


def files_under(folder):
    """Path and time of change of every file but locks."""
    return {
        path.relative_to(folder): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def contents(build):
    """Hash of all kept plays, one by one: an account that owes nothing to the fingerprint's."""
    digest = hashlib.sha256()
    for folder, kept in zip(build.folders, build.kept, strict=True):
        part = open_part(folder)
        for row in np.flatnonzero(kept):
            frames = slice(part.offsets[row], part.offsets[row + 1])
            for values in (part.values[frames], part.static[row], part.player_id[row]):
                digest.update(values.tobytes())
            digest.update(repr(part.plays.drop("file").row(int(row))).encode())
    return digest.hexdigest()


def kept_plays(build):
    """Rows of the plays tables that are in the build."""
    return pl.concat(
        open_part(folder).plays.filter(pl.Series(kept))
        for folder, kept in zip(build.folders, build.kept, strict=True)
    )
