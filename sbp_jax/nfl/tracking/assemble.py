"""The parts of a build put together: which plays count, and the account of all."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool
from numpy.typing import NDArray

from sbp_jax.nfl.errors import BuildError
from sbp_jax.nfl.tracking.build_report import BuildReport, Lengths, by_reason
from sbp_jax.nfl.tracking.parts import Part, PartAccount, folder_bytes, open_part, read_account
from sbp_jax.nfl.tracking.reading import TrackingFolder, plays_without_tracking
from sbp_jax.nfl.tracking.tables import DROP_COLUMNS, PLAY_COLUMNS

TWICE: Final = "in two files"
_KEYS: Final = ("game_id", "play_id")


class Build(NamedTuple):
    """What a build made.

    Attributes:
        folders: of the parts, in the order of the tracking files' names.
        kept: which plays of each part are in the build: all, except those that an earlier file
            has already.
        drops: `DROP_COLUMNS` of all plays left out.
        report: the account of it.
    """

    folders: tuple[Path, ...]
    kept: tuple[Bool[NDArray, " K"], ...]
    drops: pl.DataFrame
    report: BuildReport


def assemble(
    source: Path, folder: TrackingFolder, folders: Sequence[Path], *, made: int, seconds: float
) -> Build:
    """Put parts that are all there together.

    Args:
        source: folder of raw files, for the report.
        folder: the same, opened.
        folders: the part of each tracking file.
        made: how many of them are new.
        seconds: that it took.

    Raises:
        BuildError: not one play is kept, or a part is damaged.
    """
    accounts = [_whole(part) for part in folders]
    parts = [open_part(part) for part in folders]
    plays = pl.concat(
        part.plays.with_columns(part=pl.lit(number)) for number, part in enumerate(parts)
    )
    first = plays.select(pl.struct(_KEYS).is_first_distinct()).to_series()
    in_parts = pl.concat([plays.select(_KEYS), *(part.drops.select(_KEYS) for part in parts)])
    drops = pl.concat(
        [
            folder.drops,
            plays_without_tracking(folder, in_parts),
            *(part.drops for part in parts),
            _repeated(plays, first),
        ]
    )
    dropped = by_reason(drops)
    if not first.any():
        reasons = "; ".join(f"{each.reason}: {each.count:,}" for each in dropped)
        raise BuildError(f"{source}: not one play of {drops.height:,} is kept ({reasons})")
    numbers = plays["part"].to_numpy()
    kept = tuple(first.to_numpy()[numbers == number] for number in range(len(parts)))
    report = BuildReport(
        source=source.resolve().name,
        layout=str(folder.source.layout),
        files=len(folders),
        seen=folder.seen + in_parts.height - in_parts.unique().height,
        kept=int(first.sum()),
        dropped=dropped,
        lengths=_lengths(parts, kept),
        problems=_problems(folder, accounts),
        missing=_missing_values(plays.filter(first)),
        raw_mb=sum(account.raw_bytes for account in accounts) / 1e6,
        parts_mb=sum(map(folder_bytes, folders)) / 1e6,
        seconds=seconds,
        from_cache=len(folders) - made,
        fingerprint=_fingerprint(accounts, kept),
    )
    return Build(tuple(folders), kept, drops, report)


def _whole(folder: Path) -> PartAccount:
    if account := read_account(folder):
        return account
    raise BuildError(f"{folder}: changed while it was being read; build again")


def _repeated(plays: pl.DataFrame, first: pl.Series) -> pl.DataFrame:
    """`DROP_COLUMNS` of the plays that an earlier file has."""
    earlier = plays.filter(first).select(*_KEYS, earlier="file")
    later = plays.filter(~first).join(earlier, on=_KEYS, how="left", maintain_order="left")
    told = later.with_columns(reason=pl.lit(TWICE), detail=pl.format("kept from {}", "earlier"))
    return told.select(pl.col(name).cast(dtype) for name, dtype in DROP_COLUMNS.items())


def _lengths(parts: Sequence[Part], kept: Sequence[Bool[NDArray, " K"]]) -> Lengths:
    lengths = [np.diff(part.offsets)[rows] for part, rows in zip(parts, kept, strict=True)]
    return Lengths.of(np.concatenate(lengths))


def _problems(folder: TrackingFolder, accounts: Sequence[PartAccount]) -> dict[str, int]:
    """Kinds that occurred."""
    problems = Counter(folder.problems)
    for account in accounts:
        problems.update(account.problems)
    return {name: count for name, count in problems.items() if count}


def _missing_values(plays: pl.DataFrame) -> dict[str, int]:
    """Of the columns that have any."""
    counts = plays.select(*PLAY_COLUMNS).null_count().row(0, named=True)
    return {name: count for name, count in counts.items() if count}


def _fingerprint(accounts: Sequence[PartAccount], kept: Sequence[Bool[NDArray, " K"]]) -> str:
    digest = hashlib.sha256()
    for account, rows in zip(accounts, kept, strict=True):
        if rows.any():
            digest.update(account.content.encode())
            digest.update(np.packbits(rows).tobytes())
    return digest.hexdigest()[:20]
