"""How training went, epoch by epoch."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sbp_jax.errors import ReportError
from sbp_jax.plots.style import (
    LINES,
    SERIES,
    headline,
    legend_below,
    new_figure,
    note,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NEAR: Final = 0.1  # nats a play: what is this close can share an axis with the leader

Histories = Mapping[str, Sequence[Mapping[str, Any]]]


@styled
def learning_figure(histories: Histories, *, objectives: Mapping[str, str]) -> "Figure":
    """Draw training loss and validation score of several models by epoch.

    A model far behind the best would flatten all other curves: it is named at the edge of the
    axis instead, with its best value.

    Args:
        histories: by model, the records of its ``metrics.jsonl``, of which epoch, train_loss
            and validation_score are read.
        objectives: by model, what its training loss is: curves of different objectives must
            not be compared, and the legend says so.

    Raises:
        ReportError: a model without epochs.
        MissingExtraError: matplotlib is not installed.
    """
    if not histories or not all(histories.values()):
        raise ReportError("histories: expected records of at least one epoch of each model")
    figure, (loss, score) = new_figure(4.2, 1, 2)
    for i, (name, records) in enumerate(histories.items()):
        look: dict[str, Any] = {"color": SERIES[i % len(SERIES)], "ls": LINES[i % len(LINES)]}
        epochs = [record["epoch"] + 1 for record in records]
        losses, scores = _column(records, "train_loss"), _column(records, "validation_score")
        label = name
        if name in objectives:
            label += f" (minimises {objectives[name].replace('_', ' ')})"
        loss.plot(epochs, losses, marker="o", ms=4, label=label, **look)
        score.plot(epochs, scores, marker="o", ms=4, **look)
        best = int(np.argmin(scores))
        score.plot(epochs[best], scores[best], "*", ms=13, color=look["color"], mec="white")
    loss.set_title("Training loss, each model's own")
    score.set_title("Validation score, the same for all")
    loss.set_ylabel("mean objective, nats a play")
    score.set_ylabel("log score of the yard, nats a play")
    for axis, key in ((loss, "train_loss"), (score, "validation_score")):
        _fit_leaders(axis, {name: _column(records, key) for name, records in histories.items()})
        axis.set_xlabel("epoch")
        axis.locator_params(axis="x", integer=True)
    headline(
        figure,
        "Learning curves",
        "Lower is better. The star is the epoch that is kept. "
        "Losses of different objectives do not compare.",
    )
    legend_below(figure, [loss], columns=2)
    return figure


def _column(records: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    return np.array([record[key] for record in records], np.float64)


def _fit_leaders(axis: "Axes", curves: Mapping[str, np.ndarray]) -> None:
    """Leave models off the axis that would flatten the others, and name them at its edge."""
    leader = min(curves.values(), key=np.min)
    # One that never comes near the leader's first epoch is far behind.
    far = {name for name, curve in curves.items() if curve.min() > leader.max() + _NEAR}
    if not far:
        return
    shown = np.concatenate([curve for name, curve in curves.items() if name not in far])
    span = max(float(np.ptp(shown)), _NEAR)
    axis.set_ylim(shown.min() - 0.05 * span, shown.max() + 0.25 * span)
    lines = (f"{name}, at best {curves[name].min():.3f}" for name in curves if name in far)
    note(axis, "above the axis:\n" + "\n".join(lines), "upper right")
