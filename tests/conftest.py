"""Settings of the whole suite; they must be in place before JAX starts its backend."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# Eight virtual devices on few cores deadlock in collectives unless the thread pool is larger.
os.environ.setdefault("NPROC", "32")
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import pytest
from jaxtyping import install_import_hook

# Shapes written in signatures are checked at run time, in tests only.
install_import_hook(
    ["sbp_jax.distributions", "sbp_jax.evaluation", "sbp_jax.extremes", "sbp_jax.series"],
    "beartype.beartype",
)

jax.config.update("jax_numpy_rank_promotion", "raise")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


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


@contextlib.contextmanager
def without_optimising() -> Iterator[None]:
    """Compile without optimising, where compilation is most of what tests spend time on."""
    usual = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", usual)


@pytest.fixture
def quick_compilation() -> Iterator[None]:
    """`without_optimising` for a test."""
    with without_optimising():
        yield


@pytest.fixture(scope="module")
def quick_compilation_throughout() -> Iterator[None]:
    """`without_optimising` for the fixtures and tests of a module."""
    with without_optimising():
        yield
