import argparse
import subprocess
from pathlib import Path

import pytest

from scripts.plant_faults import (
    Fault,
    PlantError,
    find,
    main,
    nearest_tests,
    plant,
    read_faults,
    search,
)

ROOT = Path(__file__).resolve().parents[2]
FAULT = Fault("sign", "A sum is a difference.", "return a + b", "return a - b")
TREE = {
    "sbp_jax/__init__.py": "from sbp_jax.sums.plus import plus\n",
    "sbp_jax/sums/__init__.py": "from sbp_jax.sums.plus import plus\n",
    "sbp_jax/sums/plus.py": "def plus(a, b):\n    return a + b\n",
    "sbp_jax/sums/double.py": "from sbp_jax.sums import plus\n# >>> double\n",
    "sbp_jax/other.py": "# >>> nothing\n",
    "tests/sums/conftest.py": "",
    "tests/sums/test_folder.py": "import sbp_jax.other\n",
    "tests/test_door.py": "from sbp_jax.sums import plus\n",
    "tests/test_double.py": "from sbp_jax.sums.double import double\n",
    "tests/test_helped.py": "from .help import helped\n",
    "tests/help.py": "import sbp_jax.sums.plus\n",
}


@pytest.fixture
def tree(tmp_path):
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_fault_of_the_list_can_be_planted_in_this_tree():
    faults = read_faults()
    assert len(faults) >= 30
    for fault in faults:
        file = find(fault, ROOT)
        compile(file.read_text().replace(fault.snippet, fault.instead), file, "exec")
        assert fault.snippet != fault.instead


def test_planting_changes_one_file(tree):
    assert plant(FAULT, tree) == tree / "sbp_jax/sums/plus.py"
    changed = {name for name, text in TREE.items() if (tree / name).read_text() != text}
    assert changed == {"sbp_jax/sums/plus.py"}
    assert (tree / "sbp_jax/sums/plus.py").read_text() == "def plus(a, b):\n    return a - b\n"


@pytest.mark.parametrize(
    ("snippet", "found"), [("a * b", "0 times"), ("sbp_jax", "3 times: sbp_jax/__init__.py")]
)
def test_a_snippet_that_does_not_stand_there_once_is_refused(tree, snippet, found):
    with pytest.raises(PlantError, match=f"sign: expected its snippet once .* got it {found}"):
        plant(FAULT._replace(snippet=snippet), tree)


def test_an_edit_that_leaves_no_python_is_refused(tree):
    with pytest.raises(PlantError, match="sign: expected Python"):
        plant(FAULT._replace(instead="return a -"), tree)
    assert (tree / "sbp_jax/sums/plus.py").read_text() == TREE["sbp_jax/sums/plus.py"]


def test_what_imports_the_changed_file_through_doors_too_is_nearest(tree):
    near, others = nearest_tests(tree / "sbp_jax/sums/plus.py", tree)
    names = [str(file.relative_to(tree)) for file in near]
    assert names == ["tests/test_door.py", "tests/sums/test_folder.py", "sbp_jax/sums/double.py"]
    names = [str(file.relative_to(tree)) for file in others]
    assert names == ["tests/test_double.py", "tests/test_helped.py", "sbp_jax/other.py"]


PYTEST = {
    "finds": """if grep -q "a - b" sbp_jax/sums/plus.py
        then echo "FAILED tests/test_door.py::test_it[a b] - boom"; exit 1; fi
        echo "...  [100%]" """,
    "misses": 'echo "..  [ 50%]"; echo ".s  [100%]"',
    "hangs": 'echo "."; sleep 60 & sleep 60',
    "cannot": 'echo "ERROR tests/test_door.py"; exit 2',
}


@pytest.fixture
def asked(tree, request):
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", tree, *command], check=True)
    python = tree / "python"
    python.write_text(f"#!/bin/sh\n{PYTEST[request.param]}\n")
    python.chmod(0o755)
    return argparse.Namespace(root=tree, python=str(python), pytest=[], limit=1, check_clean=True)


@pytest.mark.parametrize("asked", ["finds"], indirect=True)
def test_the_test_that_fails_is_named_and_the_checkout_left_alone(asked):
    finding = search(FAULT, asked)
    assert (finding.test, finding.in_time) == ("tests/test_door.py::test_it[a b]", True)
    assert all((asked.root / name).read_text() == text for name, text in TREE.items())


@pytest.mark.parametrize("asked", ["misses"], indirect=True)
def test_a_fault_that_is_not_found_says_how_many_tests_passed(asked):
    assert "NOT FOUND by 6 tests" in str(search(FAULT, asked))  # two stages of three


@pytest.mark.parametrize("asked", ["hangs"], indirect=True)
def test_what_does_not_end_is_killed_with_all_that_it_started(asked):
    asked.check_clean = False
    assert str(search(FAULT, asked)).endswith("NOT FOUND by 1 tests, time is up")


@pytest.mark.parametrize("asked", ["cannot"], indirect=True)
def test_a_run_that_tests_nothing_is_no_finding(asked):
    with pytest.raises(PlantError, match="pytest ended with 2"):
        search(FAULT, asked)


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["--only", "no-such-fault"])
    assert "expected names of --list, got no-such-fault" in capsys.readouterr().err
