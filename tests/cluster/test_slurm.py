"""Jobs of a real Slurm: the files of docs/training.md, a time limit, a user's error."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.jobs_of_docs import job_files
from tests.cluster.postgres import running_postgres
from tests.cluster.services import ROOT
from tests.cluster.slurm import running_slurm
from tests.jobs.conftest import source  # noqa: F401  # a fixture

pytestmark = pytest.mark.slow

PATIENCE = 900.0  # seconds, of which some minutes are a time limit's own
TRACE = "Check failure stack trace"


@pytest.fixture(scope="module")
def cluster():
    """Variables for the commands of one, which jobs inherit."""
    with running_slurm() as where:
        yield {
            **os.environ,
            **where,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XLA_FLAGS": "--xla_force_host_platform_device_count=1",
        }


@pytest.fixture(scope="module")
def settings(source, tmp_path_factory):  # noqa: F811
    """What makes the passing score small, by the name of the setting."""
    return {
        "source": source,
        "cache": tmp_path_factory.mktemp("cache"),
        "split.train": 2009,
        "split.valid": 2010,
        "split.test": 2011,
        "split.max-snaps": 8,
        "network.features": 4,
        "network.layers": 1,
        "network.hidden": 8,
        "train.batch-size": 64,
        "train.virtual-shards": 8,
        "train.warmup-steps": 2,
        "min-attempts": 10,
    }


def arguments(settings, prefix=""):
    return [part for name, value in settings.items() for part in (f"--{prefix}{name}", str(value))]


@pytest.fixture
def clone(tmp_path):
    """A folder that jobs are sent from; what they write stays out of the sources."""
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    return tmp_path


def asked(command, cluster, clone):
    done = subprocess.run(command, env=cluster, cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + said(clone)
    return done.stdout.strip()


def said(clone):
    return "".join(path.read_text() for path in sorted(clone.glob("log*")))


def wait_for(what, clone):
    deadline = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < deadline, said(clone)
        time.sleep(0.5)
    return found


def epochs(run):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["epoch"] for line in lines]


def test_a_time_limit_ends_with_a_save_and_the_job_goes_on_by_itself(cluster, settings, clone):
    run = clone / "run"
    # Its signal comes two minutes before the limit, or up to half a minute earlier.
    sbatch = ["sbatch", "--parsable", "--time=4", "--output=log"]
    endless = arguments(settings | {"run": run, "train.epochs": 1_000_000})
    job = asked([*sbatch, job_files(clone)["passing-score"], *endless], cluster, clone)
    stopped = re.compile(rf"{run}: stopped by SIGTERM after epoch (\d+), which is saved")
    last = int(wait_for(lambda: stopped.search(said(clone)), clone)[1])
    wait_for(lambda: epochs(run)[-1] > last, clone)
    assert epochs(run) == list(range(epochs(run)[-1] + 1))
    assert "Restarts=1" in asked(["scontrol", "show", "job", job], cluster, clone)
    assert TRACE not in said(clone)
    asked(["scancel", job], cluster, clone)


def test_a_job_comes_to_its_end_and_a_users_error_is_one_line_of_each_task(
    cluster, settings, clone
):
    run = clone / "run"
    sbatch = ["sbatch", "--wait", "--output=log", job_files(clone)["passing-score"]]
    small = arguments(settings | {"run": run})
    asked([*sbatch, *small, "--train.epochs", "1"], cluster, clone)
    assert str(run / "report.md") in said(clone)
    assert epochs(run) == [0]
    srun = ["srun", "--ntasks=2", "python", "experiments/passing_score.py"]
    done = subprocess.run(
        [*srun, "--hosts.coordinator", "auto", *small, "--train.epochs", "2"],
        env=cluster,
        cwd=clone,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("[Gloo]", "srun:"))]
    assert sorted(lines) == [
        f"error: {run} holds a run of another config: settings.train.epochs: expected 2, got 1; "
        "choose another folder or remove this one",
        "error: process 0 of this run has ended; its messages say why",
    ]


def test_workers_of_a_job_array_share_a_study_on_a_database(cluster, settings, clone):
    pytest.importorskip("optuna", reason="the extra sweep is not installed")
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    with running_postgres() as where:
        sbatch = ["sbatch", "--wait", "--array=1-2", "--output=log-%a", job_files(clone)["sweep"]]
        small = arguments(settings | {"train.epochs": 1}, "passing-score.")
        asked(
            [*sbatch, "--trials", "2", "--population", "1", *small],
            cluster | where,
            clone,
        )
    tables = [(clone / f"runs/sweep-{number}/trials.csv").read_text() for number in (1, 2)]
    assert [len(table.splitlines()) >= 3 for table in tables] == [True, True]
    # A trial that another worker was at when the first came to its end is in the later table alone.
    shorter, longer = sorted((set(table.splitlines()) for table in tables), key=len)
    assert shorter <= longer
