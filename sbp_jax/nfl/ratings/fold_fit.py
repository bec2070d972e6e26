"""The model of one fold: how it is made, what it is asked, and what it scored."""

import functools
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import jax
import numpy as np
import polars as pl
from jaxtyping import Array, Bool, Float

from sbp_jax.batch import Batch, check_batch
from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.evaluation.verdict import Verdict, cell_probabilities, family_verdict
from sbp_jax.models.forecaster import Forecaster, NetworkConfig, make_forecaster
from sbp_jax.nfl.points.expected_points import ExpectedPoints
from sbp_jax.nfl.ratings.outcome import Measured, Outcome
from sbp_jax.runs.ranges import TailMass, refuse_out_of_range
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.loop import Fit

ASKED: Final = ("log_score", "mean", "pit_lower", "pit_upper")
"""Fields of the verdict that scores are made of."""


@dataclass(frozen=True)
class HowToFit:
    """Everything about the models but their data.

    Attributes:
        outcome: what is scored.
        network: sizes; the series is not used, so of the encoder nothing is.
        train: how to train.
        tail_mass: probability of either tail beyond the bins, in (0, 0.5).
    """

    outcome: Outcome
    network: NetworkConfig
    train: TrainConfig
    tail_mass: TailMass

    def __post_init__(self) -> None:
        """Refuse what makes no model."""
        refuse_out_of_range(self)

    def forecaster(self) -> Forecaster:
        """Network and head, with the bins of the outcome."""
        family = SplicedBinnedPareto(self.outcome.edges, tail_mass=self.tail_mass, splice="edge")
        return make_forecaster(self.network, family, self.outcome.anchors)


class FoldFit(NamedTuple):
    """One model and the plays that it scores.

    Attributes:
        points: of the outcome's values; None where they are yards.
        fit: the trained network.
        rows: (N,) True for the passes of its test seasons.
        plays: (B rows) `PLAY` of those passes.
        batch: the same passes.
        verdict: on them, `ASKED` of it, in cells of the outcome's grid.
    """

    points: ExpectedPoints | None
    fit: Fit
    rows: Bool[np.ndarray, " N"]
    plays: pl.DataFrame
    batch: Batch
    verdict: Verdict


def as_batch(measured: Measured) -> Batch:
    """Examples as the network takes them, without a series."""
    rows = len(measured.target)
    sequence, mask = np.zeros((rows, 1, 1), np.float16), np.zeros((rows, 1), np.bool_)
    batch = Batch(sequence, mask, measured.static, measured.target.astype(np.float32))
    check_batch(batch)
    return batch


@functools.partial(jax.jit, static_argnums=0)
def verdict_on(forecaster: Forecaster, params: Any, batch: Batch) -> Verdict:
    """The verdict on a batch on the host, all at once on the first device."""
    law = forecaster.predict(params, batch)
    return family_verdict(forecaster.family, law, batch.target, cell=1.0, fields=ASKED)


law_on = jax.jit(Forecaster.law, static_argnums=0)
"""`Forecaster.law` as one program."""


@functools.partial(jax.jit, static_argnums=(0, 3))
def cell_forecasts(
    forecaster: Forecaster, params: Any, batch: Batch, cells: tuple[int, int]
) -> Float[Array, "B cells"]:
    """Probability of every cell from the lowest to the highest, for a few plays."""
    return cell_probabilities(forecaster.family, forecaster.predict(params, batch), cells)
