"""What a forecaster is trained by and what its epochs are compared by, as functions of a batch."""

from collections.abc import Callable
from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from sbp_jax.batch import Batch
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.training.objective import ObjectiveName, Smoothing, make_objective
from sbp_jax.training.state import Params

Augment = Callable[[jax.Array, Batch], Batch]
"""(key, batch) to a batch of other examples that are as true."""


class Criteria(NamedTuple):
    """Two criteria of the same forecaster.

    Attributes:
        loss: (params, batch of b, key) to what training minimises, (b,).
        score: (params, batch of b) to the log score of the target's cell, or of the target itself
            where it is continuous, (b,), which compares epochs of any objective, and any two
            families; smaller is better.
    """

    loss: Callable[[Params, Batch, jax.Array], Float[Array, " b"]]
    score: Callable[[Params, Batch], Float[Array, " b"]]


def forecaster_criteria(
    forecaster: Forecaster,
    objective: ObjectiveName,
    augment: Augment | None = None,
    *,
    cell: float | None = None,
    smoothing: Smoothing = 0.0,
) -> Criteria:
    """Criteria of a forecaster.

    Args:
        forecaster: network and family; numbers of either may be traced.
        objective: what is minimised.
        augment: changes the examples of every training step, by a key of its own; the score is
            that of the examples as they are.
        cell: width of the cell that a target stands for, in its unit; None if it is continuous.
        smoothing: of smoothed_classification.

    Raises:
        ValueError: the smoothing is out of its range or has no effect, or the objective needs a
            cell.
        TypeError: the objective does not exist for this family.
    """
    family = forecaster.family
    minimised = make_objective(objective, family, cell, smoothing=smoothing)
    log_score = make_objective("density_nll" if cell is None else "interval_nll", family, cell)

    def loss(params: Params, batch: Batch, key: jax.Array) -> Float[Array, " b"]:
        if augment is not None:
            key, augment_key = jax.random.split(key)
            batch = augment(augment_key, batch)
        raw = forecaster.apply_train(params, batch, key)
        return minimised(family.constrain(raw), batch.target)

    def score(params: Params, batch: Batch) -> Float[Array, " b"]:
        return log_score(forecaster.predict(params, batch), batch.target)

    return Criteria(loss, score)
