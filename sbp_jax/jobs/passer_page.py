"""Draw a passer's page: his play scores, his splits, his best and worst throws."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from sbp_jax.nfl.figures.passer_page import find_passer, passer_page
from sbp_jax.nfl.ratings import read_scored_plays
from sbp_jax.nfl.ratings.extreme_plays import read_extreme_plays
from sbp_jax.plots.style import save_figure
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.run_folder import read_config, read_json


@dataclass(frozen=True)
class PasserPage:
    """Whose page to draw.

    Attributes:
        run: folder of a finished run.
        passer: name or id.
        season: the year.
        output: file to write; in the run's figures folder if left out.
    """

    run: Annotated[Path, tyro.conf.Positional]
    passer: Annotated[str, tyro.conf.Positional]
    season: int
    output: Path | None = None


def main(config: PasserPage) -> Path:
    """Draw it, and return the path of the file."""
    need_extras("figures")
    plays, extremes = read_scored_plays(config.run), read_extreme_plays(config.run)
    who = find_passer(plays, config.passer, config.season)
    unit = read_json(config.run / "evaluation.json")["unit"]
    min_attempts = read_config(config.run)["settings"]["min_attempts"]
    name = re.sub(r"[^A-Za-z0-9]+", "_", f"{who.name} {who.season}")
    output = config.output or config.run / "figures" / f"page_{name}.png"
    figure = passer_page(plays, extremes, who, unit, min_attempts=min_attempts)
    path = save_figure(figure, output)
    print(path)
    return path
