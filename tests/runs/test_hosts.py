"""Two processes on loopback train, score, save and end as one process does."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.distributions import Gaussian
from sbp_jax.errors import DeviceError, TrainingInterrupted
from sbp_jax.models.forecaster import NetworkConfig, make_forecaster
from sbp_jax.runs.hosts import Hosts, first_does, is_first, joined
from sbp_jax.training.checkpoint import Checkpoints
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.forecast_outcomes import forecast_outcomes
from sbp_jax.training.loop import SCORE
from sbp_jax.training.parallel import PLAYS, Devices, choose_devices, mean_over, summed_gradient
from sbp_jax.training.placing import place_examples
from sbp_jax.training.shards import restore
from sbp_jax.training.state import init_state, make_optimizer
from sbp_jax.training.train_forecaster import forecaster_program, train_forecaster

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

CONFIG = TrainConfig(
    epochs=3, batch_size=32, virtual_shards=8, warmup_steps=3, learning_rate=1e-3, length_buckets=2
)
FORECASTER = make_forecaster(
    NetworkConfig(features=4, layers=1, hidden=(8,), dropout=0.0, encoder_dropout=0.0),
    Gaussian(0.0, 3.0),
)
TIMEOUT = 15  # seconds after which a silent process is given up
PATIENCE = 120.0  # seconds for what should take a few


def examples(rows, seed):
    rng = np.random.default_rng(seed)
    static = rng.normal(size=(rows, 2)).astype(np.float32)
    return Batch(
        rng.normal(size=(rows, 9, 2)).astype(np.float32),
        np.arange(9)[None] < rng.integers(0, 10, rows)[:, None],
        static,
        np.round(3 * static[:, 0] + rng.normal(size=rows)).astype(np.float32),
    )


def placed(devices, only_own):
    """Examples to train and to validate on.

    With ``only_own``, those that other processes should place are spoilt: only their lengths,
    which decide the length buckets, stay as they are.
    """
    for rows, seed in ((200, 0), (61, 1)):
        batch = examples(rows, seed)
        shuffle = seed == 0
        if only_own:
            dealt = place_examples(batch, CONFIG, devices, shuffle=shuffle).rows
            own = [bucket[devices.own_shards(CONFIG.virtual_shards)] for bucket in dealt]
            others = ~np.isin(np.arange(rows), np.concatenate([bucket.ravel() for bucket in own]))
            assert others.sum() >= rows // 3
            for leaf in (batch.sequence, batch.static, batch.target):
                leaf[others] = np.nan
        yield place_examples(batch, CONFIG, devices, shuffle=shuffle)


def first_step(devices, *, only_own=False):
    """Gradient of a mini-batch of the longest bucket, and a score per example, in their order."""
    train, valid = placed(devices, only_own)
    program = forecaster_program(
        FORECASTER, "interval_nll", train=train, config=CONFIG, devices=devices
    )

    def gradient(state, shards):
        rows = jnp.broadcast_to(jnp.arange(4)[None], (shards[-1].index.shape[0], 4))
        return mean_over(PLAYS, summed_gradient(program.loss_fn, state, shards[-1], rows))[0]

    def score(factor, batch):
        return factor * batch.target + batch.sequence[:, 0, 0]

    gradients = devices.map_over_plays(gradient, sharded_out=False)(program.init(), train.shards)
    scores = devices.predict(score, CONFIG.rows_per_step)(np.float32(2.0), valid.shards)
    return {
        "gradient": np.concatenate([np.asarray(g).ravel() for g in jax.tree.leaves(gradients)]),
        "scores": restore(scores, valid),
        "held": held_here(train),
        "buckets": np.asarray(len(train.shards)),
    }


def held_here(placed):
    """The part of the examples' bytes that is in the memory of this process's devices."""
    leaves = jax.tree.leaves(placed.shards)
    held = sum(shard.data.nbytes for leaf in leaves for shard in leaf.addressable_shards)
    return np.asarray(held / placed.nbytes)


def study(devices, folder, *, only_own=False):
    """Everything that a run gives, as host arrays, and how much of the examples is held here."""
    train, valid = placed(devices, only_own)
    fit = train_forecaster(
        FORECASTER,
        "interval_nll",
        train=train,
        valid=valid,
        config=CONFIG,
        devices=devices,
        folder=folder,
        progress=False,
    )
    outcomes = forecast_outcomes(
        FORECASTER, fit.params, valid, devices, rows_per_step=CONFIG.rows_per_step
    )
    return {
        "buckets": np.asarray(len(train.shards)),
        "held": held_here(train),
        "best": np.asarray(fit.best_epoch),
        "loss": np.asarray([metrics["train_loss"] for metrics in fit.history]),
        "score": np.asarray([metrics[SCORE] for metrics in fit.history]),
        **named("params", fit.params),
        **named("outcomes", outcomes),
    }


def named(kind, tree):
    return {f"{kind}{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


# What a process of several does.


def scenario(folder):
    """A step; then the run that one process began, until the second is told to stop."""
    with pytest.raises(DeviceError, match="expected shard_map under 2 processes, got pmap"):
        Devices(backend="pmap")
    if not is_first():
        with pytest.raises(DeviceError, match="got 1 and none of process 1"):
            Devices(choose_devices(1))
    written = folder / "written"
    first_does(lambda: written.write_text("once"))
    assert written.read_text() == "once"
    found = first_step(Devices(), only_own=True)
    stop_while_saving(1, here=not is_first())
    with pytest.raises(TrainingInterrupted, match="after epoch 1, which is saved"):
        study(Devices(), folder / "run", only_own=True)
    np.savez(folder / f"found-{jax.process_index()}.npz", **found)


def stop_while_saving(epoch, *, here):
    """Have SIGTERM come while an epoch is being saved."""
    save = Checkpoints.save

    def save_and_stop(self, number, *args):
        save(self, number, *args)
        if here and number == epoch:
            os.kill(os.getpid(), signal.SIGTERM)

    Checkpoints.save = save_and_stop


def endless_run(folder):
    devices = Devices()
    train, valid = placed(devices, only_own=False)
    config = TrainConfig(**{**CONFIG.__dict__, "epochs": 1_000_000})
    train_forecaster(
        FORECASTER,
        "interval_nll",
        train=train,
        valid=valid,
        config=config,
        devices=devices,
        folder=folder / "run",
        progress=False,
    )


def unequal(folder):
    pytest.fail(f"{folder}: joined with unequal numbers of devices")


def failing_run(folder):
    """The first process fails where the second one waits for it."""
    if is_first():
        raise OSError(f"{folder}: of no use")
    study(Devices(), folder / "run")


PROCESS = """
import sys
from pathlib import Path
from sbp_jax.runs.hosts import Hosts, joined
from tests.runs import test_hosts
port, number, what, folder = sys.argv[1:]
with joined(Hosts(f"127.0.0.1:{port}", 2, int(number), timeout=test_hosts.TIMEOUT)):
    getattr(test_hosts, what)(Path(folder))
"""

LONELY = """
import socket, sys
from sbp_jax.runs.hosts import Hosts, joined
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
with joined(Hosts(f"127.0.0.1:{port}", 2, int(sys.argv[1]), timeout=1)):
    print("joined")
"""


@pytest.fixture
def start(tmp_path):
    """Start two processes of so many devices each; none outlives the test."""
    started = []

    def start(what, devices=(2, 2)):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for number, count in enumerate(devices):
            environment = {
                **os.environ,
                "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
                "NPROC": "32",
                "JAX_PLATFORMS": "cpu",
                "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
                "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
            }
            with (tmp_path / f"stderr-{number}").open("w") as stderr:
                process = subprocess.Popen(
                    [sys.executable, "-c", PROCESS, str(port), str(number), what, str(tmp_path)],
                    env=environment,
                    stderr=stderr,
                )
            started.append(process)
        return started[-2:]

    yield start
    for process in started:
        process.kill()
        process.wait()


def end_well(processes, tmp_path):
    for number, process in enumerate(processes):
        code = process.wait(PATIENCE)
        assert code == 0, (tmp_path / f"stderr-{number}").read_text()


def test_two_processes_do_as_one_does(tmp_path, start, monkeypatch):
    """A step of both, each with its own examples alone, and a run that goes from one to both and
    back: losses, scores, parameters, outcomes in order, one log, one folder of checkpoints."""
    one = Devices(jax.devices()[:1])
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", Checkpoints.save)  # to be put back
        stop_while_saving(0, here=True)
        with pytest.raises(TrainingInterrupted, match="after epoch 0, which is saved"):
            study(one, tmp_path / "run")
    processes = start("scenario")
    alone = first_step(one)
    whole = study(one, tmp_path / "whole")
    end_well(processes, tmp_path)
    valid = examples(61, 1)
    np.testing.assert_array_equal(alone["scores"], 2 * valid.target + valid.sequence[:, 0, 0])
    for number in range(2):
        found = dict(np.load(tmp_path / f"found-{number}.npz"))
        assert found["buckets"] == 2
        assert found["held"] == 0.5
        np.testing.assert_array_equal(found["scores"], alone["scores"])
        error = np.linalg.norm(found["gradient"] - alone["gradient"])
        assert error < 1e-6 * np.linalg.norm(alone["gradient"])
    log = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in log] == [0, 1]
    ended = study(one, tmp_path / "run")
    assert ended.keys() == whole.keys()
    for name in whole:
        np.testing.assert_allclose(ended[name], whole[name], rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("number", [0, 1])
def test_a_process_that_waits_in_vain_says_so(number):
    done = subprocess.run(
        [sys.executable, "-c", LONELY, str(number)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    line = r"error: hosts: expected 2 processes to meet at 127.0.0.1:\d+ within 1 s, got fewer"
    assert re.match(line, done.stderr.splitlines()[-1]), done.stderr


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (("node1:1", 2, None), "expected coordinator HOST:PORT, processes and process together"),
        ((None, 2, 0), "expected coordinator HOST:PORT, processes and process together"),
        (("auto", 2, 0), "expected coordinator HOST:PORT, processes and process together"),
        (("node1", 2, 0), "hosts.coordinator: expected HOST:PORT, got 'node1'"),
        (("node1:1", 2, 2), "hosts.process: expected 0 to 1, for there are 2, got 2"),
        (("node1:1", 0, 0), "hosts.process: expected 0 to -1, for there are 0, got 0"),
        ((None, None, None, 0), "hosts.timeout: expected at least 1 second, got 0"),
    ],
)
def test_what_no_process_can_be_told_is_refused(told, message):
    with pytest.raises(DeviceError, match=re.escape(message)):
        Hosts(*told)


@pytest.mark.slow
def test_processes_of_unequal_numbers_of_devices_are_refused(tmp_path, start):
    for number, process in enumerate(start("unequal", devices=(1, 3))):
        assert process.wait(PATIENCE) == 1
        said = (tmp_path / f"stderr-{number}").read_text()
        assert "DeviceError: expected as many devices under each process, got 1, 3" in said


def like():
    example = jax.tree.map(jnp.asarray, examples(1, 0))
    optimizer = make_optimizer(learning_rate=1.0, weight_decay=0.0, warmup_steps=0, total_steps=1)
    params = FORECASTER.init(jax.random.key(0), example)
    return Devices(jax.devices()[:1]).replicate(init_state(params, optimizer, 0))


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_when_a_process_is_killed_the_other_ends_and_what_was_saved_is_whole(
    tmp_path, start, victim
):
    processes = start("endless_run")
    log = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + PATIENCE
    while not log.exists() or len(log.read_text().splitlines()) < 5:
        assert time.monotonic() < deadline
        assert [process.poll() for process in processes] == [None, None]
        time.sleep(0.05)
    processes[victim].kill()
    # JAX's own watch over the others may be the first to notice, and ends the process by SIGABRT.
    assert processes[1 - victim].wait(3 * TIMEOUT) in (1, -signal.SIGABRT)
    said = (tmp_path / f"stderr-{1 - victim}").read_text()
    assert "another process of this run has ended" in said or "another task died" in said
    with Checkpoints(tmp_path / "run" / "checkpoints", SCORE, read_only=True) as checkpoints:
        latest = checkpoints.latest()
        assert latest is not None
        assert latest >= 3
        restored = checkpoints.restore(latest, like())
        assert [metrics["epoch"] for metrics in restored.history] == list(range(latest + 1))


@pytest.mark.slow
def test_when_a_process_fails_the_other_ends(tmp_path, start):
    first, second = start("failing_run")
    assert first.wait(PATIENCE) == 1
    assert "of no use" in (tmp_path / "stderr-0").read_text()
    assert second.wait(3 * TIMEOUT) in (1, -signal.SIGABRT)


def test_joining_after_devices_were_used_is_an_error():
    jax.devices()
    with (
        pytest.raises(DeviceError, match="before any use of JAX's devices, got devices in use"),
        joined(Hosts("127.0.0.1:1234", processes=1, process=0)),
    ):
        pass
