"""Calibrated, heavy-tailed predictive distributions in JAX, and the NFL passing score.

Distributions, networks, training, evaluation, series, figures and export know nothing of football;
`sbp_jax.nfl` does, and `sbp_jax.jobs` is what the experiments do. See docs/design.md.
"""

__version__ = "0.1.0"
