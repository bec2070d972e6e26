"""What the experiments and scripts do, as functions of their settings: the top of the house."""
