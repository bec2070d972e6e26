"""A database whose driver is not installed: the extra is named, and no password is."""

import sys

import pytest

pytest.importorskip("optuna", reason="the extra sweep is not installed")

from sbp_jax.errors import MissingExtraError, SweepError
from sbp_jax.jobs.sweep import Sweep, main
from sbp_jax.runs import extras
from sbp_jax.sweeps.study import open_study

OPTIONS = {"pruner": "none", "epochs": 1, "startup_trials": 1, "seed": None, "about": {}}


def test_a_sweep_asks_for_the_extra_before_it_begins(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda module: None if module == "psycopg" else 1)
    with pytest.raises(MissingExtraError, match=r'pip install "sbp-jax\[postgres\]"$'):
        main(Sweep(storage="postgresql+psycopg:///sweeps"))


@pytest.mark.parametrize("name", ["postgresql+psycopg", "postgresql"])
def test_a_study_names_the_extra(monkeypatch, name):
    for driver in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, driver, None)
    expected = rf'{name.replace("+", "[+]")}://me:\*\*\*@db/x: .*pip install "sbp-jax\[postgres\]"'
    with pytest.raises(MissingExtraError, match=expected):
        open_study(f"{name}://me:secret@db/x", "s", **OPTIONS)


def test_of_other_databases_the_password_is_not_told_either(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(SweepError, match=r"mysql[+]pymysql://me:\*\*\*@db/x: cannot be opened: "):
        open_study("mysql+pymysql://me:secret@db/x", "s", **OPTIONS)
