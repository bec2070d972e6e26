"""What the data set holds and how its records are made."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Int
from numpy.typing import NDArray
from tqdm import tqdm

from data.nfl_tracking.config import config_name
from data.tfds_builder import ArrayRecordBuilder, Example, bytes_tensor, quiet, tfds
from sbp_jax.nfl.tracking.assemble import Build
from sbp_jax.nfl.tracking.build import BuildConfig, build_parts
from sbp_jax.nfl.tracking.features import SEQUENCE_FEATURES
from sbp_jax.nfl.tracking.parts import open_part
from sbp_jax.nfl.tracking.play_frames import PLAYERS
from sbp_jax.nfl.tracking.reading import ReadConfig
from sbp_jax.nfl.tracking.sources import Layout
from sbp_jax.nfl.tracking.split_plays import rows_of_splits
from sbp_jax.nfl.tracking.static import TRACKING_STATIC
from sbp_jax.nfl.tracking.tables import FACT_COLUMNS, PLAY_COLUMNS

FINGERPRINT: Final = "fingerprint"
FEATURE_NAMES: Final = "feature_names"
REPORT: Final = "report"

ARRAYS: Final[Mapping[str, tuple[tuple[int | None, ...], type[np.generic]]]] = {
    "sequence": ((None, len(SEQUENCE_FEATURES)), np.float16),
    "player_mask": ((PLAYERS,), np.bool_),
    "player_id": ((PLAYERS,), np.int64),
    "static": ((len(TRACKING_STATIC),), np.float32),
}
"""Shape and type of each array of a record; its bytes are stored as they are."""

UNKNOWN: Final[Mapping[str, int | str]] = {
    "week": 0,
    "clock_seconds": -1,
    "offense_score": -1,
    "defense_score": -1,
    "description": "",
}
"""Stands in the records for what the source does not tell."""


def feature_names() -> dict[str, list[str]]:
    """Names of the columns of `sequence` and of `static`, in order, and of the facts of a play."""
    return {
        "sequence": list(SEQUENCE_FEATURES),
        "static": list(TRACKING_STATIC),
        "facts": list(FACT_COLUMNS),
    }


@dataclass(eq=False)
class TrackingConfig(tfds.core.BuilderConfig):
    """A source, and which of its plays are kept."""

    layout: Layout = Layout.BDB2025
    read: ReadConfig = field(default_factory=ReadConfig)


class NflTracking(ArrayRecordBuilder):
    """Tracked passes of the NFL: 22 players from the snap to the throw, and the yards gained.

    A shard is what a tracking file has of a split. No game is in two splits.
    """

    VERSION = tfds.core.Version("1.1.0")
    # Raise VERSION with every change that makes other numbers of the same files; old data is
    # then not found rather than taken for new.
    RELEASE_NOTES = {  # noqa: RUF012  the name and type TFDS expects
        "1.1.0": "Clocks of an overtime.",
        "1.0.0": "First version.",
    }
    BUILDER_CONFIGS = [  # noqa: RUF012
        TrackingConfig(
            name=config_name(layout),
            description=f"Big Data Bowl {layout}.",
            layout=layout,
        )
        for layout in Layout
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = """
    Put the files of a Big Data Bowl, as Kaggle gives them, into a folder of the manual directory
    that is named for the config without settings: bdb2021, bdb2023, bdb2025 or bdb2026.
    """

    def __init__(
        self,
        *,
        source: Path | None = None,
        work: Path | None = None,
        progress: bool = True,
        **kwargs: Any,
    ) -> None:
        """As of any TFDS builder, and where the raw files are.

        Args:
            source: folder of raw files; None means the one in the manual directory.
            work: folder of parts that were read already; None means the user's cache folder.
            progress: show bars, if on a terminal.
            kwargs: `data_dir`, `config`, `version`, `file_format` of TFDS.
        """
        self._source, self._work, self._progress = source, work, progress
        super().__init__(**kwargs)

    @classmethod
    def for_source(cls, layout: Layout, read: ReadConfig, **kwargs: Any) -> "NflTracking":
        """The builder of these settings; `kwargs` are those of the constructor."""
        name = config_name(layout, read)
        known = cls.builder_configs.get(name)
        with quiet():
            return cls(
                config=known or TrackingConfig(name=name, layout=layout, read=read), **kwargs
            )

    def read_source(self, source: Path | None = None) -> Build:
        """The parts of the raw files, made as far as they are not there already."""
        folder = source or self._source
        if folder is None:
            raise ValueError("source: expected a folder of raw files, got none")
        config = BuildConfig(self.builder_config.read, self.builder_config.layout)
        return build_parts(folder, self._work, config, progress=self._progress)

    def _info(self) -> Any:
        scalar = tfds.features.Scalar
        facts: Mapping[type[pl.DataType], Any] = {
            pl.Int64: scalar(dtype=np.int64),
            pl.Int32: scalar(dtype=np.int32),
            pl.String: tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            license="That of the raw files, which are the NFL's; see data/README.md.",
            homepage="https://www.kaggle.com/competitions/nfl-big-data-bowl-2025",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(
                {
                    **{
                        name: bytes_tensor(shape=shape, dtype=dtype)
                        for name, (shape, dtype) in ARRAYS.items()
                    },
                    "target": scalar(dtype=np.float32),
                    **{name: facts[PLAY_COLUMNS[name]] for name in FACT_COLUMNS},
                }
            ),
            metadata=tfds.core.MetadataDict({FEATURE_NAMES: feature_names()}),
        )

    def _shard_iterators_per_split(
        self, dl_manager: Any
    ) -> Mapping[str, Sequence[Callable[[], Iterator[tuple[int, Example]]]]]:
        if self._source is None:
            build = self.read_source(
                Path(dl_manager.manual_dir) / config_name(self.builder_config.layout)
            )
        else:
            build = self.read_source()
        self.info.metadata.update(
            {
                FINGERPRINT: build.report.fingerprint,
                REPORT: build.report.as_json(),
                "read": asdict(self.builder_config.read),
            }
        )
        bar = tqdm(
            total=build.report.kept,
            desc="writing plays",
            unit="play",
            disable=None if self._progress else True,  # None: no bar unless on a terminal
        )
        return {
            split: [functools.partial(_examples, folder, rows, bar) for folder, rows in shards]
            for split, shards in rows_of_splits(build).items()
        }


def _examples(
    folder: Path, rows: Int[NDArray, " rows"], bar: tqdm
) -> Iterator[tuple[int, Example]]:
    """Key and example of each of these rows of a part."""
    part = open_part(folder)
    # Slices of a plain array are made faster than those of a mapped one.
    values, mask, players, static = map(
        np.asarray, (part.values, part.player_mask, part.player_id, part.static)
    )
    facts = part.plays.select(FACT_COLUMNS).with_columns(
        pl.col(name).fill_null(value) for name, value in UNKNOWN.items()
    )
    bounds, target = part.offsets.tolist(), part.target
    for row, told in zip(rows.tolist(), facts[rows].iter_rows(named=True), strict=True):
        yield (
            row,
            {
                "sequence": values[bounds[row] : bounds[row + 1]],
                "player_mask": mask[row],
                "player_id": players[row],
                "static": static[row],
                "target": target[row],
                **told,
            },
        )
        bar.update()
