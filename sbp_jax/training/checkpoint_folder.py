"""What lies in a folder of checkpoints: whole ones, unfinished ones, deleted ones, nothing else."""

import json
import math
import shutil
from pathlib import Path

import jax

from sbp_jax.errors import CheckpointError

ITEMS = ("params", "train", "record", "metrics")
_UNFINISHED = ".orbax-checkpoint-tmp"


def check_checkpoints(folder: Path, metric: str) -> None:
    """Refuse a folder of which something counts as a checkpoint that is none.

    Args:
        folder: perhaps not there yet.
        metric: that each checkpoint must have a finite value of.

    Raises:
        CheckpointError: a checkpoint lacks a part, or something else lies there.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: expected a folder of checkpoints, got a file")
    for path in sorted(folder.iterdir()):
        if _UNFINISHED in path.name or path.name.startswith("."):
            continue
        problem = _what_is_wrong(path, metric)
        if problem and path.exists():  # a run at work may just have deleted it
            raise CheckpointError(problem)


def _what_is_wrong(path: Path, metric: str) -> str:
    if not (path.name.isdecimal() and path.is_dir()):
        return f"{path.parent}: expected nothing but checkpoints, got {path.name!r}; move it away"
    incomplete = (
        f"{path}: not a complete checkpoint; remove that folder to go on from the one before it, "
        "or start another run: "
    )
    if missing := [name for name in ITEMS if not (path / name).is_dir()]:
        return f"{incomplete}expected {', '.join(ITEMS)}, got no {', '.join(missing)}"
    try:
        value = json.loads((path / "metrics" / "metrics").read_text())[metric]
        if not math.isfinite(value):
            return f"{incomplete}expected a finite {metric}, got {value}"
    except (OSError, ValueError, TypeError, KeyError) as error:
        return f"{incomplete}its metrics cannot be read: {error!r}"
    return ""


def deleted_folder(folder: Path) -> Path:
    """Where checkpoints go to be deleted; nothing in it counts as a checkpoint."""
    return folder / ".deleted"


def empty_deleted(folder: Path) -> None:
    """Delete what was moved aside for it."""
    if jax.process_index() == 0:
        shutil.rmtree(deleted_folder(folder), ignore_errors=True)


def remove_unfinished(folder: Path) -> None:
    """Delete what a failed save has left, which takes room and is of no use."""
    if jax.process_index() == 0:
        for path in folder.glob(f"*{_UNFINISHED}*"):
            shutil.rmtree(path, ignore_errors=True)
