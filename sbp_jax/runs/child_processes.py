"""Jobs in processes of their own, several at once, stopped together.

The processes are plain subprocesses, not those of `multiprocessing` or of its executor: a fork
would inherit JAX's threads, and the other ways of starting import the caller's main module anew,
which breaks a script without a guard; nor can they stop a job that runs. A job goes pickled to
standard input; what the process writes to standard output, line by line, is its progress.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Protocol

from sbp_jax.runs.ranges import Count, refuse_unless

LISTEN_SECONDS = 0.2
"""How often one that waits listens for Ctrl-C, which other libraries' threads may catch."""

_CHILD = "import pickle, sys; pickle.load(sys.stdin.buffer).run(lambda n: print(n, flush=True))"


class Job(Protocol):
    """What a process is given to do; its class stands in a module that can be imported."""

    @property
    def task(self) -> str:
        """What it does, for messages: "parsed season 2018"."""
        ...

    def run(self, on_progress: Callable[[int], object]) -> None:
        """Do it, and say how much more is done, time and again."""
        ...


def run_jobs(
    jobs: Sequence[Job],
    workers: int,
    on_progress: Callable[[int], object],
    error: type[Exception],
) -> None:
    """Run the jobs, at most `workers` at once; one alone runs in this process.

    Args:
        jobs: what to do.
        workers: processes at once, >= 1.
        on_progress: is told what the jobs say, from one of several threads.
        error: raised if a process dies, with what it said last; the others are stopped.

    Raises:
        SettingError: no worker.
    """
    refuse_unless(Count, workers=workers)
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            job.run(on_progress)
        return
    running: list[subprocess.Popen[bytes]] = []
    with ThreadPoolExecutor(workers) as pool:
        pending = {pool.submit(_run, job, running, on_progress, error) for job in jobs}
        try:
            while pending:
                done, pending = wait(pending, timeout=LISTEN_SECONDS, return_when=FIRST_EXCEPTION)
                for result in done:
                    result.result()
        finally:
            # Leaving the pool waits for its threads: start nothing more, stop what runs.
            pool.shutdown(wait=False, cancel_futures=True)
            while any(not future.done() for future in pending):
                for process in running:
                    process.kill()
                wait(pending, timeout=LISTEN_SECONDS)


def _run(
    job: Job,
    running: list[subprocess.Popen[bytes]],
    on_progress: Callable[[int], object],
    error: type[Exception],
) -> None:
    # The same modules as here, however this process came to find them.
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stderr:
        stdin.write(pickle.dumps(job))
        stdin.seek(0)
        with subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, "PYTHONPATH": path},
        ) as process:
            running.append(process)
            try:
                for line in process.stdout or ():
                    on_progress(int(line))
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            stderr.seek(0)
            said = stderr.read()[-2000:].decode(errors="replace")
            raise error(f"the process that {job.task} ended with {process.returncode}:\n{said}")
