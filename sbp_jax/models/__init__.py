"""Networks: pure ``apply(params, batch) -> raw`` functions behind Flax modules."""
