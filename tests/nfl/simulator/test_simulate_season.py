"""A simulated season as its files tell it, read with nothing of the simulator's own."""

import csv
import json
import math
from collections import defaultdict

import polars as pl
import pytest

from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.simulate import simulate_season

CONFIG = SimulateConfig(plays=300, weeks=2, seed=7, run_share=0.1, sack_share=0.1, spike_share=0.05)
PLAY = ["gameId", "playId"]
HEADER = (
    "gameId,playId,nflId,displayName,frameId,frameType,time,jerseyNumber,club,playDirection,"
    "x,y,s,a,dis,o,dir,event"
)
THROWS = ("pass_forward", "autoevent_passforward")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "season"
    account = simulate_season(folder, CONFIG, workers=1, progress=False)
    assert (account.passes, account.plays) == (300, 376)
    assert account.size == sum(file.stat().st_size for file in folder.iterdir())
    return folder


@pytest.fixture(scope="module")
def tracking(folder):
    return pl.concat(
        pl.read_csv(
            folder / f"tracking_week_{week}.csv",
            null_values="NA",
            schema_overrides={"time": pl.String},
            infer_schema_length=None,
        )
        for week in (1, 2)
    )


@pytest.fixture(scope="module")
def moving(tracking):
    """Players with their velocity on the field, and their row of the frame before."""
    angle = pl.col("dir").radians()
    return (
        tracking.filter(pl.col("nflId").is_not_null())
        .with_columns(vx=pl.col("s") * angle.sin(), vy=pl.col("s") * angle.cos())
        .with_columns(
            pl.col("x", "y", "vx", "vy").diff().over([*PLAY, "nflId"]).name.prefix("change_")
        )
        .drop_nulls("change_x")
    )


def table(folder, name):
    return pl.read_csv(folder / f"{name}.csv", null_values="NA", infer_schema_length=None)


def test_the_files_are_those_of_the_layout(folder):
    assert sorted(file.name for file in folder.iterdir()) == [
        "games.csv",
        "oracle.parquet",
        "player_play.csv",
        "players.csv",
        "plays.csv",
        "simulation.json",
        "tracking_week_1.csv",
        "tracking_week_2.csv",
    ]
    for week in (1, 2):
        with (folder / f"tracking_week_{week}.csv").open() as file:
            assert file.readline().strip() == HEADER
    with (folder / "plays.csv").open() as file:
        assert len(file.readline().split(",")) == 50
    assert json.loads((folder / "simulation.json").read_text())["seed"] == 7


def test_the_tables_agree_with_each_other(folder, tracking):
    games, plays, players = (table(folder, name) for name in ("games", "plays", "players"))
    assert plays.select(PLAY).is_duplicated().sum() == 0
    assert set(plays["gameId"]) == set(games["gameId"])
    assert tracking.select(PLAY).unique().height == plays.height
    assert tracking.join(plays, on=PLAY, how="anti").is_empty()
    weeks = games.select("gameId", "week", "homeTeamAbbr", "visitorTeamAbbr")
    teams = plays.join(weeks, on="gameId").select(
        (pl.min_horizontal("possessionTeam", "defensiveTeam")).alias("a"),
        (pl.max_horizontal("possessionTeam", "defensiveTeam")).alias("b"),
        (pl.min_horizontal("homeTeamAbbr", "visitorTeamAbbr")).alias("c"),
        (pl.max_horizontal("homeTeamAbbr", "visitorTeamAbbr")).alias("d"),
    )
    assert teams["a"].equals(teams["c"])
    assert teams["b"].equals(teams["d"])
    listed = tracking.drop_nulls("nflId").select("nflId", "displayName").unique()
    assert listed.join(players, on=["nflId", "displayName"], how="anti").is_empty()
    sides = tracking.drop_nulls("nflId").group_by([*PLAY, "frameId", "club"]).len()
    assert sides["len"].unique().to_list() == [11]


def test_every_frame_has_22_players_and_the_ball(tracking):
    frames = tracking.group_by([*PLAY, "frameId"]).agg(
        pl.col("displayName").n_unique().alias("names"),
        pl.len(),
        pl.col("nflId").is_null().sum().alias("balls"),
        pl.col("time").n_unique().alias("times"),
    )
    counts = frames.select("names", "len", "balls", "times").unique()
    assert counts.rows() == [(23, 23, 1, 1)]
    ball = tracking.filter(pl.col("nflId").is_null())
    assert ball["club"].unique().to_list() == ["football"]
    assert ball.select(pl.col("o", "dir", "jerseyNumber").count()).row(0) == (0, 0, 0)
    others = tracking.filter(pl.col("nflId").is_not_null())
    assert sum(others.drop("event").null_count().row(0)) == 0


def test_frames_are_a_tenth_of_a_second_apart(tracking):
    assert tracking["time"].str.len_chars().unique().to_list() == [26]
    frames = (
        tracking.filter(pl.col("nflId").is_null())
        .with_columns(pl.col("time").str.to_datetime("%Y-%m-%d %H:%M:%S%.6f"))
        .with_columns(
            pl.col("frameId").diff().over(PLAY).alias("step"),
            pl.col("time").diff().over(PLAY).dt.total_microseconds().alias("apart"),
        )
    )
    assert frames["step"].drop_nulls().unique().to_list() == [1]
    assert frames["apart"].drop_nulls().unique().to_list() == [100_000]
    assert set(frames.filter(pl.col("step").is_null())["frameId"]) == {1}


def test_tags_and_frame_types_mark_snap_and_throw(folder, tracking):
    kinds = table(folder, "plays").select(*PLAY, "passResult", "qbSpike", "timeToThrow")
    frames = tracking.group_by([*PLAY, "frameId"]).agg(
        pl.col("event").n_unique().alias("tags"), pl.col("event", "frameType").first()
    )
    assert frames["tags"].unique().to_list() == [1]
    snaps = frames.filter(pl.col("event") == "ball_snap")
    assert snaps.height == kinds.height
    assert snaps["frameType"].unique().to_list() == ["SNAP"]
    assert set(snaps["frameId"]) == {11}  # a second before it
    types = frames.select(
        (pl.col("frameType") == "BEFORE_SNAP").eq(pl.col("frameId") < 11).all().alias("before"),
        (pl.col("frameType") == "AFTER_SNAP").eq(pl.col("frameId") > 11).all().alias("after"),
    )
    assert types.row(0) == (True, True)

    tagged = frames.filter(pl.col("event").is_in(THROWS))
    # A tag set by hand counts; an automatic one only without it.
    throws = tagged.sort(pl.col("event") == "pass_forward", descending=True).unique(
        PLAY, keep="first", maintain_order=True
    )
    passes = kinds.filter(pl.col("timeToThrow").is_not_null())
    assert passes.height == CONFIG.plays
    assert set(passes["passResult"]) == {"C", "I", "IN"}
    joined = throws.join(passes, on=PLAY, how="full", coalesce=True)
    frame_of_throw = 11 + (10 * joined["timeToThrow"]).round().cast(pl.Int64)
    assert joined["frameId"].equals(frame_of_throw)
    automatic = (throws["event"] != "pass_forward").mean()
    assert 0.03 < automatic < 0.2
    assert (frame_of_throw - 11).is_between(8, 98).all()
    last = frames.group_by(PLAY).agg(pl.col("frameId").max().alias("last"))
    ends = joined.join(last, on=PLAY)
    assert (ends["last"] - ends["frameId"]).unique().to_list() == [10]


def test_outcome_tags_say_what_the_plays_table_says(folder, tracking):
    results = table(folder, "plays").select(*PLAY, "passResult", "qbSpike", "yardsGained")
    tags = tracking.filter(pl.col("nflId").is_null()).drop_nulls("event")
    tags = tags.join(results, on=PLAY)
    said = {
        "pass_outcome_caught": "C",
        "pass_outcome_touchdown": "C",
        "pass_outcome_incomplete": "I",
        "pass_outcome_interception": "IN",
        "qb_sack": "S",
        "qb_spike": "I",
        "handoff": None,
    }
    for tag, result in said.items():
        rows = tags.filter(pl.col("event") == tag)
        assert rows.height, tag
        assert rows["passResult"].unique().to_list() == [result], tag
    assert tags.filter(pl.col("event") == "qb_spike")["qbSpike"].all()
    sacks = results.filter(pl.col("passResult") == "S")
    assert (sacks["yardsGained"] < 0).all()


def test_nobody_is_faster_or_quicker_than_a_human(moving):
    assert moving["s"].max() <= 10.5
    assert moving["s"].quantile(0.99) > 7
    # Rounding of s and dir: 0.005 yd/s and 0.005 degrees of 10 yd/s at both ends, over 0.1 s.
    quickness = moving.select((pl.col("change_vx") ** 2 + pl.col("change_vy") ** 2).sqrt() * 10)
    assert quickness.max().item() <= 8 + 0.12
    recorded = moving.select((quickness.to_series() - pl.col("a")).abs())
    assert recorded.max().item() <= 0.13


def test_positions_move_as_speed_and_direction_say(moving):
    # Two positions are rounded by 0.005 each, over 0.1 s; the speed by 0.005.
    for axis in ("x", "y"):
        gap = (10 * moving[f"change_{axis}"] - moving[f"v{axis}"]).abs()
        assert gap.max() <= 0.1 + 0.01
    assert (moving["dis"] - 0.1 * moving["s"]).abs().max() <= 0.0056
    assert moving["dir"].is_between(0, 360, closed="left").all()
    assert moving["o"].is_between(0, 360, closed="left").all()


def test_everybody_stays_on_the_field(moving):
    assert moving["x"].is_between(0, 120).all()
    assert moving["y"].is_between(0, 160 / 3).all()


def test_both_directions_have_the_offence_on_its_side_of_the_line(folder, tracking):
    plays = table(folder, "plays")
    snaps = tracking.filter(pl.col("frameId") == 11, pl.col("nflId").is_not_null())
    snaps = snaps.join(plays.select(*PLAY, "absoluteYardlineNumber", "possessionTeam"), on=PLAY)
    ahead = pl.when(pl.col("playDirection") == "right").then(1).otherwise(-1)
    depth = snaps.select(
        "playDirection",
        (pl.col("club") == pl.col("possessionTeam")).alias("offense"),
        (ahead * (pl.col("x") - pl.col("absoluteYardlineNumber"))).alias("depth"),
    )
    assert depth.filter("offense")["depth"].max() < 0
    assert depth.filter(~pl.col("offense"))["depth"].min() > 0
    right = snaps.unique(PLAY).select((pl.col("playDirection") == "right").mean()).item()
    # Ends are drawn for each of the six games and change with the quarter.
    assert 0.3 < right < 0.7


def test_a_pass_has_one_passer_and_one_target(folder):
    plays = table(folder, "plays").select(*PLAY, "passResult", "qbSpike", "possessionTeam")
    players = table(folder, "players").select("nflId", "position")
    roles = table(folder, "player_play").join(players, on="nflId").join(plays, on=PLAY)
    assert roles.height == 22 * plays.height
    counts = roles.group_by(PLAY).agg(
        pl.col("passResult", "qbSpike").first(),
        pl.col("hadDropback", "wasTargettedReceiver", "hadPassReception", "hadInterception").sum(),
        pl.col("wasInitialPassRusher").sum(),
    )
    thrown = counts["passResult"].is_in(["C", "I", "IN"]).fill_null(False) & ~counts["qbSpike"]
    assert thrown.sum() == CONFIG.plays
    assert counts["hadDropback"].equals(counts["passResult"].is_not_null().cast(pl.Int64))
    assert counts["wasTargettedReceiver"].equals(thrown.cast(pl.Int64))
    complete = (counts["passResult"] == "C").fill_null(False)
    assert counts["hadPassReception"].equals(complete.cast(pl.Int64))
    stolen = (counts["passResult"] == "IN").fill_null(False)
    assert counts["hadInterception"].equals(stolen.cast(pl.Int64))
    assert counts.filter(thrown)["wasInitialPassRusher"].is_between(3, 6).all()
    targets = roles.filter(pl.col("wasTargettedReceiver") == 1)
    assert set(targets["position"]) <= {"WR", "TE", "RB", "FB"}
    assert (targets["wasRunningRoute"] == 1).all()
    assert (targets["teamAbbr"] == targets["possessionTeam"]).all()
    assert set(roles.filter(pl.col("hadDropback") == 1)["position"]) == {"QB"}


def naive_facts(folder):
    """The facts of every pass from the text of the files, one play and one player at a time."""
    with (folder / "plays.csv").open() as file:
        plays = {(row["gameId"], row["playId"]): row for row in csv.DictReader(file)}
    roles = {}
    with (folder / "player_play.csv").open() as file:
        for row in csv.DictReader(file):
            for column in ("hadDropback", "wasTargettedReceiver"):
                if row[column] == "1":
                    roles[row["gameId"], row["playId"], column] = row["nflId"]
    thrown = {
        key: str(11 + round(10 * float(play["timeToThrow"])))
        for key, play in plays.items()
        if play["timeToThrow"] != "NA"
    }
    at_throws = defaultdict(dict)  # all frames of a season as dicts are half a gigabyte
    for week in (1, 2):
        with (folder / f"tracking_week_{week}.csv").open() as file:
            for row in csv.DictReader(file):
                if thrown.get((row["gameId"], row["playId"])) == row["frameId"]:
                    at_throws[row["gameId"], row["playId"]][row["nflId"]] = row
    for key in thrown:
        play, at_throw = plays[key], at_throws[key]
        passer = at_throw[roles[*key, "hadDropback"]]
        target = at_throw[roles[*key, "wasTargettedReceiver"]]
        defenders = [row for row in at_throw.values() if row["club"] == play["defensiveTeam"]]
        assert len(defenders) == 11
        right = target["playDirection"] == "right"
        line = 100 * int(play["absoluteYardlineNumber"])
        depth = hundredths(target["x"]) - line
        heading = math.pi / 2 - math.radians(float(target["dir"]) + (0 if right else 180))
        gaps = [squared_gap(target, row) for row in defenders]
        yield (
            int(key[0]),
            int(key[1]),
            {
                "depth": (depth if right else -depth) / 100,
                "target_vx": float(target["s"]) * math.cos(heading),
                "separation": math.sqrt(min(gaps)) / 100,
                "defenders_near": float(sum(gap <= 200 * 200 for gap in gaps)),
                "nearest_rusher": math.sqrt(min(squared_gap(passer, r) for r in defenders)) / 100,
                "target_distance": math.sqrt(squared_gap(passer, target)) / 100,
                "yards_to_endzone": float((11000 - line if right else line - 1000) / 100),
            },
            {"C": (True, False), "I": (False, False), "IN": (False, True)}[play["passResult"]],
            int(play["prePenaltyYardsGained"]),
        )


def hundredths(text):
    return int(text.replace(".", ""))


def squared_gap(a, b):
    return sum((hundredths(a[axis]) - hundredths(b[axis])) ** 2 for axis in "xy")


def test_the_oracle_says_what_the_files_say(folder):
    oracle = pl.read_parquet(folder / "oracle.parquet")
    assert oracle.columns == [
        *("game_id", "play_id", "depth", "target_vx", "separation", "defenders_near"),
        *("nearest_rusher", "target_distance", "yards_to_endzone"),
        *("complete", "intercepted", "yards"),
    ]
    rows = {(row["game_id"], row["play_id"]): row for row in oracle.iter_rows(named=True)}
    assert len(rows) == oracle.height == CONFIG.plays
    seen = 0
    for game, play, facts, (complete, intercepted), yards in naive_facts(folder):
        row = rows[game, play]
        assert row["target_vx"] == pytest.approx(facts.pop("target_vx"), abs=1e-12)
        assert {name: row[name] for name in facts} == facts
        assert (row["complete"], row["intercepted"], row["yards"]) == (
            complete,
            intercepted,
            yards,
        )
        seen += 1
    assert seen == CONFIG.plays


def test_the_ball_goes_from_the_line_to_the_passer_to_the_target(folder, tracking):
    plays = table(folder, "plays").select(
        *PLAY, "absoluteYardlineNumber", "targetX", "targetY", "passResult"
    )
    roles = table(folder, "player_play").select(*PLAY, "nflId", "hadDropback")
    passers = roles.filter(pl.col("hadDropback") == 1).select(*PLAY, passer="nflId")
    ball = tracking.filter(pl.col("nflId").is_null()).join(plays, on=PLAY)
    first = ball.filter(pl.col("frameId") == 1)
    assert (first["x"] - first["absoluteYardlineNumber"]).abs().max() <= 0.31
    arrived = ball.filter(pl.col("event") == "pass_arrived", pl.col("passResult") != "C")
    assert arrived.height > 20
    for axis, goal in (("x", "targetX"), ("y", "targetY")):
        assert (arrived[axis] - arrived[goal]).abs().max() <= 0.011
    held = ball.filter(pl.col("event") == "pass_forward").join(passers, on=PLAY)
    hands = tracking.select(*PLAY, "frameId", passer="nflId", px="x", py="y")
    held = held.join(hands, on=[*PLAY, "frameId", "passer"])
    assert held.height > 200
    assert (held["x"] - held["px"]).abs().max() < 0.01
    assert (held["y"] - held["py"]).abs().max() < 0.01


def test_situations_are_those_of_football(folder):
    plays = table(folder, "plays").join(table(folder, "games"), on="gameId")
    line, side = plays["absoluteYardlineNumber"], plays["yardlineSide"]
    assert line.is_between(11, 109).all()
    assert plays["down"].is_between(1, 4).all()
    assert (plays["yardsToGo"] >= 1).all()
    own = side == plays["possessionTeam"]
    to_goal = plays.select(
        pl.when(own | side.is_null())
        .then(100 - pl.col("yardlineNumber"))
        .otherwise("yardlineNumber")
    ).to_series()
    assert (plays["yardsToGo"] <= to_goal).all()
    assert (plays["yardsGained"] <= to_goal).all()
    assert ((line == 110 - to_goal) | (line == 10 + to_goal)).all()
    minutes, seconds = (
        plays["gameClock"].str.split(":").list.get(part).cast(pl.Int64) for part in (0, 1)
    )
    gone = 900 * plays["quarter"] - 60 * minutes - seconds
    later = pl.DataFrame(
        {
            "game": plays["gameId"],
            "gone": gone,
            "home": plays["preSnapHomeScore"],
            "away": plays["preSnapVisitorScore"],
        }
    ).with_columns(pl.col("gone", "home", "away").diff().over("game"))
    assert min(later.select(pl.col("gone", "home", "away").min()).row(0)) >= 0
    assert plays["quarter"].is_between(1, 4).all()
    assert plays["quarter"].n_unique() == 4
    starts = plays.group_by("gameId").agg(pl.col("preSnapHomeScore", "preSnapVisitorScore").min())
    assert starts.drop("gameId").max().row(0) == (0, 0)


def test_throws_look_like_those_of_the_league(folder):
    oracle = pl.read_parquet(folder / "oracle.parquet")
    # Around what 50,000 have: 2.76, 8.1, 0.60, 7.7 and 2.6; with room for the chance of 300.
    assert 2.0 < oracle["separation"].median() < 3.5
    assert 6.0 < oracle["depth"].mean() < 10
    assert 0.5 < oracle["complete"].mean() < 0.7
    assert 4.5 < oracle["yards"].mean() < 10
    assert oracle["separation"].std() > 1
    time_to_throw = table(folder, "plays")["timeToThrow"].drop_nulls()
    assert 2.3 < time_to_throw.median() < 2.9
    assert time_to_throw.mean() > time_to_throw.median()
