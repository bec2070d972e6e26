"""What a network eats, against the same numbers worked out player by player."""

import math

import numpy as np
import pytest

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.features import PLAYER_NAMES, SEQUENCE_FEATURES, sequence_features
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, scale_sequence
from tests.nfl.tracking.features_frames import random_frames

DIVISORS = {"x": 10, "y": 10, "vx": 5, "vy": 5, "ax": 5, "ay": 5}
EXTRA_DIVISORS = {
    "defenders_near_target": 2,
    "separation": 5,
    "nearest_rusher": 5,
    "target_distance": 20,
    "time_since_snap": 3,
}


def naive_scaled(row, here):
    physical = dict(zip(SEQUENCE_FEATURES, row.tolist(), strict=True))
    scaled = {name: physical[name] / divisor for name, divisor in EXTRA_DIVISORS.items()}
    for name, present in zip(PLAYER_NAMES, here, strict=True):
        for feature, divisor in DIVISORS.items():
            scaled[f"{name}_{feature}"] = present * physical[f"{name}_{feature}"] / divisor
        for angle in ("direction", "orientation"):
            value = physical[f"{name}_{angle}"]
            scaled[f"{name}_{angle}_cos"] = present * math.cos(value)
            scaled[f"{name}_{angle}_sin"] = present * math.sin(value)
    return [scaled[name] for name in MODEL_FEATURES]


@pytest.mark.parametrize("absent", [False, True])
def test_scaled_columns_are_the_naive_ones(absent):
    found = sequence_features(random_frames(3, (4, 1, 5), absent=absent))
    lengths = np.diff(found.offsets)
    mask = np.repeat(found.player_mask, lengths, axis=0)
    single = scale_sequence(found.values, mask, np.float32)
    half = scale_sequence(found.values, mask)
    assert (single.dtype, half.dtype) == (np.float32, np.float16)
    for row, here, one, other in zip(found.values, mask, single, half, strict=True):
        wanted = naive_scaled(row, here)
        np.testing.assert_allclose(one, wanted, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(other, wanted, rtol=2**-11 + 1e-6, atol=1e-6)


def test_zero_cosine_and_sine_mark_absent_players_and_no_others():
    found = sequence_features(random_frames(7, (6,) * 8, absent=True))
    mask = np.repeat(found.player_mask, 6, axis=0)
    scaled = scale_sequence(found.values.astype(np.float16), mask)
    players = scaled[:, :220].reshape(-1, 22, 10).astype(np.float64)
    assert (players[~mask] == 0).all()
    for pair in (players[..., 6:8], players[..., 8:10]):
        np.testing.assert_allclose(np.hypot(*pair[mask].T), 1, atol=1e-3)


def test_names_say_what_the_columns_are():
    assert len(MODEL_FEATURES) == len(set(MODEL_FEATURES)) == 22 * 10 + 5
    assert MODEL_FEATURES[6:10] == (
        *("passer_direction_cos", "passer_direction_sin"),
        *("passer_orientation_cos", "passer_orientation_sin"),
    )
    assert MODEL_FEATURES[10] == "target_x"


def test_rows_may_have_any_shape_and_number():
    # More rows than are scaled at once, so that parts join.
    values = np.random.default_rng(0).normal(size=(3, 2000, 181)).astype(np.float32)
    mask = np.random.default_rng(1).random((3, 1, 22)) < 0.8
    whole = scale_sequence(values, mask)
    assert whole.shape == (3, 2000, 225)
    for play in range(3):
        np.testing.assert_array_equal(scale_sequence(values[play], mask[play, 0]), whole[play])
    np.testing.assert_array_equal(scale_sequence(values[2, 7], mask[2, 0]), whole[2, 7])
    assert scale_sequence(values[:0], mask[:0]).shape == (0, 2000, 225)


def test_stored_half_precision_is_within_the_stated_error():
    found = sequence_features(random_frames(1, (40,) * 10))
    mask = np.repeat(found.player_mask, 40, axis=0)
    exact = scale_sequence(found.values, mask, np.float32)
    stored = scale_sequence(found.values.astype(np.float16), mask, np.float32)
    # A value and an angle are rounded by at most 2**-11 of themselves, an angle is at most pi.
    assert (np.abs(stored - exact) <= np.maximum(np.abs(exact), np.pi) * 2**-11 + 1e-6).all()


def test_wrong_shapes_are_refused():
    values, mask = np.zeros((4, 181), np.float32), np.ones((4, 22), bool)
    with pytest.raises(TrackingError, match=r"values: expected 181 columns, got shape \(4, 180\)"):
        scale_sequence(values[:, 1:], mask)
    with pytest.raises(
        TrackingError, match=r"player_mask: .* broadcasts to \(4, 22\), got \(3, 22"
    ):
        scale_sequence(values, mask[1:])
