"""Fit a network to anybody's arrays: `sbp_jax.fit`."""

import math
from dataclasses import replace
from typing import Any, Final, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from tqdm import tqdm

from sbp_jax.arrays.choose_family import FamilyLike, candidates, usual_objective
from sbp_jax.arrays.further import check_start, joined_history
from sbp_jax.arrays.inputs import Columns, is_sequences, read_inputs
from sbp_jax.arrays.memory import check_memory
from sbp_jax.arrays.missing import Filling, Missing, prepared
from sbp_jax.arrays.model import Model
from sbp_jax.arrays.scaling import Scaling
from sbp_jax.arrays.settings import check_objective, check_settings, said_family
from sbp_jax.arrays.tables import Table, read_target
from sbp_jax.batch import Batch
from sbp_jax.errors import InputError, TrainingError
from sbp_jax.models.forecaster import Forecaster, NetworkConfig, make_forecaster
from sbp_jax.models.tcn import Precision
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.loop import VALIDATION_SCORE
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.population import MemberFit, OnEpoch, fit_population
from sbp_jax.training.program import Head
from sbp_jax.training.state import Params

NETWORK: Final = NetworkConfig(
    features=16,
    layers=4,
    hidden=(128, 128, 128),
    residual=True,
    dropout=0.1,
    encoder_dropout=0.05,
)
_VALIDATION: Final = 8  # one row in so many
_FEWEST: Final = 16  # rows
_RATE: Final = 3e-3
_FURTHER_RATE: Final = 1e-3  # the fit is there: it is to be refined, not left
_FEWEST_OF_TRAINING: Final = 2  # where others are given to validate on
_STEPS: Final = 5_000  # of a training, about
_LEAST_EPOCHS: Final = 20
_MOST_EPOCHS: Final = 400


class _Data(NamedTuple):
    """Training and validation part, in standard units."""

    train: Batch
    valid: Batch


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
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    weight_decay: float = 1e-3,
    members: int = 1,
    seed: int = 0,
    devices: int | None = None,
    precision: Precision = "float32",
    missing: Missing = "refuse",
    progress: bool = True,
    start: Model | None = None,
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
            makes one of the training part's y in those units.
        objective: what is minimised; chosen by the family if left out.
        network: sizes; of a table the encoder is left out.
        epochs: passes over the rows; about 5,000 steps if left out.
        batch_size: rows of a step; a sixteenth of the rows within 32 and 512 if left out.
        learning_rate: peak of the schedule; 3e-3, or 1e-3 of further training, if left out.
        weight_decay: decoupled, on kernels alone.
        members: networks, which differ in the seed; their mean distribution function is the
            model's. All are trained by one program.
        seed: parameters, order of rows, dropout, the rows that are kept out.
        devices: use the first so many; the first alone if left out.
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

    Raises:
        InputError: arrays that disagree, are not finite or too few, or a setting out of range.
        TrainingError: no epoch of a member had a finite score.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(64, 2))
    >>> model = fit(x, x[:, 0] + 0.1 * rng.normal(size=64), epochs=2)
    >>> model(x[:3]).quantile([0.05, 0.5, 0.95]).shape
    (3, 3)
    """
    settings = {
        "members": members, "epochs": epochs, "batch_size": batch_size, "cell": cell,
        "learning_rate": learning_rate, "weight_decay": weight_decay, "seed": seed,
        "devices": devices, "precision": precision, "objective": objective, "network": network,
        "missing": missing,
    }  # fmt: skip
    check_settings(settings, sequences=is_sequences(x))
    fill, known = missing == "fill", None
    if start is not None:
        check_start(start, members, family=family, network=network, cell=cell)
        members, cell, family = start.members, start.cell, start.forecaster.family
        fill, known = start.filling is not None, start.columns
    batch, columns = read_inputs(x, mask=mask, static=static, columns=known, missing=fill)
    target = read_target(y, len(batch.static))
    train, kept_out = _split(batch, target, columns, valid, seed, fill)
    names = {"static": columns.static, "sequence": columns.sequence}
    if start is None:
        scaling = Scaling.of(*train)
        filling = Filling.of(train[0], **names) if fill else None
    else:
        scaling, filling = start.scaling, start.filling
    data = _Data(*(_standardised(part, scaling, filling) for part in (train, kept_out)))
    width = None if cell is None else cell / scaling.scale
    if family is None:
        tried = candidates(data.train.target, width)
    else:
        chosen_family = said_family(family, data.train.target)
        tried = [(chosen_family, objective or usual_objective(chosen_family, cell))]
    sizes = network or NETWORK
    sizes = sizes if columns.has_sequence else replace(sizes, layers=0)
    rate = _RATE if start is None else _FURTHER_RATE
    config = _config(
        len(data.train.target), epochs, batch_size, devices or 1,
        learning_rate=rate if learning_rate is None else learning_rate,
        weight_decay=weight_decay, seed=seed, precision=precision,
    )  # fmt: skip
    best: tuple[float, Forecaster, list[MemberFit]] | None = None
    for candidate in tried:
        law, usual = candidate
        forecaster = make_forecaster(sizes, law) if start is None else start.forecaster
        head = Head(forecaster, objective or usual, cell=width)
        check_objective(law, head.objective, width)
        check_memory(forecaster, data, members, devices or 1)
        params = None if start is None else start.params
        found = _train(head, data, config, members, devices or 1, progress, params)
        score = float(np.mean([_best_score(each) for each in found]))
        if best is None or score < best[0]:
            best = score, forecaster, found
    assert best is not None
    _, forecaster, fits = best
    return Model(
        forecaster=forecaster,
        params=jax.tree.map(lambda *leaves: np.stack(leaves), *(each.params for each in fits)),
        columns=columns,
        scaling=scaling,
        cell=cell,
        history=[each.history for each in fits] if start is None else joined_history(start, fits),
        filling=filling,
    )


def _split(
    batch: Batch,
    target: Float[NDArray, " B"],
    columns: Columns,
    valid: tuple[Any, ...] | None,
    seed: int,
    missing: bool,
) -> tuple[tuple[Batch, NDArray], tuple[Batch, NDArray]]:
    """Training and validation rows, each a batch and its target."""
    fewest = _FEWEST if valid is None else _FEWEST_OF_TRAINING
    if len(target) < fewest:
        raise InputError(f"x: expected at least {fewest} rows, got {len(target)}")
    if valid is not None:
        return (batch, target), _given(valid, columns, missing)
    order = np.random.default_rng(seed).permutation(len(target))
    kept_out = max(1, len(target) // _VALIDATION)
    parts = np.sort(order[kept_out:]), np.sort(order[:kept_out])
    train, held = ((Batch(*(leaf[rows] for leaf in batch)), target[rows]) for rows in parts)
    return train, held


def _given(
    valid: tuple[Any, ...], columns: Columns, missing: bool
) -> tuple[Batch, Float[NDArray, " B"]]:
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


def _standardised(part: tuple[Batch, NDArray], scaling: Scaling, filling: Filling | None) -> Batch:
    batch, target = part
    return prepared(batch, scaling, filling)._replace(target=scaling.standardise(target))


def _config(
    rows: int, epochs: int | None, batch_size: int | None, devices: int, **settings: Any
) -> TrainConfig:
    if batch_size is None:
        batch_size = int(np.clip(2 ** round(math.log2(rows / 16)), 32, 512))
    batch_size = -(-min(batch_size, rows) // devices) * devices  # a device's share is whole
    steps = -(-rows // batch_size)
    if epochs is None:
        epochs = int(np.clip(round(_STEPS / steps), _LEAST_EPOCHS, _MOST_EPOCHS))
    try:
        return TrainConfig(
            epochs=epochs,
            batch_size=batch_size,
            virtual_shards=devices,
            warmup_steps=min(100, epochs * steps // 10),
            **settings,
        )
    except ValueError as error:
        raise InputError(str(error)) from error


def _train(
    head: Head,
    data: _Data,
    config: TrainConfig,
    members: int,
    devices: int,
    progress: bool,
    start: Params | None,
) -> list[MemberFit]:
    where = Devices(jax.devices()[:devices])
    train = place_examples(data.train, config, where, shuffle=True)
    valid = place_examples(data.valid, config, where, shuffle=False)
    seeds = [Hyperparameters(seed=config.seed + i) for i in range(members)]
    # disable=None: no bar unless on a terminal.
    with tqdm(total=config.epochs, desc="fit", disable=None if progress else True) as bar:
        found = fit_population(
            head, seeds, train=train, valid=valid, on_epoch=_told(bar), start=start
        )
    for i, each in enumerate(found):
        if not each.history:
            raise TrainingError(
                f"member {i}: expected an epoch with a finite score on the validation part, got "
                "none; try a lower learning_rate, or look for extreme values"
            )
    return found


def _told(bar: Any) -> OnEpoch:
    def on_epoch(_: int, scores: NDArray) -> None:
        bar.update()
        bar.set_postfix(score=float(np.nanmean(scores)))

    return on_epoch


def _best_score(member: MemberFit) -> float:
    scores = [math.inf if member.start_score is None else member.start_score]
    return min([*scores, *(float(each[VALIDATION_SCORE]) for each in member.history)])
