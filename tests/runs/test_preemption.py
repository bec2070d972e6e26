"""SIGTERM is remembered, by all processes of a run alike."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sbp_jax.runs.preemption import StopRequest


def test_the_signal_is_remembered_and_the_handler_put_back():
    heard = []
    usual = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with StopRequest() as stop:
            assert signal.getsignal(signal.SIGINT) is interrupt
            assert not stop.requested()
            os.kill(os.getpid(), signal.SIGTERM)
            assert stop.requested()
            assert stop.requested()
        assert heard == []
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, usual)


def test_the_handler_is_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), StopRequest():
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_changes_nothing():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def run():
        with StopRequest() as stop:
            seen.extend([signal.getsignal(signal.SIGTERM), stop.requested()])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before, False]
    assert signal.getsignal(signal.SIGTERM) is before


TWO_PROCESSES = """
import os, signal, sys
from pathlib import Path
import jax
port, number, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
jax.distributed.initialize(
    f"127.0.0.1:{port}", num_processes=2, process_id=number, initialization_timeout=60,
    heartbeat_timeout_seconds=20,
)
import jax.numpy as jnp
from jax.sharding import NamedSharding, PartitionSpec
from sbp_jax.runs.run_folder import hold_run
from sbp_jax.training.checkpoint import Checkpoints
from sbp_jax.training.metrics_log import MetricsLog
from sbp_jax.training.parallel import Devices
from sbp_jax.runs.preemption import StopRequest
from sbp_jax.training.state import init_state, make_optimizer

optimizer = make_optimizer(learning_rate=1.0, weight_decay=0.0, warmup_steps=0, total_steps=1)
everywhere = NamedSharding(Devices().mesh, PartitionSpec())
make = jax.jit(
    lambda value: init_state({"w": jnp.full((4, 4), value)}, optimizer, 0),
    out_shardings=everywhere,
)
answers, history = [], []
with (
    hold_run(folder),
    StopRequest() as stop,
    Checkpoints(folder / "checkpoints", "score", about={"seed": 0}) as checkpoints,
    MetricsLog(folder, tensorboard=False) as log,
):
    log.rewrite(history)
    for epoch in range(3):
        history.append({"epoch": epoch, "score": 3.0 - epoch})
        checkpoints.save(epoch, make(float(epoch)), history)
        log.add(history[-1])
        if epoch == 1 and number == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        answers.append(stop.requested())
    checkpoints.wait()
    restored = checkpoints.restore(2, make(9.0))
assert restored.history == history, restored.history
print(answers, restored.state.params["w"].addressable_data(0)[0, 0])
"""


@pytest.mark.slow
def test_two_processes_agree_and_share_checkpoints_and_log(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "NPROC": "32", "XLA_FLAGS": ""}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_PROCESSES, port, str(number), str(tmp_path)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    printed = [process.communicate(timeout=120)[0].splitlines()[-1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert printed == ["[False, True, True] 2.0"] * 2
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["2"]
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3
