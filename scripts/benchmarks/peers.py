"""Other public implementations, run in an environment of their own, to be compared with.

They need PyTorch and more, which this project does not. `make` installs them into `.venv-peers`
once (a gigabyte). `run` calls one function of `peers_gluonts.py` there, with arrays in a file;
`start` keeps a script running between calls, so that its turns can alternate with ours.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np

from sbp_jax.errors import SbpJaxError

FOLDER = Path(__file__).resolve().parents[2] / ".venv-peers"
PACKAGES = ("gluonts==0.17.0", "lightning>=2.2", "scipy>=1.15")  # gluonts imports SciPy unasked
# The first is the small build without CUDA, where an index has it; the second what PyPI has.
TORCH = ("torch==2.13.0+cpu", "torch>=2.4")


class PeersError(SbpJaxError):
    """The environment of the peers is missing, cannot be made, or fails."""


def _python() -> Path:
    return FOLDER / "bin" / "python"


def make() -> None:
    """Make the environment unless it is there.

    Raises:
        PeersError: a package could not be installed; nothing half-made is left.
    """
    if (FOLDER / ".complete").exists():
        return
    print(f"making {FOLDER.name} with PyTorch and gluonts (a gigabyte, once)", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True)
    pip = [str(_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for torch in TORCH:
        done = subprocess.run([*pip, torch, *PACKAGES], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            (FOLDER / ".complete").touch()
            return
    raise PeersError(f"expected pip to install {[*PACKAGES, TORCH[-1]]}, got: {done.stderr[-500:]}")


def run(function: str, arrays: dict[str, np.ndarray], **options: Any) -> dict[str, Any]:
    """Call a function of `peers_gluonts.py` in the environment of the peers.

    Args:
        function: its name.
        arrays: its inputs.
        options: further arguments, as JSON.

    Returns:
        What it prints as JSON; arrays come back as lists.

    Raises:
        PeersError: there is no environment, or the call failed.
    """
    script = Path(__file__).with_name("peers_gluonts.py")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "inputs.npz"
        np.savez(file, **arrays)  # type: ignore[arg-type]
        done = subprocess.run(
            [*_command(script), function, str(file), json.dumps(options)],
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
        )
    if done.returncode:
        raise PeersError(f"expected {script.name} {function} to run, got: {done.stderr[-800:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


Call = Callable[..., dict[str, Any]]


@contextmanager
def start(
    script_name: str,
    arrays: dict[str, np.ndarray],
    *,
    python: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    **options: Any,
) -> Iterator[Call]:
    """Run a script in the environment of the peers until the block is left.

    The script is started as ``SCRIPT INPUTS.npz OPTIONS``; it reads one JSON object
    ``{"function": ..., "options": {...}}`` a line and answers each with one line of JSON.

    Args:
        script_name: a file beside this one, or a path.
        arrays: its inputs.
        python: another interpreter, which may use a GPU; the peers' own, which may not, if left
            out.
        environment: further variables for it.
        options: further inputs, as JSON.

    Yields:
        A function that calls one of the script's by name, with options.

    Raises:
        PeersError: there is no environment, or the script ended.
    """
    script = Path(__file__).parent / script_name
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as complaints:
        file = Path(folder) / "inputs.npz"
        np.savez(file, **arrays)  # type: ignore[arg-type]
        process = subprocess.Popen(
            [*_command(script, python), str(file), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            # Threads that wait actively stand still for whole time slices on a busy machine.
            env={
                **_environment(gpu=python is not None),
                "OMP_WAIT_POLICY": "passive",
                **environment,
            },
        )

        def call(function: str, **options: Any) -> dict[str, Any]:
            answer = _ask(process, json.dumps({"function": function, "options": options}))
            if not answer:
                raise PeersError(
                    f"expected {script.name} {function} to run, got: {_end_of(complaints)}"
                )
            return dict(json.loads(answer))

        try:
            yield call
        finally:
            process.kill()
            process.communicate()


def _ask(process: subprocess.Popen[str], line: str) -> str:
    """The answer to a line; empty once the process has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(line + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        return ""
    return process.stdout.readline()


def _end_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()[-800:]


def _command(script: Path, python: Path | None = None) -> list[str]:
    """How to start a script there.

    Raises:
        PeersError: there is no environment.
    """
    if python is None and not (FOLDER / ".complete").exists():
        raise PeersError(f"expected {FOLDER.name} beside the project; make it with --peers")
    return [str(python or _python()), "-W", "ignore", str(script)]


def _environment(*, gpu: bool = False) -> dict[str, str]:
    return {**os.environ} if gpu else {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
