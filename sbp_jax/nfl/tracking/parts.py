"""Tracking files already turned into features, kept on disk: one folder, a part, for each file.

A part is named for a stamp of all that its contents depend on, so it is never changed: another
file, table, setting or version of the code makes another part. It is written under a temporary
name and renamed when whole. Deleting any of it, at any time, only costs a new reading.

Legend: K plays, N frames of all of them together, C and S columns, 22 players.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.errors import BuildError
from sbp_jax.nfl.tracking.features import FEATURES_VERSION, SEQUENCE_FEATURES, sequence_features
from sbp_jax.nfl.tracking.reading import ReadConfig, Reading
from sbp_jax.nfl.tracking.season_files import find_table
from sbp_jax.nfl.tracking.sources import Source
from sbp_jax.nfl.tracking.static import tracking_static
from sbp_jax.nfl.tracking.tables import FACT_COLUMNS
from sbp_jax.runs.atomic import UNFINISHED, whole_folder

PARTS_VERSION: Final = 3
"""Raise it with every change that reads other frames, plays, drops or facts out of the files, or
makes other statics of them."""

_ACCOUNT: Final = "account.json"
_ARRAYS: Final = ("offsets", "values", "player_id", "player_mask", "static")
_TABLES: Final = ("plays", "drops")


class Part(NamedTuple):
    """The plays of one tracking file.

    Attributes:
        offsets: (K + 1,) play k has the rows ``offsets[k]`` to ``offsets[k + 1] - 1``.
        values: (N, C) `SEQUENCE_FEATURES`, float16.
        player_id: (K, 22) in the order of the features.
        player_mask: (K, 22) True where the source has the player.
        static: (K, S) `TRACKING_STATIC`, float32.
        plays: `PLAY_COLUMNS`, K rows.
        drops: `DROP_COLUMNS` of the plays of the file that were left out.
    """

    offsets: Int[NDArray, " K1"]
    values: Float[NDArray, "N C"]
    player_id: Int[NDArray, "K 22"]
    player_mask: Bool[NDArray, "K 22"]
    static: Float[NDArray, "K S"]
    plays: pl.DataFrame
    drops: pl.DataFrame

    @property
    def target(self) -> Float[NDArray, " K"]:
        """Yards gained, float32."""
        return self.plays["yards_gained"].cast(pl.Float32).to_numpy()


@dataclass(frozen=True)
class PartAccount:
    """How a part came about.

    Attributes:
        file: the tracking file, by name.
        raw_bytes: its size.
        plays: K.
        problems: what had to be repaired in it, by kind.
        seconds: that its reading took.
        content: hash of all that a data set takes from the part.
        sizes: bytes of each file of the part.
    """

    file: str
    raw_bytes: int
    plays: int
    problems: Mapping[str, int]
    seconds: float
    content: str
    sizes: Mapping[str, int]

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """From the plain types of `dataclasses.asdict`."""
        return cls(**values)


def make_part(reading: Reading) -> Part:
    """Features and statics of what was read.

    Raises:
        BuildError: a feature is not finite as float16; names file, play and column.
    """
    features = sequence_features(reading.frames)
    with np.errstate(over="ignore"):  # told below, with the play and the column
        values = features.values.astype(np.float16)
    finite = np.isfinite(values)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        play = np.searchsorted(features.offsets, row, side="right") - 1
        file, game_id, play_id = reading.plays.select("file", "game_id", "play_id").row(int(play))
        raise BuildError(
            f"{file}: game {game_id}, play {play_id}: {SEQUENCE_FEATURES[column]}: expected a "
            f"number that float16 holds, got {features.values[row, column]}"
        )
    return Part(
        offsets=features.offsets,
        values=values,
        player_id=features.player_id.astype(np.int64),
        player_mask=features.player_mask,
        static=tracking_static(reading.plays),
        plays=reading.plays,
        drops=reading.drops,
    )


def stamp_of_tables(folder: Path, source: Source) -> str:
    """Hash of a source's schema and of its folder's tables, on which the plays of a file depend."""
    names = [source.plays_table, source.duties.table]
    names += ["games"] if source.games else []
    names += ["players"] if source.players else []
    digest = hashlib.sha256(repr(source).encode())
    for name in filter(None, names):
        if path := find_table(folder, name):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"\n{name} {content}".encode())
    return digest.hexdigest()


def part_folder(work: Path, file: Path, tables: str, config: ReadConfig) -> Path:
    """Where the part of a tracking file belongs.

    The name depends on the versions of the code, the config, the tables, and on name, size and
    time of change of the file.
    """
    state = file.stat()
    stamp = hashlib.sha256(
        json.dumps(
            [
                (PARTS_VERSION, FEATURES_VERSION),
                asdict(config),
                tables,
                (file.name, state.st_size, state.st_mtime_ns),
            ]
        ).encode()
    )
    return work / f"{file.name.partition('.')[0]}-{stamp.hexdigest()[:20]}"


def write_part(
    folder: Path, part: Part, *, file: Path, problems: Mapping[str, int], seconds: float
) -> None:
    """Write a part under a temporary name and, when it is whole, give it its own.

    Args:
        folder: where it belongs; what is there is replaced.
        part: what to write.
        file: that it was read from.
        problems: what was repaired.
        seconds: that the reading took.
    """
    with whole_folder(folder) as unfinished:
        for name in _ARRAYS:
            np.save(unfinished / f"{name}.npy", getattr(part, name))
        for name in _TABLES:
            getattr(part, name).write_parquet(unfinished / f"{name}.parquet")
        account = PartAccount(
            file=file.name,
            raw_bytes=file.stat().st_size,
            plays=part.plays.height,
            problems=dict(problems),
            seconds=seconds,
            content=_content(part),
            sizes={path.name: path.stat().st_size for path in unfinished.iterdir()},
        )
        (unfinished / _ACCOUNT).write_text(json.dumps(asdict(account)))
        shutil.rmtree(folder, ignore_errors=True)  # what is there was found damaged


def read_account(folder: Path) -> PartAccount | None:
    """The account of a part that is there and whole; None if it must be built.

    Files that were cut short are noticed, bytes that were changed in place are not.
    """
    try:
        account = PartAccount.from_json(json.loads((folder / _ACCOUNT).read_text()))
        sizes = {name: (folder / name).stat().st_size for name in account.sizes}
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return account if sizes == account.sizes else None


def open_part(folder: Path) -> Part:
    """A part that is whole, its arrays mapped from the disk rather than read.

    Raises:
        BuildError: it was damaged after it was found whole.
    """
    try:
        return Part(
            *(np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS),
            *(pl.read_parquet(folder / f"{name}.parquet") for name in _TABLES),
        )
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise BuildError(f"{folder}: damaged ({error}); delete it and build again") from error


def remove_unfinished(work: Path) -> None:
    """Remove what killed builds left; nobody else may be building."""
    for folder in work.glob(f"{UNFINISHED}*"):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)


def folder_bytes(folder: Path) -> int:
    """Size of the files in a folder."""
    with os.scandir(folder) as entries:
        return sum(entry.stat().st_size for entry in entries)


def _content(part: Part) -> str:
    """The same for the same contents, whatever the files are called and wherever they lie."""
    digest = hashlib.sha256()
    for name in _ARRAYS:
        array = getattr(part, name)
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    digest.update(part.target.view(np.uint8).data)
    digest.update(part.plays.select(FACT_COLUMNS).write_csv().encode())
    return digest.hexdigest()
