"""One process of the measurements on a GPU: prints a row, a line of JSON, as soon as it has one.

    python -m scripts.benchmarks.gpu_measure whole --precision bfloat16 [--rehearse]

Started by `gpu.py`, one after the other, so that each has the GPU for itself and XLA's flags of its
own. With --rehearse everything is tiny and the device is whatever JAX has.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

import jax
import jax.numpy as jnp
import numpy as np
import tyro

from sbp_jax.errors import DeviceError, SbpJaxError
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.models.tcn import Precision
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import Placed, place_examples
from sbp_jax.training.population_program import PopulationProgram
from sbp_jax.training.program import Head, Program, make_program
from scripts.benchmarks.gpu_peer import pytorch
from scripts.benchmarks.gpu_sizes import TINY, Sizes
from scripts.benchmarks.hlo_counts import step_counts
from scripts.benchmarks.plays import Plays, draw_plays, pad
from scripts.benchmarks.run import BUCKETS, FAMILY, FRAMES, OBJECTIVE, train_config

Row = dict[str, Any]
What = Literal["device", "whole", "steps", "population", "pytorch"]

ROUNDS: Final = 5


@dataclass(frozen=True)
class Measure:
    """What one process measures.

    Attributes:
        what: "device": what it is, and whether there is room; "whole": all epochs of all plays;
            "steps": networks of several depths; "population": many members beside one;
            "pytorch": the same network there.
        precision: of the network's arithmetic.
        rehearse: tiny sizes, on any device.
    """

    what: Annotated[What, tyro.conf.Positional]
    precision: Precision = "float32"
    rehearse: bool = False


def main(config: Measure) -> None:
    """Measure and print.

    Raises:
        DeviceError: the device is no GPU, or has no room.
    """
    sizes = TINY if config.rehearse else Sizes()
    measure: dict[What, Callable[[Sizes, Precision], Iterator[Row]]] = {
        "device": lambda sizes, _: device(sizes, any_device=config.rehearse),
        "whole": whole,
        "steps": steps,
        "population": population,
        "pytorch": lambda sizes, _: pytorch(sizes, any_device=config.rehearse),
    }
    for row in measure[config.what](sizes, config.precision):
        print(json.dumps({"what": config.what, "precision": config.precision} | row), flush=True)


def device(sizes: Sizes, *, any_device: bool) -> Iterator[Row]:
    """What the device is.

    Raises:
        DeviceError: it is no GPU, or has no room.
    """
    first = jax.devices()[0]
    if first.platform != "gpu" and not any_device:
        raise DeviceError(f"expected a GPU, got {first.device_kind}; leave out --gpu")
    try:
        jax.block_until_ready(jnp.zeros((int(sizes.room // 1e6), 10**6), jnp.uint8))
    except jax.errors.JaxRuntimeError as error:
        raise DeviceError(
            f"expected {sizes.room / 1e9:.0f} GB of free memory on {first.device_kind}, got less: "
            "it is busy or too small"
        ) from error
    yield {"device": first.device_kind, "jax": jax.__version__}


class Timed:
    """A training that is compiled once, known by its text, and timed by the epoch."""

    def __init__(self, program: Program) -> None:
        self.program, self.train = program, program.train
        self.state = program.init()
        start = time.perf_counter()
        self._epoch: Any = program.epoch.lower(self.state, self.train.shards).compile()
        self.seconds_to_compile = time.perf_counter() - start
        self.launches = launches_of(self._epoch.as_text() or "")

    def epoch(self) -> float:
        """Seconds of one epoch."""
        start = time.perf_counter()
        self.state, losses = self._epoch(self.state, self.train.shards)
        finite = np.isfinite(np.asarray(losses)).all()
        seconds = time.perf_counter() - start
        assert finite, "a loss is not finite"
        return seconds


def launches_of(hlo: str) -> int | None:
    """Launches of a step; None where the text is not as this JAX writes it.

    On a device that is lent for minutes a count must not cost the times.
    """
    try:
        return step_counts(hlo).total
    except Exception:
        return None


def head_of(network: NetworkConfig) -> Head:
    """What is trained."""
    return Head(make_forecaster(network, FAMILY), OBJECTIVE, cell=1.0)


def placed(plays: Plays, config: TrainConfig, *, shuffle: bool = True) -> Placed:
    """Plays in the first device's memory."""
    return place_examples(pad(plays), config, Devices(jax.devices()[:1]), shuffle=shuffle)


def equally_long(count: int) -> Plays:
    """Plays that are padded to `FRAMES` frames."""
    plays = draw_plays(count, seed=0)
    kept = np.minimum(plays.lengths, FRAMES)
    kept[0] = FRAMES
    frames = np.zeros((int(kept.sum()), plays.frames.shape[1]), plays.frames.dtype)
    return plays._replace(frames=frames, lengths=kept)


def whole(sizes: Sizes, precision: Precision) -> Iterator[Row]:
    """All epochs of all plays in length buckets, and a validation, which is a scoring."""
    config = train_config(
        sizes.epochs, batch_size=sizes.batch, length_buckets=BUCKETS, precision=precision
    )
    train = placed(draw_plays(sizes.plays, seed=0), config)
    timed = Timed(make_program(head_of(sizes.network), train))
    seconds = [timed.epoch() for _ in range(sizes.epochs)]
    median = float(np.median(seconds))
    row = {
        "plays": train.examples,
        "epochs": sizes.epochs,
        "seconds": sum(seconds),
        "seconds_to_compile": timed.seconds_to_compile,
        "plays_a_second": train.examples / median,
        "ms_a_step": 1e3 * median / train.steps,
        "launches": timed.launches,
    }
    yield row
    valid = placed(draw_plays(max(sizes.batch, sizes.plays // 4), seed=1), config, shuffle=False)
    score, speed = 0.0, []
    for _ in range(1 + ROUNDS):
        start = time.perf_counter()
        score = float(timed.program.validate(timed.state.params, valid.shards))
        speed.append(valid.examples / (time.perf_counter() - start))
    yield {"score": score, "scored_a_second": float(np.median(speed[1:]))}


def steps(sizes: Sizes, precision: Precision) -> Iterator[Row]:
    """Networks of several depths: milliseconds of a step, and its launches."""
    config = train_config(1, batch_size=sizes.batch, precision=precision)
    train = placed(equally_long(sizes.fewer), config)
    for layers in reversed(sizes.layers):  # the one that matters first
        timed = Timed(make_program(head_of(replace(sizes.network, layers=layers)), train))
        timed.epoch()
        seconds = float(np.median([timed.epoch() for _ in range(ROUNDS)]))
        yield {
            "layers": layers,
            "launches": timed.launches,
            "ms_a_step": 1e3 * seconds / train.steps,
            "plays_a_second": train.examples / seconds,
            "seconds_to_compile": timed.seconds_to_compile,
        }


def population(sizes: Sizes, precision: Precision) -> Iterator[Row]:
    """One member, and many side by side: milliseconds of a step of all of them."""
    config = train_config(1, batch_size=sizes.batch, precision=precision)
    train = placed(equally_long(sizes.fewer), config)
    valid = placed(equally_long(sizes.batch), config, shuffle=False)
    for members in (1, sizes.members):
        numbers = [Hyperparameters(seed=seed) for seed in range(members)]
        head = head_of(sizes.network)
        program = PopulationProgram(head, numbers, train=train, valid=valid, mapping="vmap")
        trained, seconds = program.start(), []
        for _ in range(1 + ROUNDS):
            start = time.perf_counter()
            trained, losses = program.epoch(trained)
            assert np.isfinite(np.asarray(losses)).all(), "a loss is not finite"
            seconds.append(time.perf_counter() - start)
        yield {
            "members": members,
            "ms_a_step": 1e3 * float(np.median(seconds[1:])) / program.steps,
            "seconds_to_compile": seconds[0] - float(np.median(seconds[1:])),
        }


if __name__ == "__main__":
    try:
        main(tyro.cli(Measure, description=__doc__))
    except SbpJaxError as error:
        sys.exit(f"error: {error}")
