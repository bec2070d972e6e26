"""How much is computed on a GPU, and when all of it is only rehearsed."""

from dataclasses import dataclass
from typing import Final

from sbp_jax.models.forecaster import NetworkConfig
from scripts.benchmarks.run import BATCH, NETWORK

ROOM: Final = 6e9  # bytes: examples, their copy while they are placed, temporaries


@dataclass(frozen=True)
class Sizes:
    """How much is computed.

    Attributes:
        plays: of the whole training.
        epochs: likewise.
        fewer: plays where only steps are timed.
        layers: numbers of blocks, each another number of launches.
        members: of the population.
        batch: plays of a step.
        network: the largest one.
        room: bytes of the device's memory that must be free.
    """

    plays: int = 50_000
    epochs: int = 30
    fewer: int = 8192
    layers: tuple[int, ...] = (0, 1, 3, 5)
    members: int = 16
    batch: int = BATCH
    network: NetworkConfig = NETWORK
    room: float = ROOM


TINY: Final = Sizes(
    plays=512,
    epochs=2,
    fewer=128,
    layers=(0, 1),
    members=2,
    batch=64,
    network=NetworkConfig(features=4, layers=1, hidden=(4,)),
    room=1e6,
)
