"""Families of predictive distributions: spliced binned-Pareto, binned, Gaussian."""

from sbp_jax.distributions import genpareto
from sbp_jax.distributions.binned import Binned
from sbp_jax.distributions.family import Family
from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.spliced_binned_pareto import SplicedBinnedPareto

__all__ = ["Binned", "Family", "Gaussian", "SplicedBinnedPareto", "genpareto"]
