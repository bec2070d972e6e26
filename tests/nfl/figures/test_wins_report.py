"""The tables of the comparison of ratings: every number in its place, at most 100 columns."""

import json

import pytest

from sbp_jax.nfl.figures.wins_report import render_comparison, title_of
from sbp_jax.nfl.ratings.compare_ratings import OTHER, RATINGS
from sbp_jax.nfl.ratings.own_ratings import PASSING_SCORE, PLAY_MEAN
from sbp_jax.nfl.ratings.rival_ratings import CPOE, RATING

LONG = "Ratings of a publisher whose name alone would fill the better part of a line of the table"
SHOWN = (PASSING_SCORE, RATING, CPOE, PLAY_MEAN)


def correlation(estimate):
    return {
        "estimate": estimate,
        "standard_error": 0.0456,
        "low": estimate - 0.1,
        "high": estimate + 0.08,
    }


def comparison(names, rows, shift=0.0):
    """Of each rating another number; the score is ahead by tenths."""
    return {
        "rows": rows,
        "left_out": 0,
        "passers": rows // 3,
        "ratings": {name: correlation(0.6 - 0.2 * i + shift) for i, name in enumerate(names)},
        "ahead_of": {name: correlation(0.1 * i) for i, name in enumerate(names) if i},
    }


def evaluation(label=None, other=False):
    names = [*SHOWN, OTHER] if other else list(SHOWN)
    found = {
        "label": label,
        "wins": comparison(SHOWN, 311),
        "wins_spearman": comparison(SHOWN, 311, 0.01),
        "playoffs": comparison(SHOWN, 279, 0.02),
        "wins_first_half": comparison(SHOWN, 158, 0.03),
        "wins_second_half": comparison(SHOWN, 153, 0.04),
        "stability": {
            name: {
                "split_half": None if name == OTHER else correlation(0.75 - 0.1 * i),
                "season_to_season": correlation(0.45 - 0.1 * i) | {"pairs": 200 + i},
            }
            for i, name in enumerate(names)
        },
    }
    if other:
        found |= {
            "wins_with_other": comparison(names, 304, 0.05),
            "wins_spearman_with_other": comparison(names, 304),
            "playoffs_with_other": comparison(names, 272),
        }
    return found


def table_of(text, part):
    """Cells of a table by the name of its row, numbers in brackets with the one before."""
    block = text.split("\n\n")[2 * part + 1]
    rows = {}
    for line in block.splitlines():
        name, cells = line[:26].strip(), line[26:]
        rows[name] = [cell.strip() for cell in cells.replace(")", ")|").split("|") if cell.strip()]
    return rows


def test_each_number_stands_in_its_row():
    text = render_comparison(evaluation())
    assert text.startswith("Correlation with win percentage: 311 passer-seasons of 103 passers;")
    rows = table_of(text, 0)
    assert rows["passing score"] == [
        "0.600 (0.50, 0.68)",
        "0.610 (0.51, 0.69)",
        "0.620 (0.046)",
    ]
    assert rows["NFL passer rating"][0] == "0.400 (0.30, 0.48)"
    assert rows["NFL passer rating"][3] == "+0.100 (0.046)"
    assert rows["completion % over expected"][3] == "+0.200 (0.046)"
    halves = table_of(text, 1)
    assert "first half of the seasons (158) and in the second (153)" in text
    assert halves["passing score"] == ["0.630 (0.046)", "0.640 (0.046)"]
    stable = table_of(text, 2)
    assert stable["NFL passer rating"] == ["0.650 (0.046)", "0.350 (0.046)", "201"]


def test_other_ratings_are_compared_where_all_are_known_and_called_by_their_label():
    text = render_comparison(evaluation("ESPN QBR", other=True))
    assert "304 passer-seasons of 101 passers, all with a rating by ESPN QBR" in text
    assert table_of(text, 1)["ESPN QBR"][0] == "-0.150 (-0.25, -0.07)"
    # It comes by the season: there are no halves of it.
    assert table_of(text, 3)["ESPN QBR"][0].split() == ["-", "0.050", "(0.046)"]
    assert title_of(OTHER, {"label": "ESPN QBR"}, RATINGS) == "ESPN QBR"
    assert title_of(OTHER, {"label": None}, RATINGS) == "other ratings"


@pytest.mark.parametrize("label", ["QBR", LONG])
@pytest.mark.parametrize("scale", [1, -1])
def test_no_line_is_wider_than_a_hundred_columns(label, scale):
    found = json.loads(json.dumps(evaluation(label, other=True)))
    for key in found:
        if key.startswith(("wins", "playoffs")):
            found[key]["rows"] *= 1000
            for entry in (*found[key]["ratings"].values(), *found[key]["ahead_of"].values()):
                entry |= {name: scale * entry[name] for name in ("estimate", "low", "high")}
    text = render_comparison(found)
    assert max(map(len, text.splitlines())) <= 100
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_what_could_not_be_computed_is_said():
    found = evaluation()
    found |= {"playoffs": None, "wins_first_half": None}
    found["stability"][PASSING_SCORE] |= {"season_to_season": None}
    text = render_comparison(found)
    assert "with making the playoffs: 0 of them" in " ".join(text.split())
    assert table_of(text, 0)["passing score"][2] == "-"
    assert table_of(text, 1)["passing score"][0].split()[0] == "-"
    assert table_of(text, 2)["passing score"][1].split() == ["-", "0"]
    none = render_comparison(found | {"wins": None})
    assert none.startswith("Correlation with win percentage: too few passer-seasons qualify.\n")
