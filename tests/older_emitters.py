"""Whether this XLA has emitters for CPUs that are quicker to compile; asked before JAX starts."""

from importlib.metadata import version

HAS_OLDER_EMITTERS = tuple(map(int, version("jax").split(".")[:2])) < (0, 11)
