"""A run of this project's on virtual devices, in a process of its own beside that on one device.

How many devices a CPU pretends to have, and the threads that these need, must be set before JAX
starts, and one device alone is slower with so many threads. `VirtualRun` starts this file as a
process that answers line by line, as the peer's does.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import jax

from sbp_jax.runs.virtual_devices import ENOUGH, THREADS
from sbp_jax.training.parallel import Devices
from scripts.benchmarks import peers
from scripts.benchmarks.plays import draw_plays
from scripts.benchmarks.run import BATCH, BUCKETS, Epoch, OurRun, Scoring, train_config

ROOT: Final = Path(__file__).resolve().parents[2]
COUNT: Final = 8


class VirtualRun:
    """The run in that process, behind the interface of one in this."""

    def __init__(self, name: str, call: peers.Call) -> None:
        self.name, self._call = name, call
        sizes = call("sizes")
        self.plays, self.steps = sizes["plays"], sizes["steps"]

    def epoch(self) -> Epoch:
        """Train on all plays once and validate."""
        return Epoch(**self._call("epoch"))

    def scored_a_second(self) -> float:
        """Plays scored, of those that validate."""
        found = self._call("score")
        return float(found["plays"] / found["seconds"])


@contextmanager
def start(plays: int, epochs: int) -> Iterator[VirtualRun]:
    """Start the process, which ends with the block.

    Args:
        plays: to train on; a quarter as many validate.
        epochs: of the schedule.

    Raises:
        PeersError: the process ended.
    """
    environment = {
        "PYTHONPATH": str(ROOT),
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={COUNT}",
        THREADS: ENOUGH,
    }
    with peers.start(
        Path(__file__).name,
        {},
        python=Path(sys.executable),
        environment=environment,
        plays=plays,
        epochs=epochs,
    ) as call:
        yield VirtualRun(f"length buckets, {COUNT} virtual devices", call)


class _Worker:
    """What the process answers with."""

    def __init__(self, plays: int, epochs: int) -> None:
        train, valid = draw_plays(plays, seed=0), draw_plays(max(BATCH, plays // 4), seed=1)
        config = train_config(epochs, length_buckets=BUCKETS)
        self.run = OurRun("", train, valid, config, Devices(jax.devices()))
        self.scoring: Scoring | None = None

    def sizes(self) -> dict[str, Any]:
        return {"plays": self.run.plays, "steps": self.run.steps}

    def epoch(self) -> dict[str, Any]:
        return self.run.epoch()._asdict()

    def score(self) -> dict[str, Any]:
        self.scoring = self.scoring or Scoring(self.run)
        return {"seconds": self.scoring.seconds(), "plays": self.run.valid.examples}


if __name__ == "__main__":
    worker = _Worker(**json.loads(sys.argv[2]))
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(getattr(worker, asked["function"])(**asked["options"])), flush=True)
