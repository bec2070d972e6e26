"""Training that goes on from a model: what it keeps, and how its history continues."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sbp_jax.arrays.model import Model
from sbp_jax.arrays.settings import Settings
from sbp_jax.errors import InputError
from sbp_jax.training.population import MemberFit

_RATE: Final = 1e-3  # the fit is there: it is to be refined, not left


def further_settings(start: Model, settings: Settings) -> Settings:
    """The settings of further training: what the model has is taken from it.

    Args:
        start: to go on from.
        settings: as they were asked for; one member, the default, is as many as it has.

    Raises:
        InputError: something was asked for that the model has otherwise.
    """
    if not isinstance(start, Model):
        raise InputError(f"start: expected a model of fit or load, got {type(start).__name__}")
    if settings.members not in (1, start.members):
        raise InputError(
            f"members: expected {start.members}, those of start, got {settings.members}"
        )
    for name, own in (("family", None), ("network", None), ("cell", start.cell)):
        value = getattr(settings, name)
        if value is not None and value != own:
            raise InputError(f"{name}: expected None, as start has its own, got {value!r}")
    return replace(
        settings,
        members=start.members,
        cell=start.cell,
        family=start.forecaster.family,
        learning_rate=_RATE if settings.learning_rate is None else settings.learning_rate,
    )


def joined_history(start: Model, fits: Sequence[MemberFit]) -> Sequence[Sequence[dict[str, Any]]]:
    """The model's epochs, and then those of further training, numbered on.

    Each of these also says after how many epochs (`start_epoch`) it went on, and what the model
    scored then on the validation part (`start_score`), which may be another than before.
    """
    joined = []
    for before, fit in zip(start.history, fits, strict=True):
        epochs, steps = len(before), int(before[-1]["step"]) if before else 0
        after = [
            {
                **each,
                "epoch": each["epoch"] + epochs,
                "step": each["step"] + steps,
                "start_epoch": epochs,
                "start_score": fit.start_score,
            }
            for each in fit.history
        ]
        joined.append([*before, *after])
    return joined
