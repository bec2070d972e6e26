"""Train one network for each member of a panel, all in one program.

An epoch cuts the training part of every series into stretches of `segment` targets, from an offset
drawn anew, and takes an optimizer step for each mini-batch of stretches. Members differ in data
and seed only, so a `vmap` over them trains all at once, and what is compiled is one epoch.

The parameters that are kept are a running average of those of the steps (Polyak and Juditsky
1992), of the epoch that forecast the validation part best.

Legend: M members, S series of a member, N points, B stretches of a mini-batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Key

from sbp_jax.errors import SeriesError, TrainingError
from sbp_jax.models.forecaster import Forecaster
from sbp_jax.runs.ranges import Count, NotNegative, Positive, Seed, Share, Whole
from sbp_jax.series.criteria import FINE, cell_log_score, training_loss
from sbp_jax.series.network import context_of, forecast_steps, init_network
from sbp_jax.series.panel import Panel, Stretch
from sbp_jax.series.windows import Windows, cut
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.optimizer import OptimizerConfig, make_optimizer
from sbp_jax.training.state import Params

FloatArray = Float[Array, "..."]


@dataclass(frozen=True)
class SeriesTraining(OptimizerConfig):
    """How to train.

    Attributes:
        epochs: passes over the training part, >= 1.
        segment: targets of a stretch, >= 1.
        batch_size: stretches of an optimizer step, >= 1.
        learning_rate: as of `OptimizerConfig`, and so the next two; > 0.
        weight_decay: likewise, >= 0.
        warmup_steps: likewise, >= 0.
        average: share of the running average of parameters that each step keeps; in [0, 1).
        seed: initial parameters, offsets and order of stretches, dropout; in [0, 2**31).
    """

    epochs: Count = 40
    segment: Count = 64
    batch_size: Count = 4
    learning_rate: Positive = 1e-2
    weight_decay: NotNegative = 0.1
    warmup_steps: Whole = 50
    average: Share = 0.98
    seed: Seed = 0


class SeriesFit(NamedTuple):
    """What training gives.

    Attributes:
        params: of every member's network, a pytree of (M, ...).
        epoch: (M,) that they are of.
        losses: (epochs, M) mean training loss.
        scores: (epochs, M) mean log score on the validation part, of standardised cells.
    """

    params: Params
    epoch: Int[np.ndarray, " M"]
    losses: Float[np.ndarray, "E M"]
    scores: Float[np.ndarray, "E M"]


class SeriesProgram(NamedTuple):
    """A training that is ready to start.

    Attributes:
        init: to the first state.
        epoch: (state, members, keys, number of the epoch) to (state, mean losses (M,), validation
            scores (M,)); the state given is used up.
        members: series of every member.
        keys: (M,) of every member's randomness.
    """

    init: Callable[[], Any]
    epoch: Any
    members: Any
    keys: Key[Array, " M"]


class _Member(NamedTuple):
    """Of one member: series, cells of their values, and ends of the training part."""

    values: FloatArray  # (S, N)
    cell: FloatArray  # (S,)
    train_end: Array  # (S,)
    valid: Windows  # (S, ...)


class _State(NamedTuple):
    params: Params
    opt_state: optax.OptState
    average: Params


def fit_series(
    forecaster: Forecaster,
    objective: ObjectiveName,
    panel: Panel,
    config: SeriesTraining | None = None,
    *,
    report: Callable[[int, np.ndarray, np.ndarray], None] | None = None,
) -> SeriesFit:
    """Train.

    Args:
        forecaster: of `series_forecaster`.
        objective: what is minimised.
        panel: series.
        config: how; defaults if left out.
        report: called after every epoch with its number, losses and scores of the members.

    Raises:
        SeriesError: a part of a series is too short.
        TrainingError: a loss is not finite, or no epoch's score on the validation part is.
    """
    config = config or SeriesTraining()
    program = make_series_program(forecaster, objective, panel, config)
    state = program.init()
    best = jax.tree.map(jnp.copy, state.average)  # the state itself is used up by an epoch
    score, at = np.full(panel.members, np.inf), np.zeros(panel.members, int)
    history = []
    for epoch in range(config.epochs):
        state, losses, scores = program.epoch(
            state, program.members, program.keys, jnp.asarray(epoch)
        )
        losses, scores = np.asarray(losses), np.asarray(scores)
        _check_finite("losses", losses, epoch, panel)
        better = scores < score
        best = _select(jnp.asarray(better), state.average, best)
        score, at = np.where(better, scores, score), np.where(better, epoch, at)
        history.append((losses, scores))
        if report is not None:
            report(epoch, losses, scores)
    _check_finite("scores on the validation part", score, config.epochs - 1, panel)
    losses, scores = (np.stack(column) for column in zip(*history, strict=True))
    return SeriesFit(best, at, losses, scores)


def make_series_program(
    forecaster: Forecaster, objective: ObjectiveName, panel: Panel, config: SeriesTraining
) -> SeriesProgram:
    """Prepare the training of all members; see `fit_series`.

    Raises:
        SeriesError: a part of a series is too short.
    """
    context = context_of(forecaster)
    check_lengths(panel, context, config.segment)
    first = context + panel.lead - 1
    stretches = int(panel.end("train").max() - first) // config.segment
    steps = max(1, stretches * panel.values.shape[1] // config.batch_size)
    optimizer = make_optimizer(config, config.epochs * steps)
    keys = jax.random.split(jax.random.key(config.seed), panel.members)
    return SeriesProgram(
        partial(jax.jit(jax.vmap(partial(_init, forecaster, optimizer))), keys),
        _epoch(forecaster, objective, panel, config, context, stretches, steps, optimizer),
        _members(panel, context),
        keys,
    )


def check_lengths(panel: Panel, context: int, segment: int) -> None:
    """Refuse a training part without a stretch, or a part without anything observed to forecast."""
    first = context + panel.lead - 1
    ends = panel.ends.reshape(-1, 3)
    for series, (train, *_) in zip(panel.series, ends, strict=True):
        if train < first + segment:
            raise SeriesError(
                f"{series.name}: expected at least {first + segment} training points (a context "
                f"of {context}, {panel.lead} ahead, a segment of {segment}), got {train}"
            )
    for series, (train, valid, test) in zip(panel.series, ends, strict=True):
        parts = {"train": (first, train), "valid": (train, valid), "test": (valid, test)}
        for part, (start, end) in parts.items():
            if np.isnan(series.values[start:end]).all():
                raise SeriesError(
                    f"{series.name}: expected observations in the part {part}, got none"
                )


def part_windows(panel: Panel, part: Stretch, context: int) -> Windows:
    """One stretch for each series, (M, S, ...), as long as the longest part."""
    start, end = panel.start(part), panel.end(part)
    length = int((end - start).max())
    rows = np.broadcast_to(np.arange(start.shape[1]), start.shape)
    take = partial(cut, length=length, context=context, lead=panel.lead)
    return jax.vmap(take)(
        jnp.asarray(panel.values), jnp.asarray(rows), jnp.asarray(start), jnp.asarray(end)
    )


def cell_widths(panel: Panel) -> Float[np.ndarray, "M S"]:
    """Standardised width of the cells that values stand for."""
    return 1 / panel.scale if panel.counts else np.full(panel.scale.shape, FINE)


def _members(panel: Panel, context: int) -> _Member:
    return _Member(
        values=jnp.asarray(panel.values),
        cell=jnp.asarray(cell_widths(panel), jnp.float32),
        train_end=jnp.asarray(panel.end("train")),
        valid=part_windows(panel, "valid", context),
    )


def _init(
    forecaster: Forecaster, optimizer: optax.GradientTransformation, key: Key[Array, ""]
) -> _State:
    params = init_network(forecaster, key)
    return _State(params, optimizer.init(params), params)


@jax.jit
def _select(better: Array, new: Params, old: Params) -> Params:
    def choose(a: Array, b: Array) -> Array:
        return jnp.where(better.reshape((-1,) + (1,) * (a.ndim - 1)), a, b)

    return jax.tree.map(choose, new, old)


def _check_finite(what: str, values: np.ndarray, epoch: int, panel: Panel) -> None:
    if not (bad := ~np.isfinite(values)).any():
        return
    member = int(np.argmax(bad))
    per_member = len(panel.series) // panel.members
    names = ", ".join(
        series.name for series in panel.series[member * per_member : (member + 1) * per_member]
    )
    raise TrainingError(
        f"{names}: expected finite {what}, got {values[member]} in epoch {epoch}; a lower "
        "learning_rate may help"
    )


def _flat_loss(loss: Callable, params: Any, windows: Windows, cell: Array) -> Array:
    """Mean over the known targets of stretches (B, L)."""
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), params)
    y = windows.targets
    cells = jnp.broadcast_to(cell[:, None], y.shape)
    losses = loss(flat, y.reshape(-1), cells.reshape(-1))
    known = windows.known.reshape(-1)
    return jnp.sum(jnp.where(known, losses, 0.0)) / jnp.maximum(jnp.sum(known), 1)


def _epoch(
    forecaster: Forecaster,
    objective: ObjectiveName,
    panel: Panel,
    config: SeriesTraining,
    context: int,
    stretches: int,
    steps: int,
    optimizer: optax.GradientTransformation,
) -> Callable:
    """(state, members, keys, number) to (state, losses, validation scores), compiled."""
    loss_of = training_loss(objective, forecaster.family, counts=panel.counts)
    score_of = partial(cell_log_score, forecaster.family, counts=panel.counts)
    take = partial(cut, length=config.segment, context=context, lead=panel.lead)
    first = context + panel.lead - 1

    def minimised(params: Params, windows: Windows, cell: Array, key: Array) -> Array:
        law = forecast_steps(forecaster, params, windows.inputs, config.segment, key)
        return _flat_loss(loss_of, law, windows, cell)

    def epoch(state: _State, member: _Member, key: Array, number: Array) -> Any:
        of_offset, of_order, of_dropout = jax.random.split(jax.random.fold_in(key, number), 3)
        offset = jax.random.randint(of_offset, (), 0, config.segment)
        order = jax.random.permutation(of_order, member.values.shape[0] * stretches)
        order = jnp.resize(order, (steps, config.batch_size))

        def step(state: _State, taken: tuple[Array, Array]) -> tuple[_State, Array]:
            at, chosen = taken
            rows = chosen // stretches
            starts = first + offset + config.segment * (chosen % stretches)
            windows = take(member.values, rows, starts, member.train_end[rows])
            loss, gradient = jax.value_and_grad(minimised)(
                state.params, windows, member.cell[rows], jax.random.fold_in(of_dropout, at)
            )
            # Optax promotes its count of steps, also where a user forbids JAX to do so unasked.
            with jax.numpy_dtype_promotion("standard"):
                updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
            params = optax.apply_updates(state.params, updates)
            average = optax.incremental_update(params, state.average, 1 - config.average)
            return _State(params, opt_state, average), loss

        state, losses = jax.lax.scan(step, state, (jnp.arange(steps), order))
        length = member.valid.targets.shape[-1]
        law = forecast_steps(forecaster, state.average, member.valid.inputs, length)
        score = _flat_loss(score_of, law, member.valid, member.cell)
        return state, jnp.mean(losses), score

    return jax.jit(jax.vmap(epoch, in_axes=(0, 0, 0, None)), donate_argnums=0)
