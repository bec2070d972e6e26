"""The account of a build: what was seen, what was kept, and why the rest was not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
import polars as pl
from jaxtyping import Int
from numpy.typing import NDArray

EXAMPLES: Final = 3
"""How many plays are named for each reason."""


@dataclass(frozen=True)
class DroppedPlay:
    """A play that was left out, and what was found in it.

    Attributes:
        game_id: of the play.
        play_id: of the play.
        file: the tracking file; empty where the play is in none, or the tables ruled it out.
        detail: what was found; empty where the reason says it all.
    """

    game_id: int
    play_id: int
    file: str
    detail: str

    def __str__(self) -> str:
        where = f"{self.file}: " if self.file else ""
        found = f": {self.detail}" if self.detail else ""
        return f"{where}game {self.game_id}, play {self.play_id}{found}"


@dataclass(frozen=True)
class Dropped:
    """All plays that were left out for one reason: how many, and the first few."""

    reason: str
    count: int
    examples: tuple[DroppedPlay, ...]


@dataclass(frozen=True)
class Lengths:
    """Frames of the kept plays, from the snap to the throw, both included."""

    min: int
    p5: int
    median: int
    p95: int
    max: int

    @classmethod
    def of(cls, lengths: Int[NDArray, " K"]) -> Self:
        """The distribution of K lengths, K at least 1.

        >>> Lengths.of(np.arange(10, 31))
        Lengths(min=10, p5=11, median=20, p95=29, max=30)
        """
        shares = np.quantile(lengths, (0, 0.05, 0.5, 0.95, 1), method="nearest")
        return cls(*map(int, shares))


@dataclass(frozen=True)
class BuildReport:
    """The account of a build.

    Attributes:
        source: name of the folder of raw files.
        layout: which source it is.
        files: tracking files.
        seen: plays of the plays table; one that is in several tracking files counts in each.
            It is ``kept`` and all counts of ``dropped`` together.
        kept: plays in the parts.
        dropped: the others, by reason, the most frequent first.
        lengths: of the kept plays.
        problems: what was repaired, or passed over, by kind.
        missing: missing values in each column of the kept plays that has any.
        raw_mb: size of the tracking files, megabytes of 10**6 bytes.
        parts_mb: size of the parts.
        seconds: how long the build took.
        from_cache: how many of the parts were there already.
        fingerprint: of all that a data set takes from the parts. The same wherever the files
            lay, and whether or not parts were there already.
    """

    source: str
    layout: str
    files: int
    seen: int
    kept: int
    dropped: tuple[Dropped, ...]
    lengths: Lengths
    problems: Mapping[str, int]
    missing: Mapping[str, int]
    raw_mb: float
    parts_mb: float
    seconds: float
    from_cache: int
    fingerprint: str

    def as_json(self) -> dict[str, Any]:
        """Plain types only, fit for `json.dumps`."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of `as_json`."""
        dropped = tuple(
            Dropped(
                each["reason"],
                each["count"],
                tuple(DroppedPlay(**play) for play in each["examples"]),
            )
            for each in values["dropped"]
        )
        return cls(**{**values, "dropped": dropped, "lengths": Lengths(**values["lengths"])})

    def __str__(self) -> str:
        left_out = sum(each.count for each in self.dropped)
        lines = [
            f"{self.source}: layout {self.layout}, {self.files:,} tracking files of "
            f"{self.raw_mb:,.1f} MB",
            f"plays: {self.seen:,} seen, {self.kept:,} kept, {left_out:,} dropped",
        ]
        for each in self.dropped:
            lines.append(f"  {each.reason}: {each.count:,}")
            lines += [f"    {play}" for play in each.examples]
        lengths = ", ".join(f"{name} {value}" for name, value in asdict(self.lengths).items())
        lines.append(f"frames of a play: {lengths}")
        lines += [f"  {count:,} {problem}" for problem, count in self.problems.items()]
        if self.missing:
            missing = ", ".join(f"{name} {count:,}" for name, count in self.missing.items())
            lines.append(f"missing values: {missing}")
        lines.append(
            f"{self.seconds:.1f} s, {self.from_cache} of {self.files} parts from the cache, "
            f"{self.parts_mb:,.1f} MB; fingerprint {self.fingerprint}"
        )
        return "\n".join(lines)


def by_reason(drops: pl.DataFrame) -> tuple[Dropped, ...]:
    """Count `DROP_COLUMNS` by reason, the most frequent first, and name the first of each.

    >>> drops = pl.DataFrame(
    ...     {"game_id": [1, 1, 2], "play_id": [5, 6, 7], "file": "w1.csv", "detail": ""}
    ... ).with_columns(reason=pl.Series(["no snap", "no throw", "no throw"]))
    >>> [(each.reason, each.count) for each in by_reason(drops)]
    [('no throw', 2), ('no snap', 1)]
    """
    counts = (
        drops.group_by("reason", maintain_order=True)
        .agg(count=pl.len(), play=pl.struct("game_id", "play_id", "file", "detail").head(EXAMPLES))
        .sort("count", "reason", descending=[True, False])
    )
    return tuple(
        Dropped(reason, count, tuple(DroppedPlay(**play) for play in plays))
        for reason, count, plays in counts.iter_rows()
    )
