"""Is the play score fair? Its mean at every level of what the expectation knows, and more."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from sbp_jax.evaluation.by_level import by_level, render_levels
from sbp_jax.nfl.ratings.split_columns import with_split_columns

LEVELS: Final[Mapping[str, tuple[str, ...]]] = {
    "known": ("depth", "down", "distance", "field", "direction", "half", "two_minute"),
    "free": ("score_state", "shotgun", "no_huddle", "season", "season_type"),
}
"""Splits by what the expectation knows, at whose levels scores must be fair; and by what it does
not know, shown for what they are."""


def render_mean_scores(plays: pl.DataFrame, splits: tuple[str, ...]) -> str:
    """Mean play score of throws at every level of some splits, levels in their order."""
    throws = with_split_columns(plays.filter(~pl.col("sack")))
    found = []
    for split in splits:
        ordered = throws.select("play_score", "game_id", split).sort(split)
        levels = {split: ordered[split].to_numpy()}
        games = ordered["game_id"].to_numpy()
        found.append(by_level(ordered["play_score"].to_numpy(), levels, games))
    return render_levels(pl.concat(found))
