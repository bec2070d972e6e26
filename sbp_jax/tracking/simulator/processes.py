"""Weeks side by side, one process for each.

The processes are plain subprocesses, `python -m sbp_jax.tracking.simulator.week`, for the reasons
given in `sbp_jax.plays.worker`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from sbp_jax.plays.worker import LISTEN_SECONDS, Children
from sbp_jax.tracking.errors import TrackingError
from sbp_jax.tracking.simulator.week import WeekJob


def run_weeks(jobs: Sequence[WeekJob], workers: int, on_plays: Callable[[int], object]) -> None:
    """Run the jobs, at most `workers` at once; one alone runs in this process.

    Raises:
        TrackingError: a process died; the others are stopped.
    """
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            job.run(on_plays)
        return
    children = Children()
    with ThreadPoolExecutor(workers) as pool:
        pending = {pool.submit(_run_in_subprocess, job, children, on_plays) for job in jobs}
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


def _run_in_subprocess(job: WeekJob, children: Children, on_plays: Callable[[int], object]) -> None:
    # The same modules as here, however this process came to find them.
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+") as stderr:
        stdin.write(job.as_json())
        stdin.seek(0)
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "sbp_jax.tracking.simulator.week"],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        ) as process:
            children.add(process)
            for line in process.stdout or ():
                on_plays(int(line))
        if process.returncode != 0:
            stderr.seek(0)
            raise TrackingError(
                f"the process that simulated week {job.week} ended with {process.returncode}:\n"
                f"{stderr.read()[-2000:]}"
            )
