"""Who is on each play: his side, his column and his role."""

from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.nfl.tracking import drops
from sbp_jax.nfl.tracking.drops import Sieve
from sbp_jax.nfl.tracking.names_in_text import fit_names
from sbp_jax.nfl.tracking.play_frames import PLAYERS, SIDE, Role
from sbp_jax.nfl.tracking.sources import Linemen, Source
from sbp_jax.nfl.tracking.tracking_rows import DEFENSE, OFFENSE

_LINE: Final = ("T", "G", "C", "OT", "OG", "OC", "OL", "LT", "LG", "RG", "RT", "LS")
_RUSH: Final = ("DE", "DT", "NT", "DL", "EDGE")
"""Positions that rush in most plays; linebackers do so or not, and are taken for coverage."""


def list_players(window: pl.DataFrame, known: pl.DataFrame, duties: pl.DataFrame) -> pl.DataFrame:
    """A row for each play and player: play, nfl_id, side (null if unclear), name, position, duty.

    Args:
        window: rows of players between snap and throw.
        known: the players table: nfl_id, name, position; what the tracking says comes first.
        duties: play, nfl_id, duty; several a player are allowed. What the tracking says is used
            too.
    """
    one_side = pl.col("side").min() == pl.col("side").max()
    own_side = pl.col("side").is_in([OFFENSE, DEFENSE])
    said = [name for name in ("name", "position", "duty") if name in window.columns]
    players = window.group_by("play", "nfl_id").agg(
        pl.col("side").first(),
        (one_side & own_side.all()).alias("clear"),
        *(pl.col(name).drop_nulls().first() for name in said),
    )
    players = players.with_columns(pl.when("clear").then("side").alias("side")).drop("clear")
    if "name" not in said:
        players = players.join(known.unique("nfl_id", keep="first"), on="nfl_id", how="left")
    if "duty" not in said:
        # Listed twice: roles are numbered from the one that says most.
        of_player = duties.group_by("play", "nfl_id").agg(pl.col("duty").min())
        players = players.join(of_player, on=["play", "nfl_id"], how="left")
    return players.sort("play", "side", "nfl_id")


def check_sides(players: pl.DataFrame, source: Source, sieve: Sieve) -> None:
    """Drop plays that have a player of neither team, or not the players that the source tracks.

    All 22 are asked for, except where the source does not track linemen: then at most eleven a
    side, with two or more of the offence and one or more of the defence.
    """
    is_lineman = (pl.col("side") == OFFENSE) & pl.col("position").is_in(_LINE)
    counts = players.group_by("play", maintain_order=True).agg(
        unclear=pl.col("side").is_null().sum(),
        offense=(pl.col("side") == OFFENSE).sum(),
        defense=(pl.col("side") == DEFENSE).sum(),
        linemen=is_lineman.sum(),
    )
    unclear = counts.filter(pl.col("unclear") > 0)
    sieve.drop(unclear["play"].to_numpy(), drops.UNKNOWN_TEAM)
    full = (pl.col("offense") == SIDE) & (pl.col("defense") == SIDE)
    sparse = pl.col("offense").is_between(2, SIDE) & pl.col("defense").is_between(1, SIDE)
    allowed = {
        Linemen.ALWAYS: full,
        Linemen.SOMETIMES: full | (sparse & (pl.col("linemen") == 0)),
        Linemen.NEVER: sparse,
    }[source.linemen]
    wrong = counts.filter(~allowed)
    details = wrong.select(
        pl.format(
            "{} players, {} of the offence and {} of the defence",
            pl.col("offense") + pl.col("defense"),
            "offense",
            "defense",
        )
    )
    sieve.drop(wrong["play"].to_numpy(), drops.NOT_22_PLAYERS, details.to_series().to_list())


def assign_columns(players: pl.DataFrame) -> pl.DataFrame:
    """The players with column: 0 to 10 of the offence, 11 to 21 of the defence, by id.

    Args:
        players: of plays with at most eleven a side, sorted by play, side and nfl_id.
    """
    place = pl.int_range(pl.len()).over("play", "side")
    return players.with_columns(column=pl.col("side").cast(pl.Int64) * SIDE + place)


def find_passer_and_target(
    players: pl.DataFrame, plays: pl.DataFrame, sieve: Sieve
) -> pl.DataFrame:
    """Passer and target of each play: play, passer_id, target_id.

    The duties decide if they name one player of the offence, else the text of the play, else for
    the passer the only quarterback. Plays that leave doubt are dropped.

    Args:
        players: of `list_players`, of kept plays.
        plays: candidates with the names of `named_in_text`, play p in row p.
        sieve: of the same plays.
    """
    offense = players.filter(pl.col("side") == OFFENSE)
    names = plays.with_row_index("play").select(
        pl.col("play").cast(pl.Int64), "passer_first", "passer_rest", "target_first", "target_rest"
    )
    pairs = offense.join(names, on="play")
    quarterbacks = offense.filter(pl.col("position") == "QB")
    found = players.select("play").unique(maintain_order=True)
    for who, role, reason, last in (
        ("passer", Role.PASSER, drops.PASSER_UNKNOWN, [_only_one(quarterbacks)]),
        ("target", Role.TARGET, drops.TARGET_UNKNOWN, []),
    ):
        by_text = fit_names(pairs, who)
        choices = [_only_one(offense.filter(pl.col("duty") == role)), _only_one(by_text), *last]
        for number, choice in enumerate(choices):
            choice = choice.rename({"nfl_id": f"choice{number}"})
            found = found.join(choice, on="play", how="left", maintain_order="left")
        numbered = [f"choice{number}" for number in range(len(choices))]
        found = found.with_columns(pl.coalesce(numbered).alias(f"{who}_id")).drop(numbered)
        unknown = found.filter(pl.col(f"{who}_id").is_null())
        _drop_unknown(unknown, names, by_text, who, reason, sieve)
    own = found.filter(pl.col("passer_id") == pl.col("target_id"))
    sieve.drop(own["play"].to_numpy(), drops.OWN_TARGET)
    return found


def roles(players: pl.DataFrame, thrown: pl.DataFrame) -> pl.DataFrame:
    """The players with role, a `Role` of their side.

    A duty counts if it is one of the player's side, else the position.

    Args:
        players: of `list_players`.
        thrown: of `find_passer_and_target`.
    """
    offense = pl.col("side") == OFFENSE
    duty = pl.col("duty")
    by_duty = pl.when(
        pl.when(offense)
        .then(duty == Role.ELIGIBLE.value)
        .otherwise(duty.is_in([Role.RUSHER.value, Role.COVERAGE.value]))
    ).then(duty)
    position = pl.col("position")
    by_position = (
        pl.when(offense & position.is_in(_LINE))
        .then(Role.LINE.value)
        .when(offense)
        .then(Role.ELIGIBLE.value)
        .when(position.is_in(_RUSH))
        .then(Role.RUSHER.value)
        .otherwise(Role.COVERAGE.value)
    )
    # Where a play's rushers are listed, whoever is not among them covers.
    rushers_listed = (duty == Role.RUSHER.value).any().over("play")
    by_list = pl.when(~offense & rushers_listed).then(Role.COVERAGE.value)
    role = (
        pl.when(pl.col("nfl_id") == pl.col("passer_id"))
        .then(Role.PASSER.value)
        .when(pl.col("nfl_id") == pl.col("target_id"))
        .then(Role.TARGET.value)
        .otherwise(pl.coalesce(by_duty, by_list, by_position))
    )
    joined = players.join(thrown, on="play", how="left", maintain_order="left")
    return joined.with_columns(role=role.cast(pl.Int64))


def player_table(players: pl.DataFrame, column: str, plays: int, fill: int) -> Int[NDArray, "K 22"]:
    """(K, 22) values of a column of the players, whose ``row`` and ``column`` say where."""
    table = np.full((plays, PLAYERS), fill, np.int64)
    table[players["row"].to_numpy(), players["column"].to_numpy()] = players[column].to_numpy()
    return table


def _only_one(found: pl.DataFrame) -> pl.DataFrame:
    """Columns play and nfl_id where a play has one player only."""
    alone = pl.len().over("play") == 1
    return found.select("play", "nfl_id").unique().filter(alone)


def _drop_unknown(
    unknown: pl.DataFrame,
    names: pl.DataFrame,
    by_text: pl.DataFrame,
    who: str,
    reason: str,
    sieve: Sieve,
) -> None:
    counts = by_text.group_by("play").agg(fitting=pl.len())
    told = unknown.join(names, on="play", how="left").join(counts, on="play", how="left")
    named = told.filter(pl.col(f"{who}_first").is_not_null())
    details = named.select(
        pl.format(
            "text names {}.{}, which fits {} players of the offence",
            f"{who}_first",
            pl.col(f"{who}_rest").str.split(" ").list.first(),
            pl.col("fitting").fill_null(0),
        )
    )
    sieve.drop(named["play"].to_numpy(), reason, details.to_series().to_list())
    silent = told.filter(pl.col(f"{who}_first").is_null())["play"].to_numpy()
    if who == "target":
        sieve.drop(silent, drops.NO_TARGET)
    else:
        sieve.drop(silent, reason, "the text names none")
