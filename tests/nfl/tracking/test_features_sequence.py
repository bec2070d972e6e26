"""Columns of the sequence, against loops over plays, frames and players."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.nfl.tracking.features import (
    EXTRA_FEATURES,
    FAR,
    PLAYER_FEATURES,
    PLAYER_NAMES,
    SEQUENCE_FEATURES,
    sequence_features,
)
from sbp_jax.nfl.tracking.play_frames import SIDE, Role
from sbp_jax.nfl.tracking.player_order import canonical_order
from tests.nfl.tracking.features_frames import MOTION, random_frames, shuffled, truncated


def naive_row(frames, play, frame, order):
    """One row by name, in double precision."""
    row = {}
    for name, player in zip(PLAYER_NAMES, order, strict=True):

        def velocity(at, player=player):
            speed, direction = (float(getattr(frames, n)[at, player]) for n in MOTION[2:4])
            return speed * math.cos(direction), speed * math.sin(direction)

        vx, vy = velocity(frame)
        before = velocity(frame - 1) if frame > frames.offsets[play] else (vx, vy)
        row[f"{name}_x"] = float(frames.x[frame, player])
        row[f"{name}_y"] = float(frames.y[frame, player])
        row[f"{name}_vx"], row[f"{name}_vy"] = vx, vy
        row[f"{name}_ax"], row[f"{name}_ay"] = (vx - before[0]) / 0.1, (vy - before[1]) / 0.1
        row[f"{name}_direction"] = float(frames.direction[frame, player])
        row[f"{name}_orientation"] = float(frames.orientation[frame, player])

    def between(one, other):
        return math.dist((row[f"{one}_x"], row[f"{one}_y"]), (row[f"{other}_x"], row[f"{other}_y"]))

    defenders = [
        name
        for name, player in zip(PLAYER_NAMES[SIDE:], order[SIDE:], strict=True)
        if frames.role[play, player] != Role.ABSENT
    ]
    to_target = [between(name, "target") for name in defenders]
    row["defenders_near_target"] = sum(distance <= 2 for distance in to_target)
    row["separation"] = min([60, *to_target])
    row["nearest_rusher"] = min([60, *(between(name, "passer") for name in defenders)])
    row["target_distance"] = between("passer", "target")
    row["time_since_snap"] = 0.1 * (frame - frames.offsets[play])
    return row


@pytest.mark.parametrize("absent", [False, True])
def test_values_are_the_naive_ones(absent):
    frames = random_frames(11, (12, 1, 7, 2), absent=absent)
    order = canonical_order(frames)
    values = sequence_features(frames).values
    for play in range(4):
        for frame in range(frames.offsets[play], frames.offsets[play + 1]):
            expected = naive_row(frames, play, frame, order[play])
            assert tuple(sorted(expected)) == tuple(sorted(SEQUENCE_FEATURES))
            wanted = [expected[name] for name in SEQUENCE_FEATURES]
            np.testing.assert_allclose(values[frame], wanted, rtol=1e-5, atol=1e-4)


def test_names_say_what_the_columns_are():
    assert len(SEQUENCE_FEATURES) == len(set(SEQUENCE_FEATURES)) == 22 * 8 + 5
    assert SEQUENCE_FEATURES[:3] == ("passer_x", "passer_y", "passer_vx")
    assert SEQUENCE_FEATURES[16] == "offense_3_x"
    assert SEQUENCE_FEATURES[88] == "defense_1_x"
    assert SEQUENCE_FEATURES[-5:] == EXTRA_FEATURES


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    grid=st.sampled_from([0.01, 3.0]),
    absent=st.booleans(),
)
def test_columns_of_a_file_may_come_in_any_order(seed, grid, absent):
    frames = random_frames(seed, (4, 1, 6), grid=grid, absent=absent)
    for one, other in zip(
        sequence_features(shuffled(frames, seed + 1)), sequence_features(frames), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    seen=st.lists(st.integers(1, 9), min_size=3, max_size=3),
)
def test_a_play_that_is_still_going_on_has_the_rows_it_will_have(seed, seen):
    frames = random_frames(seed, (9, 9, 9))
    whole, early = sequence_features(frames), sequence_features(truncated(frames, seen))
    for play, length in enumerate(seen):
        np.testing.assert_array_equal(
            early.values[early.offsets[play] : early.offsets[play + 1]],
            whole.values[whole.offsets[play] : whole.offsets[play] + length],
        )


def test_later_frames_and_other_plays_never_change_a_row():
    frames = random_frames(2, (10, 10))
    expected = sequence_features(frames).values
    rng = np.random.default_rng(0)
    for cut in range(1, 10):
        changed = {name: getattr(frames, name).copy() for name in MOTION}
        for name in MOTION:
            changed[name][cut:] = rng.uniform(0, 3, changed[name][cut:].shape)
        values = sequence_features(frames._replace(**changed)).values
        np.testing.assert_array_equal(values[:cut], expected[:cut])
        assert (values[cut] != expected[cut]).any()


def test_a_shift_of_everybody_moves_positions_alone():
    frames = random_frames(8, (6, 6))
    # Powers of two, so that no sum is rounded.
    frames = frames._replace(x=np.round(frames.x * 4) / 4, y=np.round(frames.y * 4) / 4)
    shifted = frames._replace(x=frames.x + 16, y=frames.y - 8)
    expected = sequence_features(frames).values
    for number, name in enumerate(PLAYER_FEATURES):
        expected[:, number:176:8] += {"x": 16, "y": -8}.get(name, 0)
    np.testing.assert_array_equal(sequence_features(shifted).values, expected)


def test_a_play_of_one_frame_and_the_snap_have_no_acceleration():
    frames = random_frames(6, (1, 5))
    values = sequence_features(frames).values
    acceleration = [n for n, name in enumerate(SEQUENCE_FEATURES) if name.endswith(("_ax", "_ay"))]
    assert len(acceleration) == 44
    assert (values[[0, 1]][:, acceleration] == 0).all()
    assert (values[2:][:, acceleration] != 0).all()
    np.testing.assert_array_equal(values[:, -1], np.float32([0, 0, 0.1, 0.2, 0.3, 0.4]))


def test_braking_is_against_the_motion():
    frames = random_frames(6, (3,))
    straight = np.zeros_like(frames.direction)
    speed = np.full_like(frames.speed, 6)
    speed[1], speed[2] = 5, 4.5
    values = sequence_features(frames._replace(speed=speed, direction=straight + np.pi)).values
    column = SEQUENCE_FEATURES.index("target_ax")  # who runs towards his own end zone
    np.testing.assert_allclose(values[:, column], [0, 10, 5], atol=1e-4)


def test_absent_players_are_zeros_and_count_nowhere():
    frames = random_frames(9, (3, 3, 3), absent=True)
    found = sequence_features(frames)
    absent = np.repeat(~found.player_mask, 3, axis=0)
    players = found.values[:, :176].reshape(-1, 22, 8)
    assert absent.any()
    assert (players[absent] == 0).all()
    assert (players[~absent][:, 6] != 0).all()
    # The last play has no defender at all.
    names = dict(zip(SEQUENCE_FEATURES, found.values[-3:].T, strict=True))
    assert (names["defenders_near_target"] == 0).all()
    assert (names["separation"] == FAR).all()
    assert (names["nearest_rusher"] == FAR).all()


def placed(offsets_of_defenders):
    """One frame: the target at (10, 0.3333), defenders in coverage at given places around him."""
    frames = random_frames(0, (1,))
    role, x, y = frames.role.copy(), frames.x.copy(), frames.y.copy()
    target = int(np.flatnonzero(role[0] == Role.TARGET)[0])
    role[:, SIDE:] = Role.COVERAGE
    x[0, target], y[0, target] = 10, 1 / 3
    x[0, SIDE:], y[0, SIDE:] = 40, 20
    for column, (dx, dy) in enumerate(offsets_of_defenders, SIDE):
        x[0, column], y[0, column] = 10 + dx, 1 / 3 + dy
    values = sequence_features(frames._replace(x=x, y=y, role=role)).values[0]
    return dict(zip(SEQUENCE_FEATURES, values.tolist(), strict=True))


def test_two_yards_are_near_and_a_hundredth_more_is_not():
    assert placed([(2, 0), (0, -2), (1.2, 1.6), (-1.6, 1.2)])["defenders_near_target"] == 4
    # The next distances that hundredths of a yard can make: sqrt(4.0001) and 2.01.
    beyond = [(2.00, 0.01), (0, 2.01), (1.21, 1.6)]
    assert placed(beyond)["defenders_near_target"] == 0


def test_two_players_at_one_spot_are_at_distance_zero():
    values = placed([(0, 0), (0, 0)])
    assert values["separation"] == 0
    assert values["defenders_near_target"] == 2


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_half_precision_keeps_what_the_docstring_says(seed):
    frames = random_frames(seed, (30,))
    position = np.random.default_rng(seed).uniform(-128, 128, (2, 30, 22)).astype(np.float32)
    values = sequence_features(frames._replace(x=position[0], y=position[1])).values
    error = np.abs(values.astype(np.float16).astype(np.float32) - values)
    bound = {"x": 0.0313, "y": 0.0313, "vx": 0.004, "vy": 0.004} | dict.fromkeys(
        ("direction", "orientation"), 0.001
    )
    for number, name in enumerate(PLAYER_FEATURES):
        columns = slice(number, 176, 8)
        if name in bound:
            assert error[:, columns].max() <= bound[name], name
        else:
            near = np.abs(values[:, columns]) <= 64
            assert error[:, columns][near].max() <= 0.016, name
    nearby = np.abs(position[0]) <= 64
    assert np.abs(position[0].astype(np.float16) - position[0])[nearby].max() <= 0.016
    assert error[:, -1].max() <= 0.004
    assert error[:, -5].max() == 0


def test_double_precision_frames_give_the_same_columns():
    frames = random_frames(4, (5, 5))
    double = frames._replace(**{n: getattr(frames, n).astype(np.float64) for n in MOTION})
    np.testing.assert_array_equal(
        sequence_features(double).values, sequence_features(frames).values
    )
