"""Weeks side by side, a process for each: `python -m sbp_jax.nfl.simulator.week`."""

from collections.abc import Callable, Sequence

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.simulator import week
from sbp_jax.nfl.simulator.week import WeekJob
from sbp_jax.runs.child_processes import run_in_children


def run_weeks(jobs: Sequence[WeekJob], workers: int, on_plays: Callable[[int], object]) -> None:
    """Run the jobs, at most `workers` at once; one alone runs in this process.

    Raises:
        TrackingError: a process died; the others are stopped.
    """
    if workers == 1 or len(jobs) == 1:
        for job in jobs:
            job.run(on_plays)
        return
    run_in_children(jobs, workers, week.__name__, lambda line: on_plays(int(line)), _failed)


def _failed(job: WeekJob, how: str) -> TrackingError:
    return TrackingError(f"the process that simulated week {job.week} {how}")
