"""A family with sets of parameters, on which every law is tried.

The laws evaluate rows, each a set of parameters with its own arguments, in blocks of one size, so
that a family is compiled once for all its laws: one program for most of its methods, one for their
gradients.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.integrate
from numpy.typing import NDArray

BLOCK = 512
AT_POINTS = ("log_prob", "cdf", "log_cdf", "sf", "log_sf")
"""Methods that one program evaluates together; the others take other arguments, or long."""
SLOPES = (*AT_POINTS, "crps")
"""Methods whose gradients one program evaluates together."""


@functools.cache
def compiled(family, method):
    """A method on rows, or where there is none all of `AT_POINTS`, stacked."""
    if method:
        return jax.jit(getattr(family, method))
    return jax.jit(lambda *a: jnp.stack([getattr(family, name)(*a) for name in AT_POINTS]))


@functools.cache
def compiled_slopes(family):
    """Gradients of `SLOPES` in every argument, stacked; where a value is not finite, 0."""

    def finite(*arguments):
        values = jnp.stack([getattr(family, name)(*arguments) for name in SLOPES])
        return jnp.where(jnp.isfinite(values), values, 0.0)

    def gradients(*arguments):
        values, back = jax.vjp(finite, *arguments)
        one_of_them = jnp.eye(len(SLOPES), dtype=values.dtype)[:, :, None]
        return jax.vmap(back)(jnp.broadcast_to(one_of_them, (len(SLOPES), *values.shape)))

    return jax.jit(gradients)


def evaluate(family, method, slopes, arguments):
    """A method, or its gradients in every argument, on rows of one block."""
    if slopes:
        at = SLOPES.index(method)
        return jax.tree.map(lambda x: np.asarray(x)[at], compiled_slopes(family)(*arguments))
    if method in AT_POINTS:
        return np.asarray(compiled(family, None)(*arguments))[AT_POINTS.index(method)]
    return compiled(family, method)(*arguments)


@dataclass(frozen=True)
class Case:
    """A family with sets of parameters.

    Attributes:
        name: of the case, in the test's name.
        family: the family.
        params: its parameters, NumPy float64 stacked along the first axis.
        cuts: from (family, params of one set) to the ends of the support and every point where
            the density may jump or change fast, increasing.
        crps_error: relative error to which the score is exact, where it is not in closed form.
        slow: whether all its laws are tried with --slow only, for it mirrors another case, or a
            file of its own tries the family by other means.
        heavy: whether programs of all its methods take long to compile: likewise for those laws.
    """

    name: str
    family: Any
    params: Any
    cuts_of: Callable[[Any, Any], NDArray[np.float64]]
    crps_error: float = 1e-8
    slow: bool = False
    heavy: bool = False

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
            results.append(evaluate(self.family, method, slopes, (params, *inputs)))
        joined = jax.tree.map(lambda *parts: np.concatenate(parts)[:size], *results)
        return jax.tree.map(lambda x: np.reshape(x, (*shape, *x.shape[1:])), joined)

    def cuts(self, k):
        """Support ends of set k and every point where its density may jump, increasing."""
        return self.cuts_of(self.family, jax.tree.map(lambda x: x[k], self.params))

    def points(self):
        """24 points for each set in random position, tails included; shape (sets, 24)."""
        low, high = np.moveaxis(self("quantile", self.rows(2), np.array([1e-5, 1 - 1e-4])), 1, 0)
        share = np.random.default_rng(0).uniform(size=(len(self.sets), 22))
        inside = low[:, None] + share * (high - low)[:, None]
        return np.concatenate([inside, low[:, None] + 1e-7, high[:, None]], axis=1)

    def rows(self, count):
        """Row numbers (sets, count)."""
        return np.repeat(np.array(self.sets)[:, None], count, 1)


def columns(*sets):
    """Parameters given set by set, as one array for each parameter."""
    arrays: Any = np.array(sets).T
    return arrays


def integrate(function, cuts):
    """For each set, the integral over all pieces between its cuts, by SciPy's tanh-sinh rule."""
    row = np.concatenate([np.full(max(len(c) - 1, 0), k) for k, c in enumerate(cuts)])
    low, high = np.concatenate([c[:-1] for c in cuts]), np.concatenate([c[1:] for c in cuts])
    if not row.size:
        return np.zeros(len(cuts))
    rule = scipy.integrate.tanhsinh(
        lambda y, k: function(k.astype(int), y), low, high, args=(row.astype(float),), rtol=1e-11
    )
    return np.bincount(row, rule.integral, minlength=len(cuts))
