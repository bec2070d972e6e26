"""Compiled programs kept on disk, so that the same run starts faster the next time.

Any number of processes may share the folder: an entry is named for the program, the versions and
the devices, and one that is damaged or half-written costs a warning and a compilation. Under
``jax.distributed`` the first process writes. Programs for a CPU use the instructions of the very
machine, and JAX's names do not tell all of these apart; the default folder therefore differs
between CPUs, since homes are shared between machines.
"""

import hashlib
import os
import platform
from pathlib import Path

import jax
from jax.experimental.compilation_cache import compilation_cache

from sbp_jax.errors import CompilationCacheError
from sbp_jax.runs.user_cache import user_cache

WORTH_KEEPING_SECONDS = 0.3
"""Programs that compile faster are not kept: reading one costs some tenths of this."""


def use_compilation_cache(folder: Path | None = None) -> Path:
    """Keep compiled programs from here on.

    Args:
        folder: where to; made if absent. None is what JAX is configured to use, as by the
            environment's ``JAX_COMPILATION_CACHE_DIR``, else a folder of the user's cache.

    Returns:
        Where they are kept.

    Raises:
        CompilationCacheError: nothing can be written there.
    """
    configured = jax.config.values["jax_compilation_cache_dir"]
    chosen = folder or (Path(configured) if configured else default_compilation_cache())
    try:
        chosen.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompilationCacheError(
            f"{chosen}: expected a folder for compiled programs that can be written, got {error}"
        ) from error
    if not os.access(chosen, os.W_OK | os.X_OK):
        raise CompilationCacheError(
            f"{chosen}: expected a folder for compiled programs that can be written, "
            "got one without permission"
        )
    if str(chosen) != configured:
        jax.config.update("jax_compilation_cache_dir", str(chosen))
        compilation_cache.reset_cache()  # a program compiled before has settled where it looks
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", WORTH_KEEPING_SECONDS)
    return chosen


def default_compilation_cache() -> Path:
    """A folder of the user's cache, for this kind of CPU."""
    stamp = hashlib.sha256(_cpu().encode()).hexdigest()[:12]
    return user_cache("compiled") / stamp


def _cpu() -> str:
    """The instructions that the CPU has, as far as the system tells."""
    about = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return about + platform.processor()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return about + flags
