"""The next score of the half: hand-made games, and real ones whose points must add up."""

import polars as pl
import pytest

from sbp_jax.nfl.errors import PointsError
from sbp_jax.nfl.points.next_score import NEXT_SCORES, with_next_score

SCHEMA = {"offense_score": pl.Int8, "defense_score": pl.Int8, "quarter": pl.Int8}


def tables(plays, final, *, game_id="g1"):
    """Snaps and games of one game of KC at home against DEN.

    Args:
        plays: quarter, offence, kind, score of KC and of DEN before the play; None is not known.
        final: score of KC and of DEN.
    """
    rows = [
        {
            "game_id": game_id,
            "snap": snap,
            "quarter": quarter,
            "kind": kind,
            "home_team": "KC",
            "offense": offense,
            "offense_score": home if offense == "KC" else away,
            "defense_score": away if offense == "KC" else home,
        }
        for snap, (quarter, offense, kind, home, away) in enumerate(plays)
    ]
    games = pl.DataFrame(
        {"game_id": [game_id], "home_score": [final[0]], "away_score": [final[1]]},
        schema_overrides={"home_score": pl.Int8, "away_score": pl.Int8},
    )
    return pl.DataFrame(rows, schema_overrides=SCHEMA), games


def next_scores(plays, final):
    return with_next_score(*tables(plays, final))["next_score"].to_list()


GAMES = {
    "a touchdown counts 7 to both teams, and its kick is no score": (
        [
            (1, "DEN", "punt", 0, 0),
            (1, "KC", "pass", 0, 0),
            (1, "KC", "extra_point", 6, 0),
            (1, "KC", "kickoff", 7, 0),
        ],
        (7, 0),
        [-7, 7, 0, 0],
    ),
    "a missed kick leaves the touchdown at 7": (
        [(1, "KC", "run", 0, 0), (1, "KC", "extra_point", 6, 0), (1, "KC", "kickoff", 6, 0)],
        (6, 0),
        [7, 0, 0],
    ),
    "a touchdown whose try the feed lacks": (
        [(1, "KC", "run", 0, 0), (1, "KC", "kickoff", 8, 0)],
        (8, 0),
        [7, 0],
    ),
    "a return for a touchdown is the other team's": (
        [(1, "KC", "pass", 0, 0), (1, "DEN", "extra_point", 0, 6), (1, "DEN", "kickoff", 0, 7)],
        (0, 7),
        [-7, 0, 0],
    ),
    "a field goal": (
        [
            (1, "KC", "punt", 0, 0),
            (1, "DEN", "run", 0, 0),
            (1, "DEN", "field_goal", 0, 0),
            (1, "DEN", "kickoff", 0, 3),
        ],
        (0, 3),
        [-3, 3, 3, 0],
    ),
    "a safety": (
        [(1, "KC", "run", 0, 0), (1, "KC", "sack", 0, 0), (1, "KC", "kickoff", 0, 2)],
        (0, 2),
        [-2, -2, 0],
    ),
    "two points of a try are no safety": (
        [
            (1, "KC", "run", 0, 0),
            (1, "KC", "two_point", 6, 0),
            (1, "KC", "kickoff", 8, 0),
            (1, "DEN", "field_goal", 8, 0),
        ],
        (8, 3),
        [7, -3, -3, 3],
    ),
    "nor are two points of the defence on a try": (
        [
            (1, "KC", "run", 0, 0),
            (1, "KC", "extra_point", 6, 0),
            (1, "KC", "kickoff", 6, 2),
            (1, "DEN", "field_goal", 6, 2),
        ],
        (6, 5),
        [7, -3, -3, 3],
    ),
    "a touchdown whose returned try the feed lacks is the touchdown": (
        [(1, "KC", "run", 0, 0), (1, "KC", "kickoff", 6, 2)],
        (6, 2),
        [7, 0],
    ),
    "so it is where the visitors scored it": (
        [(1, "DEN", "run", 0, 0), (1, "DEN", "kickoff", 2, 6)],
        (2, 6),
        [7, 0],
    ),
    "the first half does not see the second": (
        [
            (1, "KC", "run", 0, 0),
            (2, "KC", "run", 0, 0),
            (3, "DEN", "run", 0, 0),
            (4, "DEN", "field_goal", 0, 0),
        ],
        (0, 3),
        [0, 0, 3, 3],
    ),
    "a score on the last snap of a half belongs to it": (
        [
            (1, "KC", "run", 0, 0),
            (2, "KC", "field_goal", 0, 0),
            (3, "DEN", "kickoff", 3, 0),
            (4, "KC", "run", 3, 0),
        ],
        (3, 0),
        [3, 3, 0, 0],
    ),
    "a touchdown across quarters of one half": (
        [(3, "KC", "run", 0, 0), (4, "DEN", "run", 0, 0), (4, "DEN", "extra_point", 0, 6)],
        (0, 7),
        [-7, 7, 0],
    ),
    "overtime is a half of its own": (
        [(4, "KC", "run", 0, 0), (5, "KC", "run", 0, 0), (5, "DEN", "field_goal", 0, 0)],
        (0, 3),
        [0, -3, 3],
    ),
    "the last snap of a game scores what the final score adds": (
        [(4, "KC", "run", 10, 14), (4, "KC", "pass", 10, 14)],
        (16, 14),
        [7, 7],
    ),
    "of several scores the next one": (
        [
            (1, "KC", "field_goal", 0, 0),
            (1, "KC", "kickoff", 3, 0),
            (1, "DEN", "pass", 3, 0),
            (1, "DEN", "extra_point", 3, 6),
            (2, "KC", "field_goal", 3, 7),
        ],
        (6, 7),
        [3, -7, 7, -3, 3],
    ),
}


@pytest.mark.parametrize(("plays", "final", "expected"), GAMES.values(), ids=GAMES.keys())
def test_hand_made_games(plays, final, expected):
    assert next_scores(plays, final) == expected


def test_a_game_without_scores_has_no_next_score_and_others_keep_theirs():
    unknown, first = tables([(1, "KC", "run", None, None)] * 2, (7, 0), game_id="g1")
    known, second = tables([(1, "DEN", "run", 0, 0)], (0, 7), game_id="g2")
    found = with_next_score(pl.concat([unknown, known]), pl.concat([first, second]))
    assert found["next_score"].to_list() == [None, None, 7]


def test_games_are_apart_and_the_order_of_the_snaps_does_not_count():
    """Mixed rows come back sorted; the first game's end does not see the second's score."""
    one, first = tables([(2, "KC", "run", 0, 0), (2, "KC", "run", 0, 0)], (0, 0), game_id="g1")
    two, second = tables([(2, "KC", "run", 0, 0), (2, "DEN", "run", 3, 0)], (3, 7), game_id="g2")
    snaps, games = pl.concat([one, two]), pl.concat([second, first])
    found = with_next_score(snaps[[3, 0, 2, 1]], games)
    assert found.select("game_id", "snap").rows() == [("g1", 0), ("g1", 1), ("g2", 0), ("g2", 1)]
    assert found["next_score"].to_list() == [0, 0, 3, 7]


def test_halves_are_named_and_nothing_else_is_added():
    snaps, games = tables([(q, "KC", "run", 0, 0) for q in (1, 2, 3, 4, 5)], (0, 0))
    found = with_next_score(snaps, games)
    assert found["half"].to_list() == [1, 1, 2, 2, 3]
    assert set(found.columns) == {*snaps.columns, "half", "next_score"}


def test_a_missing_column_is_named():
    snaps, games = tables([(1, "KC", "run", 0, 0)], (0, 0))
    with pytest.raises(PointsError, match="snaps: expected the columns quarter, offense_score, wh"):
        with_next_score(snaps.drop("offense_score", "quarter"), games)
    with pytest.raises(PointsError, match="games: expected the columns away_score, which are mis"):
        with_next_score(snaps, games.drop("away_score"))


def test_a_game_that_is_not_among_the_games_is_named():
    snaps, games = tables([(1, "KC", "run", 0, 0)], (0, 0), game_id="g7")
    with pytest.raises(PointsError, match="games: expected game g7 of the snaps, got none"):
        with_next_score(snaps, games.clear())


def test_real_games_next_scores_and_tries_add_up_to_the_final_scores(real_games):
    """A touchdown is worth 6 and what its try, a play of its own or not, added to that."""
    worth = {7: 6, 3: 3, 2: 2}
    played = with_next_score(real_games.snaps, real_games.games)
    finals = {game["game_id"]: game for game in real_games.games.iter_rows(named=True)}
    for (game_id,), plays in played.group_by("game_id", maintain_order=True):
        final = [finals[game_id][f"{side}_score"] for side in ("home", "away")]
        rows = list(plays.iter_rows(named=True))
        scores = [_home_and_away(row) for row in rows]
        total = [0, 0]
        for row, before, after in zip(rows, scores, [*scores[1:], final], strict=True):
            risen = [b - a for a, b in zip(before, after, strict=True)]
            if row["kind"] in ("extra_point", "two_point"):
                total = [a + b for a, b in zip(total, risen, strict=True)]
            elif any(risen):
                points = row["next_score"]
                away = (points > 0) != (row["offense"] == row["home_team"])
                total[away] += worth[abs(points)] + max(risen[away] - 6, 0)
        assert total == final
    assert played["game_id"].n_unique() == 12


def test_real_games_the_next_score_changes_only_after_a_play_that_scored(real_games):
    played = with_next_score(real_games.snaps, real_games.games)
    sides = pl.when(pl.col("offense") == pl.col("home_team")).then(1).otherwise(-1)
    total = pl.col("offense_score").cast(pl.Int16) + pl.col("defense_score")
    steps = played.select(
        changed=(pl.col("next_score") * sides).diff().over("game_id", "half") != 0,
        scored=total.diff().over("game_id", "half") != 0,
    ).drop_nulls()
    assert steps.filter(pl.col("changed") & ~pl.col("scored")).is_empty()
    assert steps["changed"].sum() > 60


def test_real_games_touchdowns_of_the_offence_are_next_scores_of_seven(real_games):
    played = with_next_score(real_games.snaps, real_games.games)
    assert set(played["next_score"].unique()) <= set(NEXT_SCORES)
    touchdowns = played.filter(pl.col("touchdown"), pl.col("kind").is_in(["pass", "run"]))
    assert touchdowns.height > 30
    assert touchdowns["next_score"].to_list() == [7] * touchdowns.height


def _home_and_away(play):
    own, other = play["offense_score"], play["defense_score"]
    return (own, other) if play["offense"] == play["home_team"] else (other, own)
