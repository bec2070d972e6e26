"""The log says every epoch once, to whoever reads it."""

import builtins
import json
import struct
import subprocess
import sys

import pytest

from sbp_jax.errors import MissingExtraError
from sbp_jax.training.metrics_log import MetricsLog

HISTORY = [{"epoch": n, "step": 10 * n, "train_loss": 3.0 - n} for n in range(3)]


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def events(folder):
    """What the event files say, in the order in which they are read: (kind, step, tag, value).

    A file is a row of records: length, its checksum, that many bytes, their checksum.
    """
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted((folder / "tensorboard").iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            data = data[16 + length :]
            if event.HasField("session_log"):
                found.append(("start", event.step, None, None))
            found.extend(
                ("scalar", event.step, value.tag, value.simple_value)
                for value in event.summary.value
            )
    return found


def scalars(folder, tag):
    return [(step, value) for _, step, name, value in events(folder) if name == tag]


def test_the_log_is_rewritten_and_added_to(tmp_path):
    with MetricsLog(tmp_path, tensorboard=False) as log:
        log.rewrite([])
        assert lines(tmp_path) == []
        log.add(HISTORY[0])
        log.add(HISTORY[1])
        assert lines(tmp_path) == HISTORY[:2]
        log.rewrite(HISTORY[:1])
        log.add(HISTORY[2])
    assert lines(tmp_path) == [HISTORY[0], HISTORY[2]]
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_a_failed_write_leaves_the_log_before_it(tmp_path, monkeypatch):
    log = MetricsLog(tmp_path, tensorboard=False)
    log.add(HISTORY[0])

    def full(*args):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space"):
        log.add(HISTORY[1])
    assert lines(tmp_path) == HISTORY[:1]


def test_only_the_first_process_writes(tmp_path, monkeypatch):
    monkeypatch.setattr("jax.process_index", lambda: 1)
    with MetricsLog(tmp_path, tensorboard=True) as log:
        log.rewrite(HISTORY[:1])
        log.add(HISTORY[1])
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_run_shows_no_epoch_twice(tmp_path):
    with MetricsLog(tmp_path, tensorboard=True) as log:
        log.rewrite([])
        for metrics in HISTORY:
            log.add(metrics)
    assert scalars(tmp_path, "train_loss") == [(0, 3.0), (1, 2.0), (2, 1.0)]
    # Killed before the last epoch's checkpoint was whole: it is trained again.
    with MetricsLog(tmp_path, tensorboard=True) as log:
        log.rewrite(HISTORY[:2])
        log.add({**HISTORY[2], "train_loss": 0.5})
    assert scalars(tmp_path, "train_loss") == [(0, 3.0), (1, 2.0), (2, 0.5)]
    assert scalars(tmp_path, "step") == [(0, 0.0), (1, 10.0), (2, 20.0)]
    # What a TensorBoard already holds of this folder is purged from the start's step on.
    assert events(tmp_path)[0] == ("start", 0, None, None)


def test_tensorboard_can_be_asked_for_later(tmp_path):
    with MetricsLog(tmp_path, tensorboard=False) as log:
        log.rewrite(HISTORY[:2])
    with MetricsLog(tmp_path, tensorboard=True) as log:
        log.rewrite(HISTORY[:2])
        log.add(HISTORY[2])
    assert [step for step, _ in scalars(tmp_path, "train_loss")] == [0, 1, 2]


def test_a_missing_extra_is_named(tmp_path, monkeypatch):
    usual = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "tensorboardX":
            raise ImportError(name)
        return usual(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r'pip install "sbp-jax\[tensorboard\]"'):
        MetricsLog(tmp_path, tensorboard=True)
    MetricsLog(tmp_path, tensorboard=False)


@pytest.mark.slow
def test_events_need_neither_torch_nor_tensorflow(tmp_path):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "for name in ('torch', 'tensorflow', 'tensorboard'): sys.modules[name] = None\n"
        "from sbp_jax.training.metrics_log import MetricsLog\n"
        "with MetricsLog(Path(sys.argv[1]), tensorboard=True) as log:\n"
        "    log.add({'epoch': 0, 'train_loss': 1.5})\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    assert scalars(tmp_path, "train_loss") == [(0, 1.5)]
