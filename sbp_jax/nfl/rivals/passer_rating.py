r"""The two classical ratings of a passer, from what the official statistics count.

Passer rating of the NFL [1], since 1973, with A attempts, each part limited to 0 ... 2.375:

    a = 5 (completions / A - 0.3)      b = (yards / A - 3) / 4
    c = 20 touchdowns / A              d = 2.375 - 25 interceptions / A
    rating = 100 (a + b + c + d) / 6          0 at worst, 158.33... at best

Adjusted net yards per attempt [2]:

    (yards + 20 touchdowns - 45 interceptions - yards lost to sacks) / (A + sacks)

References:
    [1] National Football League, "NFL's passer rating", Record & Fact Book.
    [2] Carroll, Palmer, Thorn (1988), The Hidden Game of Football; the form with sacks and these
    weights is that of Pro-Football-Reference.
"""

from typing import Final

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from sbp_jax.nfl.errors import ScoringError

PART_LIMIT: Final = 2.375
"""Most that one of the four parts can be."""

Counts = dict[str, np.ndarray]


def passer_rating(
    attempts: ArrayLike,
    completions: ArrayLike,
    yards: ArrayLike,
    touchdowns: ArrayLike,
    interceptions: ArrayLike,
) -> Float[np.ndarray, "*N"]:
    """NFL passer rating; formula at the top of this module. Not rounded.

    Arguments are numbers or arrays that broadcast.

    Args:
        attempts: passes thrown, spikes and throw-aways included; at least 1.
        completions: of them caught by the own team.
        yards: passing yards; may be negative.
        touchdowns: passes caught for one.
        interceptions: passes caught by the other team.

    Returns:
        Ratings, 0 to 158.33..., float64.

    Raises:
        ScoringError: shapes that do not broadcast, a number that is not finite, a negative count,
            no attempt, more touchdowns than completions, or more completions and interceptions
            than attempts.

    >>> print(passer_rating(580, 383, 5097, 50, 12).round(1))
    113.8
    """
    table = _broadcast(
        attempts=attempts,
        completions=completions,
        yards=yards,
        touchdowns=touchdowns,
        interceptions=interceptions,
    )
    n, caught, gained, scored, picked = table.values()
    _expect("attempts", "at least 1", n, n >= 1)
    _expect_counts(table, "completions", "touchdowns", "interceptions")
    _expect("completions", "with interceptions at most attempts", caught, caught + picked <= n)
    _expect("touchdowns", "at most completions", scored, scored <= caught)
    parts = (
        5 * (caught / n - 0.3),
        (gained / n - 3) / 4,
        20 * scored / n,
        PART_LIMIT - 25 * picked / n,
    )
    return np.asarray(sum(np.clip(part, 0, PART_LIMIT) for part in parts) / 6 * 100)


def adjusted_net_yards(
    attempts: ArrayLike,
    yards: ArrayLike,
    touchdowns: ArrayLike,
    interceptions: ArrayLike,
    sacks: ArrayLike,
    sack_yards: ArrayLike,
) -> Float[np.ndarray, "*N"]:
    """Adjusted net yards per attempt; formula at the top of this module.

    Arguments are numbers or arrays that broadcast.

    Args:
        attempts: passes thrown.
        yards: passing yards; may be negative.
        touchdowns: passes caught for one.
        interceptions: passes caught by the other team.
        sacks: plays on which the passer was tackled before the throw.
        sack_yards: yards lost by them, as a positive number.

    Returns:
        Yards per attempt or sack, float64.

    Raises:
        ScoringError: shapes that do not broadcast, a number that is not finite, a negative one
            other than yards, neither an attempt nor a sack, or more touchdowns and interceptions
            than attempts.

    >>> print(adjusted_net_yards(580, 5097, 50, 12, 26, 171).round(2))
    8.89
    """
    table = _broadcast(
        attempts=attempts,
        yards=yards,
        touchdowns=touchdowns,
        interceptions=interceptions,
        sacks=sacks,
        sack_yards=sack_yards,
    )
    n, gained, scored, picked, sacked, lost = table.values()
    _expect_counts(table, "attempts", "touchdowns", "interceptions", "sacks", "sack_yards")
    _expect("attempts", "with sacks at least 1", n, n + sacked >= 1)
    _expect("touchdowns", "with interceptions at most attempts", scored, scored + picked <= n)
    return np.asarray((gained + 20 * scored - 45 * picked - lost) / (n + sacked))


def _broadcast(**numbers: ArrayLike) -> Counts:
    """Finite float64 arrays of one shape."""
    arrays = {name: np.asarray(value, np.float64) for name, value in numbers.items()}
    try:
        shaped = np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ScoringError(f"expected shapes that broadcast, got {shapes}") from None
    table = dict(zip(arrays, shaped, strict=True))
    for name, array in table.items():
        _expect(name, "finite numbers", array, np.isfinite(array))
    return table


def _expect_counts(table: Counts, *names: str) -> None:
    for name in names:
        _expect(name, "at least 0", table[name], table[name] >= 0)


def _expect(name: str, what: str, values: np.ndarray, fine: np.ndarray) -> None:
    """Refuse the first value that is not fine, with where it stands."""
    if fine.all():
        return
    at = int(np.argmin(fine))
    where = f" in row {at}" if values.ndim else ""
    raise ScoringError(f"{name}: expected {what}, got {values.flat[at]:g}{where}")
