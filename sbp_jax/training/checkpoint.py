"""Orbax checkpoints of a run: the latest and the best epochs, whatever instant it was killed at.

A checkpoint is complete or absent: orbax writes to a temporary folder and renames it, and a
checkpoint that is no longer needed is first renamed out of sight, then deleted. Each holds the
parameters as an item of their own, so that they can be read without the optimizer, and beside the
state a record: the metrics of all epochs so far, so that a resumed run's log continues exactly
where its state does; what the state only makes sense with; and checksums, since the files
themselves do not notice a changed byte.
"""

import contextlib
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from sbp_jax.errors import CheckpointError
from sbp_jax.runs.ranges import Count, refuse_unless
from sbp_jax.runs.run_folder import describe_differences
from sbp_jax.training.checkpoint_folder import (
    check_checkpoints,
    deleted_folder,
    empty_deleted,
    remove_unfinished,
)
from sbp_jax.training.checksum import checksum
from sbp_jax.training.state import Params, TrainState

EpochMetrics = dict[str, float]

_UNSAVED = "an epoch could not be saved"


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

    Under ``jax.distributed`` every process makes one and calls it with the same arguments.

    Args:
        folder: where they live; made if absent.
        metric: name of the epoch metric whose smallest value marks the best epoch.
        keep_best: how many of the best epochs are kept, beside the latest; >= 1.
        about: what the state only makes sense with, such as the training config and the number
            of examples, as plain JSON types; a checkpoint about something else is not restored.
            None restores any.
        read_only: look at a run that another process may be training; nothing is cleaned up.

    Raises:
        CheckpointError: the folder holds something else, or a checkpoint with parts missing.
    """

    def __init__(
        self,
        folder: Path,
        metric: str,
        *,
        keep_best: int = 1,
        about: Mapping[str, Any] | None = None,
        read_only: bool = False,
    ) -> None:
        refuse_unless(Count, keep_best=keep_best)

        def value(metrics: EpochMetrics) -> float:
            return metrics[metric]

        self._metric = metric
        self._about = json.loads(json.dumps(about))
        self._read_only = read_only
        self._folder = folder.resolve()
        check_checkpoints(self._folder, metric)
        # max_to_keep with best_fn would delete the latest; the policy keeps both.
        keep = policies.AnyPreservationPolicy(
            [policies.LatestN(1), policies.BestN(get_metric_fn=value, reverse=True, n=keep_best)]
        )
        options = ocp.CheckpointManagerOptions(
            best_fn=value,
            best_mode="min",
            preservation_policy=keep,
            cleanup_tmp_directories=not read_only,
            # Deleting takes many steps, between which a kill would leave part of a checkpoint.
            todelete_subdir=None if read_only else deleted_folder(self._folder).name,
            read_only=read_only,
        )
        if not read_only:
            empty_deleted(self._folder)
        with self._naming_folder("cannot be used"):
            self._manager = ocp.CheckpointManager(self._folder, options=options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except CheckpointError as unsaved:
            if error is None:
                raise
            error.add_note(str(unsaved))  # what went wrong first is what the caller must see

    def close(self) -> None:
        """Wait for what is being saved, and let go of the folder.

        Raises:
            CheckpointError: as `wait`.
        """
        try:
            self.wait()
        finally:
            with self._naming_folder("cannot be closed"):
                self._manager.close()
            if not self._read_only:
                empty_deleted(self._folder)
                remove_unfinished(self._folder)

    def save(self, epoch: int, state: TrainState, history: list[EpochMetrics]) -> None:
        """Start saving; returns as soon as the state may be donated to another program.

        It may not be overwritten in any other way. On CPU the files are written from the state's
        own memory; JAX knows of that use, and gives a program to which the state is donated other
        memory as long as it lasts.

        Raises:
            CheckpointError: the metric is not finite (it would count as the best), this epoch was
                saved before, or the save before this one failed.
        """
        if not math.isfinite(score := history[-1][self._metric]):
            raise CheckpointError(f"epoch {epoch}: expected a finite {self._metric}, got {score}")
        self.wait()
        empty_deleted(self._folder)
        train = _without_params(state)
        record = {
            "about": self._about,
            "history": history,
            "checksums": {"params": checksum(state.params), "train": checksum(train)},
        }
        items = ocp.args.Composite(
            params=ocp.args.StandardSave(state.params),
            train=ocp.args.StandardSave(train),
            record=ocp.args.JsonSave(record),
        )
        with self._naming_folder(_UNSAVED):
            saved = self._manager.save(epoch, args=items, metrics=history[-1])
        if not saved:
            raise CheckpointError(f"{self._folder}: epoch {epoch} is already saved")

    def wait(self) -> None:
        """Block until everything started is on disk.

        Raises:
            CheckpointError: it could not be written, as when the disk is full. What there is of
                it does not count as a checkpoint, and is removed on closing, but for what other
                threads of orbax write even then; that, the next start removes.
        """
        with self._naming_folder(_UNSAVED):
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
            CheckpointError: it belongs to another architecture or another run, or is damaged.
        """
        self._check_architecture(epoch, like.params)
        record = self._record(epoch)
        if self._about is not None and (
            differing := describe_differences(self._about, record["about"])
        ):
            raise CheckpointError(
                f"{self._folder / str(epoch)}: checkpoint of another run: {differing}; "
                "go on with the settings of that run, or start another in another folder"
            )
        train = _without_params(like)
        self._check_optimizer(epoch, train)
        args = ocp.args.Composite(
            params=ocp.args.StandardRestore(_abstract(like.params)),
            train=ocp.args.StandardRestore(_abstract(train)),
        )
        with self._reading(epoch):
            items = self._manager.restore(epoch, args=args)
            _compare_checksums(record, params=items["params"], train=items["train"])
        rest = items["train"]
        state = TrainState(items["params"], rest["opt_state"], rest["step"], rest["key"])
        return Restored(state, record["history"])

    def restore_params(self, epoch: int, like: Params) -> Params:
        """Read the parameters alone.

        Raises:
            CheckpointError: they belong to another architecture, or are damaged.
        """
        self._check_architecture(epoch, like)
        record = self._record(epoch)
        args = ocp.args.Composite(params=ocp.args.StandardRestore(_abstract(like)))
        with self._reading(epoch):
            params = self._manager.restore(epoch, args=args)["params"]
            _compare_checksums(record, params=params)
        return params

    def history(self) -> list[EpochMetrics]:
        """Metrics of all epochs so far.

        Raises:
            CheckpointError: no epoch was saved, or its record is damaged.
        """
        latest = self.latest()
        if latest is None:
            raise CheckpointError(f"{self._folder}: expected a saved epoch, got none")
        history: list[EpochMetrics] = self._record(latest)["history"]
        return history

    def _record(self, epoch: int) -> dict[str, Any]:
        args = ocp.args.Composite(record=ocp.args.JsonRestore())
        with self._reading(epoch):
            record: dict[str, Any] = self._manager.restore(epoch, args=args)["record"]
            if missing := {"about", "history", "checksums"} - record.keys():
                raise ValueError(f"expected a record with {sorted(missing)}, got none")
        return record

    def _check_architecture(self, epoch: int, like: Params) -> None:
        """Compare names and shapes of parameters before orbax does, to name what differs."""
        folder = self._folder / str(epoch) / "params"
        if not folder.is_dir():
            raise CheckpointError(f"{folder.parent}: expected a checkpoint, got none")
        with self._reading(epoch):
            tree = ocp.StandardCheckpointHandler().metadata(folder).tree
        found = {_name(path): tuple(leaf.shape) for path, leaf in _leaves(tree)}
        expected = {_name(path): tuple(leaf.shape) for path, leaf in _leaves(like)}
        if found == expected:
            return
        name = min(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
        raise CheckpointError(
            f"{folder}: checkpoint of another architecture: parameter {name!r}: expected "
            f"{expected.get(name, 'none')}, got {found.get(name, 'none')}"
        )

    def _check_optimizer(self, epoch: int, like: Any) -> None:
        """Compare shapes of an optimizer's state before orbax does, to say that it is another's."""
        folder = self._folder / str(epoch) / "train"
        with self._reading(epoch):
            tree = ocp.StandardCheckpointHandler().metadata(folder).tree
        found, expected = (
            sorted(tuple(leaf.shape) for _, leaf in _leaves(each["opt_state"]))
            for each in (tree, like)
        )
        if found != expected:
            raise CheckpointError(
                f"{folder}: checkpoint of another optimizer: expected a state of {len(expected)} "
                f"arrays, got {len(found)}, or of other shapes"
            )

    @contextlib.contextmanager
    def _reading(self, epoch: int) -> Iterator[None]:
        """Turn whatever a damaged checkpoint raises into advice."""
        earlier = [step for step in self._manager.all_steps() if step < epoch]
        then = f"go on from epoch {max(earlier)}" if earlier else "start from the beginning"
        with self._naming_folder(
            f"cannot be read; remove it to {then}, or start another run", str(epoch)
        ):
            yield

    @contextlib.contextmanager
    def _naming_folder(self, problem: str, within: str = "") -> Iterator[None]:
        try:
            yield
        # Orbax and TensorStore raise nearly everything, down to Exception itself.
        except Exception as error:
            raise CheckpointError(f"{self._folder / within}: {problem}: {_brief(error)}") from error


def check_space(folder: Path, needed_bytes: int) -> None:
    """Refuse to start what the file system has no room for.

    Args:
        folder: of the checkpoints, perhaps not there yet; what it holds counts as free, since
            newer checkpoints will take its place.
        needed_bytes: at most on disk at once; see `needed_space`.

    Raises:
        CheckpointError: there is less.
    """
    there = next(path for path in (folder.resolve(), *folder.resolve().parents) if path.exists())
    held = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    free = shutil.disk_usage(there).free + held
    if free < needed_bytes:
        raise CheckpointError(
            f"{folder}: expected room for checkpoints of {needed_bytes / 1e6:,.1f} MB, got "
            f"{free / 1e6:,.1f} MB on this file system; make room, or keep fewer checkpoints"
        )


def needed_space(state: TrainState, keep_best: int) -> int:
    """Bytes of all checkpoints at once: the latest, the best, and one that is being written."""
    leaves = jax.tree.leaves(state)
    return sum(leaf.size * leaf.dtype.itemsize for leaf in leaves) * (keep_best + 2)


def _compare_checksums(record: dict[str, Any], **items: Any) -> None:
    for name, item in items.items():
        expected, got = record["checksums"][name], checksum(item)
        if expected != got:
            raise ValueError(f"expected {name} of checksum {expected}, got {got}")


def _without_params(state: TrainState) -> dict[str, Any]:
    return {"opt_state": state.opt_state, "step": state.step, "key": state.key}


def _abstract(tree: Any) -> Any:
    """Shapes with shardings, without which orbax refuses another device count."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=leaf.sharding), tree
    )


def _brief(error: Exception) -> str:
    """The last of the causes that TensorStore strings together, without its internals."""
    text = (str(error) or repr(error)).splitlines()[0]
    text = text.split(" [os_error_code")[0].split(" [tensorstore")[0].split('": ')[-1]
    return text if len(text) <= 300 else f"{text[:297]}..."


def _leaves(tree: Any) -> list[tuple[Any, Any]]:
    return jax.tree_util.tree_flatten_with_path(tree)[0]


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")
