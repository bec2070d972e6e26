r"""Several tops of one shape: a mixture whose components differ in weight, place and scale alone.

Symbols: G and g distribution function and density of the shape, m_i, s_i, w_i place, scale and
weight of top i:

    F(y) = sum_i w_i G((y - m_i) / s_i)     f(y) = sum_i w_i g((y - m_i) / s_i) / s_i

Everything is the mixture's own method. The shape's parameters are held once, with a batch dimension
of 1 in the components' place, so that what is found of them alone, such as the thresholds of a
spliced law, is found once and not for every top.
"""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from sbp_jax.distributions.arguments import family_of
from sbp_jax.distributions.bins import check_raw
from sbp_jax.distributions.family import compiled
from sbp_jax.distributions.mixture import Mixture
from sbp_jax.distributions.moved import Moved


@dataclass(frozen=True)
class Tops(Mixture):
    """Mixture of M components of one shape, each moved to a place and a scale of its own.

    Args:
        base: the shape, moved; its own parameters are the same for all components.
        components: M >= 1.

    >>> from sbp_jax.distributions import SplicedBinnedPareto
    >>> family = Tops(Moved(SplicedBinnedPareto([-2.0, 0.0, 2.0])), components=3)
    >>> family.num_outputs, Mixture(family.base, 3).num_outputs
    (15, 27)
    >>> float(family.cdf(family.constrain(jnp.zeros(15)), 0.0))
    0.5
    """

    base: Moved

    def __post_init__(self) -> None:
        super().__post_init__()
        family_of("base", self.base, Moved)

    @property
    def num_outputs(self) -> int:
        """A logit for each component, the outputs of the shape, then those of each place."""
        shape = self.base.base.num_outputs
        return shape + self.components * (1 + self.base.num_outputs - shape)

    @compiled
    def constrain(self, raw: Float[ArrayLike, "*batch outputs"]) -> Mixture.Params:
        """As of a mixture in which the shape's raw numbers stand before each component's own."""
        raw = check_raw(jnp.asarray(raw), self.num_outputs)
        shape_from, places_from = self.components, self.components + self.base.base.num_outputs
        shape = self.base.base.constrain(raw[..., None, shape_from:places_from])
        own = raw[..., places_from:].reshape(*raw.shape[:-1], self.components, -1)
        return self.Params(raw[..., : self.components], self.base.place(own, shape))
