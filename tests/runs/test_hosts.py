"""Two processes on loopback train, score, save and end as one process does."""

import contextlib
import json
import os
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
from sbp_jax.training.forecast_verdict import forecast_verdict
from sbp_jax.training.loop import VALIDATION_SCORE, fit
from sbp_jax.training.optimizer import OptimizerConfig, make_optimizer
from sbp_jax.training.parallel import PLAYS, Devices, choose_devices, mean_over, summed_gradient
from sbp_jax.training.placing import in_order, place_examples
from sbp_jax.training.program import Head, make_program
from sbp_jax.training.state import init_state

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")

CONFIG = TrainConfig(
    epochs=3, batch_size=32, virtual_shards=8, warmup_steps=3, learning_rate=1e-3, length_buckets=2
)
FORECASTER = make_forecaster(
    NetworkConfig(features=4, layers=1, hidden=(8,), dropout=0.0, encoder_dropout=0.0),
    Gaussian(0.0, 3.0),
)
HEAD = Head(FORECASTER, "interval_nll", cell=1.0)
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


def placed(devices, only_own, config=CONFIG):
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
        yield place_examples(batch, config, devices, shuffle=shuffle)


def first_step(devices, *, only_own=False):
    """Gradient of a mini-batch of the longest bucket, and a score per example, in their order."""
    train, valid = placed(devices, only_own)
    program = make_program(HEAD, train)

    def gradient(state, shards):
        rows = jnp.broadcast_to(jnp.arange(4)[None], (shards[-1].index.shape[0], 4))
        return mean_over(PLAYS, summed_gradient(program.loss_fn, state, shards[-1], rows))[0]

    def score(factor, batch):
        return factor * batch.target + batch.sequence[:, 0, 0]

    gradients = devices.map_over_plays(gradient, sharded_out=False)(program.init(), train.shards)
    scores = devices.predict(score, CONFIG.rows_per_step)(np.float32(2.0), valid.shards)
    return {
        "gradient": np.concatenate([np.asarray(g).ravel() for g in jax.tree.leaves(gradients)]),
        "scores": in_order(scores, valid),
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
    found = fit(HEAD, train, valid, folder=folder, progress=False)
    verdict = forecast_verdict(FORECASTER, found.params, valid, HEAD.cell)
    return {
        "buckets": np.asarray(len(train.shards)),
        "held": held_here(train),
        "best": np.asarray(found.best_epoch),
        "loss": np.asarray([metrics["train_loss"] for metrics in found.history]),
        "score": np.asarray([metrics[VALIDATION_SCORE] for metrics in found.history]),
        **named("params", found.params),
        **named("verdict", verdict),
    }


def named(kind, tree):
    return {f"{kind}{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}


# What a process of several does.


def scenario(folder):
    """A step; a stopped run; then the first process fails while the second is busy elsewhere."""
    step_and_stopped_run(folder)
    if is_first():
        raise OSError(f"{folder}: of no use")
    time.sleep(PATIENCE)


def step_and_stopped_run(folder):
    """A step; then a run that one process began, until the second process is told to stop."""
    with pytest.raises(DeviceError, match="expected shard_map under 2 processes, got pmap"):
        Devices(backend="pmap")
    if not is_first():
        with pytest.raises(DeviceError, match="got 1 and none of process 1"):
            Devices(choose_devices(1))
    written = folder / "written"
    first_does(lambda: written.write_text("once"))
    assert written.read_text() == "once"
    keep(folder, "step", first_step(Devices(), only_own=True))
    with stopped_while_saving(1, told=not is_first()):
        study(Devices(), folder / "run", only_own=True)


def longer_scenario(folder):
    """The run goes on to its end; then the second process fails, for which the first waits."""
    step_and_stopped_run(folder)
    keep(folder, "run", study(Devices(), folder / "run", only_own=True))
    if not is_first():
        raise OSError(f"{folder}: of no use")


def keep(folder, what, found):
    np.savez(folder / f"{what}-{jax.process_index()}.npz", **found)


@contextlib.contextmanager
def stopped_while_saving(epoch, *, told):
    """SIGTERM comes to this process, if told, and all stop after the epoch."""
    save = Checkpoints.save

    def save_and_stop(self, number, *args):
        save(self, number, *args)
        if told and number == epoch:
            os.kill(os.getpid(), signal.SIGTERM)

    expected = f"after epoch {epoch}, which is saved"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_stop)
        with pytest.raises(TrainingInterrupted, match=expected):
            yield


def endless_run(folder):
    devices = Devices()
    config = TrainConfig(**{**CONFIG.__dict__, "epochs": 1_000_000})
    train, valid = placed(devices, only_own=False, config=config)
    fit(HEAD, train, valid, folder=folder / "run", progress=False)


PROCESS = """
import sys
from pathlib import Path
from sbp_jax.runs.hosts import Hosts, joined
from tests.runs import test_hosts
port, number, what, folder = sys.argv[1:]
with joined(Hosts(f"127.0.0.1:{port}", 2, int(number), timeout=test_hosts.TIMEOUT)):
    getattr(test_hosts, what)(Path(folder))
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


@pytest.mark.parametrize(
    "what", ["scenario", pytest.param("longer_scenario", marks=pytest.mark.slow)]
)
def test_two_processes_do_as_one_does(tmp_path, start, what):
    """A step of both, each with its own examples alone; a run that goes from one process to both
    and back: losses, scores, parameters, outcomes in order, one log."""
    one, run = Devices(jax.devices()[:1]), tmp_path / "run"
    with stopped_while_saving(0, told=True):
        study(one, run)
    processes = start(what)
    step, whole = first_step(one), study(one, tmp_path / "whole")
    codes = [process.wait(PATIENCE) for process in processes]
    said = [(tmp_path / f"stderr-{number}").read_text() for number in range(2)]
    valid = examples(61, 1)
    np.testing.assert_array_equal(step["scores"], 2 * valid.target + valid.sequence[:, 0, 0])
    for found in found_by_both(tmp_path, "step"):
        assert found["buckets"] == 2
        assert found["held"] == 0.5
        np.testing.assert_array_equal(found["scores"], step["scores"])
        error = np.linalg.norm(found["gradient"] - step["gradient"])
        assert error < 1e-6 * np.linalg.norm(step["gradient"])
    assert codes == [1, 1], said
    failing = 0 if what == "scenario" else 1
    assert "of no use" in said[failing], said
    told = [line for line in said[1 - failing].splitlines() if not line.startswith("[Gloo]")]
    assert told == [f"error: process {failing} of this run has ended; its messages say why"]
    if what == "scenario":
        assert epochs_logged(run) == [0, 1]
    else:
        first, second = found_by_both(tmp_path, "run")
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])
        compare(first, whole)
    compare(study(one, run), whole)
    assert epochs_logged(run) == [0, 1, 2]


def compare(found, expected):
    assert found.keys() == expected.keys()
    for name in expected.keys() - {"held"}:
        np.testing.assert_allclose(found[name], expected[name], 1e-4, 1e-5, err_msg=name)


def epochs_logged(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["epoch"] for line in lines]


def found_by_both(tmp_path, what):
    return [dict(np.load(tmp_path / f"{what}-{number}.npz")) for number in range(2)]


@pytest.mark.slow
def test_processes_of_unequal_numbers_of_devices_are_refused(tmp_path, start):
    for number, process in enumerate(start("scenario", devices=(1, 3))):
        assert process.wait(PATIENCE) == 1
        said = (tmp_path / f"stderr-{number}").read_text()
        assert "DeviceError: expected as many devices under each process, got 1, 3" in said


def like():
    example = jax.tree.map(jnp.asarray, examples(1, 0))
    optimizer = make_optimizer(OptimizerConfig(1.0, 0.0, warmup_steps=0), total_steps=1)
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
    # JAX's own watch over the others, or Gloo, which finds half a message, may be the first to
    # notice, and ends the process by SIGABRT.
    assert processes[1 - victim].wait(3 * TIMEOUT) in (1, -signal.SIGABRT)
    said = (tmp_path / f"stderr-{1 - victim}").read_text()
    ways = ("another process of this run has ended", "another task died", "gloo::EnforceNotMet")
    assert any(way in said for way in ways), said
    with Checkpoints(
        tmp_path / "run" / "checkpoints", VALIDATION_SCORE, read_only=True
    ) as checkpoints:
        latest = checkpoints.latest()
        assert latest is not None
        assert latest >= 3
        restored = checkpoints.restore(latest, like())
        assert [metrics["epoch"] for metrics in restored.history] == list(range(latest + 1))


def test_joining_after_devices_were_used_is_an_error():
    jax.devices()
    with (
        pytest.raises(DeviceError, match="before any use of JAX's devices, got devices in use"),
        joined(Hosts("127.0.0.1:1234", processes=1, process=0)),
    ):
        pass


def test_a_process_that_does_not_come_is_an_error(monkeypatch):
    monkeypatch.setattr("jax.distributed.initialize", lambda *_, **__: time.sleep(3))
    at_exit = []
    monkeypatch.setattr("atexit.register", lambda *call: at_exit.append(call))
    expected = "node7:1234: expected 2 processes within 1 s, got fewer"
    with (
        pytest.raises(DeviceError, match=expected),
        joined(Hosts("node7:1234", processes=2, process=1, timeout=1)),
    ):
        pass
    assert at_exit  # or JAX would wait for the others


def test_a_port_that_is_taken_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(DeviceError, match=f"{address}: expected a free port of this host"),
            joined(Hosts(address, processes=2, process=0)),
        ):
            pass


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"processes": 2}, "expected coordinator HOST:PORT with processes 2, got None"),
        ({"coordinator": "auto", "process": 0}, "with process 0, got auto"),
        ({"coordinator": "node1"}, "expected HOST:PORT, got 'node1'"),
        ({"coordinator": "node1:99999"}, "expected HOST:PORT"),
        ({"coordinator": "node1:1"}, "expected processes and process with coordinator node1:1"),
        (
            {"coordinator": "node1:1", "processes": 0, "process": 0},
            "processes: expected .* >= 1, got 0",
        ),
        ({"coordinator": "node1:1", "processes": 2, "process": 2}, "expected 0 to 1"),
        ({"timeout": 0}, "timeout: expected a whole number >= 1, got 0"),
    ],
)
def test_settings_that_no_process_can_be_told_by_are_refused(settings, expected):
    with pytest.raises(DeviceError, match=expected):
        Hosts(**settings)
