"""One hand-made game at a time: what becomes of each kind of entry and each quirk of the feed."""

import pytest

from sbp_jax.nfl.errors import BrokenGameError
from sbp_jax.nfl.plays.parse import parse_game

PASSER, CATCHER, OTHER, DEFENDER, KICKER = (f"00-000000{i}" for i in range(1, 6))


def parsed(game):
    return parse_game(game.game_id, game.text())


def only_play(game):
    (play,) = parsed(game).plays
    return play


@pytest.mark.parametrize(
    ("stats", "desc", "kind", "yards"),
    [
        ([(PASSER, "NE", 14, 0)], "P.Asser pass incomplete short left", "pass", 0),
        ([(PASSER, "NE", 14, 0)], "P.Asser spiked the ball to stop the clock.", "spike", 0),
        ([(PASSER, "NE", 20, -7), (DEFENDER, "HOU", 83, -7)], "P.Asser sacked", "sack", -7),
        ([(OTHER, "NE", 10, 4)], "O.Ther left tackle for 4 yards", "run", 4),
        ([(OTHER, "NE", 11, 4)], "O.Ther left tackle for 4 yards, TOUCHDOWN.", "run", 4),
        ([(OTHER, "NE", 10, 4), (CATCHER, "NE", 12, 3)], "Lateral to C.Atcher", "run", 7),
        ([(PASSER, "NE", 10, 9)], "P.Asser scrambles right end", "scramble", 9),
        ([(PASSER, "NE", 10, -1)], "P.Asser kneels to NE 29", "kneel", -1),
        ([(KICKER, "NE", 29, 45)], "K.Icker punts 45 yards", "punt", None),
        ([(KICKER, "NE", 2, 0), (DEFENDER, "HOU", 86, 0)], "punt is BLOCKED", "punt", None),
        ([(KICKER, "NE", 410, 74), (KICKER, "NE", 44, 65)], "K.Icker kicks", "kickoff", None),
        ([(KICKER, "NE", 69, 50)], "50 yard field goal is No Good", "field_goal", None),
        ([(KICKER, "NE", 72, 0)], "extra point is GOOD", "extra_point", None),
        ([(OTHER, "NE", 75, 0)], "TWO-POINT CONVERSION ATTEMPT.", "two_point", None),
        ([(OTHER, "NE", 93, 10)], "PENALTY on NE-O.Ther - No Play.", "no_play", None),
        ([], "Penalty on HOU, Offside, offsetting - No Play.", "no_play", None),
        ([], "O.Ther was injured during the play.", "other", None),
    ],
)
def test_kind_and_yards(build, stats, desc, kind, yards):
    game = build()
    game.play(*stats, desc=desc)
    play = only_play(game)
    assert (play.kind, play.yards) == (kind, yards)


def test_timeouts_and_pauses_are_no_plays(build):
    game = build()
    game.play(("0", "NE", 68, 0), desc="Timeout #1 by NE.", yrdln="", posteam="", down=0)
    game.play(desc="END QUARTER 1", time="", yrdln="", posteam="", down=0)
    game.run()
    game.play(desc="Two-Minute Warning", time="", yrdln=None, posteam=None, down=0)
    game.completion(drive=2)
    assert [(play.snap, play.kind) for play in parsed(game).plays] == [(0, "run"), (1, "pass")]


def test_a_challenged_play_is_a_play(build):
    game = build()
    game.play((OTHER, "NE", 10, 4), ("0", "HOU", 68, 0), desc="O.Ther for 4. HOU challenged")
    assert only_play(game).kind == "run"


def test_completion(build):
    game = build()
    game.completion(12, desc="(No Huddle, Shotgun) P.Asser pass deep middle to C.Atcher")
    play = only_play(game)
    assert (play.passer_id, play.receiver_id, play.receiver_name) == (PASSER, CATCHER, "C.Atcher")
    assert (play.yards, play.air_yards, play.yards_after_catch) == (12, 9, 3)
    assert (play.pass_depth, play.pass_location) == ("deep", "middle")
    assert (play.complete, play.targeted, play.interception, play.spike) == (
        True,
        True,
        False,
        False,
    )
    assert play.shotgun
    assert play.no_huddle


def test_interception_gains_nothing_and_its_return_stands_apart(build):
    game = build()
    game.play(
        (PASSER, "NE", 19, 0),
        (PASSER, "NE", 112, 20),
        (CATCHER, "NE", 115, 0),
        (DEFENDER, "HOU", 26, 40),
        desc="P.Asser pass deep right intended for C.Atcher INTERCEPTED by D.Fender. TOUCHDOWN.",
    )
    play = only_play(game)
    assert (play.yards, play.interception_return_yards, play.air_yards) == (0, 40, 20)
    assert (play.interception, play.interception_touchdown, play.turnover) == (True, True, True)
    assert (play.touchdown, play.complete, play.receiver_id) == (False, False, CATCHER)


def test_touchdown_pass(build):
    game = build()
    game.play(("0", "NE", 4, 0), (PASSER, "NE", 16, 30), (CATCHER, "NE", 22, 30), desc="pass")
    play = only_play(game)
    assert play.pass_touchdown
    assert play.touchdown
    assert play.first_down
    assert play.complete


def test_a_recovered_fumble_scores_but_is_no_touchdown_pass(build):
    game = build()
    game.play((PASSER, "NE", 15, 9), (CATCHER, "NE", 21, 9), (OTHER, "NE", 56, 0), desc="pass")
    play = only_play(game)
    assert (play.touchdown, play.pass_touchdown) == (True, False)


def test_lateral_gives_the_passer_all_yards_and_the_catcher_his_own_after_the_catch(build):
    game = build()
    game.play(
        (PASSER, "NE", 15, 20),
        (PASSER, "NE", 111, 5),
        (CATCHER, "NE", 21, 8),
        (CATCHER, "NE", 113, 3),
        (OTHER, "NE", 23, 12),
        (OTHER, "NE", 113, 12),
        desc="P.Asser pass short left to C.Atcher. Lateral to O.Ther",
    )
    play = only_play(game)
    assert (play.yards, play.yards_after_catch, play.lateral) == (20, 3, True)


def test_an_unidentified_target_is_none(build):
    game = build()
    game.play((PASSER, "NE", 14, 0), ("0", "NE", 115, 0), desc="pass incomplete to Unidentified")
    play = only_play(game)
    assert (play.targeted, play.receiver_id, play.receiver_name) == (False, None, None)


def test_of_lines_left_by_an_overturned_ruling_the_last_sentence_counts(build):
    game = build()
    game.play(
        (PASSER, "NE", 16, 26),
        (PASSER, "NE", 111, 26),
        (CATCHER, "NE", 22, 26),
        (PASSER, "NE", 14, 0),
        (PASSER, "NE", 112, 24),
        desc="P.Asser pass deep right to C.Atcher, TOUCHDOWN. The play was REVERSED. "
        "P.Asser pass incomplete short left to C.Atcher.",
    )
    play = only_play(game)
    assert (play.complete, play.yards, play.air_yards, play.reversed) == (False, 0, 24, True)
    assert (play.pass_depth, play.pass_location) == ("short", "left")


def test_of_two_passers_and_catchers_the_sentence_names_the_right_ones(build):
    game = build()
    game.play(
        (OTHER, "NE", 15, 6),
        (PASSER, "NE", 15, 6),
        (CATCHER, "NE", 21, 6),
        (OTHER, "NE", 21, 6),
        desc="P.Asser pass short left to C.Atcher for 6 yards",
    )
    play = only_play(game)
    assert (play.passer_name, play.receiver_name) == ("P.Asser", "C.Atcher")


@pytest.mark.parametrize(
    ("club", "yards", "signed"), [("NE", 10, -10), ("HOU", 15, 15)], ids=["offense", "defense"]
)
def test_penalty_yards_favour_the_offense(build, club, yards, signed):
    game = build()
    game.play((OTHER, "NE", 10, 4), (OTHER, club, 93, yards), desc="O.Ther for 4. PENALTY")
    play = only_play(game)
    assert (play.kind, play.penalty, play.penalty_yards) == ("run", True, signed)


@pytest.mark.parametrize(("club", "turnover"), [("NE", True), ("HOU", False)])
def test_a_turnover_is_the_offenses(build, club, turnover):
    game = build()
    game.play((OTHER, "NE", 10, 4), (OTHER, club, 106, 0), desc="FUMBLES")
    play = only_play(game)
    assert (play.fumble_lost, play.turnover) == (True, turnover)


@pytest.mark.parametrize(("yardline", "expected"), [("NE 30", 70), ("HOU 30", 30), ("50", 50)])
def test_yards_to_endzone(build, yardline, expected):
    game = build()
    game.run(yrdln=yardline)
    assert only_play(game).yards_to_endzone == expected


def test_situation(build):
    game = build(home="JAC")
    game.run(time="02:05", qtr=5, down=0, yrdln="JAC 20")
    result = parsed(game)
    (play,) = result.plays
    assert (play.clock_seconds, play.quarter, play.down, play.yards_to_go) == (125, 5, None, None)
    assert (play.offense, play.defense, play.yards_to_endzone) == ("JAX", "HOU", 80)
    assert result.home_team == "JAX"
    assert result.overtime


def test_order_is_that_of_drives_and_of_the_file_not_of_play_ids(build):
    game = build()
    game.run(play_id=70, drive=2)
    game.run(play_id=90, drive=10)
    game.run(play_id=60, drive=2)
    assert [play.play_id for play in parsed(game).plays] == [70, 60, 90]


def test_the_fuller_copy_of_a_play_stays(build):
    game = build()
    at = {"time": "03:10"}
    full = game.completion(desc="P.Asser pass short left to C.Atcher pushed ob for 8 yards", **at)
    game.completion(desc="P.Asser pass to C.Atcher for 8 yards", time="03:09")
    result = parsed(game)
    assert [play.play_id for play in result.plays] == [full]
    assert result.stale == 1


def test_of_equal_copies_the_later_stays(build):
    game = build()
    game.run(time="03:10")
    later = game.run(time="03:10")
    assert only_play(game).play_id == later


@pytest.mark.parametrize(
    "change", [{"time": "03:08"}, {"down": 2}, {"yrdln": "NE 31"}, {"yards": 4}, {"qtr": 2}]
)
def test_another_play_is_no_copy(build, change):
    game = build()
    game.run(time="03:10")
    game.run(**{"time": "03:10", **change})
    assert len(parsed(game).plays) == 2


def test_two_kicks_at_one_time_are_no_copies_unless_they_read_the_same(build):
    game = build()
    at = {"time": "03:10", "down": 0}
    for yards in (50, 65, 65):
        game.play((KICKER, "NE", 44, yards), desc=f"K.Icker kicks {yards} yards from NE 35", **at)
    assert len(parsed(game).plays) == 2


def test_broken_structures_say_what_is_missing(build):
    game = build()
    with pytest.raises(BrokenGameError, match="no plays"):
        parsed(game)
    game.run(posteam="DAL")
    with pytest.raises(BrokenGameError, match="team DAL"):
        parsed(game)
    with pytest.raises(BrokenGameError, match="not JSON"):
        parse_game(game.game_id, game.text()[:-40])
    with pytest.raises(BrokenGameError, match="no '2018090902'"):
        parse_game("2018090902", game.text())
    with pytest.raises(BrokenGameError, match="wrong structure"):
        parse_game(game.game_id, b"[]")
