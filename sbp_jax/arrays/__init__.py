"""From anybody's arrays to a model, and from a model to laws: what `sbp_jax.fit` is made of."""
