"""What a fit is told, and what it decides of itself where it is told nothing."""

import math
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import optax

from sbp_jax.arrays.check_settings import check_settings
from sbp_jax.arrays.choose_family import FamilyLike
from sbp_jax.arrays.missing import Missing
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
_RATE: Final = 3e-3
_STEPS: Final = 5_000  # of a training, about
_LEAST_EPOCHS: Final = 20
_MOST_EPOCHS: Final = 1_000


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
    learning_rate: float | None = None
    weight_decay: float = 1e-3
    members: int = 1
    seed: int = 0
    devices: int = 1
    precision: Precision = "float32"
    missing: Missing = "refuse"

    def __post_init__(self) -> None:
        """Refuse what no fit can be made by."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        check_settings({name: given[name] for name in given if name != "family"})

    def sizes(self, *, sequences: bool) -> NetworkConfig:
        """Of the network; of a table the encoder is left out.

        Raises:
            InputError: sequences and a network without layers to read them.
        """
        found = self.network or NETWORK
        if sequences and not found.layers:
            raise InputError("network: expected layers >= 1, as x is sequences, got 0")
        return found if sequences else replace(found, layers=0)

    def for_rows(self, rows: int) -> TrainConfig:
        """How to train on so many rows.

        Raises:
            InputError: a setting that no training can be made by.
        """
        size = self.batch_size
        if size is None:
            size = int(np.clip(2 ** round(math.log2(rows / 16)), 32, 512))
        devices = int(self.devices)  # of NumPy a small integer would overflow, as would a size
        size = -(-min(int(size), rows) // devices) * devices  # a device's share is whole
        steps = -(-rows // size)
        epochs = self.epochs
        if epochs is None:
            epochs = int(np.clip(round(_STEPS / steps), _LEAST_EPOCHS, _MOST_EPOCHS))
        settings: dict[str, Any] = {
            "learning_rate": _RATE if self.learning_rate is None else self.learning_rate,
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
