"""The row of a play that boosted trees see, against the frame of the throw worked out by hand."""

import math

import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.features import EXTRA_FEATURES, SEQUENCE_FEATURES, sequence_features
from sbp_jax.nfl.tracking.play_frames import SIDE, Role
from sbp_jax.nfl.tracking.scaling import scale_sequence
from sbp_jax.nfl.tracking.static import TRACKING_STATIC, tracking_static
from sbp_jax.nfl.tracking.summary import SUMMARY_FEATURES, summary_features, summary_of_batch
from tests.nfl.tracking.features_frames import plays_table, random_frames

TABLE = plays_table(
    {},
    {"down": 3, "yards_to_go": 4, "yards_to_endzone": 12},
    {"yards_to_endzone": 99, "offense_score": 7},
)


def naive_summary(frames, found, play):
    """By name, from the canonical frame itself; distances from every defender in turn."""
    last = frames.offsets[play + 1] - 1
    row = TABLE.row(play, named=True)

    def motion(column):
        x, y, speed, angle = (
            float(getattr(frames, name)[last, column]) for name in ("x", "y", "speed", "direction")
        )
        return x, y, speed * math.cos(angle), speed * math.sin(angle)

    role = frames.role[play].tolist()
    target, passer = motion(role.index(Role.TARGET)), motion(role.index(Role.PASSER))
    facts = dict(zip(("target_x", "target_y", "target_vx", "target_vy"), target, strict=True))
    facts |= zip(("passer_x", "passer_y", "passer_vx", "passer_vy"), passer, strict=True)
    facts["target_speed"], facts["passer_speed"] = math.hypot(*target[2:]), math.hypot(*passer[2:])
    facts["target_to_sideline"] = min(160 / 6 - target[1], 160 / 6 + target[1])
    facts["target_to_endzone"] = row["yards_to_endzone"] - target[0]
    facts["target_beyond_marker"] = target[0] - row["yards_to_go"]
    names = dict(zip(SEQUENCE_FEATURES, found.values[last].tolist(), strict=True))
    facts |= {name: names[name] for name in EXTRA_FEATURES}
    defenders = sorted(
        (math.dist(target[:2], who[:2]), who)
        for who in (motion(c) for c in range(SIDE, 22) if role[c] != Role.ABSENT)
    )
    distances = [distance for distance, _ in defenders]
    facts["second_separation"] = ([*distances, 60, 60])[1]
    facts["defender_ahead"], facts["defender_closing"] = 60, 0
    if defenders:
        _, who = defenders[0]
        facts["defender_ahead"] = who[0] - target[0]
        step = 1e-6
        soon = [tuple(p + step * v for p, v in zip(m[:2], m[2:], strict=True)) for m in
                (target, who)]  # fmt: skip
        facts["defender_closing"] = (distances[0] - math.dist(*soon)) / step
    facts["defenders_beyond"] = sum(who[0] > target[0] for _, who in defenders)
    return facts


def examples(absent=False, seed=2):
    frames = random_frames(seed, (9, 1, 6), absent=absent)
    return frames, sequence_features(frames), tracking_static(TABLE)


def batch_from(found, static):
    """As a network gets it: scaled in half precision, padded with numbers that must not matter."""
    lengths = np.diff(found.offsets)
    mask = np.arange(lengths.max())[None] < lengths[:, None]
    sequence = np.full((*mask.shape, 225), 0.5, np.float16)
    sequence[mask] = scale_sequence(found.values, np.repeat(found.player_mask, lengths, axis=0))
    return Batch(sequence, mask, static, np.zeros(len(lengths), np.float32))


@pytest.mark.parametrize("absent", [False, True])
def test_summary_is_the_naive_one(absent):
    frames, found, static = examples(absent)
    summary = summary_features(found.values, found.offsets, found.player_mask, static)
    assert summary.dtype == np.float32
    np.testing.assert_array_equal(summary[:, : len(TRACKING_STATIC)], static)
    for play in range(3):
        expected = naive_summary(frames, found, play)
        names = SUMMARY_FEATURES[len(TRACKING_STATIC) :]
        assert set(names) == set(expected)
        wanted = [expected[name] for name in names]
        found_here = summary[play, len(TRACKING_STATIC) :]
        np.testing.assert_allclose(found_here, wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("absent", [False, True])
def test_what_a_network_is_given_makes_the_same_summary(absent):
    _, found, static = examples(absent)
    expected = summary_features(found.values, found.offsets, found.player_mask, static)
    summary = summary_of_batch(batch_from(found, static))
    # Rounding to half precision: 0.016 yd of each of two positions, and likewise of speeds.
    np.testing.assert_allclose(summary, expected, atol=0.05)


def test_names_are_unique_and_none_is_left_out():
    _, found, static = examples()
    summary = summary_features(found.values, found.offsets, found.player_mask, static)
    assert summary.shape == (3, len(SUMMARY_FEATURES))
    assert len(set(SUMMARY_FEATURES)) == len(SUMMARY_FEATURES)


def test_frames_before_the_throw_do_not_matter():
    _, found, static = examples()
    values = found.values.copy()
    earlier = np.ones(len(values), bool)
    earlier[found.offsets[1:] - 1] = False
    values[earlier] = 7
    np.testing.assert_array_equal(
        summary_features(values, found.offsets, found.player_mask, static),
        summary_features(found.values, found.offsets, found.player_mask, static),
    )


def test_a_defender_who_is_farther_away_than_absent_ones_is_still_the_nearest():
    frames, _, static = examples(absent=True, seed=3)
    role, x = frames.role.copy(), frames.x.copy()
    role[0, SIDE:] = Role.ABSENT
    role[0, SIDE + 4] = Role.COVERAGE
    for name in ("x", "y", "speed", "direction", "orientation"):
        getattr(frames, name)[:9, SIDE:] = 0
    x[:9, SIDE:] = 0
    x[:9, SIDE + 4] = -90
    found = sequence_features(frames._replace(role=role, x=x))
    row = summary_features(found.values, found.offsets, found.player_mask, static)[0]
    facts = dict(zip(SUMMARY_FEATURES, row.tolist(), strict=True))
    assert facts["separation"] == facts["second_separation"] == 60
    assert facts["defender_ahead"] == pytest.approx(-90 - facts["target_x"])
    assert facts["defenders_beyond"] == 0


def test_arrays_that_do_not_fit_are_refused():
    _, found, static = examples()
    batch = batch_from(found, static)
    with pytest.raises(TrackingError, match=r"values: expected 181 columns, got shape \(16, 180\)"):
        summary_features(found.values[:, 1:], found.offsets, found.player_mask, static)
    with pytest.raises(TrackingError, match="player_mask: expected 22 columns"):
        summary_features(found.values, found.offsets, found.player_mask[:, 1:], static)
    with pytest.raises(TrackingError, match="static: expected"):
        summary_features(found.values, found.offsets, found.player_mask, static[:, 1:])
    with pytest.raises(TrackingError, match="sequence: expected 225 columns"):
        summary_of_batch(batch._replace(sequence=batch.sequence[..., 1:]))
    mask = batch.mask.copy()
    mask[1] = False
    with pytest.raises(
        TrackingError, match="mask: expected a frame of every play, got none in row 1"
    ):
        summary_of_batch(batch._replace(mask=mask))
