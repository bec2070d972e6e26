"""Models of several parts of a table, or of one: all networks of a kind by one program."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from tqdm import tqdm

from sbp_jax.arrays.check_settings import check_objective, said_family
from sbp_jax.arrays.choose_family import Candidate, candidates, usual_objective
from sbp_jax.arrays.further import joined_history
from sbp_jax.arrays.inputs import Columns
from sbp_jax.arrays.memory import check_memory
from sbp_jax.arrays.missing import Filling, prepared
from sbp_jax.arrays.model import Model
from sbp_jax.arrays.scaling import Scaling
from sbp_jax.arrays.settings import Settings
from sbp_jax.batch import Batch
from sbp_jax.errors import TrainingError
from sbp_jax.models.forecaster import Forecaster, make_forecaster
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.loop import VALIDATION_SCORE
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.population import MemberFit, OnEpoch, fit_population
from sbp_jax.training.program import Head
from sbp_jax.training.state import Params

Rows = tuple[Batch, Float[NDArray, " B"]]
"""A batch and its target."""


class Part(NamedTuple):
    """What a model is made of: rows to train on, and rows to choose the epoch by."""

    train: Rows
    valid: Rows


class _Prepared(NamedTuple):
    """A part in standard units, and what is to be tried on it."""

    train: Batch
    valid: Batch
    scaling: Scaling
    filling: Filling | None
    tried: tuple[Candidate, ...]
    config: TrainConfig
    cell: float | None


class _Found(NamedTuple):
    """A forecaster's networks on a part, and their mean validation score."""

    score: float
    forecaster: Forecaster
    members: list[MemberFit]


def train_parts(
    parts: Sequence[Part],
    columns: Columns,
    settings: Settings,
    *,
    start: Model | None = None,
    progress: bool,
) -> list[Model]:
    """A model of each part, or one that goes on from another, on one part.

    Parts of which the same families are tried, and whose rows ask for the same number of steps,
    are members of one program. With more steps than of its own a part would be trained longer.

    Raises:
        InputError: a setting that no training can be made by.
        TrainingError: no epoch of a network had a finite score.
    """
    sizes = settings.sizes(sequences=columns.has_sequence)
    ready = [_prepare(part, columns, settings, start) for part in parts]
    alike: dict[Any, list[int]] = defaultdict(list)
    for number, one in enumerate(ready):
        steps = -(-len(one.train.target) // one.config.batch_size)
        alike[one.tried, one.config, one.cell, steps].append(number)
    found: dict[int, _Found] = {}
    for numbers in alike.values():
        for candidate in ready[numbers[0]].tried:
            together = [ready[number] for number in numbers]
            family, objective, arrangement = candidate
            forecaster = (
                start.forecaster
                if start
                else make_forecaster(sizes, family, arrangement=arrangement)
            )
            data = [batch for part in together for batch in (part.train, part.valid)]
            check_memory(forecaster, data, len(numbers) * settings.members, settings.devices)
            params = start.params if start else None
            trained = _train(forecaster, objective, together, settings, params, progress)
            for number, members in zip(numbers, trained, strict=True):
                score = float(np.mean([_best_score(each) for each in members]))
                if number not in found or score < found[number].score:
                    found[number] = _Found(score, forecaster, members)
    models = [
        _model(found[number], columns, one, settings.cell) for number, one in enumerate(ready)
    ]
    if start:
        return [replace(models[0], history=joined_history(start, found[0].members))]
    return models


def _model(found: _Found, columns: Columns, part: _Prepared, cell: float | None) -> Model:
    params = [each.params for each in found.members]
    return Model(
        forecaster=found.forecaster,
        params=jax.tree.map(lambda *leaves: np.stack(leaves), *params),
        columns=columns,
        scaling=part.scaling,
        cell=cell,
        history=[each.history for each in found.members],
        filling=part.filling,
    )


def _prepare(part: Part, columns: Columns, settings: Settings, start: Model | None) -> _Prepared:
    if start:
        scaling, filling = start.scaling, start.filling
    else:
        scaling = Scaling.of(*part.train, bounded=settings.family is None)
        names = {"static": columns.static, "sequence": columns.sequence}
        filling = Filling.of(part.train[0], **names) if settings.missing == "fill" else None
    train, valid = (
        prepared(batch, scaling, filling)._replace(target=scaling.standardise(target))
        for batch, target in part
    )
    cell = None if settings.cell is None else settings.cell / scaling.scale
    tried = _tried(settings, train.target, cell)
    for candidate in tried:
        check_objective(candidate.family, candidate.objective, cell)
    config = settings.for_rows(len(train.target))
    return _Prepared(train, valid, scaling, filling, tuple(tried), config, cell)


def _tried(settings: Settings, y: Float[NDArray, " B"], cell: float | None) -> Sequence[Candidate]:
    """What the settings say, or what the target asks for."""
    if settings.family is None:
        found = candidates(y, cell)
    elif isinstance(settings.family, Candidate):
        found = [settings.family]
    else:
        family = said_family(settings.family, y)
        found = [Candidate(family, usual_objective(family, cell))]
    if settings.objective is None:
        return found
    return [each._replace(objective=settings.objective) for each in found]


def _train(
    forecaster: Forecaster,
    objective: ObjectiveName,
    parts: Sequence[_Prepared],
    settings: Settings,
    start: Params | None,
    progress: bool,
) -> list[list[MemberFit]]:
    """The networks of each part."""
    config = parts[0].config
    head = Head(forecaster, objective, optimizer=settings.optimizer, cell=parts[0].cell)
    where = Devices(jax.devices()[: settings.devices])
    train = [place_examples(part.train, config, where, shuffle=True) for part in parts]
    valid = [place_examples(part.valid, config, where, shuffle=False) for part in parts]
    own = [number for number in range(len(parts)) for _ in range(settings.members)]
    alone = len(parts) == 1
    # disable=None: no bar unless on a terminal.
    with tqdm(total=config.epochs, desc="fit", disable=None if progress else True) as bar:
        found = fit_population(
            head,
            [Hyperparameters(seed=config.seed + i) for _ in parts for i in range(settings.members)],
            train=train[0] if alone else [train[number] for number in own],
            valid=valid[0] if alone else [valid[number] for number in own],
            on_epoch=_told(bar),
            start=start,
        )
    for i, each in enumerate(found):
        if not each.history:
            raise TrainingError(
                f"member {i}: expected an epoch with a finite score on the validation part, got "
                "none; try a lower learning_rate, or look for extreme values"
            )
    return [found[at : at + settings.members] for at in range(0, len(found), settings.members)]


def _told(bar: Any) -> OnEpoch:
    def on_epoch(_: int, scores: NDArray) -> None:
        bar.update()
        bar.set_postfix(score=float(np.nanmean(scores)))

    return on_epoch


def _best_score(member: MemberFit) -> float:
    scores = [math.inf if member.start_score is None else member.start_score]
    return min([*scores, *(float(each[VALIDATION_SCORE]) for each in member.history)])
