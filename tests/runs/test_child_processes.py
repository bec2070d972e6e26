"""Jobs in processes of their own end together."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from sbp_jax.nfl.errors import WorkerError
from sbp_jax.runs.atomic import write_text
from sbp_jax.runs.child_processes import run_jobs


@dataclass(frozen=True)
class Sleeper:
    """A job whose class a child can import, however it ends."""

    path: Path
    seconds: float

    @property
    def task(self):
        return f"slept {self.seconds:g} s"

    def run(self, on_progress):
        on_progress(2)
        write_text(self.path, str(os.getpid()))  # whole, whenever it is killed
        if self.seconds < 0:
            raise SystemExit("of no use")
        time.sleep(self.seconds)


def alive(path):
    try:
        os.kill(int(path.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


def test_progress_comes_from_all(tmp_path):
    done = []
    jobs = [Sleeper(tmp_path / str(n), 0.0) for n in range(3)]
    run_jobs(jobs, 2, done.append, WorkerError)
    assert done == [2, 2, 2]
    assert len({job.path.read_text() for job in jobs} | {str(os.getpid())}) == 4


def test_one_process_does_all_itself(tmp_path):
    for count, workers in ((1, 2), (2, 1)):
        jobs = [Sleeper(tmp_path / str(n), 0.0) for n in range(count)]
        run_jobs(jobs, workers, lambda n: None, WorkerError)
        assert {job.path.read_text() for job in jobs} == {str(os.getpid())}


def test_one_that_dies_is_named_and_stops_the_others(tmp_path):
    jobs = [Sleeper(tmp_path / "long", 60.0), Sleeper(tmp_path / "dying", -1.0)]
    start = time.monotonic()
    with pytest.raises(WorkerError, match=r"(?s)that slept -1 s ended with 1:\nof no use"):
        run_jobs(jobs, 2, lambda n: None, WorkerError)
    assert time.monotonic() - start < 30
    assert not (tmp_path / "long").exists() or not alive(tmp_path / "long")


def test_an_interruption_leaves_no_orphan(tmp_path):
    def interrupt(count):
        raise KeyboardInterrupt

    jobs = [Sleeper(tmp_path / str(n), 60.0) for n in range(2)]
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs, 2, interrupt, WorkerError)
    assert not any(job.path.exists() and alive(job.path) for job in jobs)
