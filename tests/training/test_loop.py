"""The loop: resuming equals never stopping, also after kill -9; logs, errors, checkpoints."""

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
from sbp_jax.errors import CheckpointError, TrainingError
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.checkpoint import Checkpoints
from sbp_jax.training.loop import SCORE, TrainConfig, place_examples
from sbp_jax.training.parallel import Devices
from sbp_jax.training.state import init_state, make_optimizer
from sbp_jax.training.train_forecaster import train_forecaster

# Most of the time here would be spent on optimising programs that run once.
pytestmark = pytest.mark.usefixtures("quick_compilation")

CONFIG = TrainConfig(epochs=4, batch_size=32, virtual_shards=4, warmup_steps=3)


def examples(rows, seed):
    rng = np.random.default_rng(seed)
    static = rng.normal(size=(rows, 2)).astype(np.float32)
    return Batch(
        rng.normal(size=(rows, 5, 2)).astype(np.float32),
        np.arange(5)[None] < rng.integers(0, 6, rows)[:, None],
        static,
        np.round(3 * static[:, 0] + rng.normal(size=rows)).astype(np.float32),
    )


def train(folder, *, config=CONFIG, hidden=(8,), data=None, progress=False):
    """Train a small Gaussian forecaster in a folder."""
    devices = Devices(jax.devices()[:1])
    forecaster = make_forecaster(
        NetworkConfig(features=4, layers=2, hidden=hidden), Gaussian(0.0, 3.0)
    )
    return train_forecaster(
        forecaster,
        "interval_nll",
        train=place_examples(data or examples(200, 0), config, devices, shuffle=True),
        valid=place_examples(examples(60, 1), config, devices, shuffle=False),
        config=config,
        devices=devices,
        folder=folder,
        progress=progress,
    )


def without_clock(history):
    clock = ("seconds", "examples_per_second")
    return [{k: v for k, v in metrics.items() if k not in clock} for metrics in history]


def stop_after(monkeypatch, epochs):
    """Make the run fail as abruptly as an exception can, right after an epoch was saved."""
    saved = Checkpoints.save
    calls = []

    def save(self, *args):
        saved(self, *args)
        calls.append(args)
        if len(calls) == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", save)


def test_stopped_and_resumed_equals_never_stopped(tmp_path, monkeypatch):
    whole = train(tmp_path / "whole")
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "stopped")
    resumed = train(tmp_path / "stopped")
    assert without_clock(resumed.history) == without_clock(whole.history)
    assert resumed.best_epoch == whole.best_epoch
    chex.assert_trees_all_equal(resumed.params, whole.params)
    log = (tmp_path / "stopped" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [0, 1, 2, 3]


def test_a_finished_run_trains_no_further(tmp_path, monkeypatch):
    first = train(tmp_path)
    monkeypatch.setattr(Checkpoints, "save", lambda *args: pytest.fail("trained again"))
    again = train(tmp_path)
    assert again.history == first.history
    chex.assert_trees_all_equal(again.params, first.params)


def test_best_epoch_is_the_smallest_score(tmp_path):
    fit = train(tmp_path)
    scores = [metrics[SCORE] for metrics in fit.history]
    assert fit.best_epoch == int(np.argmin(scores))
    assert scores[-1] < scores[0]


VICTIM = """
import sys
from pathlib import Path
from tests.training.test_loop import CONFIG, train
train(Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(3))
def test_killed_at_any_moment_ends_with_the_same_numbers(tmp_path, trial):
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", VICTIM]
    start = time.monotonic()
    subprocess.run([*command, str(tmp_path / "whole")], env=environment, check=True)
    lasted = time.monotonic() - start
    rng = np.random.default_rng(trial)
    killed = 0
    while True:
        victim = subprocess.Popen([*command, str(tmp_path / "killed")], env=environment)
        try:
            victim.wait(timeout=lasted * rng.uniform(0.4, 1.0))
            break
        except subprocess.TimeoutExpired:
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            killed += 1
            if killed == 3:
                subprocess.run([*command, str(tmp_path / "killed")], env=environment, check=True)
                break
    logs = []
    for name in ("whole", "killed"):
        lines = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        logs.append(without_clock([json.loads(line) for line in lines]))
    assert logs[0] == logs[1]
    assert len(logs[0]) == CONFIG.epochs


def test_checkpoint_of_another_architecture_is_named(tmp_path):
    train(tmp_path)
    with pytest.raises(CheckpointError, match=r"another architecture: parameter 'hidden_0/\w+'"):
        train(tmp_path, hidden=(9,))


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(tmp_path):
    data = examples(200, 0)
    data.static[7] = np.inf
    with pytest.raises(
        TrainingError, match=r"expected a finite loss, got \w+ at step \d+ of epoch 0"
    ):
        train(tmp_path, data=data)
    assert not (tmp_path / "metrics.jsonl").read_text()


def test_checkpoints_refuse_a_score_that_is_not_finite(tmp_path):
    optimizer = make_optimizer(learning_rate=1.0, weight_decay=0.0, warmup_steps=0, total_steps=1)
    state = init_state({"w": jnp.ones((2, 2))}, optimizer, 0)
    with Checkpoints(tmp_path, SCORE) as checkpoints:
        with pytest.raises(CheckpointError, match="epoch 3: expected a finite validation_score"):
            checkpoints.save(3, state, [{SCORE: float("nan")}])
        assert checkpoints.latest() is None


def test_latest_and_best_are_kept(tmp_path):
    optimizer = make_optimizer(learning_rate=1.0, weight_decay=0.0, warmup_steps=0, total_steps=1)
    history = []
    with Checkpoints(tmp_path, SCORE) as checkpoints:
        for epoch, score in enumerate([3.0, 1.0, 2.0, 4.0]):
            state = init_state({"w": jnp.full((2, 2), float(epoch))}, optimizer, 0)
            history.append({SCORE: score})
            checkpoints.save(epoch, state, history)
        checkpoints.wait()
        assert checkpoints.best() == 1
        assert checkpoints.latest() == 3
        kept = sorted(int(path.name) for path in tmp_path.iterdir() if path.name.isdigit())
        assert kept == [1, 3]
        restored = checkpoints.restore(3, state)
        assert restored.history == history
        np.testing.assert_array_equal(checkpoints.restore_params(1, state.params)["w"], 1.0)
        with pytest.raises(CheckpointError, match="no readable checkpoint"):
            checkpoints.restore(2, state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 30}, "divisible by virtual_shards=4, got 30"),
        ({"epochs": 0}, "at least one epoch, got 0"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    settings = {"batch_size": 32, "virtual_shards": 4, "epochs": 1} | changes
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)
