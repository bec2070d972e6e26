"""Training that goes on from a model: what it keeps, and how its history continues."""

from collections.abc import Sequence
from typing import Any

from sbp_jax.arrays.model import Model
from sbp_jax.errors import InputError
from sbp_jax.training.population import MemberFit


def check_start(start: Model, members: int, **given: Any) -> None:
    """Refuse settings that the model has already.

    Args:
        start: to go on from.
        members: asked for; 1, the default, is whatever it has.
        given: family, network and cell as they were asked for; None leaves them to the model.

    Raises:
        InputError: one of them is another.
    """
    if not isinstance(start, Model):
        raise InputError(f"start: expected a model of fit or load, got {type(start).__name__}")
    if members not in (1, start.members):
        raise InputError(f"members: expected {start.members}, those of start, got {members}")
    for name, value in given.items():
        if value is not None and not (name == "cell" and value == start.cell):
            raise InputError(f"{name}: expected None, as start has its own, got {value!r}")


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
