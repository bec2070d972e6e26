"""Settings of these tests."""

import jax
import pytest


@pytest.fixture(autouse=True)
def _quick_compilation():
    """Compile without optimising: compilation is most of what these tests spend time on."""
    usual = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", usual)
