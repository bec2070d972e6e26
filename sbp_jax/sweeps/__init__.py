"""Sweeps: which settings, searched by Optuna and trained many at once; chosen on validation."""
