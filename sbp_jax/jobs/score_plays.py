"""Scores of any split of a run's plays: a table, a CSV and a figure."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import polars as pl
import tyro

from sbp_jax.nfl.figures.passers_figure import passers_figure
from sbp_jax.nfl.ratings import Ratings, rate, read_scored_plays, render_ratings
from sbp_jax.nfl.ratings.rate import Rated
from sbp_jax.nfl.ratings.split_columns import with_split_columns
from sbp_jax.plots.style import save_figure
from sbp_jax.runs.atomic import write_whole
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.ranges import Count, Whole, refuse_out_of_range


@dataclass(frozen=True)
class ScorePlays:
    """What to score.

    Attributes:
        run: folder of a finished run.
        by: what to group by: columns, or SQL expressions with a name, with commas between them.
        where: an SQL condition; all plays if left out.
        min_attempts: fewest plays that qualify a group, >= 0.
        count: groups shown at either end, >= 1.
        part: "dropback" or "throw"; by what the split reads if left out.
        equal_weights: let every play weigh the same, not by what was at stake in the game.
        output: files to write, without suffix; in the run's splits folder if left out.
        columns: list the columns, and stop.
    """

    run: Annotated[Path, tyro.conf.Positional]
    by: str = "season, passer"
    where: str | None = None
    min_attempts: Whole = 1
    count: Count = 10
    part: Rated | None = None
    equal_weights: bool = False
    output: Path | None = None
    columns: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be scored."""
        refuse_out_of_range(self)


def main(config: ScorePlays) -> Ratings | None:
    """Score, print, and write both files."""
    need_extras("figures" if not config.columns else None)
    plays = read_scored_plays(config.run)
    if config.columns:
        for name, dtype in with_split_columns(plays).schema.items():
            levels = ", ".join(dtype.categories) if isinstance(dtype, pl.Enum) else dtype
            print(f"{name:<28} {levels}")
        return None
    ratings = rate(
        plays,
        config.by,
        where=config.where,
        min_attempts=config.min_attempts,
        part=config.part,
        by_leverage=not config.equal_weights,
    )
    title = config.by if config.where is None else f"{config.by}, {config.where}"
    print(render_ratings(ratings, count=config.count, title=title))
    sacks = f", {ratings.sacks_left_out:,} sacks that match it" if ratings.sacks_left_out else ""
    print(
        f"{ratings.plays:,} {ratings.part}s rated; not rated: {ratings.left_out:,} plays by the "
        f"condition{sacks}; {ratings.unqualified:,} groups with fewer than {config.min_attempts} "
        "attempts are in the CSV without a rank"
    )
    if "passer_id" not in ratings.by:
        print("a group's score is that of all passers in it: against a defence, high is bad for it")
    output = config.output or config.run / "splits" / _file_name(title, config)
    output.parent.mkdir(parents=True, exist_ok=True)
    table = output.with_name(f"{output.name}.csv")
    write_whole(table, ratings.table.write_csv)
    print(table)
    if ratings.qualified.height > 1:
        groups = f"by {config.by}" + (f", where {config.where}" if config.where else "")
        figure = passers_figure(ratings, title=groups, count=config.count)
        print(save_figure(figure, output.with_name(f"{output.name}.png")))
    else:
        print("no figure: a scale asks for two groups with enough attempts")
    return ratings


_SPELLED = {
    ">=": " at least ",
    "<=": " at most ",
    "!=": " not ",
    "<>": " not ",
    ">": " over ",
    "<": " under ",
    "-": " minus ",
}


def _file_name(title: str, config: ScorePlays) -> str:
    """The split in letters that any file system takes, and what else decides the scores."""
    for sign, words in _SPELLED.items():
        title = title.replace(sign, words)
    spelled = re.sub(r"[^A-Za-z0-9.]+", "_", title).strip("_")[:120]
    parts = [spelled, f"min{config.min_attempts}", config.part or ""]
    parts += ["equal" if config.equal_weights else ""]
    # Conditions that differ in brackets alone are spelled alike.
    digest = hashlib.sha256(f"{config.by}\n{config.where}".encode()).hexdigest()[:6]
    return "_".join(part for part in [*parts, digest] if part)
