"""Scores of laws on a table's test rows, and the table that they end in."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.distributions import Law

_COVERAGES: Final = (0.5, 0.9, 0.99)
_ROWS: Final = 512  # scored at once, which bounds the memory of a mixture's CRPS


def score(law: Law, y: Float[NDArray, " b"]) -> dict[str, float]:
    """Means over the rows, in the unit of the target."""
    log_score = -np.asarray(law.log_prob(y), np.float64)
    scores = {
        "log_score": float(log_score.mean()),
        "infinite": float(1 - np.isfinite(log_score).mean()),
        "crps": float(np.mean(_in_parts(law, y, lambda part, given: part.crps(given)))),
        "rmse": float(np.sqrt(np.mean((np.asarray(law.mean) - y) ** 2))),
    }
    for share in _COVERAGES:
        low, high = np.asarray(law.interval(share)).T
        scores[f"coverage_{share:g}"] = float(np.mean((low <= y) & (y <= high)))
    return scores


def _in_parts(law: Law, y: NDArray, score: Callable[[Law, NDArray], Any]) -> NDArray:
    """A score of a few rows at a time."""
    starts = range(0, len(y), _ROWS)
    parts = (score(law[slice(at, at + _ROWS)], y[at : at + _ROWS]) for at in starts)
    return np.concatenate([np.asarray(part) for part in parts])


def render(name: str, rows: Sequence[dict[str, Any]]) -> str:
    """A table of means over splits, standard errors in brackets.

    Args:
        name: of the set.
        rows: scores of each split, with its "split", "method" and "members".
    """
    table = pl.DataFrame(rows)
    first, second = rows[0]["method"], rows[0]["members"]
    reference = table.filter((pl.col("method") == first) & (pl.col("members") == second))
    lines = [
        f"{name}: mean over {table.n_unique('split')} splits, its standard error in brackets; log "
        f"score in nats of the density; difference: from {first}, {second}, split by split",
        f"{'':<18}{'networks':>9}{'log score':>16}{'difference':>17}{'CRPS':>15}{'RMSE':>15}"
        f"{'in 50 %':>9}{'in 90 %':>9}{'in 99 %':>9}{'infinite':>10}{'seconds':>9}",
    ]
    for (method, members), group in table.group_by("method", "members", maintain_order=True):
        paired = group.join(reference, on="split", suffix="_reference")
        difference = (paired["log_score"] - paired["log_score_reference"]).to_numpy()
        cells = [_with_error(group[column].to_numpy()) for column in ("log_score", "crps", "rmse")]
        cells.insert(1, _with_error(difference, "+") if difference.any() else "-")
        shares = [float(group[f"coverage_{share:g}"].to_numpy().mean()) for share in _COVERAGES]
        infinite, seconds = (group[x].to_numpy().mean() for x in ("infinite", "seconds"))
        lines.append(
            f"{method!s:<18}{members!s:>9}{cells[0]:>16}{cells[1]:>17}{cells[2]:>15}{cells[3]:>15}"
            + "".join(f"{share:>9.3f}" for share in shares)
            + f"{infinite:>10.4f}{seconds:>9.1f}"
        )
    return "\n".join(lines) + "\n"


def _with_error(values: Float[NDArray, " splits"], sign: str = "") -> str:
    count = len(values)
    error = f" ({values.std(ddof=1) / np.sqrt(count):.3f})" if count > 1 else ""
    return f"{values.mean():{sign}.3f}{error}"
