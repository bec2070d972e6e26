"""Every reason to leave a play out, told by the tables or by the tracking."""

import polars as pl
import pytest

from sbp_jax.nfl.tracking.reading import ReadConfig, open_folder, read_tracking_file

from .small_reading import read_only_file
from .small_season import AWAY, LINEMEN, TRACKING, SmallPlay, nfl_id, write_season

GOOD = SmallPlay(play_id=1)
PLAY = SmallPlay()
FIRST, LAST = 5, 16  # frameId of snap and throw


def only_drop(tmp_path, layout, play=PLAY, edit=None):
    """Reason and detail of the only drop beside a play that is kept."""
    opened = open_folder(write_season(tmp_path, layout, [GOOD, play], edit=edit))
    (path,) = opened.tracking_files
    reading = read_tracking_file(opened, path)
    drops = pl.concat([opened.drops, reading.drops])
    assert opened.seen == reading.plays.height + drops.height
    assert reading.plays["play_id"].to_list() == [GOOD.play_id]
    (drop,) = drops.iter_rows(named=True)
    assert (drop["game_id"], drop["play_id"]) == (play.game_id, play.play_id)
    assert drop["file"] == ("" if opened.drops.height else path.name)
    return drop["reason"], drop["detail"]


def only_in_play(column, value, play=PLAY):
    """Change a column in the rows of a play."""
    key = "playId"
    return lambda table: table.with_columns(
        pl.when(pl.col(key) == play.play_id).then(value).otherwise(column).alias(column)
    )


def plays_edit(column, value):
    return {"plays": only_in_play(column, value)}


@pytest.mark.parametrize(
    ("layout", "play", "edit", "reason", "detail"),
    [
        ("2025", SmallPlay(result=None), None, "no pass thrown", "result missing"),
        ("2023", SmallPlay(result="S"), None, "no pass thrown", "result S"),
        ("2021", SmallPlay(result="R"), None, "no pass thrown", "result R"),
        ("2021", SmallPlay(text="TWO-POINT CONVERSION ATTEMPT. Q.Passer pass to T.Target is "
                           "complete. ATTEMPT SUCCEEDS."), None, "two-point try", ""),
        ("2025", SmallPlay(down=0), None, "two-point try", ""),
        ("2025", PLAY, plays_edit("playNullifiedByPenalty", pl.lit("Y")),
         "nullified by a penalty", ""),
        ("2021", SmallPlay(text="(4:18) Q.Passer pass short left to T.Target for 7 yards. PENALTY "
                           "on KC-G.Guard, Offensive Holding, 10 yards, enforced at KC 35 - No "
                           "Play."), None, "nullified by a penalty", ""),
        ("2025", PLAY, plays_edit("qbSpike", pl.lit(True)), "spike", ""),
        ("2023", SmallPlay(result="I", text="(:19) Q.Passer spiked the ball to stop the clock."),
         None, "spike", ""),
        ("2025", SmallPlay(yards=None), None, "no outcome", ""),
        ("2021", SmallPlay(text="(4:18) Q.Passer pass incomplete deep right (D.End)."), None,
         "nobody was targeted", ""),
        ("2023", PLAY, plays_edit("quarter", None), "missing value in the plays table", "quarter"),
        ("2023", PLAY, plays_edit("absoluteYardlineNumber", None),
         "missing value in the plays table", "line"),
        ("2025", PLAY, plays_edit("possessionTeam", pl.lit("SF")),
         "offence is neither team of the game", "SF"),
        ("2021", PLAY, plays_edit("absoluteYardlineNumber", pl.lit(110)),
         "line of scrimmage off the field", "110.0"),
    ],
)  # fmt: skip
def test_by_the_tables(tmp_path, layout, play, edit, reason, detail):
    assert only_drop(tmp_path, layout, play, edit) == (reason, detail)


def test_a_receiver_of_the_table_makes_up_for_a_silent_text(tmp_path):
    play = SmallPlay(text="(4:18) Q.Passer pass incomplete deep right (D.End).", result="I")
    assert read_only_file(write_season(tmp_path, "2025", [play])).plays.height == 1


def test_game_that_the_games_table_lacks(tmp_path):
    play = SmallPlay(game_id=2022091100)
    edit = {"games": lambda table: table.filter(pl.col("gameId") != play.game_id)}
    assert only_drop(tmp_path, "2025", play, edit)[0] == "game is not in the games table"


def test_repeated_rows_of_the_plays_table(tmp_path):
    def again(table):
        return pl.concat([table, table, table.tail(1).with_columns(pl.col("down") + 1)])

    folder = write_season(tmp_path, "2025", [GOOD, PLAY], edit={"plays": again})
    opened = open_folder(folder)
    assert opened.seen == 2
    assert opened.problems == {"repeated rows of the plays table merged": 2}
    assert opened.drops.select("play_id", "reason").rows() == [
        (PLAY.play_id, "rows of the plays table disagree")
    ]
    assert opened.plays["play_id"].to_list() == [GOOD.play_id]


def in_tracking(change):
    """Apply a change to the rows of the play, and leave the good one alone."""
    mine = pl.col("playId") == PLAY.play_id
    return {TRACKING: lambda rows: pl.concat([rows.filter(~mine), change(rows.filter(mine))])}


def set_where(player, frame, **values):
    where = (pl.col("nflId") == nfl_id(player)) & (pl.col("frameId") == frame)
    return lambda rows: rows.with_columns(
        pl.when(where).then(value).otherwise(name).alias(name) for name, value in values.items()
    )


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        (lambda rows: rows.filter(~pl.col("nflId").eq_missing(nfl_id(8))),
         "expected 22 players", "21 players, 10 of the offence and 11 of the defence"),
        (lambda rows: pl.concat([rows, rows.filter(pl.col("nflId") == nfl_id(20)).with_columns(
            pl.col("nflId") + 5000)]),
         "expected 22 players", "23 players, 11 of the offence and 12 of the defence"),
        (set_where(3, 10, club=pl.lit("SF")), "a player of neither team", ""),
        (set_where(3, 10, club=pl.lit(AWAY)), "a player of neither team", ""),
        (lambda rows: rows.with_columns(playDirection=pl.lit(None, pl.String)),
         "play direction missing or contradictory", ""),
        (set_where(3, 10, playDirection=pl.lit("left")),
         "play direction missing or contradictory", ""),
        (set_where(5, 9, s=15.01), "impossible speed",
         f"player {nfl_id(5)}, frame 9: 15.0 yards/s"),
        (set_where(19, LAST, y=56.0), "impossible speed", f"player {nfl_id(19)}, frame 16: moves"),
        (set_where(18, FIRST, y=-20.5), "far off the field",
         f"player {nfl_id(18)}, frame 5: y = -20.5"),
        (set_where(2, 10, x=140.5), "far off the field",
         f"player {nfl_id(2)}, frame 10: x = 140.5"),
    ],
)  # fmt: skip
def test_by_the_tracking(tmp_path, change, reason, detail):
    found, what = only_drop(tmp_path, "2025", edit=in_tracking(change))
    assert found == reason
    assert what.startswith(detail)


@pytest.mark.parametrize(
    "change",
    [set_where(5, 3, s=30.0), set_where(5, 18, x=300.0), set_where(3, 19, club=pl.lit("SF"))],
)
def test_what_happens_outside_of_snap_and_throw_does_not_matter(tmp_path, change):
    folder = write_season(tmp_path, "2025", [GOOD, PLAY], edit=in_tracking(change))
    assert read_only_file(folder).plays.height == 2


def test_direction_that_the_line_up_contradicts(tmp_path):
    def turn(rows):
        return rows.with_columns(playDirection=pl.lit("left"))

    found = only_drop(tmp_path, "2025", edit=in_tracking(turn))
    assert found == (
        "line-up contradicts the play direction",
        "median x of the offence 1.0, of the defence -4.2",
    )


def test_lower_limits_drop_more(tmp_path):
    """Each limit of the config bites."""
    opened = open_folder(write_season(tmp_path, "2025", [PLAY]))
    (path,) = opened.tracking_files
    fastest = 50**0.5  # of the receiver who runs 7 yards/s downfield and 1 sideways
    for config, kept in (
        (ReadConfig(max_speed=fastest + 1e-3), 1),
        (ReadConfig(max_speed=fastest - 1e-3), 0),
        (ReadConfig(max_off_field=0), 1),
        (ReadConfig(max_frames=11), 0),
        (ReadConfig(min_frames=13), 0),
    ):
        assert read_tracking_file(opened, path, config).plays.height == kept


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        ("Q.Passer pass to X.Nobody for 7 yards.", "target cannot be told",
         "text names x.nobody, which fits 0 players of the offence"),
        ("Q.Passer pass to G.Guard for 7 yards.", "target cannot be told",
         "text names g.guard, which fits 2 players of the offence"),
        ("Q.Passer pass to Q.Passer for 7 yards.", "passer is the target", ""),
        ("Q.Passer pass to D.End for 7 yards.", "target cannot be told",
         "text names d.end, which fits 0 players of the offence"),
    ],
)  # fmt: skip
def test_by_the_text(tmp_path, text, reason, detail):
    assert only_drop(tmp_path, "2021", SmallPlay(text=text)) == (reason, detail)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("A pass to T.Target for 7 yards", "the text names none"),
        ("X.Nobody pass to T.Target.", "text names x.nobody, which fits 0 players of the offence"),
    ],
)
def test_two_quarterbacks_and_no_passer(tmp_path, text, detail):
    edit = {"players": lambda table: table.with_columns(
        position=pl.when(pl.col("nflId") == nfl_id(2)).then(pl.lit("QB")).otherwise("position")
    )}  # fmt: skip
    opened = open_folder(write_season(tmp_path, "2021", [SmallPlay(text=text)], edit=edit))
    reading = read_tracking_file(opened, opened.tracking_files[0])
    assert reading.drops.select("reason", "detail").rows() == [("passer cannot be told", detail)]


def test_some_linemen_are_not_enough(tmp_path):
    """A source that tracks no linemen may lack players; one that tracks some may not."""

    def lose(rows):
        return rows.filter(~pl.col("position").is_in(LINEMEN[:2]).fill_null(False))

    reason, detail = only_drop(tmp_path, "2021", edit=in_tracking(lose))
    assert reason == "expected 22 players"
    assert detail == "19 players, 8 of the offence and 11 of the defence"


@pytest.mark.parametrize(
    ("role", "reason"),
    [("Targeted Receiver", "nobody was targeted"), ("Passer", "passer cannot be told")],
)
def test_2026_without_a_role(tmp_path, role, reason):
    edit = {
        TRACKING: lambda rows: rows.with_columns(
            player_role=pl.col("player_role").replace({role: "Other Route Runner"}),
            player_position=pl.lit("WR"),
        )
    }
    play = SmallPlay(text="Something happened.")
    reading = read_only_file(write_season(tmp_path, "2026", [play], edit=edit))
    assert reading.drops["reason"].to_list() == [reason]


def test_2026_without_a_line(tmp_path):
    edit = {TRACKING: lambda rows: rows.with_columns(absolute_yardline_number=None)}
    reading = read_only_file(write_season(tmp_path, "2026", [PLAY], edit=edit))
    assert reading.drops["reason"].to_list() == ["line of scrimmage off the field"]


def test_nothing_kept_is_no_error(tmp_path):
    opened = open_folder(write_season(tmp_path, "2025", [SmallPlay(result=None)]))
    reading = read_tracking_file(opened, opened.tracking_files[0])
    assert (reading.plays.height, reading.drops.height, opened.drops.height) == (0, 0, 1)
    assert reading.frames.offsets.tolist() == [0]
