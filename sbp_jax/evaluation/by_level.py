r"""Are scores fair at every level of what was known before the play?

A score that measures the passer alone has the same mean on first and on third down, near the goal
line and far from it. At each level with n plays,

    z = (mean - expected) / SE

with SE by games, the formula of `sbp_jax.evaluation.compare`. If scores are fair, z is about
standard normal: of 370 levels one is beyond 3 by chance.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float, Shaped

from sbp_jax.errors import EvaluationError
from sbp_jax.evaluation.compare import clustered_mean
from sbp_jax.evaluation.rows import check_rows

UNKNOWN: Final = "unknown"
"""The level of plays whose level is null."""

FAR: Final = 3.0
"""Levels whose |z| exceeds this are counted."""

_SPLIT, _LEVEL = 16, 20  # widest names; longer ones are cut

_SCHEMA: Final = {
    "split": pl.String,
    "level": pl.String,
    "plays": pl.Int64,
    "mean": pl.Float64,
    "standard_error": pl.Float64,
    "z": pl.Float64,
    "spread": pl.Float64,
}


def by_level(
    values: Float[np.ndarray, " B"],
    levels: Mapping[str, Shaped[np.ndarray, " B"]],
    games: Shaped[np.ndarray, " B"],
    *,
    expected: float = 0.5,
) -> pl.DataFrame:
    """Mean of the values at every level of several splits, against what is expected.

    Args:
        values: (B,) one finite number per play.
        levels: (B,) the level of each play by the name of the split, strings or numbers. Null and
            NaN are the level "unknown".
        games: (B,) the game of each play.
        expected: the mean if values are fair.

    Returns:
        One row per level. Splits are in the order given; their levels in order of size if
        numbers, of first appearance if not, "unknown" last:

        - split, level, plays;
        - mean; standard_error, with games as units, and z (both null with a single game; z also
          where the standard error is 0);
        - spread, mean squared deviation of the values from the level's mean.

    Raises:
        EvaluationError: no plays or no split, lengths differ, or a value that is not finite.

    >>> values, games = np.array([0.2, 0.4, 0.6, 0.8]), np.array([1, 2, 1, 2])
    >>> frame = by_level(values, {"down": np.array([3.0, 3.0, 1.0, np.nan])}, games)
    >>> frame.select("level", "plays", pl.col("mean", "standard_error", "z").round(2)).rows()
    [('1', 1, 0.6, None, None), ('3', 2, 0.3, 0.1, -2.0), ('unknown', 1, 0.8, None, None)]
    """
    if not levels:
        raise EvaluationError("levels: expected at least one split, got none")
    check_rows({"values": values, "games": games}, values.size)
    _, game = np.unique(games, return_inverse=True)
    rows = []
    for split, level in levels.items():
        if level.shape != values.shape:
            raise EvaluationError(
                f"levels of {split}: expected {values.size} rows, got shape {level.shape}"
            )
        names, place = _numbered(level)
        for i, name in enumerate(names):
            here = place == i
            rows.append((split, name, *_level(values[here], game[here], expected)))
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def render_levels(frame: pl.DataFrame) -> str:
    """Table of what `by_level` returns, at most 100 columns wide; the last line counts.

    Raises:
        EvaluationError: a column is missing, or no row.

    >>> values, games = np.array([0.2, 0.4, 0.6, 0.9]), np.array([1, 2, 1, 2])
    >>> print(render_levels(by_level(values, {"down": np.array([3, 3, 1, 1])}, games)), end="")
    split            level                   plays     mean      SE       z   spread
    down             1                           2   0.7500  0.1500    +1.7   0.0225
                     3                           2   0.3000  0.1000    -2.0   0.0100
    2 levels, 2 with a z; largest |z| 2.0 (down: 3); 0 exceed 3
    """
    if missing := [name for name in _SCHEMA if name not in frame.columns]:
        raise EvaluationError(f"frame: expected the columns {', '.join(missing)}, got none of them")
    if frame.is_empty():
        raise EvaluationError("frame: expected at least one level, got none")
    lines = [
        f"{'split':<{_SPLIT}} {'level':<{_LEVEL}} "
        f"{'plays':>8} {'mean':>8} {'SE':>7} {'z':>7} {'spread':>8}"
    ]
    above = None
    for split, level, plays, mean, error, z, spread in frame.select(*_SCHEMA).iter_rows():
        lines.append(
            f"{split if split != above else '':<{_SPLIT}.{_SPLIT}} {level:<{_LEVEL}.{_LEVEL}} "
            f"{plays:>8} {mean:>8.4f} "
            f"{_decimal(error, '.4f'):>7} {_decimal(z, '+.1f'):>7} {spread:>8.4f}"
        )
        above = split
    return "\n".join([*lines, _count(frame)]) + "\n"


def _numbered(level: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names of the levels in order, and the place of each play's level among them."""
    series = pl.Series(level.tolist(), strict=False)
    if series.dtype.is_float():
        series = series.fill_nan(None)
    if series.dtype == pl.String:
        series = series.replace(UNKNOWN, None)
    known = series.drop_nulls().unique(maintain_order=True)
    if known.dtype.is_numeric():
        known = known.sort()
    names = [_name(each) for each in known]
    codes = series.replace_strict(
        known, np.arange(len(known)), default=len(known), return_dtype=pl.Int64
    )
    return [*names, *([UNKNOWN] if series.null_count() else [])], codes.to_numpy()


def _name(level: object) -> str:
    """Numbers that are whole have no decimals: a null makes integers floats."""
    return format(level, ".15g") if isinstance(level, float) else str(level)


def _level(
    values: np.ndarray, games: np.ndarray, expected: float
) -> tuple[int, float, float | None, float | None, float]:
    mean, error = clustered_mean(values, games)
    spread = float(((values - mean) ** 2).mean())
    if np.isnan(error):
        return values.size, mean, None, None, spread
    return values.size, mean, error, (mean - expected) / error if error else None, spread


def _count(frame: pl.DataFrame) -> str:
    """The line that sums up."""
    told = frame.filter(pl.col("z").is_not_null())
    if told.is_empty():
        return f"{frame.height} levels; none with a z"
    size = told["z"].abs()
    most = told.row(int(size.arg_max() or 0), named=True)
    return (
        f"{frame.height} levels, {told.height} with a z; largest |z| {abs(most['z']):.1f} "
        f"({most['split']:.{_SPLIT}}: {most['level']:.{_LEVEL}}); "
        f"{int((size > FAR).sum())} exceed {FAR:.0f}"
    )


def _decimal(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)
