"""How many of some planted faults the fast suite finds.

    python scripts/plant_faults.py                                # all of planted_faults.toml
    python scripts/plant_faults.py --only swapped-tail --check-clean
    python scripts/plant_faults.py --root ../other --limit 180 -- -k "not figure"
    python scripts/plant_faults.py --list

Each fault is planted alone, in a copy of the files that git tracks, and pytest runs there until a
test fails: first the tests nearest to the changed file, which are those that import it, those in
the folder that mirrors its own and its doctests; then the others, nearer ones first. Compiled
programs are kept between faults. It prints a line for each fault as it is done, and exits with 1
if one was not found.
"""

import argparse
import ast
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired, run
from typing import NamedTuple

LIST = Path(__file__).resolve().with_name("planted_faults.toml")
PLACES = ("sbp_jax", "data")
"""Folders that a fault may be planted in."""

_LONG = 1e6  # seconds; as good as no limit


class PlantError(Exception):
    """A fault that cannot be planted, or a run that says nothing of it."""


class Fault(NamedTuple):
    """One wrong edit; see `planted_faults.toml`."""

    name: str
    what: str
    snippet: str
    instead: str


class Finding(NamedTuple):
    """What the suite said of a fault.

    Attributes:
        fault: the fault.
        test: the first test that failed; None if none did.
        passed: tests that passed before it.
        seconds: until then.
        in_time: whether all tests were run, or one failed, before the time was up.
    """

    fault: Fault
    test: str | None
    passed: int
    seconds: float
    in_time: bool

    def __str__(self) -> str:
        """A row of the table."""
        missed = f"NOT FOUND by {self.passed} tests" + ("" if self.in_time else ", time is up")
        return f"{self.fault.name:28}{self.seconds:6.0f} s  {self.test or missed}"


def read_faults(path: Path = LIST) -> list[Fault]:
    """The list of faults.

    Raises:
        PlantError: two have one name.
    """
    faults = [Fault(**fault) for fault in tomllib.loads(path.read_text())["fault"]]
    names = [fault.name for fault in faults]
    if twice := {name for name in names if names.count(name) > 1}:
        raise PlantError(f"{path.name}: expected each name once, got {sorted(twice)} twice")
    return faults


def find(fault: Fault, root: Path) -> Path:
    """The file that a fault's snippet stands in.

    Raises:
        PlantError: the snippet does not stand in the tree exactly once.
    """
    files = sorted(file for place in PLACES for file in (root / place).rglob("*.py"))
    there = [file for file in files for _ in range(file.read_text().count(fault.snippet))]
    if len(there) != 1:
        where = ", ".join(str(file.relative_to(root)) for file in there)
        raise PlantError(
            f"{fault.name}: expected its snippet once below {' and '.join(PLACES)}, got it "
            f"{len(there)} times{': ' * bool(where)}{where}\n{fault.snippet}"
        )
    return there[0]


def plant(fault: Fault, root: Path) -> Path:
    """Plant a fault in a tree, and return the file that was changed.

    Raises:
        PlantError: as `find`, or the file would be no Python any more.
    """
    file = find(fault, root)
    changed = file.read_text().replace(fault.snippet, fault.instead)
    try:
        compile(changed, str(file), "exec")
    except SyntaxError as error:
        raise PlantError(f"{fault.name}: expected Python, got {error}") from error
    file.write_text(changed)
    return file


def nearest_tests(changed: Path, root: Path) -> tuple[list[Path], list[Path]]:
    """Files with tests or doctests: those nearest to a changed file, and all others.

    Nearest are what imports it, tests in the folder that mirrors its own, and the file itself;
    the others follow in the order of how many imports lie between. A test's conftest counts as
    imported by it.
    """
    sources = [file for place in (*PLACES, "tests") for file in (root / place).rglob("*.py")]
    files = {_module(file, root): file for file in sources}
    importers: dict[Path, set[Path]] = {}
    for file in sources:
        for imported in _imports(file, files, root):
            importers.setdefault(imported, set()).add(file)
    steps, reached = {changed: 0}, [changed]
    for file in reached:  # grows as it is read: a search in breadth
        for importer in importers.get(file, set()) - steps.keys():
            steps[importer] = steps[file] + 1
            reached.append(importer)
    folder = root / "tests" / Path(*changed.relative_to(root).parts[1:]).parent
    words = set(changed.stem.split("_"))

    def is_test(file: Path) -> bool:
        return file.relative_to(root).parts[0] == "tests"

    def is_tested(file: Path) -> bool:
        return file.name.startswith("test_") if is_test(file) else ">>> " in file.read_text()

    def place(file: Path) -> tuple[bool, float, int, str]:
        # Tests first: pytest imports a file with doctests twice if nothing imported it before,
        # and then its types are not what the checks of signatures take them for.
        alike = len(words & {*file.stem.split("_")})
        return not is_test(file), steps.get(file, float("inf")), -alike, str(file)

    tested = sorted(filter(is_tested, sources), key=place)
    near = [file for file in tested if steps.get(file, 2) <= 1 or file.parent == folder]
    return near, [file for file in tested if file not in near]


def _module(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(file: Path, files: dict[str, Path], root: Path) -> Iterator[Path]:
    """Files whose names a file imports; through a package's door, the file they come from."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (files[alias.name] for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom):
            above = _module(file, root).split(".")[: -node.level or None]
            source = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            for alias in node.names:
                if found := _source(source, alias.name, files):
                    yield found
    if file.name.startswith("test_"):
        yield from (c for folder in file.parents if (c := folder / "conftest.py") in files.values())


def _source(module: str, name: str, files: dict[str, Path]) -> Path | None:
    """The file that a name comes from which is imported from a module."""
    if f"{module}.{name}" in files:
        return files[f"{module}.{name}"]
    door = files.get(module)
    if door is not None and door.name == "__init__.py":
        for node in ast.parse(door.read_text()).body:
            if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
                return _source(node.module or "", name, files)
    return door


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A copy of the tracked files in a temporary folder, with the data that lie beside them."""
    asked = run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise PlantError(f"{root}: expected a git checkout, got {asked.stderr.strip()}")
    with tempfile.TemporaryDirectory(prefix="planted-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "checkout"
        for name in asked.stdout.split("\0"):
            if name and (root / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, copy / name)
        if (beside := root.parent / "shared").is_dir():
            (Path(folder) / "shared").symlink_to(beside)
        yield copy


def run_tests(
    python: str, copy: Path, root: Path, options: Sequence[str], tests: Sequence[Path], limit: float
) -> tuple[str | None, int, bool]:
    """Run tests until one fails.

    Returns:
        Its name, if there was one; how many passed; and whether it ended in time.

    Raises:
        PlantError: pytest could not run, or a file could not be imported.
    """
    env = {**os.environ, "PYTHONPATH": str(copy)}
    env.setdefault("JAX_COMPILATION_CACHE_DIR", str(root / ".cache" / "jax"))
    env.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
    names = [str(test.relative_to(copy)) for test in tests]
    command = [python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *options, *names]
    with Popen(
        command, cwd=copy, env=env, stdout=PIPE, stderr=STDOUT, text=True, start_new_session=True
    ) as process:
        try:
            said, in_time = process.communicate(timeout=max(1.0, limit))[0], True
        except TimeoutExpired:
            said, in_time = "", False
        finally:  # also when interrupted, with whatever its tests have started
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        said = said or process.communicate()[0]
    passed = sum(
        line.count(".") for line in re.findall(r"^[.sxXFE]+(?= *\[|$)", said, re.MULTILINE)
    )
    failed = re.search(r"^(?:FAILED|ERROR) (\S+::.*?)(?: - .*)?$", said, re.MULTILINE)
    # 5: there was no test, which is what becomes of a file whose tests are all slow or left out.
    if in_time and not failed and process.returncode not in (0, 5):
        raise PlantError(f"pytest ended with {process.returncode}:\n{said[-2000:]}")
    return failed and failed[1], passed, in_time


def search(fault: Fault, asked: argparse.Namespace) -> Finding:
    """Plant a fault in a copy of the tree and look for a test that fails."""
    root = asked.root.resolve()
    with copied(root) as copy:
        look = partial(run_tests, asked.python, copy, root, asked.pytest)
        stages = nearest_tests(find(fault, copy), copy)
        if asked.check_clean and (test := look(stages[0], _LONG)[0]):
            raise PlantError(f"{fault.name}: expected its tests to pass without it, got {test}")
        start, tried = time.monotonic(), 0
        plant(fault, copy)
        for tests in stages:
            test, passed, in_time = look(tests, asked.limit - (time.monotonic() - start))
            tried += passed
            if test or not in_time:
                break
        return Finding(fault, test, tried, time.monotonic() - start, in_time)


def main(arguments: Sequence[str]) -> int:
    """Search for the faults that are asked for; 1 if one is not found, 2 if one cannot be."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=LIST.parents[1], help="the checkout")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these faults alone")
    parser.add_argument("--list", action="store_true", help="say what the faults are, and stop")
    parser.add_argument("--jobs", type=int, default=1, help="faults at a time")
    parser.add_argument("--python", default=sys.executable, help="with the test extra installed")
    parser.add_argument("--limit", type=float, default=900, help="seconds for each fault")
    parser.add_argument("--check-clean", action="store_true", help="tests must pass without it")
    asked = parser.parse_args(arguments[:split])
    asked.pytest = arguments[split + 1 :]
    faults = read_faults()
    if unknown := set(asked.only or ()) - {fault.name for fault in faults}:
        parser.error(f"--only: expected names of --list, got {', '.join(sorted(unknown))}")
    chosen = [fault for fault in faults if fault.name in (asked.only or fault.name)]
    if asked.list:
        print(*(f"{fault.name:28}{fault.what}" for fault in chosen), sep="\n")
        return 0
    missed, look = 0, partial(search, asked=asked)
    try:
        with ThreadPoolExecutor(asked.jobs) as pool:
            # Without a pool an interrupt is heard at once.
            for finding in pool.map(look, chosen) if asked.jobs > 1 else map(look, chosen):
                print(finding, flush=True)
                missed += finding.test is None
    except PlantError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(chosen) - missed} of {len(chosen)} faults found")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
