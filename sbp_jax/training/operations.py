"""How a run is run; nothing here changes its numbers."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jax

from sbp_jax.errors import SettingError
from sbp_jax.runs.ranges import Count, refuse_out_of_range
from sbp_jax.training.parallel import Backend

PROFILE = "profile"


@dataclass(frozen=True)
class Operations:
    """How a run is run; nothing here changes its numbers.

    Attributes:
        devices: use the first so many, >= 1; all if left out.
        backend: how an epoch is mapped over the devices, to the same results; pmap, which JAX keeps
            up but no longer develops, is for one process.
        keep_best: checkpoints of the best epochs that are kept, beside the latest; >= 1.
        tensorboard: also write the metrics for TensorBoard, into the run's tensorboard folder.
        profile: trace one epoch after the first into the run's profile folder.
        dry_run: compile, print what an epoch takes in memory and arithmetic, and stop.
        compilation_cache: folder for compiled programs; None is that of the environment's
            JAX_COMPILATION_CACHE_DIR or, without it, of the user's cache.

    Raises:
        SettingError: a setting out of its range.
    """

    devices: Count | None = None
    backend: Backend = "shard_map"
    keep_best: Count = 1
    tensorboard: bool = False
    profile: bool = False
    dry_run: bool = False
    compilation_cache: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        refuse_out_of_range(self)
        folder = self.compilation_cache
        if folder is not None and folder.exists() and not folder.is_dir():
            raise SettingError(f"compilation_cache: expected a folder, got the file {folder}")


@contextlib.contextmanager
def profiled(folder: Path, *, active: bool) -> Iterator[None]:
    """Trace what runs inside, for TensorBoard's or Perfetto's profiler.

    The caller must block on its results inside, or the trace ends before they are computed.

    Args:
        folder: of the run; gets ``profile/``, with a file for each process.
        active: False does nothing.
    """
    if not active:
        yield
        return
    with jax.profiler.trace(str(folder / PROFILE)):
        yield
