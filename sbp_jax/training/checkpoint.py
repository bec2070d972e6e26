"""Orbax checkpoints of a run: the latest and the best epoch, whatever instant it was killed at.

A checkpoint is complete or absent (orbax writes to a temporary folder and renames it). Each holds
the parameters as an item of their own, so that they can be read without the optimizer, and the
metrics of all epochs so far, so that a resumed run's log continues exactly where its state does.
"""

import math
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from sbp_jax.errors import CheckpointError
from sbp_jax.training.state import Params, TrainState

EpochMetrics = dict[str, float]


class Restored(NamedTuple):
    """A checkpoint as read back.

    Attributes:
        state: what training goes on from.
        history: metrics of every epoch up to and including this one.
    """

    state: TrainState
    history: list[EpochMetrics]


class Checkpoints:
    """The checkpoints of one run; a context manager, since saving is asynchronous.

    Args:
        folder: where they live; made if absent.
        metric: name of the epoch metric whose smallest value marks the best epoch.
    """

    def __init__(self, folder: Path, metric: str) -> None:
        def value(metrics: EpochMetrics) -> float:
            return metrics[metric]

        self._metric = metric
        # max_to_keep with best_fn would delete the latest; the policy keeps both.
        keep = policies.AnyPreservationPolicy(
            [policies.LatestN(1), policies.BestN(get_metric_fn=value, reverse=True, n=1)]
        )
        options = ocp.CheckpointManagerOptions(
            best_fn=value,
            best_mode="min",
            preservation_policy=keep,
            cleanup_tmp_directories=True,
        )
        self._folder = folder.resolve()
        self._manager = ocp.CheckpointManager(self._folder, options=options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._manager.close()

    def save(self, epoch: int, state: TrainState, history: list[EpochMetrics]) -> None:
        """Start saving; returns as soon as the state may be overwritten.

        Raises:
            CheckpointError: the metric is not finite (it would count as the best), or this
                epoch was saved before.
        """
        if not math.isfinite(score := history[-1][self._metric]):
            raise CheckpointError(f"epoch {epoch}: expected a finite {self._metric}, got {score}")
        items = ocp.args.Composite(
            params=ocp.args.StandardSave(state.params),
            train=ocp.args.StandardSave(_without_params(state)),
            history=ocp.args.JsonSave(history),
        )
        if not self._manager.save(epoch, args=items, metrics=history[-1]):
            raise CheckpointError(f"{self._folder}: epoch {epoch} is already saved")

    def wait(self) -> None:
        """Block until everything started is on disk."""
        self._manager.wait_until_finished()

    def latest(self) -> int | None:
        """The last epoch that was saved completely."""
        step: int | None = self._manager.latest_step()
        return step

    def best(self) -> int | None:
        """The epoch with the smallest metric."""
        step: int | None = self._manager.best_step()
        return step

    def restore(self, epoch: int, like: TrainState) -> Restored:
        """Read a checkpoint into the shapes, dtypes and shardings of ``like``.

        Raises:
            CheckpointError: it belongs to another architecture or cannot be read.
        """
        train = _without_params(like)
        args = ocp.args.Composite(
            params=ocp.args.StandardRestore(_abstract(like.params)),
            train=ocp.args.StandardRestore(_abstract(train)),
            history=ocp.args.JsonRestore(),
        )
        self._check_architecture(epoch, like.params)
        try:
            items = self._manager.restore(epoch, args=args)
        except (ValueError, KeyError, OSError) as error:
            raise CheckpointError(
                f"{self._folder / str(epoch)}: cannot be read: {error}"
            ) from error
        rest = items["train"]
        state = TrainState(items["params"], rest["opt_state"], rest["step"], rest["key"])
        return Restored(state, items["history"])

    def restore_params(self, epoch: int, like: Params) -> Params:
        """Read the parameters alone.

        Raises:
            CheckpointError: as `restore`.
        """
        self._check_architecture(epoch, like)
        args = ocp.args.Composite(params=ocp.args.StandardRestore(_abstract(like)))
        return self._manager.restore(epoch, args=args)["params"]

    def _check_architecture(self, epoch: int, like: Params) -> None:
        """Compare names and shapes of parameters before orbax does, to name what differs."""
        folder = self._folder / str(epoch) / "params"
        try:
            tree = ocp.StandardCheckpointHandler().metadata(folder).tree
        except (FileNotFoundError, ValueError) as error:
            raise CheckpointError(f"{folder}: no readable checkpoint ({error})") from error
        found = {_name(path): tuple(leaf.shape) for path, leaf in _leaves(tree)}
        expected = {_name(path): tuple(leaf.shape) for path, leaf in _leaves(like)}
        if found == expected:
            return
        name = min(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
        raise CheckpointError(
            f"{folder}: checkpoint of another architecture: parameter {name!r}: expected "
            f"{expected.get(name, 'none')}, got {found.get(name, 'none')}"
        )


def _without_params(state: TrainState) -> dict[str, Any]:
    return {"opt_state": state.opt_state, "step": state.step, "key": state.key}


def _abstract(tree: Any) -> Any:
    """Shapes with shardings, without which orbax refuses another device count."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding), tree
    )


def _leaves(tree: Any) -> list[tuple[Any, Any]]:
    return jax.tree_util.tree_flatten_with_path(tree)[0]


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
