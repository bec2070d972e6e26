"""The argument `loc` of the generalized Pareto functions, free of cost where it is left out."""

from jaxtyping import Array, ArrayLike, Real

from sbp_jax.distributions.elementary import align

Value = Real[ArrayLike, "*#batch"]


def is_number(value: Value, number: float | int) -> bool:
    """Whether a value is this very number, known when the program is built."""
    return isinstance(value, int | float) and value == number


def align_excess(z: Value, shape: Value, scale: Value, loc: Value) -> tuple[Array, Array, Array]:
    """Aligned excess over loc, shape and scale; no operation where loc is the number 0."""
    if is_number(loc, 0):
        z, shape, scale = align(z, shape, scale)
        return z, shape, scale
    z, shape, scale, loc = align(z, shape, scale, loc)
    return z - loc, shape, scale


def add_loc(excess: Array, loc: Value) -> Array:
    """The excess seen from 0; no operation where loc is the number 0."""
    if is_number(loc, 0):
        return excess
    excess, loc = align(excess, loc)
    return excess + loc
