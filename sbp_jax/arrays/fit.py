"""Fit a network to anybody's arrays: `sbp_jax.fit`, and to several parts of them at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import optax
from jaxtyping import Int
from numpy.typing import ArrayLike, NDArray

from sbp_jax.arrays.choose_family import FamilyLike
from sbp_jax.arrays.further import further_settings
from sbp_jax.arrays.inputs import Columns, read_inputs
from sbp_jax.arrays.missing import Missing
from sbp_jax.arrays.model import Model
from sbp_jax.arrays.settings import Settings
from sbp_jax.arrays.tables import Table, read_target
from sbp_jax.arrays.train_parts import Part, Rows, train_parts
from sbp_jax.batch import Batch
from sbp_jax.errors import InputError
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.models.tcn import Precision
from sbp_jax.runs.atomic import write_text
from sbp_jax.training.objective import ObjectiveName

_VALIDATION: Final = 8  # one row in so many
_FEWEST: Final = 16  # rows
_FEWEST_OF_TRAINING: Final = 2  # where others are given to validate on


def fit(
    x: Any,
    y: Any,
    *,
    mask: Any = None,
    static: Table | None = None,
    valid: tuple[Any, ...] | None = None,
    cell: float | None = None,
    family: FamilyLike | None = None,
    objective: ObjectiveName | None = None,
    network: NetworkConfig | None = None,
    optimizer: optax.GradientTransformation | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    weight_decay: float = 1e-3,
    members: int = 1,
    seed: int = 0,
    devices: int = 1,
    precision: Precision = "float32",
    missing: Missing = "refuse",
    progress: bool = True,
    start: Model | None = None,
    folder: str | Path | None = None,
) -> Model:
    """Fit a distribution of y given x.

    An eighth of the rows is kept out to choose the epoch by, inputs are scaled, and the family's
    bins move with the input. Text must be numbers.

    Args:
        x: table (B, S): array, pandas or polars data frame; or sequences (B, T, C), or a list
            of arrays (T_i, C).
        y: (B,) the target.
        mask: (B, T) True where a step was observed, observed steps first; all if left out.
        static: (B, S) facts beside sequences.
        valid: (x, y) to choose the epoch by, or (x, y, mask, static); an eighth of the rows,
            drawn by the seed, if left out.
        cell: width of the cell that a value stands for, in the unit of y: 1 for whole numbers;
            None for a continuous target.
        family: of distributions, in standard units of y (median 0, standard deviation 1), or what
            makes one of the training part's y in those units; `choose_family.moving_bins`, the
            default, has numbers to change.
        objective: what is minimised; chosen by the family if left out.
        network: sizes; of a table the encoder is left out.
        optimizer: another than AdamW with a warm-up and a cosine decay; learning_rate and
            weight_decay are its own then.
        epochs: passes over the rows; about 5,000 steps if left out.
        batch_size: rows of a step; a sixteenth of the rows within 32 and 512 if left out.
        learning_rate: peak of the schedule; 3e-3, or 1e-3 of further training, if left out.
        weight_decay: decoupled, on kernels alone.
        members: networks, which differ in the seed; their mean distribution function is the
            model's. All are trained by one program.
        seed: parameters, order of rows, dropout, the rows that are kept out.
        devices: use the first so many. Members are divided over them, so one is no faster on
            several; rows are shuffled otherwise for each number of devices.
        precision: of the network's arithmetic.
        missing: "refuse" inputs that lack numbers (NaN, or None of a data frame), or "fill": they
            get the mean of their column over the training part, and a column that lacked some
            there gets another beside it that says where. The model then does so too.
        progress: show a bar, if on a terminal.
        start: a model to go on from, of `fit` or `load`: with its parameters, family, network,
            columns, scaling, cell and members, and a fresh optimizer. Its parameters are kept
            where no epoch is better on the validation rows, which it must not have been trained
            on: give the same rows with the same seed, new rows alone, or `valid=`. An objective
            other than the usual one has to be said again.
        folder: where the model is kept as well, as model.npz beside report.txt; nowhere if left
            out. It may not hold a model yet.

    Raises:
        InputError: arrays that disagree, are not finite or too few, a setting out of range, or a
            folder that holds a model.
        TrainingError: no epoch of a member had a finite score.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(64, 2))
    >>> model = fit(x, x[:, 0] + 0.1 * rng.normal(size=64), epochs=2)
    >>> model(x[:3]).quantile([0.05, 0.5, 0.95]).shape
    (3, 3)
    """
    settings = Settings(
        cell=cell, family=family, objective=objective, network=network, optimizer=optimizer,
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate,
        weight_decay=weight_decay, members=members, seed=seed, devices=devices,
        precision=precision, missing=missing,
    )  # fmt: skip
    kept = None if folder is None else _place_in(Path(folder))
    fill, known = missing == "fill", None
    if start is not None:
        settings = further_settings(start, settings)
        fill, known = start.filling is not None, start.columns
    batch, columns = read_inputs(x, mask=mask, static=static, columns=known, missing=fill)
    rows = batch, read_target(y, len(batch.static))
    if valid is None:
        part = _part(rows, np.arange(len(rows[1])), seed)
    else:
        _check_rows(len(rows[1]), _FEWEST_OF_TRAINING)
        part = Part(rows, _given(valid, columns, fill))
    [model] = train_parts([part], columns, settings, start=start, progress=progress)
    if kept is not None:
        model.save(kept)
        write_text(kept.with_name("report.txt"), model.report() + "\n")
    return model


def fit_each(
    x: Any,
    y: Any,
    parts: Sequence[ArrayLike],
    *,
    mask: Any = None,
    static: Table | None = None,
    progress: bool = True,
    **settings: Any,
) -> list[Model]:
    """Fit a model to each of several parts of the rows: cross-validation by one program.

    Each is the model that `fit` makes of those rows, but for rounding.

    Args:
        x: as of `fit`.
        y: (B,) the target.
        parts: numbers of the rows that each model may see.
        mask: as of `fit`.
        static: as of `fit`.
        progress: show a bar, if on a terminal.
        settings: other keywords of `fit`, but valid.

    Raises:
        InputError: as of `fit`, or a part that holds no rows or others than there are.
        TrainingError: no epoch of a member had a finite score.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(64, 2))
    >>> y = x[:, 0] + 0.1 * rng.normal(size=64)
    >>> first, second = fit_each(x, y, [np.arange(32), np.arange(32, 64)], epochs=2)
    >>> first(x[32:]).shape
    (32,)
    """
    how = Settings(**settings)
    batch, columns = read_inputs(x, mask=mask, static=static, missing=how.missing == "fill")
    rows = batch, read_target(y, len(batch.static))
    chosen = [_row_numbers(number, part, len(rows[1])) for number, part in enumerate(parts)]
    if not chosen:
        raise InputError("parts: expected at least one, got none")
    return train_parts(
        [_part(rows, part, how.seed) for part in chosen], columns, how, progress=progress
    )


def _place_in(folder: Path) -> Path:
    """Where a folder keeps the model, made if absent."""
    file = folder / "model.npz"
    if file.exists():
        raise InputError(f"folder: expected one without a model, got {file}; load it, or move it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder: expected one that can be made, got {error}") from error
    return file


def _check_rows(rows: int, fewest: int) -> None:
    if rows < fewest:
        raise InputError(f"x: expected at least {fewest} rows, got {rows}")


def _given(valid: tuple[Any, ...], columns: Columns, missing: bool) -> Rows:
    """The validation part that `fit` was given."""
    if not isinstance(valid, tuple | list) or len(valid) not in (2, 4):
        found = len(valid) if isinstance(valid, tuple | list) else type(valid).__name__
        raise InputError(f"valid: expected (x, y) or (x, y, mask, static), got {found}")
    x, y, *rest = valid
    mask, static = rest or (None, None)
    try:
        batch, _ = read_inputs(x, mask=mask, static=static, columns=columns, missing=missing)
        return batch, read_target(y, len(batch.static))
    except InputError as error:
        raise InputError(f"valid: {error}") from error


def _row_numbers(number: int, part: ArrayLike, rows: int) -> Int[NDArray, " n"]:
    found = np.asarray(part)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise InputError(
            f"parts[{number}]: expected numbers of rows, got {found.dtype} of shape {found.shape}"
        )
    if len(found) and not 0 <= found.min() <= found.max() < rows:
        raise InputError(f"parts[{number}]: expected rows 0 to {rows - 1}, got others")
    return found


def _part(rows: Rows, chosen: Int[NDArray, " n"], seed: int) -> Part:
    """Training rows and those kept out, of the rows that are chosen."""
    _check_rows(len(chosen), _FEWEST)
    order = np.random.default_rng(seed).permutation(len(chosen))
    kept_out = max(1, len(chosen) // _VALIDATION)

    def take(places: Int[NDArray, " k"]) -> Rows:
        at = chosen[np.sort(places)]
        batch, target = rows
        return Batch(*(leaf[at] for leaf in batch)), target[at]

    return Part(take(order[kept_out:]), take(order[:kept_out]))
