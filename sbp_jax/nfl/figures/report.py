"""The report of a run: what was done, what came out, and how to go on, as one Markdown file."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sbp_jax.errors import ReportError
from sbp_jax.evaluation.compare import Estimate
from sbp_jax.evaluation.table import render
from sbp_jax.nfl.figures.figures import FIGURES
from sbp_jax.nfl.plays.report import GamesReport
from sbp_jax.nfl.ratings.rate import Ratings
from sbp_jax.nfl.ratings.table import render_ratings
from sbp_jax.runs.atomic import write_text

REPORT: Final = "report.md"
_CLEAR: Final = 1.96  # standard errors from 0, beyond which chance alone is an unlikely reason
_LONGEST: Final = 80  # characters of a value in the list of settings


@dataclass(frozen=True)
class ReportInputs:
    """Everything the report says; no number in it comes from elsewhere.

    Attributes:
        title: first line of the report.
        config: the run's config, plain JSON types, nested as it likes.
        data: the account of the load.
        evaluation: what `sbp_jax.evaluation.evaluate` returns; its reference is the model that
            the report is about.
        ratings: of the passers.
        figures: paths of figures, shown in this order; those of `sbp_jax.nfl.figures.FIGURES` are
            known by their stems and get headings and captions.
        speeds: by what it is of, such as "scoring_plays_per_second".
        history_gain: log score of the model without the game so far minus that with it, paired
            by play, in nats: above 0, the game so far helps. None if it was not measured.
        command: what was typed to start the run, and continues it.
    """

    title: str
    config: Mapping[str, Any]
    data: GamesReport
    evaluation: Mapping[str, Any]
    ratings: Ratings
    figures: Sequence[Path]
    speeds: Mapping[str, float]
    history_gain: Estimate | None
    command: str


def write_report(folder: Path, inputs: ReportInputs) -> Path:
    """Write ``report.md`` into a run folder, whole or not at all.

    Returns:
        Its path.

    Raises:
        ReportError: a figure is missing.
        ScoringError: no passer qualified.
    """
    sections = {
        "Result": _result(inputs),
        "The passers": text_block(render_ratings(inputs.ratings)),
        "Figures": _figures(folder, inputs.figures),
        "What the game so far adds": _history(inputs.history_gain),
        "Speed": _speed(inputs.speeds),
        "Data": text_block(str(inputs.data)),
        "What was run": (
            f"{text_block(inputs.command)}\n\n"
            "Settings (all of them, whole, are in `config.json`):\n\n"
            + text_block("\n".join(settings_lines(inputs.config)))
        ),
        "How to go on": _next_steps(inputs.command),
    }
    parts = [f"# {inputs.title}", *(f"## {name}\n\n{text}" for name, text in sections.items())]
    path = folder / REPORT
    write_text(path, "\n\n".join(parts) + "\n")
    return path


def _result(inputs: ReportInputs) -> str:
    evaluation = inputs.evaluation
    name = evaluation["reference"]
    entry = evaluation["forecasts"][name]
    facts = [
        f"{title} {entry[key]['mean']:.{decimals}f} {unit}"
        for key, title, unit, decimals in (
            ("log_score", "log score", "nats", 3),
            ("crps", "CRPS", "yards", 3),
            ("mae_median", "mean absolute error of the median", "yards", 2),
        )
        if entry[key] is not None and entry[key]["mean"] is not None
    ]
    summary = (
        f"{name} on {evaluation['plays']:,} test plays of {evaluation['games']:,} games: "
        f"{', '.join(facts) or 'no score is defined'}."
    )
    return f"{summary} All forecasts of the same plays:\n\n{text_block(render(evaluation))}"


def _figures(folder: Path, figures: Sequence[Path]) -> str:
    if not figures:
        return "None were drawn."
    known = {entry.stem: entry for entry in FIGURES}
    parts = []
    for path in figures:
        if not path.is_file():
            raise ReportError(f"figures: expected a file, got {path}, which is not there")
        entry = known.get(path.stem)
        title = entry.title if entry else path.stem.replace("_", " ")
        link = Path(os.path.relpath(path, folder)).as_posix()
        parts.append(f"### {title}\n\n![{title}]({link})")
        if entry:
            parts.append(entry.caption)
    return "\n\n".join(parts)


def _history(gain: Estimate | None) -> str:
    if gain is None:
        return "It was not measured in this run."
    what = (
        "The same model without the plays that came before has a log score that differs by "
        f"{gain.mean:+.4f} nats a play"
    )
    if not math.isfinite(gain.standard_error):
        return f"{what}. With a single game there is no standard error, and nothing is shown."
    if abs(gain.mean) <= _CLEAR * gain.standard_error:
        judgement = "no more than chance explains: that the game so far helps is not shown."
    elif gain.mean > 0:
        judgement = "so the game so far helps."
    else:
        judgement = "so the game so far does harm; the model is better without it."
    return (
        f"{what} (standard error {gain.standard_error:.4f}, paired by play, with games as units; "
        f"above 0 is worse): {judgement} Each was trained once; how much another seed would change "
        "is not in the standard error."
    )


def _speed(speeds: Mapping[str, float]) -> str:
    if not speeds:
        return "It was not measured in this run."
    return "\n".join(
        f"- {name.replace('_', ' ')}: {value:,.{0 if value >= 100 else 1}f}"
        for name, value in speeds.items()
    )


def _next_steps(command: str) -> str:
    return f"""The run can be continued or shown again; what is done is not done twice:

{text_block(command)}

This folder holds `scores.csv` (every passer and season), `evaluation.json` (the result above),
`metrics.jsonl` (every epoch), `checkpoints/` (the trained model for JAX) and `weights.npz` (the
same for NumPy alone). The last is written again from the checkpoint, with RUN the path of this
folder, by

{text_block("python scripts/export_weights.py RUN")}

and is read anywhere, without JAX, by

```python
from sbp_jax.export import load_model

model = load_model("RUN/weights.npz")
parameters = model.parameters(sequence, mask, static)  # NumPy arrays of a batch of plays
model.median(parameters)  # yards
```"""


def settings_lines(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """One line for each setting, nested names joined by dots."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from settings_lines(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}: {_short(value)}"


def _short(value: Any) -> str:
    text = str(value)
    if len(text) <= _LONGEST:
        return text
    if isinstance(value, list | tuple):
        ends = [entry if len(str(entry)) <= _LONGEST // 4 else "..." for entry in value]
        return f"{len(value)} entries, from {ends[0]} to {ends[-1]}"
    return text[: _LONGEST - 3] + "..."


def text_block(text: str) -> str:
    """Plain text as a block of Markdown."""
    return f"```text\n{text.rstrip()}\n```"
