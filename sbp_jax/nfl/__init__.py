"""The football wing: games and tracking to plays, forecasts of passes, scores, ratings, figures.

Nothing outside this folder, `sbp_jax.jobs` excepted, knows of football.
"""
