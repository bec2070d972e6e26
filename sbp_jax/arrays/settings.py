"""What a fit is told, and what it decides of itself where it is told nothing."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import optax

from sbp_jax.arrays.choose_family import FamilyLike
from sbp_jax.errors import InputError
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.models.tcn import Precision
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.objective import ObjectiveName

NETWORK: Final = NetworkConfig(
    features=16,
    layers=4,
    hidden=(128, 128, 128),
    residual=True,
    dropout=0.1,
    encoder_dropout=0.05,
)
_STEPS: Final = 5_000  # of a training, about
_LEAST_EPOCHS: Final = 20
_MOST_EPOCHS: Final = 400


@dataclass(frozen=True)
class Settings:
    """The keywords of `sbp_jax.fit` that say how to train, as they are described there.

    Raises:
        InputError: a number out of its range.
    """

    cell: float | None = None
    family: FamilyLike | None = None
    objective: ObjectiveName | None = None
    network: NetworkConfig | None = None
    optimizer: optax.GradientTransformation | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    members: int = 1
    seed: int = 0
    devices: int = 1
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        """Refuse what no fit can be made by."""
        for name in ("members", "epochs", "batch_size", "devices"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < 1):
                raise InputError(f"{name}: expected a whole number >= 1, got {value!r}")
        if self.cell is not None and not 0 < self.cell < math.inf:
            raise InputError(f"cell: expected None or a finite number > 0, got {self.cell!r}")

    def for_rows(self, rows: int) -> TrainConfig:
        """How to train on so many rows.

        Raises:
            InputError: a setting that no training can be made by.
        """
        size = self.batch_size
        if size is None:
            size = int(np.clip(2 ** round(math.log2(rows / 16)), 32, 512))
        size = -(-min(size, rows) // self.devices) * self.devices  # a device's share is whole
        steps = -(-rows // size)
        epochs = self.epochs
        if epochs is None:
            epochs = int(np.clip(round(_STEPS / steps), _LEAST_EPOCHS, _MOST_EPOCHS))
        settings: dict[str, Any] = {
            "learning_rate": self.learning_rate,
            "weight_decay": self.weight_decay,
            "seed": self.seed,
            "precision": self.precision,
        }
        try:
            return TrainConfig(
                epochs=epochs,
                batch_size=size,
                virtual_shards=self.devices,
                warmup_steps=min(100, epochs * steps // 10),
                **settings,
            )
        except ValueError as error:
            raise InputError(str(error)) from error
