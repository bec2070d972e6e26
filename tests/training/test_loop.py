"""The loop: resuming equals never stopping, also after kill -9; logs, errors, checkpoints."""

import json
from dataclasses import replace

import chex
import jax
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian
from sbp_jax.errors import CheckpointError, TrainingError
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.training.checkpoint import Checkpoints
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.loop import VALIDATION_SCORE, fit
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from sbp_jax.training.program import Head

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
        NetworkConfig(features=4, layers=1, hidden=hidden), Gaussian(0.0, 3.0)
    )
    return fit(
        Head(forecaster, "density_nll"),
        place_examples(
            data or examples(200, 0),
            config,
            devices,
            shuffle=True,
            ids=[f"play {i}" for i in range(200)],
        ),
        place_examples(examples(60, 1), config, devices, shuffle=False),
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


@pytest.mark.slow
def test_a_run_may_go_on_in_another_precision(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path, config=replace(CONFIG, precision="bfloat16"))
    before = (tmp_path / "metrics.jsonl").read_text().splitlines()
    resumed = train(tmp_path)
    after = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert before
    assert after[: len(before)] == before
    assert len(after) == len(resumed.history) == CONFIG.epochs
    assert resumed.history[-1][VALIDATION_SCORE] < resumed.history[0][VALIDATION_SCORE]


def test_a_finished_run_trains_no_further(tmp_path, monkeypatch):
    first = train(tmp_path)
    monkeypatch.setattr(Checkpoints, "save", lambda *args: pytest.fail("trained again"))
    again = train(tmp_path)
    assert again.history == first.history
    chex.assert_trees_all_equal(again.params, first.params)


def test_best_epoch_is_the_smallest_score(tmp_path):
    fit = train(tmp_path)
    scores = [metrics[VALIDATION_SCORE] for metrics in fit.history]
    assert fit.best_epoch == int(np.argmin(scores))
    assert scores[-1] < scores[0]


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
    failed = json.loads((tmp_path / "failed_step.json").read_text())
    assert 7 in failed["examples"]
    assert failed["ids"] == [f"play {i}" for i in failed["examples"]]
    assert len(failed["examples"]) <= CONFIG.batch_size


def test_a_loss_that_explodes_stops_the_run_after_the_last_good_epoch(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path)
    data = examples(200, 0)
    data.target[11] = 1e6  # a typing error in one play
    with pytest.raises(TrainingError, match=r"by the last epoch's mean .* of epoch 2"):
        train(tmp_path, data=data)
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
    assert 11 in json.loads((tmp_path / "failed_step.json").read_text())["examples"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 30}, "batch_size: expected a multiple of virtual_shards = 4, got 30"),
        ({"epochs": 0}, "epochs: expected a whole number >= 1, got 0"),
        ({"accumulate": 3}, "a divisor of batch_size / virtual_shards = 8, got 3"),
        ({"length_buckets": 0}, "length_buckets: expected a whole number >= 1, got 0"),
        ({"precision": "float16"}, "precision: expected one of .* got 'float16'"),
        ({"explosion": 0.5}, "explosion: expected a finite number > 1, got 0.5"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    settings = {"batch_size": 32, "virtual_shards": 4, "epochs": 1} | changes
    with pytest.raises(ValueError, match=message):
        TrainConfig(**settings)
