"""How a run is run; nothing here changes its numbers."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jax

from sbp_jax.training.parallel import Backend

PROFILE = "profile"


@dataclass(frozen=True)
class Operations:
    """How a run is run; nothing here changes its numbers.

    Attributes:
        devices: use the first so many; all if left out.
        backend: how an epoch is mapped over the devices; if left out, pmap in one process and
            shard_map in several.
        keep_best: checkpoints of the best epochs that are kept, beside the latest.
        tensorboard: also write the metrics for TensorBoard, into the run's tensorboard folder.
        profile: trace one epoch after the first into the run's profile folder.
        dry_run: compile, print what an epoch takes in memory and arithmetic, and stop.
        compilation_cache: folder for compiled programs; None is that of the environment's
            JAX_COMPILATION_CACHE_DIR or, without it, of the user's cache.
    """

    devices: int | None = None
    backend: Backend | None = None
    keep_best: int = 1
    tensorboard: bool = False
    profile: bool = False
    dry_run: bool = False
    compilation_cache: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.keep_best < 1:
            raise ValueError(f"expected keep_best of at least 1, got {self.keep_best}")
        folder = self.compilation_cache
        if folder is not None and folder.exists() and not folder.is_dir():
            raise ValueError(f"expected a folder for compilation_cache, got the file {folder}")


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
