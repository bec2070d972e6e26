"""Scores of plays, and the rating of passers by them."""

from sbp_jax.scoring.errors import ScoringError
from sbp_jax.scoring.passers import MIN_ATTEMPTS, rate_passers
from sbp_jax.scoring.play_score import play_scores, standardise
from sbp_jax.scoring.table import render_ranking

__all__ = [
    "MIN_ATTEMPTS",
    "ScoringError",
    "play_scores",
    "rate_passers",
    "render_ranking",
    "standardise",
]
