"""The optimizer that is used unless another is passed, and what decides it."""

from dataclasses import dataclass

import jax
import optax

from sbp_jax.errors import SettingError
from sbp_jax.runs.ranges import (
    Count,
    NotNegative,
    Positive,
    Whole,
    refuse_out_of_range,
    refuse_unless,
)
from sbp_jax.training.joined import Joined
from sbp_jax.training.state import Params


@dataclass(frozen=True)
class OptimizerConfig:
    """Settings of AdamW.

    Attributes:
        learning_rate: peak of the schedule, > 0.
        weight_decay: decoupled, on kernels alone; >= 0.
        warmup_steps: linear rise of the learning rate; >= 0.

    Raises:
        SettingError: a number out of its range.
    """

    learning_rate: Positive = 2e-3
    weight_decay: NotNegative = 1e-2
    warmup_steps: Whole = 200

    def __post_init__(self) -> None:
        """Refuse what cannot be trained by."""
        refuse_out_of_range(self)


def make_optimizer(
    config: OptimizerConfig, total_steps: int, *, clip_norm: float = 1.0
) -> optax.GradientTransformation:
    """AdamW under a linear warm-up and a cosine decay to zero, gradients clipped by global norm.

    Biases and the lengths of weight-normalised kernels (everything with one axis) do not decay.

    Args:
        config: peak, decay and warm-up, which takes at most half of the steps.
        total_steps: of the whole training, >= 1.
        clip_norm: that no gradient exceeds, > 0.

    Raises:
        SettingError: one of them is not.
    """
    refuse_unless(Count, total_steps=total_steps)
    if not clip_norm > 0:
        raise SettingError(f"clip_norm: expected a number > 0, got {clip_norm}")
    warmup = min(config.warmup_steps, total_steps // 2)
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, config.learning_rate, warmup_steps=warmup, decay_steps=total_steps
    )

    def decays(params: Params) -> Params:
        if isinstance(params, Joined):
            return Joined(kernels=True, others=False)  # type: ignore[arg-type]  # a mask
        return jax.tree.map(lambda leaf: leaf.ndim > 1, params)

    return optax.chain(
        optax.clip_by_global_norm(clip_norm),
        optax.adamw(schedule, weight_decay=config.weight_decay, mask=decays),
    )
