"""Calibrated, heavy-tailed predictive distributions in JAX, and the NFL passing score.

Football is `sbp_jax.nfl`; of the rest only `sbp_jax.jobs`, what experiments and scripts do, imports
from there. See docs/design.md.
"""

__version__ = "0.1.0"
