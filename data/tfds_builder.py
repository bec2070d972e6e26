"""What all TFDS data sets here have in common: array_record files, prepared whole or not at all."""

import contextlib
import functools
import io
import logging
import shutil
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from data.errors import DatasetError
from sbp_jax.errors import MissingExtraError
from sbp_jax.runs.file_lock import locked

try:
    for _needed in ("array_record", "importlib_resources"):
        import_module(_needed)  # TFDS does so itself, but only in the middle of its work
    import tensorflow_datasets as tfds
    from tensorflow_datasets.proto import tf_example_pb2 as tf_example
except ModuleNotFoundError as error:
    raise MissingExtraError(
        f"TensorFlow Datasets is not installed whole ({error}); "
        'run: pip install "sbp-jax[tfds]" (TensorFlow itself is not needed)'
    ) from error

__all__ = ["ArrayRecordBuilder", "Example", "alone", "bytes_tensor", "quiet", "tf_example", "tfds"]

Example = dict[str, Any]

# Raw bytes build three to nine times faster than TFDS's default, and keep float16.
bytes_tensor: Final = functools.partial(tfds.features.Tensor, encoding="bytes")


class ArrayRecordBuilder(tfds.core.ShardBasedBuilder):
    """A builder of array_record files.

    Shards rather than one stream of examples, because a `GeneratorBasedBuilder` holds a whole
    split in memory and beyond 1 GB of it imports TensorFlow.
    """

    def __init__(self, **kwargs: Any) -> None:
        """As of any TFDS builder."""
        super().__init__(**{"file_format": "array_record", **kwargs})

    def is_prepared(self) -> bool:
        """Whether the data set is there, whole."""
        with quiet():
            return bool(super().is_prepared())

    def prepare(self) -> None:
        """Write the data set.

        TFDS writes into a folder named `incomplete.*` and renames it when whole, so a data set
        that can be seen is complete. An exception or Ctrl-C removes that folder.

        Raises:
            DatasetError: its folder is there without being a data set.
        """
        if self.data_path.exists():  # TFDS would take it for finished
            raise DatasetError(f"{self.data_path} is damaged; delete it and build again")
        with (
            tempfile.TemporaryDirectory() as downloads,  # TFDS makes one even if nothing is
            contextlib.redirect_stdout(io.StringIO()),  # its talk of downloads
        ):
            self.download_and_prepare(download_dir=downloads)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without TFDS's warnings of what is meant: a config of one's own, a folder not there yet."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process prepares in this folder, then clean up after killed ones.

    Args:
        folder: of all configs of a data set.
    """
    with locked(folder):
        for unfinished in folder.glob("*/incomplete.*"):
            shutil.rmtree(unfinished)
        yield
