"""One play with a forecast for each of its frames, and the numbers read off them.

Legend: T frames from the snap to the throw, C = 181 physical columns, 22 players.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.errors import ReportError
from sbp_jax.nfl.figures.field import END_ZONE, FIELD_LENGTH, Window
from sbp_jax.nfl.tracking.features import PLAYER_COLUMNS, PLAYER_FEATURES, SEQUENCE_FEATURES
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND, PLAYERS
from sbp_jax.nfl.tracking.summary import FIELD_WIDTH

INTERVAL: Final = 0.8
"""Probability of the interval that is marked."""

RESULTS: Final = ("C", "I", "IN")
"""Complete, incomplete, intercepted."""

_SHOWN: Final = 0.96  # of the probability at any frame: the rest may lie beyond the window
# Yards: a shorter window would make the field too tall, in a longer one players could not be told
# apart.
_SHORTEST, _LONGEST = 42.0, 54.0
_MOST_MASS, _LEAST_MASS = 1.001, 0.9  # rounding; what a law holds beyond the cells is left out


@dataclass(frozen=True)
class UnfoldingPlay:
    """A play, and what was expected of it at each frame.

    Attributes:
        values: (T, C) columns `sbp_jax.nfl.tracking.features.SEQUENCE_FEATURES`, snap to throw.
        player_mask: (22,) which players there are.
        pmf: (T, cells) probability of ``lowest``, ``lowest + 1``, ... yards at each frame.
        lowest: yards of the first cell; 0 must be among the cells.
        yards_gained: what became of the play.
        pass_result: "C" complete, "I" incomplete or "IN" intercepted.
        yards_to_endzone: from the line of scrimmage, 1 to 99.
        yards_to_go: to the line to gain, at least 1.
        down: 1 to 4; 0 for a play without downs, which has no line to gain.
        truth: (cells,) the known law at the throw, for a simulated play.
        title: the situation, such as "3rd & 8, own 24".

    Raises:
        ReportError: a value is impossible, or an array has the wrong shape.
    """

    values: Float[NDArray, "T C"]
    player_mask: Bool[NDArray, " 22"]
    pmf: Float[NDArray, "T cells"]
    lowest: int
    yards_gained: int
    pass_result: str
    yards_to_endzone: int
    yards_to_go: int
    down: int
    truth: Float[NDArray, " cells"] | None
    title: str

    def __post_init__(self) -> None:
        values, pmf = np.shape(self.values), np.shape(self.pmf)
        if len(values) != 2 or values[0] < 1 or values[1] != len(SEQUENCE_FEATURES):
            raise _unexpected("values", f"shape (T >= 1, {len(SEQUENCE_FEATURES)})", values)
        if np.shape(self.player_mask) != (PLAYERS,):
            raise _unexpected("player_mask", f"shape ({PLAYERS},)", np.shape(self.player_mask))
        if len(pmf) != 2 or pmf[0] != values[0]:
            raise _unexpected("pmf", f"shape ({values[0]}, cells) as there are frames", pmf)
        if not self.lowest <= 0 < self.lowest + pmf[1]:
            raise _unexpected("lowest", f"0 to be one of the {pmf[1]} cells", self.lowest)
        if not np.isfinite(self.values).all():
            raise _unexpected("values", "finite numbers", "NaN or infinity")
        _check_probabilities("pmf", self.pmf)
        if self.truth is not None:
            if np.shape(self.truth) != pmf[1:]:
                raise _unexpected("truth", f"shape {pmf[1:]}", np.shape(self.truth))
            _check_probabilities("truth", self.truth)
        if self.pass_result not in RESULTS:
            raise _unexpected("pass_result", f"one of {', '.join(RESULTS)}", self.pass_result)
        if not 1 <= self.yards_to_endzone < FIELD_LENGTH:
            raise _unexpected("yards_to_endzone", "1 to 99", self.yards_to_endzone)
        if self.yards_to_go < 1:
            raise _unexpected("yards_to_go", "1 or more", self.yards_to_go)
        if not 0 <= self.down <= 4:
            raise _unexpected("down", "0 to 4", self.down)

    @property
    def frames(self) -> int:
        """T."""
        return len(self.values)

    @property
    def positions(self) -> Float[NDArray, "T 22 2"]:
        """X and y of the players."""
        players = np.asarray(self.values[:, :PLAYER_COLUMNS], np.float64)
        return players.reshape(self.frames, PLAYERS, len(PLAYER_FEATURES))[..., :2]

    @property
    def yards(self) -> Int[NDArray, " cells"]:
        """Yards of the cells."""
        return np.arange(self.lowest, self.lowest + self.pmf.shape[1])

    @property
    def line_to_gain(self) -> int:
        """Yards downfield of the line of scrimmage, the goal line at the most; 0 for none."""
        return min(self.yards_to_go, self.yards_to_endzone) if self.down else 0

    @property
    def window(self) -> Window:
        """What part of the field holds all players, the outcome and nearly all probability."""
        places = self.positions[:, self.player_mask]
        spread = self.quantiles((1 - _SHOWN) / 2, (1 + _SHOWN) / 2)
        low = min(float(places[..., 0].min(initial=-5)), spread.low.min(), self.yards_gained) - 4
        low = max(low, self.yards_to_endzone - FIELD_LENGTH - END_ZONE)
        marks = (spread.high.max(), self.yards_gained, self.line_to_gain)
        high = max(float(places[..., 0].max(initial=15)), *marks) + 2
        high = min(max(high, low + _SHORTEST), self.yards_to_endzone + END_ZONE, low + _LONGEST)
        low = min(low, high - _SHORTEST)
        # Room for names and, below, the yard numbers; a little beyond a sideline shows it.
        edge = FIELD_WIDTH / 2 + 1
        bottom = max(float(places[..., 1].min(initial=-8)) - 8, -edge)
        top = min(float(places[..., 1].max(initial=8)) + 5, edge)
        return Window(float(low), float(high), bottom, top)

    def quantiles(self, lower: float, upper: float) -> "Interval":
        """Median and two other quantiles at each frame: the least yards with as much below.

        >>> values = np.zeros((1, len(SEQUENCE_FEATURES)))
        >>> play = UnfoldingPlay(
        ...     values, np.ones(22, bool), np.array([[0.1, 0.3, 0.2, 0.4]]), -1,
        ...     2, "C", 60, 10, 1, None, "1st & 10, own 40",
        ... )
        >>> [float(each[0]) for each in play.quantiles(0.05, 0.95)]
        [-1.0, 1.0, 2.0]
        """
        cumulative = np.cumsum(np.asarray(self.pmf, np.float64), axis=1)
        # The last bit of a sum must not decide.
        levels = np.array([lower, 0.5, upper])[:, None, None] * cumulative[:, -1:] - 1e-9
        return Interval(*self.yards[(cumulative >= levels).argmax(axis=2)])

    def chance(self, frame: int, low: int, high: int | None = None) -> float:
        """Probability of ``low`` to ``high`` yards, both included; of all from ``low`` if None."""
        cells = self.yards >= low
        if high is not None:
            cells &= self.yards <= high
        return float(np.asarray(self.pmf[frame], np.float64)[cells].sum())

    def seconds(self, frame: int) -> float:
        """Time since the snap."""
        return frame / FRAMES_PER_SECOND

    @property
    def outcome(self) -> str:
        """What became of the play, in two or three words."""
        if self.pass_result == "I":
            return "incomplete"
        if self.pass_result == "IN":
            return "intercepted"
        if self.yards_gained >= self.yards_to_endzone:
            return "touchdown"
        if self.yards_gained < 0:
            return f"lost {-self.yards_gained}"
        return f"gained {self.yards_gained}" if self.yards_gained else "no gain"


class Interval(NamedTuple):
    """Quantiles of the yards at each frame.

    Attributes:
        low: (T,) lower end of an interval.
        median: (T,).
        high: (T,) upper end.
    """

    low: Int[NDArray, " T"]
    median: Int[NDArray, " T"]
    high: Int[NDArray, " T"]


def _unexpected(name: str, expected: str, found: object) -> ReportError:
    return ReportError(f"{name}: expected {expected}, got {found}")


def _check_probabilities(name: str, pmf: Float[NDArray, "..."]) -> None:
    if not (np.isfinite(pmf).all() and np.min(pmf) >= 0):
        raise _unexpected(name, "probabilities", f"{np.min(pmf)} to {np.max(pmf)}")
    sums = np.sum(pmf, axis=-1, dtype=np.float64)
    worst = float(np.ravel(sums)[np.argmax(np.abs(sums - 1))])
    if not _LEAST_MASS <= worst <= _MOST_MASS:
        raise _unexpected(name, f"a sum of {_LEAST_MASS} to 1", f"{worst:.4f}")
