"""The known law of a simulated season's yards, play by play, in the form of any other forecast."""

from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.evaluation.verdict import Verdict, pmf_verdict
from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.simulator.simulated_outcome import LOWEST, ThrowFacts, yards_pmf

_KEYS: Final = ("game_id", "play_id")


def read_facts(path: Path, plays: pl.DataFrame) -> ThrowFacts:
    """What the outcomes of some plays depended on, in their order.

    Args:
        path: the file `sbp_jax.nfl.simulator.simulate.ORACLE_FILE` of a simulated season.
        plays: game_id and play_id of each.

    Raises:
        TrackingError: a play is not in the file.
    """
    oracle = pl.read_parquet(path)
    joined = plays.select(*_KEYS).join(oracle, on=_KEYS, how="left", maintain_order="left")
    unknown = joined["depth"].is_null()
    if unknown.any():
        row = joined.row(int(unknown.arg_max() or 0), named=True)
        raise TrackingError(
            f"{path}: expected every play, found none with game_id {row['game_id']}, play_id "
            f"{row['play_id']}; is it of another season?"
        )
    return ThrowFacts(*(joined[name].cast(pl.Float64).to_numpy() for name in ThrowFacts._fields))


def oracle_verdict(path: Path, plays: pl.DataFrame, y: Float[NDArray, " K"]) -> Verdict:
    """The verdict of the forecast that knows the law: on average nobody's score is better.

    Args:
        path: the file `sbp_jax.nfl.simulator.simulate.ORACLE_FILE` of a simulated season.
        plays: game_id and play_id of each play.
        y: (K,) yards gained.

    Raises:
        TrackingError: a play is not in the file.
    """
    return pmf_verdict(yards_pmf(read_facts(path, plays)), LOWEST, np.asarray(y, np.float64))
