"""What a run on tracking found: tables, scored plays, weights, and a play as it unfolds."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sbp_jax.evaluation import Verdict, evaluate, render
from sbp_jax.export import save_weights
from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.figures.cells import CELLS
from sbp_jax.nfl.figures.football import situation
from sbp_jax.nfl.figures.unfolding import frame_pmfs, most_changed
from sbp_jax.nfl.figures.unfolding_figure import UnfoldingPlay, save_unfolding_gif, unfolding_figure
from sbp_jax.nfl.ratings import rate, scored_plays, write_scored_plays
from sbp_jax.nfl.simulator.oracle import read_facts
from sbp_jax.nfl.simulator.simulate import ORACLE_FILE
from sbp_jax.nfl.simulator.simulated_outcome import LOWEST, yards_pmf
from sbp_jax.nfl.tracking.assemble import Build
from sbp_jax.nfl.tracking.passes_table import passes_table
from sbp_jax.nfl.tracking.split_plays import physical_play
from sbp_jax.plots.calibration import pit_figure, pp_figure
from sbp_jax.plots.learning import learning_figure
from sbp_jax.plots.style import save_figure
from sbp_jax.runs.atomic import write_json
from sbp_jax.runs.run_folder import read_config, read_json
from sbp_jax.training.loop import Fit
from sbp_jax.training.program import Head

SBP, BINNED, GAUSSIAN, UNFOLDING = "SBP", "Binned", "Gaussian", "SBP, any frame"
ORACLE, BOOSTED = "oracle", "XGBoost (median)"
FINISHED = "evaluation.json"  # written last
LONGEST_SHOWN = 30  # yards gained on the play that is drawn


class Found(NamedTuple):
    """What was trained, and what it said of the test plays.

    Attributes:
        test: the test plays.
        heads: the networks by name.
        fits: of each network.
        verdicts: of each network and of the other rivals.
    """

    test: Examples
    heads: Mapping[str, Head]
    fits: Mapping[str, Fit]
    verdicts: Mapping[str, Verdict]


def conclude(folder: Path, found: Found, source: Path, build: Build, *, min_attempts: int) -> None:
    """Write everything that a finished run holds, the evaluation last.

    Args:
        folder: of the run.
        found: what to write.
        source: folder of raw files; a simulated one holds the law.
        build: the parts that the plays come from.
        min_attempts: fewest attempts that qualify a passer.
    """
    test, verdicts = found.test, found.verdicts
    scored = scored_plays(
        passes_table(test),
        outcome=np.asarray(test.batch.target),
        expected=np.asarray(verdicts[SBP].mean),
        pit_lower=np.asarray(verdicts[SBP].pit_lower),
        pit_upper=np.asarray(verdicts[SBP].pit_upper),
    )
    write_scored_plays(folder, scored)
    rate(scored, min_attempts=min_attempts).table.write_csv(folder / "scores.csv")
    save_weights(folder / "weights.npz", found.fits[SBP].params, read_config(folder))
    write_figures(folder / "figures", found, telling_play(found, source, build))
    games = test.plays["game_id"].to_numpy()
    evaluation = evaluate(verdicts, test.batch.target, games, reference=SBP)
    seconds = {name: sum(m["seconds"] for m in fit.history) for name, fit in found.fits.items()}
    write_json(folder / FINISHED, evaluation | {"training_seconds": seconds})


def write_figures(figures: Path, found: Found, play: UnfoldingPlay) -> None:
    """Calibration, learning curves, and a play as it unfolds."""
    shown = {
        name: found.verdicts[name]
        for name in (SBP, BINNED, GAUSSIAN, ORACLE)
        if name in found.verdicts
    }
    save_figure(pit_figure(shown), figures / "pit_histogram.png")
    save_figure(pp_figure(shown), figures / "pp_plot.png")
    save_figure(
        learning_figure(
            {name: fit.history for name, fit in found.fits.items()},
            objectives={name: head.objective for name, head in found.heads.items()},
        ),
        figures / "learning_curves.png",
    )
    save_figure(unfolding_figure(play), figures / "unfolding.png")
    save_unfolding_gif(play, figures / "unfolding.gif")


def telling_play(found: Found, source: Path, build: Build) -> UnfoldingPlay:
    """Of the passes caught for a gain that fits the figure, the one whose forecast changed most."""
    plays, batch = found.test.plays, found.test.batch
    forecaster, params = found.heads[UNFOLDING].forecaster, found.fits[UNFOLDING].params
    caught = (plays["pass_result"] == "C").to_numpy()
    fits = caught & (batch.target > 0) & (batch.target <= LONGEST_SHOWN)
    row = most_changed(forecaster, params, batch, fits)
    facts = plays.row(row, named=True)
    values, player_mask = physical_play(build, "test", row)
    truth = None
    if (source / ORACLE_FILE).exists():
        law = yards_pmf(read_facts(source / ORACLE_FILE, plays[row]))
        truth = law[0, CELLS[0] - LOWEST :]
    return UnfoldingPlay(
        values=values,
        player_mask=player_mask,
        pmf=frame_pmfs(forecaster, params, batch, row),
        lowest=CELLS[0],
        yards_gained=facts["yards_gained"],
        pass_result=facts["pass_result"],
        yards_to_endzone=facts["yards_to_endzone"],
        yards_to_go=facts["yards_to_go"],
        down=facts["down"],
        truth=truth,
        title=situation(facts),
    )


def print_results(folder: Path) -> None:
    """The tables of a finished run and the paths of what it wrote."""
    evaluation = read_json(folder / FINISHED)
    print(render(evaluation))
    if ORACLE in evaluation["differences"]:
        gap = evaluation["differences"][ORACLE]["log_score"]
        error = "unknown" if gap["se"] is None else f"{gap['se']:.4f}"
        print(
            f"{SBP} is {-gap['mean']:.4f} nats (standard error {error}) from the best possible "
            "log score."
        )
    for name, seconds in evaluation["training_seconds"].items():
        print(f"{name}: trained in {seconds:.0f} s")
    for name in (FINISHED, "scored_plays.parquet", "scores.csv", "weights.npz", "figures"):
        print(folder / name)
