"""Small scored plays, one play a score, for what rates and splits them."""

import polars as pl


def throws(passer, game, scores, *, season=2018, name=None, team="KC", complete=True, **columns):
    """Throws of one passer in one game, with their scores and whatever other columns."""
    return [
        {
            "season": season,
            "game_id": game,
            "passer_id": passer,
            "passer_name": name or passer.upper(),
            "offense": team,
            "complete": complete,
            "yards_gained": 7 * complete,
            "pass_touchdown": complete and i == 0,
            "interception": not complete and i == 0,
            "air_yards": 5,
            "down": 1 + i % 3,
            "play_score": 0.5 + score / 10,
            "throw_score": score,
            "standard_score": score,
            "sack": False,
            "leverage": 1.0,
            **columns,
        }
        for i, score in enumerate(scores)
    ]


_OF_THROWS = (
    "passer_name",
    "complete",
    "yards_gained",
    "pass_touchdown",
    "interception",
    "air_yards",
    "play_score",
)


def sacks(passer, game, scores, **columns):
    """Sacks, which have nothing of a throw."""
    nothing = dict.fromkeys(_OF_THROWS) | {"throw_score": 0.0, "sack": True}
    return [row | nothing for row in throws(passer, game, scores, **columns)]


def frame(*rows):
    """A table of scored plays."""
    return pl.DataFrame([row for part in rows for row in part], infer_schema_length=None)
