r"""Scores of any split of the plays, comparable within their level, with how sure they are.

The value of a group is its posterior mean of standard scores (`ratings.nested_means`), each
play weighing by its leverage: groups are nested in the order in which they are named, and games
are a level of their own below them. With mu and sigma the mean and the standard deviation (divisor
q - 1) of the values of the q qualified groups of the table,

    score = 85.7 + 4.7 (value - mu) / sigma        clipped to 50 ... 99

so that every level has a scale of its own: the average qualified season has 85.7, and so has the
average qualified game. The two constants are those that the published Next Gen Stats scores of ten
passer-seasons suggest, there on the normal quantile of the rank; a linear map keeps how far apart
groups are, and takes the interval of the value along. A group with too few attempts gets a score
by the same map but no rank.

A split by what only throws have, such as depth, is of throws alone and of what came of them: their
throw scores are fair from one kind of throw to another. Any other is of dropbacks: sacks count, and
so does the choice of the throw (`sbp_jax.nfl.ratings.dropback`).
"""

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.check_plays import check_groups, check_plays
from sbp_jax.nfl.ratings.nested_means import nested_means
from sbp_jax.nfl.ratings.passer_seasons import SPELLING, TEAMS
from sbp_jax.nfl.ratings.splits import split_plays

MIN_ATTEMPTS: Final = 224
"""Attempts a season that qualify: 14 for each of 16 team games."""

CENTRE: Final = 85.7
SPREAD: Final = 4.7
LIMITS: Final = (50.0, 99.0)
_NORMAL_95: Final = 1.96  # half width of a 95 % interval, in standard errors

_FLAT: Final = 1e-12  # a spread of values no larger is none
_GAME: Final = "game_id"

Rated = Literal["dropback", "throw"]


@dataclass(frozen=True)
class Ratings:
    """Scores of the groups of a split.

    Attributes:
        table: one row per group, the qualified in order of rank, then the others by score.
        by: the columns that tell groups apart.
        part: what was rated.
        plays: how many were rated.
        left_out: how many did not match the condition.
        sacks_left_out: how many sacks matched it, but throws alone were rated.
        unqualified: groups with fewer attempts than asked for.
        play_variance: of standard scores within games.
        level_variances: of groups within the group above, by column, games the last.
    """

    table: pl.DataFrame
    by: tuple[str, ...]
    part: Rated
    plays: int
    left_out: int
    sacks_left_out: int
    unqualified: int
    play_variance: float
    level_variances: dict[str, float]

    @property
    def qualified(self) -> pl.DataFrame:
        """The groups with a rank."""
        return self.table.filter("qualified")

    @property
    def shown(self) -> list[str]:
        """Columns that tell qualified groups apart, where names stand for passers' ids."""
        groups = self.qualified
        return [x for x in self.by if x != "passer_id" and groups[x].n_unique() > 1]


def rate(
    plays: pl.DataFrame,
    by: str = "season, passer",
    *,
    where: str | None = None,
    min_attempts: int = 1,
    part: Rated | None = None,
    by_leverage: bool = True,
) -> Ratings:
    """Rate the groups of a split; formulas at the top of this module.

    Args:
        plays: scored plays (`sbp_jax.nfl.ratings.scored_plays`).
        by: what to group by, outermost first (`sbp_jax.nfl.ratings.splits`); small groups are drawn
            towards the one they are part of, so "season, passer, down" draws a passer's downs
            towards his season, and "passer, season" his seasons towards his career.
        where: which plays; all if left out.
        min_attempts: fewest throws that qualify a group.
        part: "dropback" rates all plays by their standard score, "throw" throws alone by their
            throw score; None chooses by what the split reads.
        by_leverage: False weighs all plays alike.

    Returns:
        Ratings, whose table has, besides the columns of ``by`` and, where passers are among
        them, passer_name (the most frequent spelling) and teams (in order of play, "OAK/DAL"):

        - rank among the qualified (null for others; equal values share the better rank);
        - score, 50 to 99, and the 95 % interval score_low, score_high (null where fewer than two
          groups qualify; the interval also where groups differ by no more than chance explains,
          so that all have 85.7, and where no game has two plays, which say how plays vary);
          own_score, by the same map but drawn towards nothing;
        - attempts (throws), sacks, games, qualified;
        - mean and standard_error of the group by itself; value and value_error, drawn towards the
          group above, in the unit of the outcome;
        - mean_play_score, 1/2 being what the model expects;
        - completion_percent, yards, touchdowns, interceptions, for orientation.

    Raises:
        ScoringError: a column is missing, a score is not finite, the split cannot be read or has a
            column called as one of the table, or no play is left.

    >>> plays = pl.DataFrame(
    ...     {
    ...         "season": [2018] * 4,
    ...         "game_id": ["g", "h", "g", "h"],
    ...         "passer_id": ["1", "1", "2", "2"],
    ...         "passer_name": ["A.One", "A.One", "B.Two", "B.Two"],
    ...         "offense": ["KC"] * 4,
    ...         "complete": [True, False, True, True],
    ...         "yards_gained": [5, 0, 12, 9],
    ...         "pass_touchdown": [False] * 4,
    ...         "interception": [False, True, False, False],
    ...         "play_score": [0.4, 0.2, 0.9, 0.7],
    ...         "standard_score": [-0.2, -1.0, 1.4, 0.6],
    ...         "throw_score": [-0.2, -1.0, 1.4, 0.6],
    ...         "sack": [False] * 4,
    ...         "leverage": [1.0] * 4,
    ...     }
    ... )
    >>> table = rate(plays, "passer").table
    >>> table.select("rank", "passer_name", pl.col("score").round(1)).rows()
    [(1, 'B.Two', 89.0), (2, 'A.One', 82.4)]
    """
    check_plays(plays)
    split = split_plays(plays, by, where)
    check_groups(split.by)
    part = part or ("throw" if split.of_throws else "dropback")
    weights = pl.col("leverage") if by_leverage else pl.lit(1.0)
    rated = split.plays if part == "dropback" else split.plays.filter(~pl.col("sack"))
    if rated.is_empty():
        raise ScoringError("part: expected throws, got sacks alone; rate dropbacks")
    found = nested_means(
        rated.with_columns(value=_VALUES[part], weight=weights), split.by, within=_GAME
    )

    def known(error: pl.Expr) -> pl.Expr:
        # Where no game has two plays that differ, nothing is known of how plays vary.
        return error if found.play_variance > 0 else pl.lit(None, pl.Float64)

    groups = (
        found.groups.select(
            *split.by,
            mean="mean",
            standard_error=known(pl.col("variance").sqrt()),
            value="posterior",
            value_error=known(pl.col("posterior_variance").sqrt()),
        )
        .join(_described(rated, split.by), on=split.by, nulls_equal=True, maintain_order="left")
        .with_columns(qualified=pl.col("attempts") >= min_attempts)
        .with_columns(_scaled())
    )
    rank = pl.col("value").rank("min", descending=True).over("qualified").cast(pl.Int32)
    table = groups.with_columns(rank=pl.when("qualified").then(rank)).sort(
        ["qualified", "value", "attempts", *split.by],
        descending=[True, True, True, *[False] * len(split.by)],
    )
    described = [x for x in ("passer_name", "teams") if x in table.columns and x not in split.by]
    first = ["rank", *split.by, *described]
    return Ratings(
        table=table.select(*first, pl.exclude(first)),
        by=split.by,
        part=part,
        plays=rated.height,
        left_out=split.left_out,
        sacks_left_out=split.plays.height - rated.height,
        unqualified=table.height - int(table["qualified"].sum()),
        play_variance=found.play_variance,
        level_variances=found.level_variances,
    )


_VALUES: Final[dict[Rated, str]] = {"dropback": "standard_score", "throw": "throw_score"}


def _described(plays: pl.DataFrame, by: tuple[str, ...]) -> pl.DataFrame:
    """What the plays of each group came to."""
    names = {"passer_name": SPELLING, "teams": TEAMS} if "passer_id" in by else {}
    # Game ids begin with the date, and teams are named in order of play.
    return (
        plays.sort(_GAME, maintain_order=True)
        .group_by(by, maintain_order=True)
        .agg(
            **names,
            attempts=(~pl.col("sack")).sum().cast(pl.Int32),
            sacks=pl.col("sack").sum().cast(pl.Int32),
            games=pl.col(_GAME).n_unique().cast(pl.Int32),
            mean_play_score=pl.col("play_score").mean(),
            completion_percent=100 * pl.col("complete").mean(),
            yards=pl.col("yards_gained").cast(pl.Int64).sum(),
            touchdowns=pl.col("pass_touchdown").sum().cast(pl.Int32),
            interceptions=pl.col("interception").sum().cast(pl.Int32),
        )
    )


def _scaled() -> list[pl.Expr]:
    """The score and its interval, from the columns value, value_error and qualified."""
    value, half = pl.col("value"), _NORMAL_95 * pl.col("value_error")
    among = value.filter(pl.col("qualified"))
    mean, spread = among.mean(), among.std()

    def scale(x: pl.Expr) -> pl.Expr:
        # Without a spread there is no scale.
        steps = pl.when(spread > _FLAT).then((x - mean) / spread)
        return (CENTRE + SPREAD * steps).clip(*LIMITS)

    return [
        # Groups that are all equal are all average.
        pl.when(spread <= _FLAT).then(CENTRE).otherwise(scale(value)).alias("score"),
        scale(value - half).alias("score_low"),
        scale(value + half).alias("score_high"),
        scale(pl.col("mean")).alias("own_score"),
    ]
