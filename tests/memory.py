"""Compiled programs and traces are given back before a process of the suite grows too large."""

import ctypes
import gc
import resource
import sys
from collections.abc import Generator
from pathlib import Path

import jax
import pytest

LARGEST = 700 * 2**20
"""Bytes in memory beyond which all is given back; what one test takes comes on top."""
GROWTH = 150 * 2**20
"""Bytes by which memory must grow before it is given back again: some of it cannot be."""


class ReleaseMemory:
    """A plugin that looks after every test; JAX itself keeps all it ever compiled."""

    def __init__(self) -> None:
        self.limit = LARGEST

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        yield
        if resident() > self.limit:
            jax.clear_caches()
            gc.collect()
            if sys.platform == "linux":
                # The C library keeps what was freed, two thirds of all, unless told.
                trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
                if trim:
                    trim(0)
            self.limit = max(LARGEST, resident() + GROWTH)


def resident() -> int:
    """Bytes of this process in memory; 0 where the system is not Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()
