"""What a simulated season is asked to be."""

from dataclasses import dataclass
from typing import Final, Literal

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND

PASSES_PER_GAME: Final = 64
GAMES_PER_DAY: Final = 100
"""A game's id ends in two digits that number it within its day."""

DAYS_PER_WEEK: Final = 7
PASSES_PER_WEEK: Final = DAYS_PER_WEEK * GAMES_PER_DAY * PASSES_PER_GAME
"""The most that the ids of a week have room for."""

LONGEST_MARGIN: Final = 10.0
"""Seconds before the snap, and after the throw, that may be asked for."""


@dataclass(frozen=True)
class SimulateConfig:
    """A season; with the same versions of the libraries the same config gives the same bytes.

    Attributes:
        plays: passes thrown at a target; the other plays come on top.
        weeks: files to spread them over; the more plays a week has, the more games.
        seed: source of all randomness.
        seconds_before_snap: of every play, rounded to a tenth.
        seconds_after_throw: of every play, rounded to a tenth.
        run_share: runs for each pass.
        sack_share: sacks for each pass.
        spike_share: passes into the ground to stop the clock, for each pass.
        compression: of the tracking files.
    """

    plays: int = 5_000
    weeks: int = 9
    seed: int = 0
    seconds_before_snap: float = 1.0
    seconds_after_throw: float = 1.0
    run_share: float = 0.06
    sack_share: float = 0.04
    spike_share: float = 0.01
    compression: Literal["none", "gzip"] = "none"

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        _expect("weeks", self.weeks, 1 <= self.weeks <= 22, "1 to 22")
        _expect(
            "plays",
            self.plays,
            self.weeks <= self.plays <= self.weeks * PASSES_PER_WEEK,
            f"{self.weeks} to {self.weeks * PASSES_PER_WEEK} in {self.weeks} weeks",
        )
        _expect("seed", self.seed, self.seed >= 0, "0 or more")
        for name in ("seconds_before_snap", "seconds_after_throw"):
            value = getattr(self, name)
            _expect(name, value, 0 <= value <= LONGEST_MARGIN, f"0 to {LONGEST_MARGIN:g}")
        for name in ("run_share", "sack_share", "spike_share"):
            value = getattr(self, name)
            _expect(name, value, 0 <= value <= 1, "0 to 1")
        known = ("none", "gzip")
        _expect("compression", self.compression, self.compression in known, " or ".join(known))

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


def _expect(name: str, value: object, holds: bool, expected: str) -> None:
    if not holds:
        raise TrackingError(f"{name}: expected {expected}, got {value}")
