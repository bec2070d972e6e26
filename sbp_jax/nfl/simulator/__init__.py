"""How a season is simulated: line-ups, routes, coverage, bodies, and the files they end up in.

`simulate` is the way in, `simulated_outcome` the law of yards, `oracle` the forecast that knows it.
"""
