"""Tracked plays as passes: every fact is that of the plays table, never that of a feature."""

import math

import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.nfl.examples import Examples
from sbp_jax.nfl.ratings.split_columns import with_split_columns
from sbp_jax.nfl.tracking.features import sequence_features
from sbp_jax.nfl.tracking.passes_table import passes_table
from sbp_jax.nfl.tracking.play_frames import SIDE, Role
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, scale_sequence
from sbp_jax.nfl.tracking.static import tracking_static
from tests.nfl.tracking.features_frames import plays_table, random_frames

TABLE = plays_table(
    {},
    {"down": 3, "yards_to_go": 4, "yards_to_endzone": 12, "quarter": 4, "clock_seconds": 121,
     "offense_score": 7, "defense_score": 10, "yards_gained": 12, "play_id": 57, "season": 2021},
    {"down": 4, "yards_to_go": 38, "yards_to_endzone": 99, "quarter": 6, "clock_seconds": 0,
     "offense_score": 50, "yards_gained": 0, "pass_result": "IN", "passer_id": 9},
    {"down": 2, "yards_to_go": 1, "yards_to_endzone": 1, "quarter": 2, "clock_seconds": 120,
     "yards_gained": 0, "pass_result": "I", "offense": "LA", "defense": "BUF"},
)  # fmt: skip
FRAMES = random_frames(5, (12, 1, 30, 47))


@pytest.fixture(scope="module")
def found():
    made = sequence_features(FRAMES)
    lengths = np.diff(made.offsets)
    sequence = np.zeros((TABLE.height, lengths.max(), len(MODEL_FEATURES)), np.float32)
    mask = np.arange(lengths.max()) < lengths[:, None]
    for play, (start, end) in enumerate(zip(made.offsets[:-1], made.offsets[1:], strict=True)):
        sequence[play, : lengths[play]] = scale_sequence(
            made.values[start:end],
            np.broadcast_to(made.player_mask[play], (end - start, 2 * SIDE)),
        )
    target = TABLE["yards_gained"].to_numpy().astype(np.float32)
    batch = Batch(sequence, mask, tracking_static(TABLE), target)
    return passes_table(Examples(TABLE, batch))


def test_the_situation_is_that_of_the_plays(found):
    for name in (
        "down", "yards_to_go", "yards_to_endzone", "quarter", "clock_seconds", "yards_gained",
        "play_id", "week",
    ):  # fmt: skip
        assert found[name].to_list() == TABLE[name].to_list(), name
    assert found["score_diff"].to_list() == [0, -3, 50, 0]


def test_who_played_is_told_by_id(found):
    assert found["game_id"].to_list() == ["2022090800"] * 4
    assert found["passer_id"].to_list() == found["passer_name"].to_list() == ["1", "1", "9", "1"]
    assert found["offense"].to_list() == ["BUF", "BUF", "BUF", "LA"]
    assert found["season"].to_list() == [2022, 2021, 2022, 2022]


def test_what_came_of_the_throw(found):
    assert found["complete"].to_list() == [True, True, False, False]
    assert found["pass_touchdown"].to_list() == [False, True, False, False]
    assert found["interception"].to_list() == [False, False, True, False]


@pytest.mark.parametrize("play", range(4))
def test_the_throw_is_that_of_the_last_frame_in_yards_and_seconds(found, play):
    """From the positions themselves, to half a hundredth and the 11 digits of float16."""
    last = FRAMES.offsets[play + 1] - 1
    role = FRAMES.role[play].tolist()
    place = [(float(FRAMES.x[last, i]), float(FRAMES.y[last, i])) for i in range(2 * SIDE)]
    passer, target = place[role.index(Role.PASSER)], place[role.index(Role.TARGET)]
    from_target = [math.dist(target, defender) for defender in place[SIDE:]]
    row = found.row(play, named=True)

    def close(value):
        return pytest.approx(value, abs=0.005 + 2**-11 * abs(value) + 1e-5)

    assert row["target_depth"] == close(target[0])
    assert row["separation"] == close(min(from_target))
    assert row["defenders_near_target"] == sum(distance <= 2 for distance in from_target)
    rusher = min(math.dist(passer, defender) for defender in place[SIDE:])
    assert row["nearest_rusher"] == close(rusher)
    frames = FRAMES.offsets[play + 1] - FRAMES.offsets[play]
    assert row["time_to_throw"] == close((frames - 1) / 10)


def test_splits_of_tracked_plays_can_be_made(found):
    splits = with_split_columns(found)
    assert splits["throw_time"].to_list() == [
        "under 2.5 s",
        "under 2.5 s",
        "2.5 to 4 s",
        "over 4 s",
    ]
    assert splits["two_minute"].to_list() == [False, False, True, True]
    assert splits["pressure"].to_list() == (found["nearest_rusher"] <= 2).to_list()
    assert splits["half"].to_list() == ["first", "second", "overtime", "first"]
    assert sum(found.null_count().row(0)) == 0
