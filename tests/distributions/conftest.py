"""The table of cases that every law is tried on.

A case is one family with several sets of parameters, stacked along the first axis. The laws
evaluate rows, each a set with its own arguments, in blocks of one size, so that every method of
a family is compiled once for all its laws.
"""

import functools
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Binned, Gaussian, SplicedBinnedPareto

UNEVEN = (-30.0, -12.0, -5.0, -2.0, -0.5, 0.5, 1.0, 4.0, 4.25, 9.0, 20.0, 45.0)
BLOCK = 512


@functools.cache
def compiled(family, method, slopes):
    """A method, or its gradients in every argument, on rows."""
    function = getattr(family, method)
    if not slopes:
        return jax.jit(function)

    def total(params, *arguments):
        value = function(params, *arguments)
        return jnp.sum(jnp.where(jnp.isfinite(value), value, 0.0))

    return jax.jit(lambda *a: jax.grad(total, tuple(range(len(a))))(*a))


@dataclass(frozen=True)
class Case:
    """A family with sets of parameters, NumPy float64 stacked along the first axis."""

    name: str
    family: Any
    params: Any

    @property
    def sets(self):
        return range(len(self.params[0]))

    def __call__(self, method, row, *arguments, dtype=np.float64, slopes=False):
        """Value of a method at each row: parameters of the set `row`, with the arguments."""
        row, *values = np.broadcast_arrays(row, *arguments)
        shape, size = row.shape, row.size
        total = -(-size // BLOCK) * BLOCK
        row, *values = (np.resize(x, total) for x in (row, *values))
        results = []
        for at in range(0, total, BLOCK):
            here = slice(at, at + BLOCK)
            params = jax.tree.map(lambda x, here=here: x[row[here]].astype(dtype), self.params)
            inputs = (x[here].astype(dtype) for x in values)
            results.append(compiled(self.family, method, slopes)(params, *inputs))
        joined = jax.tree.map(lambda *parts: np.concatenate(parts)[:size], *results)
        return jax.tree.map(lambda x: np.reshape(x, (*shape, *x.shape[1:])), joined)

    def cuts(self, k):
        """Support ends of set k and every point where its density may jump, increasing."""
        if isinstance(self.family, Gaussian):
            centre, spread = (float(x[k]) for x in self.params)
            return np.array([-np.inf, *(centre + spread * np.arange(-8.0, 9.0)), np.inf])
        edges = np.array(self.family.edges)
        if isinstance(self.family, Binned):
            return edges
        p = jax.tree.map(lambda x: x[k], self.params)
        lower, upper = (float(t[k]) for t in self.family.thresholds(self.params))
        start = lower + p.lower_scale / p.lower_shape if p.lower_shape < 0 else -np.inf
        end = upper - p.upper_scale / p.upper_shape if p.upper_shape < 0 else np.inf
        inner = edges[(edges > lower) & (edges < upper)]
        return np.unique(np.array([start, lower, *inner, upper, end], np.float64))

    def points(self):
        """24 points for each set in random position, tails included; shape (sets, 24)."""
        low, high = np.moveaxis(self("quantile", self.rows(2), np.array([1e-5, 1 - 1e-4])), 1, 0)
        share = np.random.default_rng(0).uniform(size=(len(self.sets), 22))
        inside = low[:, None] + share * (high - low)[:, None]
        return np.concatenate([inside, low[:, None] + 1e-7, high[:, None]], axis=1)

    def rows(self, count):
        """Row numbers (sets, count)."""
        return np.repeat(np.array(self.sets)[:, None], count, 1)


def logits(sets, spread, **peaks):
    """Random logits of the bins between UNEVEN edges, with given bins raised in given sets."""
    values: Any = np.random.default_rng(1).normal(size=(sets, len(UNEVEN) - 1)) * spread
    for name, (bin_, height) in peaks.items():
        values[int(name[1:]), bin_] += height
    return values


def tails(*sets):
    """Columns lower shape, lower scale, upper shape, upper scale."""
    columns: Any = np.array(sets).T
    return columns


SPLICED = SplicedBinnedPareto(UNEVEN, tail_mass=(0.02, 0.1))
ATOMIC = SplicedBinnedPareto(UNEVEN, tail_mass=(0.2, 0.1), splice="edge")
HEAVY, LIGHT, SHORT = (0.3, 2.0, 0.25, 5.0), (0.0, 2.0, 0.0, 5.0), (-0.3, 2.0, -0.45, 5.0)
NEAR_ZERO = (1e-7, 1.0, -1e-7, 3.0)
CASES = [
    # Heavy, exponential and finite tails, shapes near 0, empty bins, thresholds inside an atom.
    Case(
        "quantile",
        SPLICED,
        SplicedBinnedPareto.Params(
            logits(6, 1.0, s4=(slice(2, 5), -40.0), s5=(0, 5.0)),
            *tails(HEAVY, LIGHT, SHORT, NEAR_ZERO, HEAVY, HEAVY),
        ),
    ),
    # Likewise; an atom in the middle, a full outermost bin, tails that hold next to nothing.
    Case(
        "edge",
        ATOMIC,
        SplicedBinnedPareto.Params(
            logits(6, 1.0, s1=(5, 5.0), s2=(0, 5.0), s3=([0, 1, 9, 10], -30.0), s4=(10, 4.0)),
            *tails(HEAVY, LIGHT, HEAVY, SHORT, NEAR_ZERO, LIGHT),
        ),
    ),
    Case("binned", Binned(UNEVEN), Binned.Params(logits(3, 1.5, s1=(5, 5.0), s2=(3, -30.0)))),
    Case("gaussian", Gaussian(), Gaussian.Params(*np.array([[1.5, -3.0], [2.5, 0.2]]))),
]


@pytest.fixture(autouse=True)
def _quick_compilation():
    """Compile without optimising: compilation is most of what these tests spend time on."""
    usual = jax.config.values["jax_disable_most_optimizations"]
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", usual)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param
