"""Jobs in processes of their own, several at once, stopped together.

The processes are plain subprocesses, `python -m MODULE`, not `multiprocessing`: a fork would
inherit JAX's threads, and spawn would import the caller's main module anew, which runs a script
without a guard a second time. A job goes to standard input as JSON; what the process writes to
standard output, line by line, is its progress.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol, TypeVar

LISTEN_SECONDS = 0.2
"""How often a waiting load listens for Ctrl-C, which polars' threads may catch in its stead."""


class Job(Protocol):
    """What a process is given to do."""

    def as_json(self) -> str:
        """For the process's standard input."""
        ...


J = TypeVar("J", bound=Job)


def run_in_children(
    jobs: Sequence[J],
    workers: int,
    module: str,
    on_line: Callable[[str], object],
    failed: Callable[[J, str], Exception],
) -> None:
    """Run the jobs, at most `workers` at once.

    Args:
        jobs: what to do.
        workers: processes at once.
        module: that does a job, as for ``python -m``.
        on_line: called with each line that a process writes, from one of several threads.
        failed: makes the error of a job and of how its process ended; the other processes are
            stopped, and it is raised.
    """
    children = _Children()
    with ThreadPoolExecutor(workers) as pool:
        pending = {pool.submit(_run, job, children, module, on_line, failed) for job in jobs}
        try:
            while pending:
                done, pending = wait(pending, timeout=LISTEN_SECONDS, return_when=FIRST_EXCEPTION)
                for result in done:
                    result.result()
        except BaseException:
            # Leaving the pool waits for its threads: start nothing more, stop what runs.
            pool.shutdown(wait=False, cancel_futures=True)
            children.stop()
            raise


class _Children:
    """The running processes, which can be stopped from another thread."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._processes: list[subprocess.Popen[str]] = []

    def add(self, process: subprocess.Popen[str]) -> None:
        """Take charge of a process; one that started too late is stopped at once."""
        self._processes.append(process)
        if self._stopped.is_set():
            process.kill()

    def stop(self) -> None:
        """Kill those that run, and any that are still to be added."""
        self._stopped.set()
        for process in self._processes:
            process.kill()


def _run(
    job: J,
    children: _Children,
    module: str,
    on_line: Callable[[str], object],
    failed: Callable[[J, str], Exception],
) -> None:
    # The same modules as here, however this process came to find them.
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+") as stderr:
        stdin.write(job.as_json())
        stdin.seek(0)
        with subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        ) as process:
            children.add(process)
            for line in process.stdout or ():
                on_line(line)
        if process.returncode != 0:
            stderr.seek(0)
            raise failed(job, f"ended with {process.returncode}:\n{stderr.read()[-2000:]}")
