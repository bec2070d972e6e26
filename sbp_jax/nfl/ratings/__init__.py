"""Scores of plays, and of anything that plays can be grouped by."""

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.play_score import play_scores, throw_scores
from sbp_jax.nfl.ratings.rate import MIN_ATTEMPTS, Ratings, rate
from sbp_jax.nfl.ratings.scored_plays import read_scored_plays, scored_plays, write_scored_plays
from sbp_jax.nfl.ratings.table import render_ratings

__all__ = [
    "MIN_ATTEMPTS",
    "Ratings",
    "ScoringError",
    "play_scores",
    "rate",
    "read_scored_plays",
    "render_ratings",
    "scored_plays",
    "throw_scores",
    "write_scored_plays",
]
