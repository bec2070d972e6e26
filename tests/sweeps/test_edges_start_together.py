"""Processes that open a new storage at the same time: all of them get the one study."""

import subprocess
import sys

import pytest

pytest.importorskip("optuna", reason="the extra sweep is not installed")
import optuna
from sqlalchemy.exc import IntegrityError, OperationalError

from sbp_jax.errors import SweepError
from sbp_jax.sweeps import storage as storages
from sbp_jax.sweeps.study import open_study

WORKERS = 4
# Forked by one that has imported everything, so that they really start together.
WORKER = f"""
import multiprocessing, os, sys
from sbp_jax.sweeps.study import open_study

def work(url, abouts, start):
    about = abouts[start.wait() % len(abouts)]
    try:
        study = open_study(
            url, "s", pruner="none", epochs=1, startup_trials=1, seed=None, about=dict(x=about)
        )
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
        print("opened", study._study_id, flush=True)
    except Exception as error:
        print(type(error).__name__, str(error).split(": ", 1)[1], flush=True)
    os._exit(0)

forks = multiprocessing.get_context("fork")
for url, abouts in zip(sys.argv[1:], ([1], [1], [1, 2])):
    start = forks.Barrier({WORKERS})
    workers = [forks.Process(target=work, args=(url, abouts, start)) for _ in range({WORKERS})]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("-", flush=True)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the workers on each of three storages said, sorted."""
    folder = tmp_path_factory.mktemp("together")
    urls = [
        f"sqlite:///{folder / 'study.db'}",
        f"journal:{folder / 'journal'}",
        f"sqlite:///{folder / 'other.db'}",
    ]
    done = subprocess.run(
        [sys.executable, "-c", WORKER, *urls], capture_output=True, text=True, check=True
    )
    found = [sorted(part.split("\n")[:-1]) for part in done.stdout.split("-\n")]
    return urls, found


def options(about):
    return {
        "pruner": "none",
        "epochs": 1,
        "startup_trials": 1,
        "seed": None,
        "about": {"x": about},
    }


@pytest.mark.parametrize("which", [0, 1], ids=["sqlite", "journal"])
def test_all_open_the_same_study(answers, which):
    urls, found = answers
    assert found[which] == [found[which][0]] * WORKERS
    assert found[which][0].startswith("opened")
    assert len(open_study(urls[which], "s", **options(1)).trials) == WORKERS


def test_of_two_sweeps_the_first_has_the_name_and_all_of_the_other_are_refused(answers):
    _, found = answers
    refused = [line for line in found[2] if line.startswith("SweepError")]
    assert len(refused) == WORKERS // 2
    assert all("study 's' is of another sweep: x: " in line for line in refused)


def failing(monkeypatch, *errors):
    """The next storages of Optuna fail so, as those of a server do while another makes tables."""
    left, real = list(errors), optuna.storages.RDBStorage.__init__

    def start(*args, **kwargs):
        if left:
            raise left.pop(0)
        real(*args, **kwargs)

    monkeypatch.setattr(optuna.storages.RDBStorage, "__init__", start)
    monkeypatch.setattr(storages, "_PAUSE_SECONDS", 0)
    return left


def test_where_processes_cannot_be_kept_apart_the_late_one_tries_again(monkeypatch):
    twice = IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
    exists = OperationalError("CREATE", {}, Exception("table studies already exists"))
    failing(monkeypatch, exists, twice, exists)
    assert not open_study("sqlite://", "s", **options(1)).trials


def test_another_error_is_told_at_once(monkeypatch):
    left = failing(monkeypatch, *[OperationalError("", {}, Exception("unreachable"))] * 2)
    with pytest.raises(SweepError, match=r"sqlite://: cannot be opened: .*unreachable"):
        open_study("sqlite://", "s", **options(1))
    assert len(left) == 1
