"""How a season is simulated: line-ups, routes, coverage, bodies, and the files they end up in.

`sbp_jax.tracking.simulate` is the way in; `sbp_jax.tracking.simulated_outcome` is the law of yards.
"""
