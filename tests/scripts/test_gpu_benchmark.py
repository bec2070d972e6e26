import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sbp_jax.errors import DeviceError, TrainingInterrupted
from scripts.benchmarks import gpu, rows
from scripts.benchmarks.gpu import BenchmarkGpu, Planned, environment
from scripts.benchmarks.gpu_measure import device
from scripts.benchmarks.gpu_sizes import TINY, Sizes
from scripts.benchmarks.gpu_table import show
from scripts.benchmarks.timed_process import NO_TIME, run_until

ROOT = Path(__file__).resolve().parents[2]
DEVICE = {"what": "device", "device": "a GPU", "jax": "0"}


def run_python(code, *, seconds=60.0, on_line=lambda line: None):
    command = [sys.executable, "-c", code]
    return run_until(time.monotonic() + seconds, command, dict(os.environ), on_line)


def test_lines_come_as_they_are_printed_and_success_says_nothing():
    lines: list[str] = []
    assert run_python("print(1); print(2)", on_line=lines.append) is None
    assert lines == ["1\n", "2\n"]


def test_a_failure_is_told_by_its_last_line():
    code = "import sys; print('a'); sys.exit('many\\nwords\\nerror: expected a GPU, got none')"
    assert run_python(code) == "expected a GPU, got none"


def test_when_time_is_up_a_process_ends():
    before = time.monotonic()
    assert run_python("import time; time.sleep(60)", seconds=0.3) == NO_TIME
    assert time.monotonic() - before < 20
    lines: list[str] = []
    assert run_python("print(1)", seconds=-1.0, on_line=lines.append) == NO_TIME
    assert not lines


def test_a_process_that_is_left_ends_with_all_that_it_started():
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    started: list[int] = []

    def leave(line):
        started.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_python(code, on_line=leave)
    assert eventually(lambda: not is_running(started[0]))


def eventually(condition):
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.05)
    return False


def is_running(process):
    """Whether it is there and no zombie, which a container without an init may keep."""
    status = Path(f"/proc/{process}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def test_rows_are_kept_but_for_one_that_was_cut_off(tmp_path):
    file = tmp_path / "runs" / "rows.jsonl"
    rows.begin(file)
    rows.append(file, {"a": 1})
    rows.append(file, {"b": 2})
    file.write_text(file.read_text() + '{"c": ')
    assert rows.read(file) == [{"a": 1}, {"b": 2}]


def planned_steps(launches, milliseconds, **labels):
    return {
        "what": "steps",
        "precision": "float32",
        "buffers": True,
        "layers": launches // 40,
        "launches": launches,
        "ms_a_step": milliseconds,
        "plays_a_second": 256e3 / milliseconds,
        "seconds_to_compile": 20.0,
    } | labels


def test_the_table_has_what_there_is_and_says_what_there_is_not(capsys):
    found = [
        DEVICE,
        planned_steps(200, 1.1),
        planned_steps(80, 0.5),
        planned_steps(200, 2.0, buffers=False),
        {"what": "population", "precision": "float32", "buffers": True, "error": NO_TIME},
    ]
    show(found)
    shown = capsys.readouterr().out
    assert "5.00 us for each launch, and 100 us" in shown
    assert shown.count("us for each launch") == 1  # one point makes no line
    assert "not measured: population in float32: no time left" in shown


def test_without_a_gpu_or_room_a_line_says_so():
    with pytest.raises(DeviceError, match="expected a GPU, got cpu; leave out --gpu"):
        next(device(Sizes(), any_device=False))
    with pytest.raises(DeviceError, match="of free memory on cpu, got less: it is busy or too"):
        next(device(replace(TINY, room=1e18), any_device=True))


def test_flags_of_a_measurement(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--some_flag")
    assert environment(Planned("steps"), rehearse=False)["XLA_FLAGS"] == "--some_flag"
    without = environment(Planned("steps", buffers=False), rehearse=False)
    assert without["XLA_FLAGS"] == "--some_flag --xla_gpu_enable_command_buffer="


@pytest.fixture
def scripted(monkeypatch):
    """Measurements that are not made: each is one row, or what a function in its place does."""
    done: list[str] = []
    instead: dict[str, object] = {}

    def run(planned, deadline, add, *, rehearse):
        done.append(planned.name)
        if planned.what == "device":
            add(DEVICE)
        elif planned.what in instead:
            return instead[planned.what]()
        return None

    monkeypatch.setattr(gpu, "run", run)
    return done, instead


def test_a_signal_ends_with_the_table_of_what_there_is(scripted, tmp_path, capsys):
    done, instead = scripted
    instead["steps"] = lambda: os.kill(os.getpid(), signal.SIGTERM)
    file = tmp_path / "rows.jsonl"
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(TrainingInterrupted, match="stopped by SIGTERM"):
        gpu.main(BenchmarkGpu(rows=file))
    assert signal.getsignal(signal.SIGTERM) == before
    assert done == ["device float32", "whole float32", "steps float32"]
    assert "a GPU, JAX 0" in capsys.readouterr().out
    assert rows.read(file) == [DEVICE]


def test_one_failure_does_not_end_the_others(scripted, tmp_path, capsys):
    done, instead = scripted
    instead["population"] = lambda: "out of memory"
    gpu.main(BenchmarkGpu(rows=tmp_path / "rows.jsonl"))
    assert done == ["device float32", *(planned.name for planned in gpu.PLAN)]
    assert "not measured: population in float32: out of memory" in capsys.readouterr().out


def test_without_time_nothing_is_started(scripted, tmp_path, capsys):
    done, _ = scripted
    gpu.main(BenchmarkGpu(minutes=0.01, rows=tmp_path / "rows.jsonl"))
    assert done == ["device float32"]
    assert capsys.readouterr().out.count("no time left") == len(gpu.PLAN)


@pytest.mark.slow
def test_a_rehearsal_measures_everything(tmp_path):
    file = tmp_path / "rows.jsonl"
    command = [sys.executable, "scripts/benchmark.py", "training", "--gpu", "--rehearse"]
    command += ["--minutes", "20", "--rows", str(file)]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": ""}
    subprocess.run(command, cwd=ROOT, check=True, env=environment)
    found = [json.loads(line) for line in file.read_text().splitlines()]
    failed = {row["what"]: row["error"] for row in found if "error" in row}
    assert set(failed) <= ({"pytorch"} if "got none" in failed.get("pytorch", "") else set())
    assert {row["what"] for row in found} == {planned.what for planned in gpu.PLAN} | {"device"}
