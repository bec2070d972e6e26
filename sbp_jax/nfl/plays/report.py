"""The account of a build: what was read, what was left out and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

EXAMPLES = 3
"""How many files the text names for each reason."""


@dataclass(frozen=True)
class DroppedGame:
    """A game file that could not be used, and why."""

    file: str
    reason: str

    @property
    def category(self) -> str:
        """The reason without its particulars."""
        return self.reason.partition(":")[0]


@dataclass(frozen=True)
class SeasonReport:
    """The account of one season, kept beside its tables in the cache."""

    season: int
    kept: int
    preseason: int
    dropped: tuple[DroppedGame, ...]
    passes: int
    snaps: int
    problems: Mapping[str, int]
    seconds: float
    content: str

    def as_json(self) -> dict[str, Any]:
        """Plain types only."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        dropped = tuple(DroppedGame(**entry) for entry in values["dropped"])
        return cls(**{**values, "dropped": dropped})


@dataclass(frozen=True)
class GamesReport:
    """The account of a load.

    Attributes:
        source: distribution and version, or the folder.
        seasons: those asked for.
        games_seen: files of these seasons, which is kept + preseason + dropped.
        games_kept: games in the tables.
        preseason: preseason games, left out unopened.
        dropped: games that could not be read.
        passes: rows of that table.
        snaps: rows of that table.
        problems: counts of rows or games that do not add up, by kind.
        seconds: how long the load took.
        seasons_from_cache: how many seasons were not parsed but read back.
        fingerprint: of the contents of all games and of the version of the tables: two runs with
            the same fingerprint had the same data, wherever the files lay.
    """

    source: str
    seasons: tuple[int, ...]
    games_seen: int
    games_kept: int
    preseason: int
    dropped: tuple[DroppedGame, ...]
    passes: int
    snaps: int
    problems: Mapping[str, int]
    seconds: float
    seasons_from_cache: int
    fingerprint: str

    def as_json(self) -> dict[str, Any]:
        """Plain types only, fit for `json.dumps`."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [
            f"{self.source}: seasons {', '.join(map(str, self.seasons))}",
            f"games: {self.games_seen:,} seen, {self.games_kept:,} kept, "
            f"{self.preseason:,} preseason left out, {len(self.dropped):,} dropped",
        ]
        for category, count in Counter(game.category for game in self.dropped).most_common():
            some = [game for game in self.dropped if game.category == category][:EXAMPLES]
            lines.append(f"  {category}: {count:,}")
            lines += [f"    {game.file}: {game.reason}" for game in some]
        lines.append(f"rows: {self.passes:,} passes, {self.snaps:,} snaps")
        lines += [f"  {count:,} {problem}" for problem, count in self.problems.items()]
        lines.append(
            f"{self.seconds:.1f} s, {self.seasons_from_cache} of {len(self.seasons)} seasons from "
            f"the cache; fingerprint {self.fingerprint}"
        )
        return "\n".join(lines)


def merge(
    source: str,
    parts: Sequence[SeasonReport],
    *,
    fingerprint: str,
    seconds: float,
    seasons_from_cache: int,
) -> GamesReport:
    """One account of several seasons."""
    problems: Counter[str] = Counter()
    for part in parts:
        problems.update(part.problems)
    return GamesReport(
        source=source,
        seasons=tuple(part.season for part in parts),
        games_seen=sum(part.kept + part.preseason + len(part.dropped) for part in parts),
        games_kept=sum(part.kept for part in parts),
        preseason=sum(part.preseason for part in parts),
        dropped=tuple(game for part in parts for game in part.dropped),
        passes=sum(part.passes for part in parts),
        snaps=sum(part.snaps for part in parts),
        problems=dict(problems),
        seconds=seconds,
        seasons_from_cache=seasons_from_cache,
        fingerprint=fingerprint,
    )
