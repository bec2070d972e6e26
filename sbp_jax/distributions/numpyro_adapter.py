"""Families as NumPyro distributions: observation models and latent variables.

NumPyro is optional and imported only when an adapter is asked for, so that this module can be
imported without it.
"""

from importlib import import_module
from typing import Any

from sbp_jax.distributions.family import Family
from sbp_jax.errors import MissingExtraError


def to_numpyro(family: Family, params: Any) -> Any:
    """Return a `numpyro.distributions.Distribution` of this family with these parameters.

    Every draw is one number (`event_shape` is ()), and `batch_shape` is what the batch
    dimensions of the parameters broadcast to. It has `log_prob`, `sample`, `cdf`, `icdf`, `mean`
    and `variance`, expands, pickles, and is a pytree: the parameters are its leaves, the family is
    static. `entropy` and `kl_divergence` are there where they have a closed form. NumPyro's
    censored and truncated distributions of it keep their accuracy in both tails. Draws are
    differentiable in the parameters where the family's are.

    The support is the real line, whatever the family. A value outside the family's own support
    has log density -inf with gradient 0, so a latent variable of a bounded family must start
    inside (`init_to_sample`). An observation of NaN has log density NaN.

    Where thresholds of a spliced family move with a sampled variable, the likelihood jumps as one
    passes an observation, and no gradient shows it: NUTS and SVI then go astray. Keep the logits
    fixed while shapes and scales are sampled.

    Args:
        family: any family.
        params: its parameters, as `family.constrain` gives them or made of sampled values.

    Raises:
        MissingExtraError: NumPyro is not installed.

    References:
        Phan, Pradhan, Jankowiak (2019), arXiv 1912.11554.
    """
    try:
        import_module("numpyro")
        module = import_module("sbp_jax.distributions.numpyro_law")
    except ImportError as error:
        raise MissingExtraError(
            'to_numpyro needs NumPyro, which is not installed: pip install "sbp-jax[numpyro]"'
        ) from error
    return module.FamilyDistribution(family, params)
