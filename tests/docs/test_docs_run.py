"""The recipes of the pages run as written, and print what the pages show; lists are complete."""

import contextlib
import fnmatch
import importlib.util
import io
import re
from pathlib import Path

import jax
import pytest

from sbp_jax.nfl.tracking import assemble, drops
from sbp_jax.nfl.tracking.features import EXTRA_FEATURES, PLAYER_FEATURES
from sbp_jax.nfl.tracking.static import TRACKING_STATIC

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "docs/use_elsewhere.md": None,
    "docs/distributions.md": None,
    "docs/tracking.md": None,
    "docs/training.md": None,
    "docs/series.md": None,
    "docs/start.md": None,
    "README.md": 2,
}
"""Pages, and how many of their blocks to run: README's third one asks for a finished run."""

SLOW = ("docs/start.md", "docs/use_elsewhere.md", "docs/training.md", "docs/series.md")
"""Pages that train networks."""

OPTIONAL = {
    "equinox": "equinox",
    "numpyro": "numpyro",
    "data": "tensorflow_datasets",
    "sklearn": "sklearn",
}
"""What a package that a block imports needs."""

NUMBER = re.compile(r"-?\d+\.\d+")
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _as_users_have_it(tmp_path, monkeypatch):
    """NumPyro's own code adds arrays of different ranks, which this suite forbids ours to do.

    What a page writes lands in a folder of the test.
    """
    monkeypatch.chdir(tmp_path)
    with jax.numpy_rank_promotion("allow"):
        yield


def recipes(page):
    """Each python block with its line and with what the text block next to it shows, or None."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] == "python":
            adjacent = (
                following
                and following[1] == "text"
                and (not text[block.end() : following.start()].strip())
            )
            yield text.count("\n", 0, block.start(2)), block[2], following[2] if adjacent else None


def missing(code):
    imported = re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)
    needed = [OPTIONAL[name] for name in OPTIONAL if name in imported]
    return [name for name in needed if not importlib.util.find_spec(name)]


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.slow if page in SLOW else ()) for page in PAGES]
)
def test_the_page_runs_and_prints_what_it_shows(page):
    """Words are compared exactly; numbers, which differ by platform, to 10 % and 2 last digits."""
    namespace = {"__name__": "__main__"}
    for line, code, shown in list(recipes(page))[: PAGES[page]]:
        if missing(code):
            pytest.skip(f"{page}, line {line}: {missing(code)[0]} is not installed; all before ran")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            # Blank lines before the code make tracebacks name the page's lines.
            exec(compile("\n" * line + code, str(ROOT / page), "exec"), namespace)
        if shown is not None:
            found = printed.getvalue()
            assert NUMBER.sub("#", found) == NUMBER.sub("#", shown), f"{page}, line {line}"
            for number, printed_there in zip(*map(NUMBER.findall, (found, shown)), strict=True):
                slack = 2 * 10.0 ** -len(number.split(".")[1])
                expected = pytest.approx(float(printed_there), rel=0.1, abs=slack)
                assert float(number) == expected, f"{page}, line {line}"


def test_the_page_is_read_as_meant():
    found = list(recipes("docs/use_elsewhere.md"))
    assert len(found) == 5
    assert [bool(shown) for _, _, shown in found] == [False, False, True, True, True]


@pytest.fixture(scope="module")
def told_of_tracking():
    """Whatever stands in backticks where a record of nfl_tracking is told, and below."""
    page = (ROOT / "data/README.md").read_text(encoding="utf-8")
    prose = re.sub(
        r"^```.*?^```$", "", page.split("\n## A record of a tracked play\n")[1], flags=re.M | re.S
    )
    return set(re.findall(r"`([^`]+)`", prose))


def test_every_reason_to_drop_a_play_is_told(told_of_tracking):
    reasons = {
        value for name, value in vars(drops).items() if name.isupper() and name != "DROP_COLUMNS"
    }
    assert len(reasons) > 25
    assert (reasons | {assemble.TWICE}) - told_of_tracking == set()


def test_every_column_of_a_tracked_play_is_told(told_of_tracking):
    patterns = [told for told in told_of_tracking if told.strip("*")]
    for column in (*PLAYER_FEATURES, *EXTRA_FEATURES, *TRACKING_STATIC):
        assert any(fnmatch.fnmatchcase(column, pattern) for pattern in patterns), column
