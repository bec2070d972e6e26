"""The evaluation as plain text that fits into 100 columns."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sbp_jax.evaluation.calibration import REGIONS
from sbp_jax.evaluation.metrics import COVERAGES, SCORES

_NAME: Final = 22  # widest name of a forecast; longer ones are cut
_SHARE: Final = 9
_DECIMALS: Final = {"log_score": 4}  # of a score; 3 of the others
_ABSENT: Final = "-"


def render(evaluation: Mapping[str, Any]) -> str:
    r"""Table of what `evaluate` returns: scores, differences to the reference, calibration.

    >>> import numpy as np
    >>> from sbp_jax.evaluation.verdict import point_verdict
    >>> from sbp_jax.evaluation.summary import evaluate
    >>> verdicts = {"always 5": point_verdict(np.array([5.0, 5.0]))}
    >>> evaluation = evaluate(verdicts, np.array([0.0, 6.0]), np.array(["a", "b"]))
    >>> for line in render(evaluation).splitlines()[3:6]:
    ...     print(line[:8], line[70:84])
             MAE median
                  yards
    always 5  3.000 (2.000)
    """
    blocks = [
        f"{evaluation['plays']} plays of {evaluation['games']} games. "
        "In brackets: standard error, with games as units.",
        "Scores: lower is better\n" + _scores(evaluation["forecasts"]),
    ]
    if evaluation["differences"]:
        title = f"Difference from {evaluation['reference']}, play by play: negative is better\n"
        blocks.append(title + _scores(evaluation["differences"], sign="+"))
    blocks.append(_calibration(evaluation))
    return "\n\n".join(blocks) + "\n"


def _scores(entries: Mapping[str, Any], sign: str = "") -> str:
    decimals = [_DECIMALS.get(name, 3) for name in SCORES]
    rows = [["", *(metric.title for metric in SCORES.values())]]
    rows.append(["", *(metric.unit for metric in SCORES.values())])
    for name, entry in entries.items():
        cells = zip(SCORES, decimals, strict=True)
        rows.append([name, *(_estimate(entry[metric], sign, d) for metric, d in cells)])
    return _align(rows, [8 + 2 * d for d in decimals])


def _calibration(evaluation: Mapping[str, Any]) -> str:
    rows = [
        ["", *(metric.title for metric in COVERAGES.values()), *("PP-MAE" for _ in REGIONS)],
        ["", *("" for _ in COVERAGES), *REGIONS],
    ]
    for name, entry in evaluation["forecasts"].items():
        covered = [_number(entry[key] and entry[key]["mean"], ".3f") for key in COVERAGES]
        errors = entry["pp_mae"] or {}
        pp_mae = [_number(errors.get(key, {}).get("value"), ".4f") for key in REGIONS]
        rows.append([name, *covered, *pp_mae])
    perfect = [evaluation["perfect"][key] for key in REGIONS]
    nominal = [f"{metric.nominal:.3f}" for metric in COVERAGES.values()]
    rows.append(["perfect forecaster", *nominal, *(f"{each['mean']:.4f}" for each in perfect)])
    absent = ["" for _ in COVERAGES]
    rows.append(["  its 95th percentile", *absent, *(f"{each['p95']:.4f}" for each in perfect)])
    return (
        "Calibration: share of plays in central intervals; PP-MAE below 0.05, between, above 0.95\n"
        + _align(rows, [_SHARE] * (len(COVERAGES) + len(REGIONS)))
    )


def _estimate(entry: Mapping[str, Any] | None, sign: str, decimals: int) -> str:
    if entry is None:
        return _ABSENT
    if entry.get("infinite"):
        return f"inf in {entry['infinite']}"
    error = "" if entry["se"] is None else f" ({entry['se']:.{decimals}f})"
    return f"{entry['mean']:{sign}.{decimals}f}{error}"


def _number(value: float | None, spec: str) -> str:
    return _ABSENT if value is None else format(value, spec)


def _align(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    lines = (
        row[0][:_NAME].ljust(_NAME)
        + "".join(f" {cell:>{width}}" for cell, width in zip(row[1:], widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)
