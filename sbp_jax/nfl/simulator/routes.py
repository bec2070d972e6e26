"""The route tree: where each eligible player means to go, and how long the passer waits.

A route is a stem to a break and a leg on from there. Numbers of the tree are for a player to the
left of the ball who breaks after a stem of one depth; mirrored for the others.

Legend: K plays, 5 eligible players of each.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.lineup import (
    BACK,
    BACKFIELD,
    ELIGIBLE,
    FIRST_ELIGIBLE,
    INSIDE,
    WIDE,
    Lineup,
)
from sbp_jax.nfl.simulator.schedule import RUN, SACK, SPIKE, Situations
from sbp_jax.nfl.tracking.play_frames import FRAMES_PER_SECOND

SHORTEST_THROW: Final = 8
LONGEST_THROW: Final = 98
"""Frames from the snap to the throw."""


class Route(IntEnum):
    """What an eligible player does; the first twelve are named so in the files."""

    GO = 0
    HITCH = 1
    OUT = 2
    IN = 3
    SLANT = 4
    POST = 5
    CORNER = 6
    CROSS = 7
    FLAT = 8
    WHEEL = 9
    ANGLE = 10
    SCREEN = 11
    BLOCK = 12
    CARRY = 13


class Shape(NamedTuple):
    """One line of the route tree.

    Attributes:
        stem: depth of the break: this many yards, plus `per_depth` for each of the concept's.
        per_depth: as said.
        outward: yards from the start to the break, to the outside.
        leg: from the break on, downfield and outward.
        settles: he stops at the end of the leg; else the leg is only a direction.
    """

    stem: float
    per_depth: float
    outward: float
    leg: tuple[float, float]
    settles: bool


_TREE: Final = {
    Route.GO: Shape(5, 0, 0.8, (1, 0), False),
    Route.HITCH: Shape(0, 1, 0, (-1.5, -0.8), True),
    Route.OUT: Shape(0, 1, 0, (0.05, 1), False),
    Route.IN: Shape(0, 1, 0, (0.05, -1), False),
    Route.SLANT: Shape(2.5, 0, 0.3, (0.7, -1), False),
    Route.POST: Shape(1, 1, 0, (1, -0.5), False),
    Route.CORNER: Shape(1, 1, -0.5, (1, 0.75), False),
    Route.CROSS: Shape(1, 0.4, -3, (0.15, -1), False),
    Route.FLAT: Shape(1, 0, 3, (0.12, 1), False),
    Route.WHEEL: Shape(0.5, 0, 7, (1, 0.1), False),
    Route.ANGLE: Shape(2.5, 0, 3, (0.6, -1), False),
    Route.SCREEN: Shape(-1.5, 0, 0.5, (-0.7, -2.5), True),
    Route.BLOCK: Shape(1.5, 0, -0.5, (0.8, -0.3), True),
    Route.CARRY: Shape(-1, 0, 2.5, (1, 0.15), False),
}
_STEM, _PER_DEPTH, _OUTWARD = (
    np.array([getattr(_TREE[route], field) for route in Route])
    for field in ("stem", "per_depth", "outward")
)
_LEG: Final = np.array([complex(*_TREE[route].leg) for route in Route])
_SETTLES: Final = np.array([_TREE[route].settles for route in Route])

QUICK, MEDIUM, DEEP, SCREEN = range(4)
_CONCEPT_SHARES: Final = (0.33, 0.37, 0.20, 0.10)
_DEPTH: Final = np.array([4.5, 9.5, 14.0, 4.5])
_MEDIAN_SECONDS: Final = np.array([2.1, 2.8, 3.4, 1.8])
_LOG_SPREAD: Final = np.array([0.22, 0.25, 0.27, 0.25])
_SCRAMBLE_SHARE: Final = 0.07
_SECONDS_UNTIL_OVER: Final = (2.6, 5.0)
"""Of runs and sacks."""

# How often each route is run, by concept and alignment; weights, not probabilities.
_CHOICES: Final = {
    (QUICK, WIDE): {"GO": 14, "HITCH": 36, "OUT": 12, "IN": 6, "SLANT": 30, "SCREEN": 2},
    (QUICK, INSIDE): {"HITCH": 27, "OUT": 20, "SLANT": 15, "CROSS": 15, "FLAT": 18, "GO": 5},
    (QUICK, BACKFIELD): {"FLAT": 50, "ANGLE": 10, "HITCH": 15, "BLOCK": 25},
    (MEDIUM, WIDE): {"GO": 22, "HITCH": 25, "OUT": 15, "IN": 18, "POST": 12, "CROSS": 8},
    (MEDIUM, INSIDE): {"HITCH": 20, "OUT": 15, "IN": 15, "CROSS": 20, "CORNER": 12, "POST": 8}
    | {"GO": 6, "FLAT": 4},
    (MEDIUM, BACKFIELD): {"FLAT": 36, "ANGLE": 10, "HITCH": 16, "WHEEL": 6, "BLOCK": 32},
    (DEEP, WIDE): {"GO": 36, "HITCH": 8, "OUT": 6, "IN": 16, "POST": 24, "CORNER": 10},
    (DEEP, INSIDE): {"CROSS": 24, "POST": 18, "CORNER": 20, "GO": 14, "IN": 14, "HITCH": 10},
    (DEEP, BACKFIELD): {"FLAT": 25, "ANGLE": 5, "HITCH": 15, "WHEEL": 5, "BLOCK": 50},
    (SCREEN, WIDE): {"BLOCK": 45, "GO": 25, "SLANT": 15, "HITCH": 15},
    (SCREEN, INSIDE): {"BLOCK": 50, "GO": 15, "SLANT": 15, "FLAT": 20},
    (SCREEN, BACKFIELD): {"FLAT": 60, "BLOCK": 40},
}


def _chances() -> Float[NDArray, "concepts alignments routes"]:
    chances = np.zeros((len(_CONCEPT_SHARES), 3, len(Route)))
    for (concept, alignment), weights in _CHOICES.items():
        for name, weight in weights.items():
            chances[concept, alignment, Route[name]] = weight / sum(weights.values())
    return chances


_CHANCES: Final = _chances()


class Routes(NamedTuple):
    """Plans of the eligible players, and of the passer's patience.

    Attributes:
        concept: (K,) `QUICK`, `MEDIUM`, `DEEP` or `SCREEN`.
        frames: (K,) from the snap until the ball is thrown, or the play is over for the passer.
        route: (K, 5) `Route`.
        turn: (K, 5) where he breaks, yards.
        end: (K, 5) where he goes from there; far away unless he settles.
        settles: (K, 5) he stops at the end.
        speed_at_turn: (K, 5) the part of his speed that he keeps when he breaks.
    """

    concept: Int[NDArray, " K"]
    frames: Int[NDArray, " K"]
    route: Int[NDArray, "K 5"]
    turn: Complex[NDArray, "K 5"]
    end: Complex[NDArray, "K 5"]
    settles: Bool[NDArray, "K 5"]
    speed_at_turn: Float[NDArray, "K 5"]


def draw_routes(rng: np.random.Generator, plays: Situations, lineup: Lineup) -> Routes:
    """Choose a concept for each of K plays, and a route for each eligible player."""
    count = plays.kind.size
    concept = rng.choice(len(_CONCEPT_SHARES), count, p=_CONCEPT_SHARES)
    total = np.cumsum(_CHANCES[concept[:, None], lineup.alignment], axis=-1)
    route = (rng.random((count, 5, 1)) > total[..., :-1]).sum(axis=-1)
    chosen = rng.integers(0, 5, count)
    screen = concept == SCREEN
    route[screen, chosen[screen]] = Route.SCREEN
    route[(plays.kind == RUN) | (plays.kind == SPIKE)] = Route.BLOCK
    route[plays.kind == RUN, BACK - FIRST_ELIGIBLE] = Route.CARRY

    start = lineup.spot[:, ELIGIBLE]
    backfield = lineup.alignment == BACKFIELD
    side = np.where(start.imag >= plays.ball_y[:, None], 1.0, -1.0)
    # From the backfield either side is as near.
    side = np.where(backfield, rng.choice([-1.0, 1.0], side.shape), side)
    depth = _DEPTH[concept][:, None] * rng.lognormal(0, 0.15, side.shape)
    downfield = _STEM[route] + _PER_DEPTH[route] * depth + rng.normal(0, 0.4, side.shape)
    from_line = np.maximum(start.real, -1)
    shallow = backfield & (route == Route.HITCH)
    downfield = np.where(shallow, rng.uniform(2, 6, side.shape), downfield)
    turn = from_line + downfield + 1j * (start.imag + side * _OUTWARD[route])
    protects = backfield & (route == Route.BLOCK)
    turn = np.where(protects, -3.5 + 1j * (plays.ball_y[:, None] + 1.5 * side), turn)
    leg = _LEG[route].real + 1j * side * _LEG[route].imag
    leg *= np.where(_SETTLES[route], 1, 80 / np.abs(leg))
    leg = np.where(protects, -0.3, leg)
    stem = turn - start
    cosine = (stem * leg.conj()).real / np.maximum(np.abs(stem) * np.abs(leg), 1e-9)
    return Routes(
        concept=concept,
        frames=_frames(rng, plays, concept),
        route=route,
        turn=turn,
        end=turn + leg,
        settles=_SETTLES[route],
        speed_at_turn=0.3 + 0.35 * (1 + cosine),
    )


def _frames(
    rng: np.random.Generator, plays: Situations, concept: Int[NDArray, " K"]
) -> Int[NDArray, " K"]:
    count = concept.size
    seconds = _MEDIAN_SECONDS[concept] * np.exp(rng.normal(0, 1, count) * _LOG_SPREAD[concept])
    scramble = rng.random(count) < _SCRAMBLE_SHARE
    seconds += scramble * rng.gamma(2.0, 0.9, count)
    until_over = np.isin(plays.kind, (SACK, RUN))
    seconds = np.where(until_over, rng.uniform(*_SECONDS_UNTIL_OVER, count), seconds)
    frames = np.rint(seconds * FRAMES_PER_SECOND).astype(np.int64)
    frames[plays.kind == SPIKE] = SHORTEST_THROW
    return np.clip(frames, SHORTEST_THROW, LONGEST_THROW)
