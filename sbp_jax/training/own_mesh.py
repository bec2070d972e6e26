"""Training on devices of its own, whatever mesh a user has set."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import numpy as np
from jax.sharding import Mesh

_NONE = Mesh(np.empty((), object), ())


@contextmanager
def without_mesh() -> Iterator[None]:
    """Leave the mesh of `jax.set_mesh`, if there is one, as JAX allows no other devices within it.

    Training says for itself which devices it uses. Also a decorator.

    >>> with without_mesh():
    ...     jax.sharding.get_abstract_mesh().empty
    True
    """
    if jax.sharding.get_abstract_mesh().empty:
        yield
    else:
        with jax.set_mesh(_NONE):
            yield
