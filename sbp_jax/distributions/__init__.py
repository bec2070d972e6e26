"""Families of predictive distributions behind one contract, and the functions under them."""

from sbp_jax.distributions import genpareto, genpareto_fit
from sbp_jax.distributions.binned import Binned
from sbp_jax.distributions.families import family_from, register_family
from sbp_jax.distributions.family import Family, HasBins
from sbp_jax.distributions.gaussian import Gaussian
from sbp_jax.distributions.gaussian_mixture import GaussianMixture
from sbp_jax.distributions.hybrid_pareto import HybridPareto
from sbp_jax.distributions.law import Law, mixture_of
from sbp_jax.distributions.mixture import Mixture
from sbp_jax.distributions.moved import Moved
from sbp_jax.distributions.quantile_head import QuantileHead
from sbp_jax.distributions.spliced_binned_pareto import SplicedBinnedPareto
from sbp_jax.distributions.student_t import StudentT
from sbp_jax.distributions.tabulated import Tabulated
from sbp_jax.distributions.tops import Tops

__all__ = [
    "Binned",
    "Family",
    "Gaussian",
    "GaussianMixture",
    "HasBins",
    "HybridPareto",
    "Law",
    "Mixture",
    "Moved",
    "QuantileHead",
    "SplicedBinnedPareto",
    "StudentT",
    "Tabulated",
    "Tops",
    "family_from",
    "genpareto",
    "genpareto_fit",
    "mixture_of",
    "register_family",
]
