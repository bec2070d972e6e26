"""Workers of one sweep on a PostgreSQL, one of which is killed on a host that nobody else sees."""

import os
import subprocess
import sys
import time
from unittest import mock

import pytest

pytest.importorskip("optuna", reason="the extra sweep is not installed")
pytest.importorskip("psycopg", reason="the extra postgres is not installed")
from optuna.trial import TrialState

from sbp_jax.errors import SweepError
from sbp_jax.sweeps import owner, storage
from sbp_jax.sweeps.study import count_ended, open_study
from tests.cluster import jobs_of_docs
from tests.cluster.postgres import running_postgres
from tests.cluster.services import ROOT
from tests.sweeps.test_search import EPOCHS, Toy, run_search

pytestmark = pytest.mark.slow

TRIALS = 24
PATIENCE = 120.0  # seconds for what should take ten
OPTIONS = {"pruner": "median", "epochs": EPOCHS, "startup_trials": 4, "seed": None, "about": {}}
WORKER = "import sys; from tests.cluster import test_postgres; test_postgres.work(*sys.argv[1:])"


def soon_taken_for_dead():
    """Signs of life every other second, and dead after four without one."""
    return mock.patch.object(storage, "_BEAT_SECONDS", 2)


def work(host, seconds):
    """A worker of the sweep on a host of that name, each of whose rounds takes so many seconds."""

    def train():
        print("a round", flush=True)
        time.sleep(float(seconds))

    with soon_taken_for_dead(), mock.patch.object(owner.socket, "gethostname", return_value=host):
        study = open_study(jobs_of_docs.storage(), "shared", **OPTIONS)
        run_search(study, Toy(on_call=train), TRIALS)


@pytest.fixture(scope="module")
def database():
    with running_postgres() as where, pytest.MonkeyPatch.context() as patch:
        for name, value in where.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def start(database):
    started = []

    def start(host, seconds):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, host, str(seconds)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_of_three_workers_one_is_killed_and_the_others_leave_none_of_its_trials_running(start):
    victim, *others = start("elsewhere", 1000), start("here", 0.5), start("there", 6)
    while "a round" not in victim.stdout.readline():
        assert victim.poll() is None
    victim.kill()
    assert [worker.wait(PATIENCE) for worker in others] == [0, 0]
    study = open_study(jobs_of_docs.storage(), "shared", **OPTIONS)
    assert count_ended(study) >= TRIALS
    assert not study.get_trials(states=(TrialState.RUNNING,))
    failed = study.get_trials(states=(TrialState.FAIL,))
    # Only the victim's: a worker whose round takes longer than silence may last gives its signs.
    assert len(failed) == 4
    assert {trial.user_attrs["owner"]["host"] for trial in failed} == {"elsewhere"}
    rates = [
        {trial.params["learning_rate"] for trial in trials}
        for trials in (failed, study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED)))
    ]
    waiting = study.get_trials(states=(TrialState.WAITING,))
    assert rates[0] <= rates[1] | {trial.params["learning_rate"] for trial in waiting}


def test_what_a_server_refuses_is_one_line_without_a_password(database):
    url = "postgresql+psycopg://sweeps:secret@/nothing"
    with pytest.raises(SweepError) as refused:
        open_study(url, "shared", **OPTIONS)
    assert str(refused.value).startswith(
        "postgresql+psycopg://sweeps:***@/nothing: cannot be opened"
    )
    assert 'database "nothing" does not exist' in str(refused.value)
    assert "\n" not in str(refused.value)
