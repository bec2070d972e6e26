"""Losses that say that a run has failed, and what is kept for finding out why."""

import math
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.runs.atomic import write_json

FAILED_STEP = "failed_step.json"


class BadStep(NamedTuple):
    """The first step of an epoch whose loss no run should go on from.

    Attributes:
        step: within the epoch, from 0.
        loss: of that step.
        expected: what the loss should have been, in words.
    """

    step: int
    loss: float
    expected: str


def first_bad_step(
    losses: Float[NDArray, " steps"], *, previous_mean: float | None, explosion: float
) -> BadStep | None:
    """Find the first loss that is not finite, or above ``explosion * (1 + |reference|)``.

    Args:
        losses: of the steps of one epoch.
        previous_mean: mean loss of the epoch before, the reference; in the first epoch, None, it
            is the loss of the first step.
        explosion: infinity leaves only the check for finite losses.

    >>> first_bad_step(np.array([2.0, 1.9, 50.0]), previous_mean=None, explosion=10.0)
    BadStep(step=2, loss=50.0, expected="a loss of at most 30, by the first step's 2")
    >>> first_bad_step(np.array([2.0, np.inf]), previous_mean=2.5, explosion=np.inf)
    BadStep(step=1, loss=inf, expected='a finite loss')
    """
    reference = float(losses[0]) if previous_mean is None else previous_mean
    ceiling = explosion * (1.0 + abs(reference))
    finite = np.isfinite(losses)
    bad = np.flatnonzero(~finite | (losses > ceiling))
    if not bad.size:
        return None
    step = int(bad[0])
    if not finite[step]:
        return BadStep(step, float(losses[step]), "a finite loss")
    source = "the first step's" if previous_mean is None else "the last epoch's mean of"
    expected = f"a loss of at most {ceiling:.6g}, by {source} {reference:.6g}"
    return BadStep(step, float(losses[step]), expected)


def describe_bad_step(bad: BadStep, epoch: int) -> str:
    """Say in one line what happened, where, and what to try."""
    return (
        f"expected {bad.expected}, got {bad.loss:.6g} at step {bad.step} of epoch {epoch}; "
        "try a lower learning rate, and look for extreme values in the features"
    )


def write_failed_step(
    folder: Path, bad: BadStep, epoch: int, examples: list[int], ids: list[str] | None
) -> None:
    """Write what a bad step was trained on into ``failed_step.json``; the first process does.

    Args:
        folder: of the run.
        bad: the step.
        epoch: that it was in.
        examples: rows of its batch among the training examples.
        ids: names of these examples, where they have any.
    """
    if ids is not None and len(ids) != len(examples):
        raise ValueError(f"expected an id for each of {len(examples)} examples, got {len(ids)}")
    if jax.process_index() != 0:
        return
    loss = bad.loss if math.isfinite(bad.loss) else str(bad.loss)  # JSON has no nan
    found = {"epoch": epoch, "step": bad.step, "loss": loss, "expected": bad.expected}
    write_json(folder / FAILED_STEP, {**found, "examples": examples, "ids": ids})


def forget_failed_step(folder: Path) -> None:
    """Remove the report of an earlier attempt; the first process does."""
    if jax.process_index() == 0:
        (folder / FAILED_STEP).unlink(missing_ok=True)
