"""Killed at any instant, or asked to stop: what is on disk is whole, and the end is the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.checkpoint import Checkpoints
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.loop import VALIDATION_SCORE, fit
from sbp_jax.training.optimizer import OptimizerConfig, make_optimizer
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.program import Head
from sbp_jax.training.state import init_state

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_compilation")]

CONFIG = TrainConfig(epochs=30, batch_size=32, virtual_shards=4, warmup_steps=3)
FORECASTER = make_forecaster(
    NetworkConfig(features=4, layers=2, hidden=(200, 200)), Gaussian(0.0, 3.0)
)
KILLS = 20
PATIENCE = 120.0  # seconds for what should take a few


def examples(rows, seed):
    rng = np.random.default_rng(seed)
    static = rng.normal(size=(rows, 2)).astype(np.float32)
    return Batch(
        rng.normal(size=(rows, 5, 2)).astype(np.float32),
        np.arange(5)[None] < rng.integers(0, 6, rows)[:, None],
        static,
        np.round(3 * static[:, 0] + rng.normal(size=rows)).astype(np.float32),
    )


def train(folder):
    """A run of many short epochs, which spends about half of its time saving."""
    devices = Devices(jax.devices()[:1])
    train, valid = (
        place_examples(examples(rows, seed), CONFIG, devices, shuffle=seed == 0)
        for rows, seed in ((200, 0), (60, 1))
    )
    return fit(
        Head(FORECASTER, "interval_nll", cell=1.0), train, valid, folder=folder, progress=False
    )


VICTIM = """
import sys
from pathlib import Path
from tests.training.test_kill import train
train(Path(sys.argv[1]))
"""


@pytest.fixture
def start(tmp_path):
    """Start a run in a process; none outlives the test."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "NPROC": "32",
        "XLA_FLAGS": "",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    started = []

    def start(folder):
        with (tmp_path / "stderr").open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-c", VICTIM, str(folder)], env=environment, stderr=stderr
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def without_clock(history):
    clock = ("seconds", "examples_per_second")
    return [{k: v for k, v in metrics.items() if k not in clock} for metrics in history]


def log_of(folder):
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def saved_epochs(folder):
    """Numbers of the folders that count as checkpoints."""
    checkpoints = folder / "checkpoints"
    if not checkpoints.exists():
        return []
    return sorted(int(path.name) for path in checkpoints.iterdir() if path.name.isdecimal())


def latest(folder):
    return max(saved_epochs(folder), default=-1)


def like():
    example = jax.tree.map(jnp.asarray, examples(1, 0))
    optimizer = make_optimizer(OptimizerConfig(1.0, 0.0, warmup_steps=0), total_steps=1)
    params = FORECASTER.init(jax.random.key(0), example)
    return Devices(jax.devices()[:1]).replicate(init_state(params, optimizer, 0))


def wait_until(happened, process):
    """Wait for something to happen on disk while a process runs."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and not happened():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.001)


def saving(folder):
    """A save is on its way."""
    return any(folder.glob("checkpoints/*orbax-checkpoint-tmp*"))


def check_all_readable(folder, target):
    """Each folder that counts as a checkpoint holds the epoch that it says it holds."""
    epochs = saved_epochs(folder)
    if not epochs:
        return
    with Checkpoints(folder / "checkpoints", VALIDATION_SCORE, read_only=True) as checkpoints:
        assert checkpoints.latest() == epochs[-1]
        for epoch in epochs:
            restored = checkpoints.restore(epoch, target)
            assert [metrics["epoch"] for metrics in restored.history] == list(range(epoch + 1))
            assert int(restored.state.step) == restored.history[-1]["step"]


def final_state(folder, target):
    with Checkpoints(folder / "checkpoints", VALIDATION_SCORE, read_only=True) as checkpoints:
        return checkpoints.restore(CONFIG.epochs - 1, target).state


def kill(process, folder, number, rng):
    """Kill a run at a random instant, three times of five at one in the middle of a save."""
    if number % 5 == 0:  # anywhere, start-up included
        time.sleep(rng.uniform(0.0, 4.0))
    elif number % 5 == 1:  # in and between saves
        logged = len(log_of(folder))
        wait_until(lambda: len(log_of(folder)) != logged, process)
        time.sleep(rng.uniform(0.0, 1.0))
    else:
        epoch = latest(folder) + rng.integers(0, 4)
        wait_until(lambda: latest(folder) >= epoch and saving(folder), process)
        time.sleep(rng.uniform(0.0, 0.06))
    process.send_signal(signal.SIGKILL)


def test_killed_at_twenty_instants_nothing_is_lost_and_the_end_is_the_same(tmp_path, start):
    whole = tmp_path / "whole"
    assert start(whole).wait(PATIENCE) == 0
    target = like()
    rng = np.random.default_rng()  # other instants each time; what is asserted holds at any
    kills = in_a_save = finished = 0
    while kills < KILLS or not finished:
        folder = tmp_path / f"killed-{finished}"
        before = latest(folder)
        process = start(folder)
        if kills < KILLS:
            kill(process, folder, kills, rng)
        code = process.wait(PATIENCE)
        if code == 0:
            finished += 1
            compare(folder, whole, target)
            continue
        assert code == -signal.SIGKILL, (tmp_path / "stderr").read_text()
        kills += 1
        in_a_save += saving(folder)
        check_all_readable(folder, target)
        assert latest(folder) >= before
        # An epoch is logged when its save has begun, which is when the one before is complete.
        assert latest(folder) >= len(log_of(folder)) - 2
    assert in_a_save >= KILLS // 4


def compare(folder, whole, target):
    """A finished run against the undisturbed one, bit for bit."""
    assert len(log_of(whole)) == CONFIG.epochs
    assert without_clock(log_of(folder)) == without_clock(log_of(whole))
    chex.assert_trees_all_equal(final_state(folder, target), final_state(whole, target))


def test_asked_to_stop_a_run_saves_says_so_and_goes_on_to_the_same_end(tmp_path, start):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert start(whole).wait(PATIENCE) == 0
    process = start(stopped)
    wait_until(lambda: len(saved_epochs(stopped)) > 0, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 1
    said = (tmp_path / "stderr").read_text().splitlines()[-1]
    logged = log_of(stopped)
    assert 0 < len(logged) < CONFIG.epochs
    last = len(logged) - 1
    assert said == (
        f"sbp_jax.errors.TrainingInterrupted: {stopped}: stopped by SIGTERM after epoch {last}, "
        "which is saved; the same command goes on from there"
    )
    assert latest(stopped) == last
    assert not saving(stopped)
    assert start(stopped).wait(PATIENCE) == 0
    compare(stopped, whole, like())
