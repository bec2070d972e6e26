"""A matrix product whose derivatives are products that a CPU computes fast."""

import jax
from jaxtyping import Array, Float


def product(x: Float[Array, "*batch C"], kernel: Float[Array, "C D"]) -> Float[Array, "*batch D"]:
    """``x @ kernel``, the same numbers as the operator.

    The derivative in the kernel that JAX derives of the operator is a product turned around; on
    CPU XLA computes it from a factor that it writes out transposed and cannot read in rows. A
    kernel that is turned first, out of the compiler's sight, has a derivative that need not be: a
    tenth off the time of a training step. Elsewhere this is the operator.

    >>> import jax.numpy as jnp
    >>> x, kernel = jnp.ones((2, 3, 4)), jnp.ones((4, 5))
    >>> product(x, kernel).shape, jax.grad(lambda k: product(x, k).sum())(kernel)[0, 0].item()
    ((2, 3, 5), 6.0)
    """
    turned = jax.lax.platform_dependent(kernel, cpu=_turned_before, default=_turned)
    return jax.lax.dot_general(x, turned, (((x.ndim - 1,), (1,)), ((), ())))


def _turned(kernel: Float[Array, "C D"]) -> Float[Array, "D C"]:
    return kernel.T


def _turned_before(kernel: Float[Array, "C D"]) -> Float[Array, "D C"]:
    return jax.lax.optimization_barrier(kernel.T)
