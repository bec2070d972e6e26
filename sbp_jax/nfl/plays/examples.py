"""From tables to the batches that a model is trained on and asked about."""

import polars as pl

from sbp_jax.batch import Batch, check_batch
from sbp_jax.nfl.plays.history import HISTORY_FEATURES, history
from sbp_jax.nfl.plays.static import STATIC_FEATURES, static_features


def targeted_passes(passes: pl.DataFrame, *, playoffs: bool = True) -> pl.DataFrame:
    """Attempts thrown at somebody: no spikes, no throw-aways.

    Args:
        passes: the passes table.
        playoffs: keep playoff games too.
    """
    kept = passes.filter(pl.col("targeted") & ~pl.col("spike"))
    return kept if playoffs else kept.filter(pl.col("season_type") == "REG")


def pass_examples(passes: pl.DataFrame, snaps: pl.DataFrame, *, max_snaps: int = 64) -> Batch:
    """One example per row of ``passes``: the game so far, the throw, and the yards gained.

    Args:
        passes: rows of the passes table, in any order, which is kept.
        snaps: the snaps table, holding every snap of those games.
        max_snaps: longest history kept.

    Raises:
        BatchError: no passes, or a value that is not finite (named by row and column).
        ValueError: a pass is not among the snaps.
    """
    sequence, mask = history(passes, snaps, max_snaps)
    target = passes["yards_gained"].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    batch = Batch(sequence, mask, static_features(passes), target)
    check_batch(batch, sequence_names=HISTORY_FEATURES, static_names=tuple(STATIC_FEATURES))
    return batch
