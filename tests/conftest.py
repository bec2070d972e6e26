"""Settings of the whole suite; they must be in place before JAX starts its backend."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

from tests.older_emitters import HAS_OLDER_EMITTERS

# Eight virtual devices on few cores deadlock in collectives unless the thread pool is larger.
os.environ.setdefault("NPROC", "32")
# Most of the time goes into compiling programs that run once or twice: they are not optimised, and
# the flags make compilation three times quicker (one LLVM module for a program, older emitters
# where this XLA still has them: it ends the process at a flag that it does not know).
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_force_host_platform_device_count=8 --xla_cpu_parallel_codegen_split_count=1"
    + HAS_OLDER_EMITTERS * " --xla_cpu_use_fusion_emitters=false",
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import pytest
from jaxtyping import install_import_hook

from tests.compilation import optimising
from tests.memory import ReleaseMemory

# Shapes written in signatures are checked at run time, in tests only.
install_import_hook(
    ["sbp_jax.distributions", "sbp_jax.evaluation", "sbp_jax.extremes", "sbp_jax.series"],
    "beartype.beartype",
)

jax.config.update("jax_numpy_rank_promotion", "raise")
# Tracing makes so many objects that Python would search for garbage for a fifth of the time.
gc.set_threshold(100_000, 50, 100)

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(ReleaseMemory())  # for the doctests of sbp_jax too


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data laid beside a checkout; absent on most machines."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data folder {SHARED_DATA.name!r} is not beside this checkout")
    return SHARED_DATA


@pytest.fixture
def quick_compilation() -> Iterator[None]:
    """Compile a test without optimising, also where the suite was told to optimise."""
    with optimising(False):
        yield


@pytest.fixture(scope="module")
def quick_compilation_throughout() -> Iterator[None]:
    """`quick_compilation` for the fixtures and tests of a module."""
    with optimising(False):
        yield
