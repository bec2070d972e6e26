"""How programs of the tests are compiled: quickly, unless a test asks for what users have."""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax

from tests.older_emitters import HAS_OLDER_EMITTERS

USUAL: dict[str, Any] = {"xla_cpu_parallel_codegen_split_count": 32}
if HAS_OLDER_EMITTERS:
    USUAL["xla_cpu_use_fusion_emitters"] = True
"""XLA's own settings in place of the suite's, for the argument `compiler_options` of `jax.jit`."""


@contextlib.contextmanager
def optimising(wanted: bool = True) -> Iterator[None]:
    """Optimise as for users, or not at all."""
    usual = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", not wanted)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", usual)


def jit_as_users(function: Any) -> Any:
    """`jax.jit`, compiled with XLA's usual settings and optimisations at whatever time."""
    program = jax.jit(function, compiler_options=USUAL)

    def call(*arguments: Any) -> Any:
        with optimising():
            return program(*arguments)

    return call
