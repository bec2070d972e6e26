"""From rows of a window to arrays without holes, in the coordinates of `PlayFrames`."""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from sbp_jax.nfl.tracking.canonical import downfield, sideways, turned
from sbp_jax.nfl.tracking.fill_holes import Holes, fill_holes, find_holes
from sbp_jax.nfl.tracking.play_frames import PLAYERS

_VALUES: Final = ("x", "y", "speed", "orientation", "direction")
_POSITION: Final = _VALUES[:3]
_QUARTER_TURN: Final = 90.0


class RawMotion(NamedTuple):
    """What the file says, with NaN where it says nothing; its own coordinates and degrees."""

    x: Float[NDArray, "N 22"]
    y: Float[NDArray, "N 22"]
    speed: Float[NDArray, "N 22"]
    orientation: Float[NDArray, "N 22"]
    direction: Float[NDArray, "N 22"]


class Motion(NamedTuple):
    """Motion of all players, with holes filled as far as they can be.

    Attributes:
        x: (N, 22) yards, as in `PlayFrames`; so are the next four. NaN where a player has no
            position in the whole play.
        y: (N, 22) yards.
        speed: (N, 22) yards per second.
        orientation: (N, 22) radians.
        direction: (N, 22) radians.
        hole: (N, 22) length of the hole that a filled position lay in, in frames; else 0.
        angles_filled: (N, 22) angles, of two, filled from neighbouring frames though the
            position was there.
        angles_replaced: (N, 22) likewise, replaced by the other angle, or by 0 without it.
    """

    x: Float[NDArray, "N 22"]
    y: Float[NDArray, "N 22"]
    speed: Float[NDArray, "N 22"]
    orientation: Float[NDArray, "N 22"]
    direction: Float[NDArray, "N 22"]
    hole: Int[NDArray, "N 22"]
    angles_filled: Int[NDArray, "N 22"]
    angles_replaced: Int[NDArray, "N 22"]


class Scattered(NamedTuple):
    """Rows in their places.

    Attributes:
        motion: of the first row for each place.
        repeated: rows whose place was taken.
        different: those of them whose x, y or speed differ from the first.
    """

    motion: RawMotion
    repeated: int
    different: int


def scatter(rows: pl.DataFrame, frames: int) -> Scattered:
    """Put rows where they belong.

    Args:
        rows: with ``index`` (frame times 22 plus column), x, y, speed, orientation, direction.
        frames: N.
    """
    values = np.full((len(_VALUES), frames * PLAYERS), np.nan, np.float32)
    index = rows["index"].to_numpy()
    for value, name in zip(values, _VALUES, strict=True):
        # Backwards, since of several values for a place NumPy keeps the last.
        value[index[::-1]] = rows[name].to_numpy()[::-1]
    taken = np.zeros(frames * PLAYERS, bool)
    taken[index] = True
    repeated = len(index) - int(taken.sum())
    different = 0
    if repeated:
        first = values[: len(_POSITION)][:, index]
        own = np.stack([rows[name].to_numpy() for name in _POSITION])
        different = int(((first != own) & ~(np.isnan(first) & np.isnan(own))).any(axis=0).sum())
    values[~np.isfinite(values)] = np.nan
    return Scattered(RawMotion(*values.reshape(len(_VALUES), frames, PLAYERS)), repeated, different)


def complete(
    raw: RawMotion,
    offsets: Int[NDArray, " K1"],
    line: Float[NDArray, " K"],
    right: Bool[NDArray, " K"],
    turned_orientation: Bool[NDArray, " K"],
    max_hole: int,
) -> Motion:
    """Bring motion into the coordinates of `PlayFrames` and fill its holes.

    A position (x, y and speed together) that is missing is filled however long its hole; who
    calls decides by ``hole``. An angle is filled from its neighbours if its hole has at most
    ``max_hole`` frames. In a longer one it is replaced by the other angle, which differs less
    than a stranger would, since players mostly face where they run; without that it is 0.

    Args:
        raw: of K plays, N frames.
        offsets: (K + 1,) of the plays' frames.
        line: (K,) of scrimmage, in the file's coordinates, yards.
        right: (K,) whether the offence attacks towards +x.
        turned_orientation: (K,) whether orientation is measured from +x.
        max_hole: frames.
    """
    lengths = np.diff(offsets)
    line, right = np.repeat(line, lengths)[:, None], np.repeat(right, lengths)[:, None]
    quarter = np.repeat(np.where(turned_orientation, _QUARTER_TURN, 0), lengths)[:, None]
    there = np.isfinite(raw.x) & np.isfinite(raw.y) & np.isfinite(raw.speed)
    holes = find_holes(there, offsets)
    positions = (
        downfield(raw.x, line.astype(np.float32), right),
        sideways(raw.y, right),
        raw.speed,
    )
    x, y, speed = (fill_holes(value, holes) for value in positions)
    orientation = turned(raw.orientation + quarter.astype(np.float32), right)
    direction = turned(raw.direction, right)
    (orientation, o_filled), (direction, d_filled) = (
        _fill_angle(angle, offsets, max_hole) for angle in (orientation, direction)
    )
    o_missing, d_missing = np.isnan(orientation), np.isnan(direction)
    other = orientation.copy()
    orientation[o_missing] = direction[o_missing]
    direction[d_missing] = other[d_missing]
    for angle in (orientation, direction):
        np.nan_to_num(angle, copy=False)
    return Motion(
        x,
        y,
        speed,
        orientation,
        direction,
        hole=holes.length,
        angles_filled=(o_filled.astype(int) + d_filled) * there,
        angles_replaced=(o_missing.astype(int) + d_missing) * there,
    )


def _fill_angle(
    angle: Float[NDArray, "N 22"], offsets: Int[NDArray, " K1"], max_hole: int
) -> tuple[Float[NDArray, "N 22"], Bool[NDArray, "N 22"]]:
    """The angle with its short holes filled, and where that was done."""
    holes = find_holes(np.isfinite(angle), offsets)
    is_short = holes.length <= max_hole
    short = Holes(np.where(is_short, holes.length, 0), holes.before, holes.after)
    filled = fill_holes(angle, short, angles=True)
    return filled, np.isfinite(filled) & (holes.length > 0)
