"""What a simulated season is asked to be."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND
from sbp_jax.runs.ranges import Count, Range, Whole, refuse_out_of_range

PASSES_PER_GAME: Final = 64
GAMES_PER_DAY: Final = 100
"""A game's id ends in two digits that number it within its day."""

DAYS_PER_WEEK: Final = 7
PASSES_PER_WEEK: Final = DAYS_PER_WEEK * GAMES_PER_DAY * PASSES_PER_GAME
"""The most that the ids of a week have room for."""

LONGEST_MARGIN: Final = 10.0
"""Seconds before the snap, and after the throw, that may be asked for."""

Margin = Annotated[float, Range(0, LONGEST_MARGIN)]
OfPasses = Annotated[float, Range(0, 1)]


@dataclass(frozen=True)
class SimulateConfig:
    """A season; with the same versions of the libraries the same config gives the same bytes.

    Attributes:
        plays: passes thrown at a target, >= weeks; the other plays come on top.
        weeks: files to spread them over, 1 to 22; the more plays a week has, the more games.
        seed: source of all randomness, >= 0.
        seconds_before_snap: of every play, 0 to 10, rounded to a tenth.
        seconds_after_throw: of every play, 0 to 10, rounded to a tenth.
        run_share: runs for each pass, 0 to 1.
        sack_share: sacks for each pass, 0 to 1.
        spike_share: passes into the ground to stop the clock, for each pass, 0 to 1.
        compression: of the tracking files.

    Raises:
        TrackingError: a setting out of its range.
    """

    plays: Count = 5_000
    weeks: Annotated[int, Range(1, 22)] = 9
    seed: Whole = 0
    seconds_before_snap: Margin = 1.0
    seconds_after_throw: Margin = 1.0
    run_share: OfPasses = 0.06
    sack_share: OfPasses = 0.04
    spike_share: OfPasses = 0.01
    compression: Literal["none", "gzip"] = "none"

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        refuse_out_of_range(self, TrackingError)
        if not self.weeks <= self.plays <= self.weeks * PASSES_PER_WEEK:
            raise TrackingError(
                f"plays: expected {self.weeks} to {self.weeks * PASSES_PER_WEEK} in {self.weeks} "
                f"weeks, got {self.plays}"
            )

    @property
    def frames_before(self) -> int:
        """Frames before that of the snap."""
        return round(self.seconds_before_snap * FRAMES_PER_SECOND)

    @property
    def frames_after(self) -> int:
        """Frames after that of the throw."""
        return round(self.seconds_after_throw * FRAMES_PER_SECOND)

    def passes_in_week(self, week: int) -> int:
        """Passes of a week, counted from 1.

        >>> config = SimulateConfig(plays=20, weeks=3)
        >>> [config.passes_in_week(week) for week in (1, 2, 3)]
        [7, 7, 6]
        """
        return self.plays // self.weeks + (week <= self.plays % self.weeks)

    def others_in_week(self, week: int) -> tuple[int, int, int]:
        """Runs, sacks and spikes of a week, counted from 1.

        >>> SimulateConfig(plays=500, weeks=5).others_in_week(1)
        (6, 4, 1)
        """
        shares = (self.run_share, self.sack_share, self.spike_share)
        runs, sacks, spikes = (round(share * self.passes_in_week(week)) for share in shares)
        return runs, sacks, spikes

    @property
    def plays_in_all(self) -> int:
        """Plays of all kinds and weeks."""
        weeks = range(1, self.weeks + 1)
        return self.plays + sum(sum(self.others_in_week(week)) for week in weeks)
