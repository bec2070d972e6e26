"""The table of cases that every law is tried on: all that the files `cases_*.py` list."""

from importlib import import_module
from pathlib import Path

import pytest

FILES = sorted(path.stem for path in Path(__file__).parent.glob("cases_*.py"))
CASES = [case for name in FILES for case in import_module(f"tests.distributions.{name}").CASES]


def params():
    return [pytest.param(c, id=c.name, marks=pytest.mark.slow if c.slow else ()) for c in CASES]


@pytest.fixture(params=params(), scope="module")  # all laws of a case, then those of the next
def case(request):
    return request.param


@pytest.fixture
def light_case(case, request):
    """A case that is quick to compile whole, or any with --slow."""
    if case.heavy and not request.config.getoption("--slow"):
        pytest.skip("slow; run with --slow")
    return case
