"""Which games train, validate and test.

The last weeks test, those before them validate, the others train, so that a model is judged on
what came later, and no game, nor day of games, is in two splits. Where there are too few weeks for
that, or a week is not known, games take the place of weeks, in the order of their ids, which begin
with the date.
"""

from typing import Final

import polars as pl

from sbp_jax.nfl.errors import BuildError

SPLITS: Final = ("train", "valid", "test")
VALID_SHARE: Final = 0.10
TEST_SHARE: Final = 0.15
"""Of the weeks, or games; at least one each."""

FEWEST_WEEKS: Final = 6
_WEEK: Final = ("season", "week")


def split_of_games(plays: pl.DataFrame) -> pl.DataFrame:
    """The split of each game.

    Args:
        plays: game_id, season and week of each play; week may be null.

    Returns:
        game_id, split; a row a game, sorted.

    Raises:
        BuildError: there are fewer than three games.

    >>> plays = pl.DataFrame({"game_id": range(9), "season": 2022, "week": range(1, 10)})
    >>> split_of_games(plays)["split"].to_list()
    ['train', 'train', 'train', 'train', 'train', 'train', 'train', 'valid', 'test']
    """
    games = plays.group_by("game_id").agg(pl.col(*_WEEK).first()).sort("game_id")
    if games.height < len(SPLITS):
        raise BuildError(
            f"expected plays of at least {len(SPLITS)} games to split into "
            f"{', '.join(SPLITS)}, got {games.height}"
        )
    weeks = games.select(pl.struct(_WEEK)).to_series()
    by_weeks = weeks.n_unique() >= FEWEST_WEEKS and games["week"].null_count() == 0
    group = pl.struct(_WEEK).rank("dense") if by_weeks else pl.struct("game_id").rank("dense")
    games = games.with_columns(group=group - 1)
    groups = weeks.n_unique() if by_weeks else games.height
    test = groups - max(1, round(TEST_SHARE * groups))
    valid = test - max(1, round(VALID_SHARE * groups))
    split = (
        pl.when(pl.col("group") >= test)
        .then(pl.lit("test"))
        .when(pl.col("group") >= valid)
        .then(pl.lit("valid"))
        .otherwise(pl.lit("train"))
    )
    return games.select("game_id", split=split)
