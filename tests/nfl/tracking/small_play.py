"""A made-up pass whose players all run straight, and who they are.

What a reader must find is therefore a formula: `SmallPlay.expected`.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

FIELD_WIDTH = 160 / 3
HOME, AWAY = "KC", "LV"

# position, name, start (x, y), velocity (vx, vy) in yards and yards per second, facing (radians)
PLAYERS = (
    ("QB", "Quinn Passer", (-5.0, 0.0), (-2.0, 0.5), 0.1),
    ("WR", "Terry Target Jr.", (-1.0, 20.0), (6.0, -1.5), 0.0),
    ("WR", "Walt Wide-Out", (-1.0, -19.5), (7.0, 1.0), 0.2),
    ("WR", "Sam Slot", (-1.5, 9.0), (5.5, 0.5), -0.2),
    ("TE", "Ed St. End", (-0.8, -4.5), (3.0, -1.0), 0.4),
    ("RB", "Ron Back", (-6.0, 2.0), (0.5, 3.0), 1.5),
    ("C", "Cole Centre", (-0.7, 0.0), (-0.5, 0.0), 0.0),
    ("G", "Gus Guard", (-0.9, 1.6), (-0.5, 0.2), 0.1),
    ("G", "Gil Guard", (-0.9, -1.6), (-0.5, -0.2), -0.1),
    ("T", "Tom Tackle", (-1.1, 3.2), (-1.0, 0.3), 0.3),
    ("T", "Tim Tackle", (-1.1, -3.2), (-1.0, -0.3), -0.3),
    ("DE", "Dan End", (1.0, 4.5), (-3.0, -0.5), 3.1),
    ("DE", "Don End", (1.0, -4.5), (-3.0, 0.5), -3.1),
    ("DT", "Abe Tackle", (0.9, 1.0), (-1.5, 0.0), 3.0),
    ("NT", "Art Nose", (0.9, -1.0), (-1.5, 0.1), -3.0),
    ("OLB", "Lou Backer", (4.0, 6.0), (1.0, 1.0), 2.9),
    ("ILB", "Lee Backer", (4.5, 0.5), (1.5, -0.5), 3.1),
    ("LB", "Lex Backer", (4.2, -6.0), (1.0, -1.0), -2.9),
    ("CB", "Cal Corner", (5.0, 19.0), (4.0, 0.5), 2.5),
    ("CB", "Cy Corner", (5.5, -18.5), (5.0, 0.5), -2.5),
    ("FS", "Fay Safety", (12.0, 7.0), (2.0, 1.0), 3.0),
    ("SS", "Sid Safety", (11.0, -8.0), (2.0, -1.0), -3.0),
)
PASSER, TARGET = 0, 1
LINEMEN = ("C", "G", "T")
RUSHERS = ("DE", "DT", "NT")
TEXT = "(4:18) (Shotgun) Q.Passer pass short left to T.Target to LV 41 for 7 yards (C.Corner)."


def nfl_id(player: int) -> int:
    """The made-up id of a player."""
    return 40000 + 7 * player


@dataclass(frozen=True)
class SmallPlay:
    """A pass with 22 players; its values as the tables shall say them.

    Attributes:
        own_yards: from the offence's own goal line to the line of scrimmage.
        before: frames before the snap, in which all stand still.
        frames: from the snap to the throw, both included.
        after: frames after the throw.
        home: whether the home team has the ball.
    """

    game_id: int = 2022090800
    play_id: int = 56
    week: int = 1
    season: int = 2022
    right: bool = True
    home: bool = True
    own_yards: int = 35
    before: int = 4
    frames: int = 12
    after: int = 3
    result: str | None = "C"
    yards: int | None = 7
    text: str = TEXT
    quarter: int = 2
    down: int = 3
    to_go: int = 8
    clock: str = "04:18"
    start: datetime = datetime(2022, 9, 8, 20, 24, 5, 200_000)

    @property
    def offense(self) -> str:
        return HOME if self.home else AWAY

    @property
    def defense(self) -> str:
        return AWAY if self.home else HOME

    @property
    def line(self) -> float:
        """Absolute x of the line of scrimmage."""
        return 10.0 + self.own_yards if self.right else 110.0 - self.own_yards

    def ticks(self) -> np.ndarray:
        """Frames since the snap of each frame of the file."""
        return np.arange(-self.before, self.frames + self.after)

    def expected(self, ticks: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """(frames, 22) of `PlayFrames`, in the order of `PLAYERS`."""
        ticks = np.arange(self.frames) if ticks is None else ticks
        start, velocity = (np.array([each[i] for each in PLAYERS]) for i in (2, 3))
        seconds = np.maximum(ticks, 0)[:, None, None] * 0.1
        place = start + velocity * seconds
        moves = (ticks >= 0)[:, None]
        return {
            "x": place[..., 0],
            "y": place[..., 1],
            "speed": np.hypot(*velocity.T) * moves,
            "direction": np.arctan2(velocity[:, 1], velocity[:, 0]) + 0 * moves,
            "orientation": np.array([each[4] for each in PLAYERS]) + 0 * moves,
        }
