"""What the machine can do at most, and what a compiled program asks of it.

The roofline: a program of F operations that moves B bytes cannot run faster than the smaller of
the peak and ``F / B`` times the memory's bandwidth (Williams, Waterman, Patterson 2009,
Communications of the ACM 52). Both limits are measured, in this process, on these devices.
"""

import re
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

MATRIX: Final = 2048
TRIAD: Final = 2**26  # numbers of 4 bytes: no cache holds three arrays of them
ROUNDS: Final = 5
_NO_WORK: Final = ("parameter", "constant", "tuple", "get-tuple-element", "bitcast")


class Cost(NamedTuple):
    """Work of a program.

    Attributes:
        flops: floating-point operations.
        bytes: read and written by the compiled program's operations, caches not considered.
        kernels: operations that are left after fusion, each of which has to be started.
    """

    flops: float
    bytes: float
    kernels: float

    def times(self, count: float) -> "Cost":
        """That many runs of it."""
        return Cost(*(count * each for each in self))


class Machine(NamedTuple):
    """Limits, per second.

    Attributes:
        flops: floating-point operations of a large float32 matrix product, in whatever way the
            backend multiplies by default, as the network does.
        bytes: read and written by ``a += 2 b`` on large arrays.
    """

    flops: float
    bytes: float

    def limit(self, cost: Cost) -> float:
        """Operations per second that the roofline allows a program of this cost."""
        return min(self.flops, cost.flops / cost.bytes * self.bytes)


def total(costs: list[Cost]) -> Cost:
    """All of them, one after the other."""
    return Cost(*map(sum, zip(*costs, strict=True)))


def cost_of(program: jax.stages.Lowered) -> Cost:
    """What XLA counts in a program once it is compiled, fusions considered.

    A loop's body counts once however often it runs, so it must be one that runs once.
    """
    compiled = program.compile()
    analysis: Any = compiled.cost_analysis()
    kernels = _count_kernels(compiled.as_text() or "")
    return Cost(float(analysis["flops"]), float(analysis["bytes accessed"]), kernels)


def _count_kernels(hlo: str) -> int:
    """Instructions of the entry computation that do anything."""
    entry = hlo.partition("\nENTRY ")[2].partition("\n}")[0]
    names = re.findall(r" = (?:\([^=]*\)|\S+) ([\w\-]+)\(", entry)
    return sum(name not in _NO_WORK for name in names)


def measure_machine() -> Machine:
    """Best of some rounds: a limit is not passed by a busy moment."""
    square = jnp.ones((MATRIX, MATRIX))
    product = jax.jit(jnp.matmul)
    seconds = [_seconds(product, square, square)[0] for _ in range(1 + ROUNDS)]
    return Machine(2 * MATRIX**3 / min(seconds), 3 * 4 * TRIAD / _triad_seconds())


def _triad_seconds() -> float:
    """In place, so that no page has to be fetched from the system."""

    def add(a: Float[Array, " n"], b: Float[Array, " n"]) -> Float[Array, " n"]:
        return a + 2 * b

    triad = jax.jit(add, donate_argnums=0)
    a, b = jnp.ones(TRIAD), jnp.ones(TRIAD)
    best = float("inf")
    for _ in range(1 + ROUNDS):
        seconds, a = _seconds(triad, a, b)
        best = min(best, seconds)
    return best


def _seconds(function: Callable[..., Any], *args: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    out = jax.block_until_ready(function(*args))
    return time.perf_counter() - start, out
