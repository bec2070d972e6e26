"""The training runs that are compared, ours and the peer's, one epoch at a time."""

import time
from dataclasses import asdict, replace
from typing import Any, Final, NamedTuple, Protocol

import jax
import numpy as np

from sbp_jax.batch import Batch
from sbp_jax.distributions import SplicedBinnedPareto
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.objective import ObjectiveName
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.program import Head, make_program
from sbp_jax.training.state import Params
from scripts.benchmarks.peers import Call
from scripts.benchmarks.plays import Plays, pad

BATCH: Final = 256
BUCKETS: Final = 4
FRAMES: Final = 48  # of all plays where they are not to differ
TAIL_MASS: Final = 0.05
NETWORK: Final = NetworkConfig(features=64, layers=5, hidden=(128, 128))
FAMILY: Final = SplicedBinnedPareto(np.arange(-15.5, 100), TAIL_MASS)
FORECASTER: Final = make_forecaster(NETWORK, FAMILY)
OBJECTIVE: Final[ObjectiveName] = "base_plus_tail"  # what the peer's class trains by, too


def train_config(epochs: int, **changes: Any) -> TrainConfig:
    """How both are trained: a schedule that suits so few steps."""
    usual = TrainConfig(epochs=epochs, batch_size=BATCH, learning_rate=4e-3, warmup_steps=20)
    return replace(usual, **changes)


class Epoch(NamedTuple):
    """What an epoch took and came to.

    Attributes:
        seconds: of training, validation left out.
        python: of these, not spent waiting for the devices.
        score: mean negative log probability of the validation targets' whole yards, nats.
    """

    seconds: float
    python: float
    score: float


class Run(Protocol):
    """Something that is trained epoch by epoch."""

    name: str
    plays: int
    steps: int

    def epoch(self) -> Epoch:
        """Train on all plays once and validate."""


class OurRun:
    """A run of this project's, without checkpoints and logs.

    Attributes:
        name: for the table.
        plays: trained on in an epoch.
        steps: of an epoch.
        first_seconds: of an epoch that had to be compiled, before the run begins.
    """

    def __init__(
        self, name: str, train: Plays, valid: Plays, config: TrainConfig, devices: Devices
    ) -> None:
        self.name, self.config, self.devices = name, config, devices
        self.train = place_examples(pad(train), config, devices, shuffle=True)
        self.valid = place_examples(pad(valid), config, devices, shuffle=False)
        self.plays, self.steps = self.train.examples, self.train.steps
        self.program = make_program(Head(FORECASTER, OBJECTIVE, cell=1.0), self.train)
        self.state = self.program.init()
        self.first_seconds = self.epoch().seconds
        self.state = self.program.init()

    @property
    def bucket_steps(self) -> list[int]:
        """Steps of an epoch in each length bucket."""
        return [rows.size // self.config.batch_size for rows in self.train.rows]

    @property
    def lengths(self) -> list[int]:
        """Frames that each length bucket is padded to."""
        return [shards.batch.mask.shape[-1] for shards in self.train.shards]

    def epoch(self) -> Epoch:
        """Train on all plays once and validate."""
        start = time.perf_counter()
        self.state, losses = self.program.epoch(self.state, self.train.shards)
        dispatched = time.perf_counter()
        jax.block_until_ready(losses)
        ready = time.perf_counter()
        fetched = np.asarray(losses)  # as the loop does, to see whether they are finite
        end = time.perf_counter()
        assert np.isfinite(fetched).all()
        score = float(self.program.validate(self.state.params, self.valid.shards))
        return Epoch(end - start, end - start - (ready - dispatched), score)


class Scoring:
    """The distribution function at the targets of placed plays, network included."""

    def __init__(self, run: OurRun) -> None:
        def cdf(params: Params, batch: Batch) -> jax.Array:
            return FAMILY.cdf(FORECASTER.predict(params, batch), batch.target)

        self._score = run.devices.predict(cdf, run.config.rows_per_step)
        self._placed = run.valid
        self._params = run.state.params
        self.seconds()  # compiles

    def seconds(self) -> float:
        """Time to score all plays."""
        start = time.perf_counter()
        jax.block_until_ready(self._score(self._params, self._placed.shards))
        return time.perf_counter() - start


class PeerRun:
    """The run of `peers_torch.py`, behind the interface of ours."""

    def __init__(self, name: str, call: Call, workers: int) -> None:
        self.name, self._call, self._workers = name, call, workers
        self.plays = self.steps = 0
        call("restart")

    def epoch(self) -> Epoch:
        """Train on all plays but those of an incomplete batch, and validate."""
        done = self._call("epoch", workers=self._workers)
        self.plays, self.steps = done["plays"], done["steps"]
        return Epoch(done["seconds"], float("nan"), self._call("validate")["score"])


def peer_inputs(train: Plays, valid: Plays) -> dict[str, np.ndarray]:
    """Both sets as the peer reads them, converted to float32 beforehand."""
    return {
        f"{name}_{field}": array.astype(np.float32) if field == "frames" else array
        for name, plays in (("train", train), ("valid", valid))
        for field, array in plays._asdict().items()
    }


def peer_options(
    config: TrainConfig, plays: int, network: NetworkConfig = NETWORK
) -> dict[str, Any]:
    """The peer's network, distribution and schedule: those of ours."""
    sizes = asdict(network)
    assert sizes.pop("kernel_size") == 3, "the peer's is fixed"
    assert not sizes.pop("residual"), "the peer has no such perceptron"
    return {
        "network": sizes,
        "bins": len(FAMILY.edges) - 1,
        "low": float(FAMILY.edges[0]),
        "high": float(FAMILY.edges[-1]),
        "tail_mass": TAIL_MASS,
        "batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "weight_decay": config.weight_decay,
        "warmup_steps": config.warmup_steps,
        "total_steps": config.epochs * (plays // config.batch_size),
    }
