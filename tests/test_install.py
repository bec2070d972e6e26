"""What is installed works without a file of the clone, from any folder."""

import ast
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BESIDE = {"data", "experiments", "scripts", "tests"}

JOB = """
import sys
from pathlib import Path
import sbp_jax
assert Path(sbp_jax.__file__).is_relative_to(sys.argv[1]), sbp_jax.__file__
from sbp_jax.jobs.simulate_tracking import SimulateTracking, main
from sbp_jax.nfl.simulator.config import SimulateConfig
if __name__ == "__main__":
    season = SimulateConfig(plays=20, weeks=2)
    print(main(SimulateTracking(Path("season"), season, workers=2)).passes)
"""


def imported(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)


def test_the_package_imports_nothing_that_lies_beside_it():
    files = sorted((ROOT / "sbp_jax").rglob("*.py"))
    assert len(files) > 100
    found = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in imported(file)
        if name in BESIDE
    }
    assert found == set()


@pytest.mark.slow
def test_a_job_runs_from_the_wheel_in_another_folder(tmp_path):
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    source = tmp_path / "clone"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "sbp_jax"):
        (source / name).symlink_to(ROOT / name)  # building writes beside the sources
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "job.py").write_text(JOB)
    done = subprocess.run(
        [sys.executable, "-P", "job.py", tmp_path / "installed"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "20"
