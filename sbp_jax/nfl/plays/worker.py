"""A season to be parsed, in this process or in one of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sbp_jax.nfl.plays.build import build_season
from sbp_jax.nfl.plays.cache import finish, write_season


@dataclass(frozen=True)
class SeasonJob:
    """A season to be parsed.

    Attributes:
        season: the season.
        games: id and file of each game, preseason left out.
        preseason: how many that left out.
        unfinished: a folder to be made and written into.
        folder: what that folder becomes once it is complete.
    """

    season: int
    games: tuple[tuple[str, Path], ...]
    preseason: int
    unfinished: Path
    folder: Path

    @property
    def task(self) -> str:
        """For messages."""
        return f"parsed season {self.season}"

    def run(self, on_games: Callable[[int], object]) -> None:
        """Parse, write and finish, in this process.

        Args:
            on_games: is told how many more games are parsed.
        """
        built = build_season(self.season, self.games, self.preseason, lambda: on_games(1))
        self.unfinished.mkdir()
        write_season(self.unfinished, *built)
        finish(self.unfinished, self.folder)
