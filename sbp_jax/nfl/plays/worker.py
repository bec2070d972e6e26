"""Parse seasons in processes of their own, `python -m sbp_jax.nfl.plays.worker`."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbp_jax.nfl.errors import WorkerError
from sbp_jax.nfl.plays.build import build_season
from sbp_jax.nfl.plays.cache import finish, write_season
from sbp_jax.runs.child_processes import run_in_children


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


def run_jobs(jobs: Sequence[Job], workers: int, on_game: Callable[[], object]) -> None:
    """Run the jobs, at most `workers` at once; one alone runs in this process.

    Raises:
        WorkerError: a worker died; the others are stopped.
    """
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            job.run(on_game)
        return
    run_in_children(jobs, workers, __name__, lambda _: on_game(), _failed)


def _failed(job: Job, how: str) -> WorkerError:
    return WorkerError(f"the process that parsed season {job.season} {how}")


def main() -> None:
    """Run the job on standard input; write a line for each game done."""
    Job.from_json(sys.stdin.read()).run(lambda: print(flush=True))


if __name__ == "__main__":
    main()
