"""What football tells the networks: the points that logits of yards are tied to."""
