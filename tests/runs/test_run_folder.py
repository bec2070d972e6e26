"""The folder of a run: guarded by its config, never half-written."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sbp_jax.errors import RunFolderError
from sbp_jax.runs.atomic import write_json, write_text
from sbp_jax.runs.run_folder import describe_differences, hold_run, open_run, read_config, read_json

CONFIG = {"train": {"seed": 0, "epochs": 3}, "hidden": (128, 128), "data": "abc"}


def test_a_run_is_continued_under_its_own_config(tmp_path):
    open_run(tmp_path / "run", CONFIG)
    open_run(tmp_path / "run", CONFIG)
    config = read_config(tmp_path / "run")
    assert config["train"] == CONFIG["train"]
    assert config["hidden"] == [128, 128]
    assert "jax" in config["versions"]


def test_other_versions_do_not_stop_a_run(tmp_path):
    open_run(tmp_path, CONFIG)
    config = read_config(tmp_path)
    config["versions"]["jax"] = "0.0.1"
    write_json(tmp_path / "config.json", config)
    open_run(tmp_path, CONFIG)


def test_another_config_is_refused_and_the_difference_named(tmp_path):
    open_run(tmp_path, CONFIG)
    other = {**CONFIG, "train": {"seed": 1, "epochs": 3}}
    with pytest.raises(RunFolderError, match=r"another config: train.seed: expected 1, got 0"):
        open_run(tmp_path, other)
    assert read_config(tmp_path)["train"]["seed"] == 0


def test_files_without_a_run_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match="expected a run or an empty folder"):
        open_run(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ["", '{"train": {"se', "[1, 2]"])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunFolderError, match=r"config\.json"):
        read_config(tmp_path)


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(RunFolderError, match=r"expected a run folder, got no config\.json"):
        read_config(tmp_path / "nowhere")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report.md"
    write_text(path, "old")

    def full(*args):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_json_round_trip(tmp_path):
    write_json(tmp_path / "x.json", {"a": [1.5, None]})
    assert read_json(tmp_path / "x.json") == {"a": [1.5, None]}
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": [1.5, None]}


def test_differences_are_counted_beyond_three():
    found = describe_differences({str(n): n for n in range(5)}, {})
    assert found == (
        "0: expected 0, got None; 1: expected 1, got None; 2: expected 2, got None (and 2 more)"
    )
    assert describe_differences({"a": [1]}, {"a": [1]}) == ""


def test_a_start_that_was_killed_does_not_block_the_next(tmp_path):
    (tmp_path / ".lock").write_text("1")
    (tmp_path / ".config.json.partial").write_text('{"tra')
    open_run(tmp_path, CONFIG)
    assert read_config(tmp_path)["data"] == "abc"


HOLDER = """
import sys, time
from pathlib import Path
from sbp_jax.runs.run_folder import hold_run
with hold_run(Path(sys.argv[1])):
    print("inside", flush=True)
    time.sleep(60)
"""


def test_a_run_is_held_by_one_process_until_that_dies(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "inside\n"
            message = rf"another process \(pid {other.pid}\) is working in this run"
            with pytest.raises(RunFolderError, match=message), hold_run(tmp_path):
                pytest.fail("entered beside another process")
        finally:
            other.send_signal(signal.SIGKILL)
    with hold_run(tmp_path), hold_run(tmp_path):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())


def held_elsewhere(folder):
    """Ask another process whether it may enter."""
    program = (
        "import fcntl, sys\n"
        "try: fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError: sys.exit(3)"
    )
    asked = subprocess.run([sys.executable, "-c", program, str(folder / ".lock")], check=False)
    assert asked.returncode in (0, 3)
    return asked.returncode == 3


def test_the_last_to_leave_frees_the_run(tmp_path):
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with hold_run(tmp_path):
            inside.set()
            leave.wait(30)

    other = threading.Thread(target=stay)
    with hold_run(tmp_path):
        other.start()
        assert inside.wait(30)
        assert held_elsewhere(tmp_path)
    assert held_elsewhere(tmp_path)
    leave.set()
    other.join()
    assert not held_elsewhere(tmp_path)


def test_a_foreign_folder_is_not_held(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match="got files without one"), hold_run(tmp_path):
        pytest.fail("entered")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with (
        pytest.raises(RunFolderError, match="expected a folder, got a file"),
        hold_run(tmp_path / "thesis.tex"),
    ):
        pytest.fail("entered")


def test_a_run_without_a_config_can_be_held(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with hold_run(tmp_path):
        assert held_elsewhere(tmp_path)
