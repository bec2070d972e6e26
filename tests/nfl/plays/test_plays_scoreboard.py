"""The score before each play, from hand-made summaries."""

import pytest

from sbp_jax.nfl.plays.parse import parse_game

PASSER, OTHER, KICKER = "00-0000001", "00-0000003", "00-0000005"


def before_each(game):
    plays = parse_game(game.game_id, game.text()).plays
    return [(play.kind, play.offense_score, play.defense_score) for play in plays]


def touchdown(game, how):
    play_id = game.play((OTHER, "NE", 11, 1), desc="O.Ther for 1 yard, TOUCHDOWN.")
    points = {"K.Icker kick is good": 7, "P.Asser pass": 8}.get(how, 6)
    game.score(play_id, "NE", "TD", f"O.Ther 1 yd. run ({how}) Drive: 3 plays", points)


def kickoff(game, team="NE"):
    game.play((KICKER, team, 44, 65), desc="K.Icker kicks 65 yards", posteam=team, down=0)


@pytest.mark.parametrize(
    ("stat", "how", "after"),
    [
        (72, "K.Icker kick is good", 7),
        (73, "kick failed, wr", 6),
        (77, "P.Asser pass", 8),
        (78, "pass failed", 6),
    ],
)
def test_the_try_counts_once_it_was_played(build, stat, how, after):
    game = build()
    touchdown(game, how)
    game.play((KICKER, "NE", stat, 0), desc="the try", down=0)
    kickoff(game)
    assert [row[1] for row in before_each(game)] == [0, 6, after]


def test_a_penalty_before_the_try_leaves_it_open(build):
    game = build()
    touchdown(game, "K.Icker kick is good")
    game.play((OTHER, "NE", 93, 5), desc="PENALTY on NE, False Start - No Play.", down=0)
    game.play((KICKER, "NE", 72, 0), desc="extra point is GOOD", down=0)
    game.play((OTHER, "NE", 93, 5), desc="PENALTY on NE, Offside - No Play.", down=0)
    assert [row[1] for row in before_each(game)] == [0, 6, 6, 7]


def test_a_try_that_the_feed_lacks_counts_from_the_next_play(build):
    game = build()
    touchdown(game, "K.Icker kick is good")
    kickoff(game, "HOU")
    assert before_each(game)[1] == ("kickoff", 0, 7)


def test_field_goal_safety_and_the_defenses_two_points(build):
    game = build()
    goal = game.play((KICKER, "NE", 70, 40), desc="40 yard field goal is GOOD")
    game.score(goal, "NE", "FG", "K.Icker 40 yd. Field Goal", 3)
    safety = game.play((PASSER, "NE", 20, -9), desc="P.Asser sacked in end zone, SAFETY")
    game.score(safety, "HOU", "SAF", "P.Asser sacked in end zone for a Safety", 2)
    touchdown(game, "pass failed")
    failed = game.play((PASSER, "NE", 78, 0), desc="TWO-POINT CONVERSION ATTEMPT.", down=0)
    game.score(failed, "HOU", None, "D.Fender defensive two point conversion", 2)
    kickoff(game)
    assert [row[1:] for row in before_each(game)] == [(0, 0), (3, 0), (3, 2), (9, 2), (9, 4)]


def test_a_score_whose_play_is_missing_counts_from_the_next_id(build):
    game = build()
    game.run(play_id=10)
    game.score(15, "HOU", "TD", "D.Fender 20 yd. fumble return (K.Icker kick is good)", 7)
    game.run(play_id=20)
    assert [row[1:] for row in before_each(game)] == [(0, 0), (0, 7)]


def test_a_summary_that_does_not_add_up_gives_no_scores(build):
    game = build()
    game.run()
    game.points["HOU"] = 3
    result = parse_game(game.game_id, game.text())
    assert not result.score_timeline_ok
    assert result.plays[0].score_diff is None
    assert result.winner == "HOU"
