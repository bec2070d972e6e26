"""The report on ratings and winning: tables, figures, and one Markdown file that holds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

import polars as pl

from sbp_jax.evaluation.correlation import Correlation
from sbp_jax.nfl.figures.passer_page import find_passer, passer_page
from sbp_jax.nfl.figures.passers_figure import passers_figure
from sbp_jax.nfl.figures.report import REPORT, settings_lines, text_block
from sbp_jax.nfl.figures.wins_figure import wins_figure
from sbp_jax.nfl.plays.report import GamesReport
from sbp_jax.nfl.ratings.compare_ratings import RATINGS
from sbp_jax.nfl.ratings.extreme_plays import read_extreme_plays
from sbp_jax.nfl.ratings.rate import Ratings, rate
from sbp_jax.nfl.ratings.rating import Rating
from sbp_jax.nfl.ratings.table import render_ratings
from sbp_jax.plots.style import save_figure
from sbp_jax.runs.atomic import write_text

_WIDTH: Final = 26
_LINE: Final = 100
_NONE: Final = "-"


@dataclass(frozen=True)
class WinsInputs:
    """What the report is made of.

    Attributes:
        config: the run's config.
        data: the account of the load.
        evaluation: correlations and stability, as plain types.
        table: passer-seasons with their ratings.
        plays: scored plays.
        seasons: the rating of all passers and seasons.
        levels: by name, the rendered tables of mean play scores.
        ratings: that are compared, by name.
    """

    config: Mapping[str, Any]
    data: GamesReport
    evaluation: Mapping[str, Any]
    table: pl.DataFrame
    plays: pl.DataFrame
    seasons: Ratings
    levels: Mapping[str, str]
    ratings: Mapping[str, Rating]


def title_of(name: str, evaluation: Mapping[str, Any], ratings: Mapping[str, Rating]) -> str:
    """What a rating is called; one that is not made of plays by the label it was given."""
    if name in ratings:
        return ratings[name].title
    return str(evaluation.get("label") or "other ratings")


def render_comparison(
    evaluation: Mapping[str, Any], ratings: Mapping[str, Rating] = RATINGS
) -> str:
    """Tables of correlations and stability as plain text, at most 100 columns wide.

    Args:
        evaluation: what `compare_ratings` returns, and the label of the ratings that are not made
            of plays.
        ratings: those that are, by name.
    """
    parts = [_correlations(evaluation, ratings, "")]
    if "wins_with_other" in evaluation:
        parts.append(_correlations(evaluation, ratings, "_with_other"))
    parts += [_halves(evaluation, ratings), _stability(evaluation, ratings)]
    return "\n".join(parts)


def _correlations(evaluation: Mapping[str, Any], ratings: Mapping[str, Rating], suffix: str) -> str:
    pearson, spearman, playoffs = (
        evaluation[f"{name}{suffix}"] for name in ("wins", "wins_spearman", "playoffs")
    )
    if pearson is None:
        return "Correlation with win percentage: too few passer-seasons qualify.\n"
    known = f", all with a rating by {evaluation['label']}" if suffix else ""
    explained = (
        f"Correlation with win percentage: {pearson['rows']} passer-seasons of "
        f"{pearson['passers']} passers{known}; with making the playoffs: "
        f"{playoffs['rows'] if playoffs else 0} of them. In brackets 95 % intervals or standard "
        "errors, by bootstrap of passers. Ahead: Pearson's r of the passing score less that of the "
        "rating."
    )
    lines = [
        *wrap(explained, _LINE),
        "",
        f"{'':<{_WIDTH}} {'Pearson':^21} {'Spearman':^21} {'playoffs':^14} {'ahead':^14}",
    ]
    for name, entry in pearson["ratings"].items():
        ahead = pearson["ahead_of"].get(name)
        lines.append(
            f"{title_of(name, evaluation, ratings):<{_WIDTH}.{_WIDTH}} {_interval(entry):^21} "
            f"{_interval(spearman['ratings'][name]):^21} "
            f"{_with_error(playoffs and playoffs['ratings'][name]):^14} "
            f"{_with_error(ahead, '+.3f') if ahead else '':^14}"
        )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _halves(evaluation: Mapping[str, Any], ratings: Mapping[str, Rating]) -> str:
    halves = [evaluation[f"wins_{name}_half"] for name in ("first", "second")]
    rows = [half["rows"] if half else 0 for half in halves]
    explained = (
        f"Pearson's r with win percentage in the first half of the seasons ({rows[0]}) and in the "
        f"second ({rows[1]})"
    )
    lines = [*wrap(explained, _LINE), ""]
    for name in evaluation["stability"]:
        cells = [_with_error(half and half["ratings"].get(name)) for half in halves]
        if any(cell != _NONE for cell in cells):
            title = title_of(name, evaluation, ratings)
            lines.append(f"{title:<{_WIDTH}.{_WIDTH}} {cells[0]:^14} {cells[1]:^14}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _stability(evaluation: Mapping[str, Any], ratings: Mapping[str, Rating]) -> str:
    lines = [
        "Stability: split-half reliability within a season, correlation with the passer's next one",
        "",
        f"{'':<{_WIDTH}} {'split half':^14} {'next season':^14} {'pairs':>6}",
    ]
    for name, entry in evaluation["stability"].items():
        half, following = entry["split_half"], entry["season_to_season"]
        lines.append(
            f"{title_of(name, evaluation, ratings):<{_WIDTH}.{_WIDTH}} "
            f"{_with_error(half):^14} {_with_error(following):^14} "
            f"{following['pairs'] if following else 0:>6}"
        )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _interval(entry: Mapping[str, float]) -> str:
    return f"{entry['estimate']:.3f} ({entry['low']:.2f}, {entry['high']:.2f})"


def _with_error(entry: Mapping[str, float] | None, spec: str = ".3f") -> str:
    if not entry:
        return _NONE
    return f"{format(entry['estimate'], spec)} ({entry['standard_error']:.3f})"


def render_seasons(seasons: Ratings) -> str:
    """The ranking of passer-seasons, or that there is none."""
    if seasons.qualified.is_empty():
        return f"No passer-season has enough targeted passes; {seasons.unqualified} have fewer.\n"
    return render_ratings(seasons, title="Passers by season")


def render_account(evaluation: Mapping[str, Any]) -> str:
    """What was scored, what was not and why, and what became of other ratings."""
    lines = [
        f"{evaluation['throws']:,} throws and {evaluation['sacks']:,} sacks scored",
        f"{evaluation['without_target_not_scored']:,} attempts without a target not scored",
        f"{evaluation['left_out_for_want_of_data']:,} throws and sacks without down or place",
        f"a season's plays are scored in {evaluation['seconds_to_score_a_season']:.2f} s",
    ]
    if evaluation["joined"]:
        lines.append(f"{evaluation['label']}: {evaluation['joined']}")
    return "\n".join(lines) + "\n"


def write_wins_report(folder: Path, inputs: WinsInputs) -> Path:
    """Draw the figures and write ``report.md`` into a run folder, whole or not at all."""
    figures = _draw(folder, inputs)
    sections = {
        "Ratings and winning": text_block(render_comparison(inputs.evaluation, inputs.ratings)),
        "Is it fair?": (
            "Mean play score at every level of what the expectation knows; 1/2 is fair, z is the "
            "distance in standard errors with games as units.\n\n"
            f"{text_block(inputs.levels['known'])}\n\n"
            "Levels of what it does not know, for what they are:\n\n"
            f"{text_block(inputs.levels['free'])}"
        ),
        "The passers": (
            "A rank asks for enough targeted passes; the comparison above for enough attempts of "
            "any kind and enough games, so its seasons are not quite these.\n\n"
            f"{text_block(render_seasons(inputs.seasons))}"
        ),
        "Figures": "\n\n".join(
            f"### {title}\n\n![{title}](figures/{path.name})" for title, path in figures.items()
        ),
        "Data": "\n\n".join(
            text_block(text) for text in (str(inputs.data), render_account(inputs.evaluation))
        ),
        "What was run": "`experiments/wins.py` with these settings:\n\n"
        + text_block("\n".join(settings_lines(inputs.config))),
    }
    parts = ["# Ratings of passers and winning"]
    parts += [f"## {name}\n\n{text}" for name, text in sections.items()]
    path = folder / REPORT
    write_text(path, "\n\n".join(parts) + "\n")
    return path


def _draw(folder: Path, inputs: WinsInputs) -> dict[str, Path]:
    evaluation, plays = inputs.evaluation, inputs.plays
    compared_all = evaluation.get("wins_with_other") or evaluation["wins"]
    found = compared_all["ratings"] if compared_all else {}
    shown = [name for name, each in inputs.ratings.items() if each.shown and name in found]
    last = int(inputs.table["season"].max())  # type: ignore[arg-type]
    where = f"season_type = 'REG' AND season = {last}"
    min_attempts = inputs.config["settings"]["min_attempts"]
    season = rate(plays, where=where, min_attempts=min_attempts)
    drawn = {}
    if shown:
        drawn["Ratings and winning"] = (
            "wins",
            wins_figure(
                inputs.table.drop_nulls([*shown, "win_percent"]),
                shown,
                {name: Correlation(**found[name]) for name in shown},
                titles={name: inputs.ratings[name].title for name in shown},
            ),
        )
    # Without two that qualify there is no scale to draw on.
    for title, stem, ratings, what in (
        (f"Passers of {last}", "passers", season, f"passers of {last}"),
        ("Best and worst seasons", "seasons", inputs.seasons, "seasons of passers"),
    ):
        if ratings.qualified.height > 1:
            drawn[title] = (stem, passers_figure(ratings, title=what))
    extremes = read_extreme_plays(folder)
    rated = extremes.plays.filter(pl.col("season") == last)["passer_id"]
    if len(rated):
        # Attempts without a target qualify a season, but are not rated: some have no rank.
        best = next((x for x in season.qualified["passer_id"] if x in set(rated)), rated[0])
        who = find_passer(plays, best, last)
        page = passer_page(plays, extremes, who, evaluation["unit"], min_attempts=min_attempts)
        drawn[f"The page of {who.name}"] = ("passer_page", page)
    return {
        title: save_figure(figure, folder / "figures" / f"{stem}.png")
        for title, (stem, figure) in drawn.items()
    }
