"""The metrics of a run as JSON lines, and on request for TensorBoard."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jax

from sbp_jax.errors import MissingExtraError
from sbp_jax.runs.atomic import write_text
from sbp_jax.training.checkpoint import EpochMetrics

JSON_LINES = "metrics.jsonl"
TENSORBOARD = "tensorboard"
FLUSH_SECONDS = 5


class MetricsLog:
    """The log of all epochs of a run; a context manager. Only the first process writes.

    Args:
        folder: of the run, already there; gets ``metrics.jsonl`` and ``tensorboard/``.
        tensorboard: also write the events that TensorBoard shows.

    Raises:
        MissingExtraError: TensorBoard is asked for and tensorboardX is not installed.
    """

    def __init__(self, folder: Path, *, tensorboard: bool) -> None:
        self._folder = folder
        self._history: list[EpochMetrics] = []
        self._writes = jax.process_index() == 0
        self._make_writer = _summary_writer() if tensorboard else None
        self._events: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def rewrite(self, history: list[EpochMetrics]) -> None:
        """Make the log say this and nothing else, as when a run goes on from an earlier epoch.

        Args:
            history: metrics of every epoch, each with its ``epoch``.
        """
        self._history = list(history)
        if not self._writes:
            return
        self._write_lines()
        if self._make_writer is None:
            return
        self.close()
        events = self._folder / TENSORBOARD
        for superseded in events.glob("events.out.tfevents.*"):
            superseded.unlink()
        # A TensorBoard that has shown epochs which are now trained again must forget them.
        self._events = self._make_writer(str(events), purge_step=0, flush_secs=FLUSH_SECONDS)
        for metrics in history:
            self._add_events(metrics)

    def add(self, metrics: EpochMetrics) -> None:
        """Add an epoch: a line, whole or not there, and events within `FLUSH_SECONDS`."""
        if self._make_writer is not None and self._events is None:
            self.rewrite(self._history)
        self._history.append(metrics)
        if not self._writes:
            return
        self._write_lines()
        if self._events is not None:
            self._add_events(metrics)

    def close(self) -> None:
        """Let go of the events' file."""
        if self._events is not None:
            self._events.close()
            self._events = None

    def _write_lines(self) -> None:
        text = "".join(json.dumps(metrics) + "\n" for metrics in self._history)
        write_text(self._folder / JSON_LINES, text)

    def _add_events(self, metrics: EpochMetrics) -> None:
        for name, value in metrics.items():
            if name != "epoch":
                self._events.add_scalar(name, value, global_step=int(metrics["epoch"]))


def _summary_writer() -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise MissingExtraError(
            'TensorBoard events need tensorboardX: pip install "sbp-jax[tensorboard]"'
        ) from error
    return SummaryWriter
