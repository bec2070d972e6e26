"""Train several networks on the same examples, and ask each about the same plays."""

from collections.abc import Mapping
from pathlib import Path

from sbp_jax.evaluation.verdict import Verdict
from sbp_jax.runs.hosts import is_first
from sbp_jax.training.forecast_verdict import forecast_verdict
from sbp_jax.training.loop import Fit, fit
from sbp_jax.training.operations import Operations
from sbp_jax.training.placing import Placed
from sbp_jax.training.program import Head, make_program, rehearse


def train_heads(
    heads: Mapping[str, Head],
    placed: Mapping[str, Placed],
    folders: Mapping[str, Path],
    operations: Operations | None = None,
) -> tuple[dict[str, Fit], dict[str, Verdict]]:
    """Train each head, from wherever its folder says it stands, and ask it about the test plays.

    Args:
        heads: by the name to print.
        placed: examples ``train``, ``valid`` and ``test``, from `place_examples`.
        folders: of each head's run.
        operations: how to run them.

    Returns:
        By name: the fits, and the verdicts on ``test`` in the order of its plays.

    Raises:
        TrainingError: a loss stopped being finite.
        CheckpointError: a folder holds checkpoints of another architecture.
    """
    fits, verdicts = {}, {}
    for name, head in heads.items():
        if is_first():
            print(f"{name}: training to epoch {placed['train'].config.epochs}", flush=True)
        fits[name] = fit(
            head,
            placed["train"],
            placed["valid"],
            folder=folders[name],
            operations=operations,
        )
        verdicts[name] = forecast_verdict(
            head.forecaster, fits[name].params, placed["test"], head.cell
        )
    return fits, verdicts


def rehearse_heads(heads: Mapping[str, Head], train: Placed) -> str:
    """What training each head would take, without training it; see `rehearse`."""
    found = [f"{name}: {rehearse(make_program(head, train))}" for name, head in heads.items()]
    return "\n\n".join(found)
