"""What is not installed is told at once, and all of it."""

import importlib.util

import pytest

from sbp_jax.errors import MissingExtraError
from sbp_jax.runs import extras
from sbp_jax.runs.extras import MODULES, need_extras


def test_all_that_are_missing_are_named_in_one_line(monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda module: None if module != "matplotlib" else 1)
    expected = r'not all that this needs is installed: pip install "sbp-jax\[nfl,xgboost\]"$'
    with pytest.raises(MissingExtraError, match=expected):
        need_extras("nfl", "figures", None, "xgboost")
    need_extras("figures", None)
    need_extras()


def test_the_modules_are_those_of_the_extras():
    for extra, module in MODULES.items():
        if importlib.util.find_spec(module):
            need_extras(extra)
