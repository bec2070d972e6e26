"""Who is on the field, and where: offensive formations and the defence opposite.

Points are complex numbers: the real part is yards downfield of the line of scrimmage, the
imaginary part yards to the left as the offence looks downfield, here of the middle of the field.
Places 0 to 10 are the offence: quarterback, linemen from left to right, five eligible players;
places 11 to 21 the defence: four linemen from left to right, two linebackers, a nickel back, two
cornerbacks, two safeties.

Legend: K plays.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.league import INDEX, League, choose_players
from sbp_jax.nfl.simulator.schedule import RUN, SPIKE, Situations

QUARTERBACK: Final = 0
LINE: Final = slice(1, 6)
ELIGIBLE: Final = slice(6, 11)
BACK: Final = 6
"""The running back; in an empty backfield he lines up as a receiver."""

FIRST_ELIGIBLE: Final = 6
END_LEFT, TACKLE_LEFT, TACKLE_RIGHT, END_RIGHT = range(4)
BACKER_LEFT, BACKER_RIGHT, NICKEL, CORNER_LEFT, CORNER_RIGHT, FREE_SAFETY, STRONG_SAFETY = range(
    4, 11
)

SIDELINE: Final = 160 / 6
"""Yards from the middle of the field."""

BACKFIELD, INSIDE, WIDE = range(3)
"""Where an eligible player lines up."""


class Formation(NamedTuple):
    """Five eligible players, for a ball in the middle and the strong side to the left.

    Attributes:
        name: as the files write it.
        weight: how often, relative to the others.
        under_center: the quarterback takes the snap from the centre's hands.
        places: position, yards downfield and yards to the left, the running back first.
    """

    name: str
    weight: float
    under_center: bool
    places: tuple[tuple[str, float, float], ...]


_WR, _TE, _RB, _FB = "WR", "TE", "RB", "FB"
FORMATIONS: Final = (
    Formation(
        "SHOTGUN",
        0.30,
        False,
        ((_RB, -5.2, -1.7), (_TE, -0.9, 5.0), (_WR, -0.9, 19), (_WR, -1.6, -11), (_WR, -0.9, -19)),
    ),
    Formation(
        "SHOTGUN",
        0.22,
        False,
        ((_RB, -5.2, -1.7), (_TE, -1.2, 6.5), (_WR, -1.6, 12), (_WR, -0.9, 19), (_WR, -0.9, -19)),
    ),
    Formation(
        "SHOTGUN",
        0.10,
        False,
        ((_RB, -5.2, 1.7), (_WR, -0.9, 19), (_WR, -1.6, 11), (_WR, -1.6, -11), (_WR, -0.9, -19)),
    ),
    Formation(
        "EMPTY",
        0.10,
        False,
        ((_RB, -1.6, -10), (_TE, -1.2, 6.0), (_WR, -1.6, 12), (_WR, -0.9, 19), (_WR, -0.9, -19)),
    ),
    Formation(
        "SINGLEBACK",
        0.16,
        True,
        ((_RB, -7.0, 0.0), (_TE, -0.9, 5.0), (_WR, -0.9, 17), (_WR, -1.6, -10), (_WR, -0.9, -17)),
    ),
    Formation(
        "SINGLEBACK",
        0.08,
        True,
        ((_RB, -7.0, 0.0), (_TE, -0.9, 5.0), (_TE, -0.9, -5.0), (_WR, -0.9, 17), (_WR, -0.9, -17)),
    ),
    Formation(
        "I_FORM",
        0.04,
        True,
        ((_RB, -7.2, 0.0), (_FB, -4.6, 0.0), (_TE, -0.9, 5.0), (_WR, -0.9, 17), (_WR, -0.9, -17)),
    ),
)

_EMPTY: Final = np.array([formation.name == "EMPTY" for formation in FORMATIONS])
_UNDER_CENTER: Final = np.array([formation.under_center for formation in FORMATIONS])
_WEIGHTS: Final = np.array([formation.weight for formation in FORMATIONS])
_SPOTS: Final = np.array([[x + 1j * y for _, x, y in f.places] for f in FORMATIONS])
_POSITIONS: Final = np.array([[INDEX[name] for name, _, _ in f.places] for f in FORMATIONS])
_LINE_POSITIONS: Final = np.array([INDEX[name] for name in ("T", "G", "C", "G", "T")])
_LINE_SPOTS: Final = np.array([-1.1 + 3.4j, -0.9 + 1.7j, -0.6, -0.9 - 1.7j, -1.1 - 3.4j])
_FRONT_SPOTS: Final = np.array([1.1 + 4.6j, 1.0 + 1.3j, 1.0 - 1.3j, 1.1 - 4.6j])

# Nickel, base and dime: what the three places that differ are filled with.
_PERSONNEL_SHARES: Final = (0.6, 0.25, 0.15)
_DEFENSE_POSITIONS: Final = np.array(
    [
        [INDEX[name] for name in ("DE", "DT", "DT", "DE", "ILB", *middle, "CB", "CB", "FS", "SS")]
        for middle in (("ILB", "CB"), ("ILB", "OLB"), ("CB", "CB"))
    ]
)


class Lineup(NamedTuple):
    """Both sides before the snap.

    Attributes:
        player: (K, 22) index into the league.
        spot: (K, 22) where he stands, yards.
        formation: (K,) index into `FORMATIONS`.
        alignment: (K, 5) of the eligible players: `BACKFIELD`, `INSIDE` or `WIDE`.
        from_left: (K, 5) the eligible players sorted from left to right, 0 to 4.
        nickel_left: (K,) the side of the nickel back, which has more receivers.
        two_high: (K,) both safeties are deep.
        effort: (K, 22) the part of his top speed that he uses on this play.
    """

    player: Int[NDArray, "K 22"]
    spot: Complex[NDArray, "K 22"]
    formation: Int[NDArray, " K"]
    alignment: Int[NDArray, "K 5"]
    from_left: Int[NDArray, "K 5"]
    nickel_left: Bool[NDArray, " K"]
    two_high: Bool[NDArray, " K"]
    effort: Float[NDArray, "K 22"]

    @property
    def under_center(self) -> Bool[NDArray, " K"]:
        """Whether the quarterback takes the snap from the centre's hands."""
        return _UNDER_CENTER[self.formation]


def line_up(rng: np.random.Generator, plays: Situations) -> Lineup:
    """Choose formations and players of K plays and put them on the field."""
    count = plays.kind.size
    formation = _formations(rng, plays)
    mirror = np.where(rng.random(count) < 0.5, 1.0, -1.0)
    eligible = _eligible_spots(rng, plays, formation, mirror)
    across = eligible.imag - plays.ball_y[:, None]
    alignment = np.where(np.abs(across) > 14, WIDE, INSIDE)
    alignment[eligible.real < -3] = BACKFIELD
    out_wide = np.where(alignment == BACKFIELD, 0, np.sign(across)).sum(axis=1)
    nickel_left = np.where(out_wide == 0, mirror > 0, out_wide > 0)
    from_left = np.argsort(-eligible.imag, axis=1, kind="stable")
    two_high = rng.random(count) < 0.45
    middle = 1j * plays.ball_y[:, None]
    offense = np.concatenate(
        [_quarterback(rng, formation) + middle, _LINE_SPOTS + middle, eligible], axis=1
    )
    defense = _defense_spots(rng, eligible, from_left, nickel_left, two_high, plays.ball_y)
    # Near the goal line the end zone leaves safeties less room.
    defense.real = np.minimum(defense.real, plays.to_endzone[:, None] + 8)
    spot = np.concatenate([offense, defense], axis=1)
    spot.imag += rng.normal(0, 0.12, spot.shape)
    personnel = rng.choice(len(_PERSONNEL_SHARES), count, p=_PERSONNEL_SHARES)
    positions = np.concatenate(
        [
            np.full((count, 1), INDEX["QB"]),
            np.tile(_LINE_POSITIONS, (count, 1)),
            _POSITIONS[formation],
        ],
        axis=1,
    )
    players = [
        choose_players(rng, plays.offense, positions),
        choose_players(rng, plays.defense, _DEFENSE_POSITIONS[personnel]),
    ]
    return Lineup(
        player=np.concatenate(players, axis=1),
        spot=spot,
        formation=formation,
        alignment=alignment,
        from_left=from_left,
        nickel_left=nickel_left,
        two_high=two_high,
        effort=_effort(rng, count),
    )


def top_speed(league: League, lineup: Lineup) -> Float[NDArray, "K 22"]:
    """The most that each player runs on this play, yards per second."""
    return league.top_speed[lineup.player] * lineup.effort


def _effort(rng: np.random.Generator, count: int) -> Float[NDArray, "K 22"]:
    """Routes are run under control, so that a break is possible; pursuit is not."""
    effort = rng.uniform(0.94, 1.0, (count, 22))
    effort[:, ELIGIBLE] = rng.uniform(0.8, 1.0, (count, 5))
    return effort


def _formations(rng: np.random.Generator, plays: Situations) -> Int[NDArray, " K"]:
    """Any for a pass; a run needs a back, and a spike a quarterback close to the ball."""
    allowed = np.tile(_WEIGHTS, (plays.kind.size, 1))
    allowed[(plays.kind == RUN)[:, None] & _EMPTY] = 0
    allowed[(plays.kind == SPIKE)[:, None] & ~_UNDER_CENTER] = 0
    total = np.cumsum(allowed, axis=1)
    return (rng.random((plays.kind.size, 1)) * total[:, -1:] > total).sum(axis=1)


def _quarterback(
    rng: np.random.Generator, formation: Int[NDArray, " K"]
) -> Complex[NDArray, "K 1"]:
    depth = np.where(_UNDER_CENTER[formation], -1.4, -5.0) + rng.normal(0, 0.08, formation.size)
    return depth[:, None].astype(np.complex128)


def _eligible_spots(
    rng: np.random.Generator,
    plays: Situations,
    formation: Int[NDArray, " K"],
    mirror: Float[NDArray, " K"],
) -> Complex[NDArray, "K 5"]:
    """Spots of the formation, splits varied, inside the sidelines."""
    spot = _SPOTS[formation]
    split = 1 + np.where(np.abs(spot.imag) > 6, rng.normal(0, 0.12, spot.shape), 0)
    across = spot.imag * split * mirror[:, None] + plays.ball_y[:, None]
    limit = SIDELINE - 2
    return spot.real + rng.normal(0, 0.1, spot.shape) + 1j * np.clip(across, -limit, limit)


def _defense_spots(
    rng: np.random.Generator,
    eligible: Complex[NDArray, "K 5"],
    from_left: Int[NDArray, "K 5"],
    nickel_left: Bool[NDArray, " K"],
    two_high: Bool[NDArray, " K"],
    ball_y: Float[NDArray, " K"],
) -> Complex[NDArray, "K 11"]:
    """Front and backers by the ball, cornerbacks and nickel back over their men."""
    plays = ball_y.size
    across = np.take_along_axis(eligible.imag, from_left, axis=1)
    spot = np.empty((plays, 11), np.complex128)
    spot[:, : len(_FRONT_SPOTS)] = _FRONT_SPOTS + 1j * ball_y[:, None]
    depth = rng.normal(4.7, 0.4, (plays, 2))
    spot[:, BACKER_LEFT:NICKEL] = depth + 1j * (ball_y[:, None] + [2.4, -2.4])
    pressed = rng.random((plays, 2)) < 0.3
    cushion = np.where(pressed, 1.5, rng.uniform(4.5, 7.5, (plays, 2)))
    # A step to the inside of his man.
    spot[:, CORNER_LEFT] = cushion[:, 0] + 1j * (across[:, 0] - 0.8)
    spot[:, CORNER_RIGHT] = cushion[:, 1] + 1j * (across[:, 4] + 0.8)
    slot = np.where(nickel_left, across[:, 1], across[:, 3])
    other = np.where(nickel_left, across[:, 3], across[:, 1])
    towards_ball = 0.15 * (ball_y - slot)
    spot[:, NICKEL] = rng.uniform(2.5, 5.5, plays) + 1j * (slot + towards_ball)
    nickel_side = np.where(nickel_left, 1.0, -1.0)
    deep = rng.normal(12.5, 0.8, (plays, 2))
    spot[:, FREE_SAFETY] = deep[:, 0] + 1j * (ball_y + np.where(two_high, 7.5 * nickel_side, 0))
    spot[:, STRONG_SAFETY] = np.where(
        two_high,
        deep[:, 1] + 1j * (ball_y - 7.5 * nickel_side),
        rng.uniform(5.5, 8, plays) + 1j * (ball_y + 0.8 * (other - ball_y)),
    )
    return spot
