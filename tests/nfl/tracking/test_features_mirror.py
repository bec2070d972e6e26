"""Laws of the reflection left to right, to the last bit, and of the augmentation that uses it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.batch import Batch
from sbp_jax.nfl.tracking.features import SEQUENCE_FEATURES, sequence_features
from sbp_jax.nfl.tracking.mirror import (
    MIRROR_SIGNS,
    SEQUENCE_SIGNS,
    mirror_frames,
    mirror_model_sequence,
    mirror_sequence,
)
from sbp_jax.nfl.tracking.play_frames import Role
from sbp_jax.nfl.tracking.random_mirror import random_mirror
from sbp_jax.nfl.tracking.scaling import MODEL_FEATURES, scale_sequence
from tests.nfl.tracking.features_frames import random_frames

EDGE_ANGLES = np.array([-np.pi, np.pi, 0, -0.0, np.pi / 2, -np.pi / 2], np.float32)


def frames_with_edges(seed, grid=0.01, absent=False):
    """Random frames in which a third of the angles are at the ends and corners of the circle."""
    frames = random_frames(seed, (7, 1, 9), grid=grid, absent=absent)
    rng = np.random.default_rng(seed)
    here = np.repeat(frames.role != Role.ABSENT, np.diff(frames.offsets), axis=0)

    def edged(angle):
        return np.where(
            here & (rng.random(angle.shape) < 1 / 3), rng.choice(EDGE_ANGLES, angle.shape), angle
        )

    return frames._replace(direction=edged(frames.direction), orientation=edged(frames.orientation))


def bits(array):
    return array.view(f"u{array.dtype.itemsize}")


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    grid=st.sampled_from([0.01, 3.0]),
    absent=st.booleans(),
)
def test_reflection_commutes_with_features_and_scaling(seed, grid, absent):
    frames = frames_with_edges(seed, grid, absent)
    straight, reflected = sequence_features(frames), sequence_features(mirror_frames(frames))
    np.testing.assert_array_equal(reflected.values, mirror_sequence(straight.values))
    np.testing.assert_array_equal(reflected.player_id, straight.player_id)
    mask = np.repeat(straight.player_mask, np.diff(straight.offsets), axis=0)
    for stored in (np.float32, np.float16):
        for dtype in (np.float32, np.float16):
            np.testing.assert_array_equal(
                scale_sequence(reflected.values.astype(stored), mask, dtype),
                mirror_model_sequence(scale_sequence(straight.values.astype(stored), mask, dtype)),
            )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from([np.float16, np.float32]))
def test_twice_in_the_mirror_is_the_same_to_the_last_bit(seed, dtype):
    frames = frames_with_edges(seed)
    twice = mirror_frames(mirror_frames(frames))
    for one, other in zip(twice[1:6], frames[1:6], strict=True):
        np.testing.assert_array_equal(bits(one), bits(other))
    found = sequence_features(frames)
    values = found.values.astype(dtype)
    again = mirror_sequence(mirror_sequence(values))
    assert again.dtype == dtype
    np.testing.assert_array_equal(bits(again), bits(values))
    scaled = scale_sequence(values, np.ones(22, bool), dtype)
    again = mirror_model_sequence(mirror_model_sequence(scaled))
    assert again.dtype == dtype
    np.testing.assert_array_equal(bits(again), bits(scaled))


def test_what_lies_to_the_left_then_lies_to_the_right():
    # A man at (3, 4) who runs to the left at 5 yd/s, and faces downfield and a little left.
    frames = random_frames(0, (1,))
    target = int(np.flatnonzero(frames.role[0] == Role.TARGET)[0])
    motion = {"x": 3, "y": 4, "speed": 5, "direction": np.pi / 2, "orientation": 0.25}
    for name, value in motion.items():
        getattr(frames, name)[0, target] = value
    values = sequence_features(mirror_frames(frames)).values[0]
    found = dict(zip(SEQUENCE_FEATURES, values.tolist(), strict=True))
    assert (found["target_x"], found["target_y"]) == (3, -4)
    assert found["target_vx"] == pytest.approx(0, abs=1e-6)
    assert found["target_vy"] == pytest.approx(-5)
    assert found["target_direction"] == pytest.approx(-np.pi / 2)
    assert found["target_orientation"] == -0.25


def test_half_the_circle_is_off_by_its_rounding_alone():
    # Straight backwards may be written pi or -pi; stored in half precision both miss it by 0.001.
    values = np.zeros((1, 181), np.float16)
    values[0, SEQUENCE_FEATURES.index("target_direction")] = np.pi
    scaled = [scale_sequence(sign * values, np.ones(22, bool)) for sign in (1, -1)]
    np.testing.assert_allclose(scaled[0].astype(float), scaled[1].astype(float), atol=0.002)
    cosine = MODEL_FEATURES.index("target_direction_cos")
    assert scaled[0][0, cosine] == scaled[1][0, cosine] == -1


@pytest.mark.parametrize(
    ("signs", "names", "sided"),
    [
        (SEQUENCE_SIGNS, SEQUENCE_FEATURES, ("y", "vy", "ay", "direction", "orientation")),
        (MIRROR_SIGNS, MODEL_FEATURES, ("y", "vy", "ay", "direction_sin", "orientation_sin")),
    ],
)
def test_five_columns_of_every_player_have_a_side(signs, names, sided):
    negated = {name for name, sign in zip(names, signs, strict=True) if sign == -1}
    players = {name[: -len("_vx")] for name in names if name.endswith("_vx")}
    assert negated == {f"{player}_{name}" for player in players for name in sided}
    assert set(signs.tolist()) == {-1, 1}


def batch_of(examples, dtype=jnp.float16):
    frames = random_frames(5, (6,) * examples)
    found = sequence_features(frames)
    scaled = scale_sequence(found.values, np.ones(22, bool)).reshape(examples, 6, -1)
    mask = np.arange(6)[None] < np.linspace(1, 6, examples).astype(int)[:, None]
    scaled = np.where(mask[..., None], scaled, 0)
    static = np.ones((examples, 3), np.float32)
    target = np.arange(examples, dtype=np.float32)
    return Batch(jnp.asarray(scaled, dtype), jnp.asarray(mask), jnp.asarray(static), target)


@pytest.mark.parametrize("dtype", [jnp.float16, jnp.bfloat16, jnp.float32])
def test_each_example_is_itself_or_its_mirror_image(dtype):
    batch = batch_of(64, dtype)
    found = jax.jit(random_mirror)(jax.random.key(3), batch)
    assert found.sequence.dtype == dtype
    images = batch.sequence * jnp.asarray(MIRROR_SIGNS, dtype)[None, None]
    same = np.asarray((found.sequence == batch.sequence).all(axis=(1, 2)))
    flipped = np.asarray((found.sequence == images).all(axis=(1, 2)))
    assert (same ^ flipped).all()
    assert same.any()
    assert flipped.any()
    assert (np.asarray(found.sequence)[~np.asarray(batch.mask)] == 0).all()
    for name in ("mask", "static", "target"):
        np.testing.assert_array_equal(getattr(found, name), getattr(batch, name))


def test_augmentation_is_a_function_of_the_key_and_the_same_without_jit():
    batch = batch_of(64)
    first, second = jax.random.key(0), jax.random.key(1)
    expected = random_mirror(first, batch).sequence
    np.testing.assert_array_equal(jax.jit(random_mirror)(first, batch).sequence, expected)
    assert (random_mirror(second, batch).sequence != expected).any()


def test_half_of_all_examples_are_mirrored_each_by_its_own_lot():
    keys, examples = 400, 32
    batch = batch_of(examples)
    mirrored = jax.jit(jax.vmap(random_mirror, in_axes=(0, None)))
    found = mirrored(jax.random.split(jax.random.key(9), keys), batch).sequence
    flips = np.asarray((found != batch.sequence[None]).any(axis=(2, 3)))
    # Standard error of a share of n fair coins: 1 / (2 sqrt(n)); 4.5 of them in 32 + 2 checks
    # fail by chance less than once in 4,000.
    assert abs(flips.mean() - 0.5) <= 4.5 * 0.5 / np.sqrt(keys * examples)
    assert (np.abs(flips.mean(axis=0) - 0.5) <= 4.5 * 0.5 / np.sqrt(keys)).all()
    neighbours = (flips[:, 1:] == flips[:, :-1]).mean()
    assert abs(neighbours - 0.5) <= 4.5 * 0.5 / np.sqrt(keys * (examples - 1))


def test_columns_of_another_kind_are_refused():
    batch = batch_of(2)
    with pytest.raises(ValueError, match=r"sequence: expected the 225 columns .* \(2, 6, 224\)"):
        random_mirror(jax.random.key(0), batch._replace(sequence=batch.sequence[..., 1:]))
