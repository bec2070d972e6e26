"""Parse seasons in processes of their own.

The workers are plain subprocesses, `python -m sbp_jax.plays.worker`, not `multiprocessing`: a
fork would inherit JAX's threads, and spawn would import the caller's main module anew, which runs
a script without a guard a second time.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from sbp_jax.plays.build import build_season
from sbp_jax.plays.cache import finish, write_season
from sbp_jax.plays.errors import WorkerError

LISTEN_SECONDS = 0.2
"""How often a waiting load listens for Ctrl-C, which polars' threads may catch in its stead."""


@dataclass(frozen=True)
class Job:
    """A season to be parsed.

    Attributes:
        season: the season.
        games: id and file of each game, preseason left out.
        preseason: how many that left out.
        unfinished: an empty folder to write into.
        folder: what that folder becomes once it is complete.
    """

    season: int
    games: tuple[tuple[str, Path], ...]
    preseason: int
    unfinished: Path
    folder: Path

    def run(self, on_game: Callable[[], object]) -> None:
        """Parse, write and finish, in this process."""
        built = build_season(self.season, self.games, self.preseason, on_game)
        write_season(self.unfinished, *built)
        finish(self.unfinished, self.folder)

    def as_json(self) -> str:
        """For the worker's standard input."""
        games = [(game_id, str(path)) for game_id, path in self.games]
        folders = str(self.unfinished), str(self.folder)
        return json.dumps([self.season, games, self.preseason, *folders])

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """The inverse of `as_json`."""
        season, games, preseason, unfinished, folder = json.loads(text)
        paths = tuple((game_id, Path(path)) for game_id, path in games)
        return cls(season, paths, preseason, Path(unfinished), Path(folder))


class Children:
    """The running workers, which can be stopped from another thread."""

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


def run_jobs(jobs: Sequence[Job], workers: int, on_game: Callable[[], object]) -> None:
    """Run the jobs, at most `workers` at once; one alone runs in this process.

    Raises:
        WorkerError: a worker died; the others are stopped.
    """
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            job.run(on_game)
        return
    children = Children()
    with ThreadPoolExecutor(workers) as pool:
        pending = {pool.submit(_run_in_subprocess, job, children, on_game) for job in jobs}
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


def _run_in_subprocess(job: Job, children: Children, on_game: Callable[[], object]) -> None:
    # The same modules as here, however this process came to find them.
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    with tempfile.TemporaryFile("w+") as stdin, tempfile.TemporaryFile("w+") as stderr:
        stdin.write(job.as_json())
        stdin.seek(0)
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "sbp_jax.plays.worker"],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        ) as process:
            children.add(process)
            for _ in process.stdout or ():
                on_game()
        if process.returncode != 0:
            stderr.seek(0)
            raise WorkerError(
                f"the process that parsed season {job.season} ended with {process.returncode}:\n"
                f"{stderr.read()[-2000:]}"
            )


def main() -> None:
    """Run the job on standard input; write a line for each game done."""
    Job.from_json(sys.stdin.read()).run(lambda: print(flush=True))


if __name__ == "__main__":
    main()
