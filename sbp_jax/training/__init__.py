"""Training: objectives, SPMD epochs, checkpoints, and the loop that ties them together."""
