r"""How stable a rating is from season to season.

The rating of a player in a season is paired with his rating in the season after, and the pairs
are correlated (Pearson's r). A player with k consecutive seasons has k - 1 pairs, which share
seasons, so standard error and interval are by bootstrap over players.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.correlation import Correlation, bootstrap_correlations
from sbp_jax.evaluation.rows import check_rows

Labels = Shaped[np.ndarray, " B"]


class SeasonToSeason(NamedTuple):
    """Correlation of a rating with that of the same player in the season after.

    Attributes:
        correlation: with standard error and 95 % interval, by bootstrap over clusters.
        pairs: number of pairs of consecutive seasons.
        unpaired: number of rows that are in no pair.
    """

    correlation: Correlation
    pairs: int
    unpaired: int


def season_to_season(
    values: Float[np.ndarray, " B"],
    seasons: Int[np.ndarray, " B"],
    players: Labels,
    *,
    clusters: Labels | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> SeasonToSeason:
    """Correlate a rating with that of the same player in the season after.

    Args:
        values: (B,) the rating, one row per player and season.
        seasons: (B,) years.
        players: (B,) numbers or strings.
        clusters: (B,) what the bootstrap draws whole; None means the players. A pair is in that of
            its earlier season.
        draws: of the bootstrap, at least 2.
        seed: of the draws.

    Raises:
        EvaluationError: lengths differ, a number that is not finite, two rows of one player and
            season, no pair of consecutive seasons, or too few draws.

    >>> values, players = np.array([1.0, 2.0, 5.0, 5.0, 3.0]), np.array(["A", "A", "B", "B", "B"])
    >>> seasons = np.array([2009, 2010, 2009, 2010, 2012])
    >>> season_to_season(values, seasons, players)[1:]
    (2, 1)
    """
    clusters = players if clusters is None else clusters
    rows = {"values": values, "seasons": seasons, "players": players, "clusters": clusters}
    check_rows(rows, values.size)
    _, player = np.unique(players, return_inverse=True)
    order = np.lexsort((seasons, player))
    # Unsigned or narrow years must not wrap where they are subtracted.
    years = np.diff(seasons[order].astype(np.int64))
    same = np.diff(player[order]) == 0
    if (twice := same & (years == 0)).any():
        row = order[int(np.argmax(twice))]
        raise EvaluationError(
            f"players: expected one row per player and season, got two of {players[row]} "
            f"in {seasons[row]}"
        )
    earlier = np.flatnonzero(same & (years == 1))
    if not earlier.size:
        raise EvaluationError(
            f"seasons: expected a player with two consecutive ones, got none in {values.size} rows"
        )
    found = bootstrap_correlations(
        {"season before": values[order[earlier]]},
        values[order[earlier + 1]],
        clusters[order[earlier]],
        draws=draws,
        seed=seed,
    )
    paired = np.union1d(earlier, earlier + 1).size
    return SeasonToSeason(found.ratings["season before"], earlier.size, values.size - paired)
