"""The canonical order of players, against a sort written out play by play."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.nfl.errors import TrackingError
from sbp_jax.nfl.tracking.mirror import mirror_frames
from sbp_jax.nfl.tracking.play_frames import SIDE, Role
from sbp_jax.nfl.tracking.player_order import apply_order, canonical_order
from tests.nfl.tracking.features_frames import MOTION, random_frames, shuffled

BLOCKS = {
    Role.PASSER: (0, Role.TARGET),
    Role.TARGET: (1, Role.TARGET),
    Role.ELIGIBLE: (2, Role.TARGET),
    Role.LINE: (3, Role.PASSER),
    Role.COVERAGE: (4, Role.TARGET),
    Role.RUSHER: (5, Role.PASSER),
    Role.ABSENT: (6, Role.TARGET),
}


def naive_order(frames, play):
    """Place of the block, squared distance to its man, depth, id: plain numbers, one play."""
    snap = frames.offsets[play]
    x, y = frames.x[snap].astype(float), frames.y[snap].astype(float)
    role = list(frames.role[play])

    def key(player):
        block, man = BLOCKS[role[player]]
        near = role.index(man)
        distance = (x[player] - x[near]) ** 2 + (y[player] - y[near]) ** 2
        return block, distance, x[player], frames.player_id[play, player]

    return sorted(range(SIDE), key=key) + sorted(range(SIDE, 2 * SIDE), key=key)


def ids_in_order(frames):
    return apply_order(frames, canonical_order(frames)).player_id


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("grid", [0.01, 4.0])
def test_order_is_the_naive_one(grid, absent):
    frames = random_frames(1, (5, 1) * 20, grid=grid, absent=absent)
    order = canonical_order(frames)
    for play in range(40):
        assert order[play].tolist() == naive_order(frames, play)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    grid=st.sampled_from([0.01, 2.0, 100.0]),
    absent=st.booleans(),
)
def test_order_depends_neither_on_columns_nor_on_the_side_of_the_field(seed, grid, absent):
    # On a grid of 100 yards nearly everybody stands at one spot, and ids alone decide.
    frames = random_frames(seed, (2, 1, 3), grid=grid, absent=absent)
    expected = apply_order(frames, canonical_order(frames))
    found = shuffled(frames, seed + 1)
    found = apply_order(found, canonical_order(found))
    # Absent players are alike, so their columns may be exchanged without a difference.
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(canonical_order(mirror_frames(frames)), canonical_order(frames))


def test_ties_are_settled_by_depth_then_id_and_not_by_the_side():
    frames = random_frames(0, (1,), grid=1.0)
    eligible = np.flatnonzero(frames.role[0] == Role.ELIGIBLE)[:2]
    target = np.flatnonzero(frames.role[0] == Role.TARGET)[0]
    x, y, ids = frames.x.copy(), frames.y.copy(), frames.player_id.copy()
    x[0, target], y[0, target] = 0, 0
    for positions, first in [
        (((3, 4), (4, 3)), 0),  # both at five yards: the one nearer to his own end zone
        (((3, -4), (-3, -4)), 1),
        (((3, 4), (3, -4)), 1),  # mirror images: the lower id, which is the second's
        (((3, -4), (3, 4)), 1),
    ]:
        x[0, eligible], y[0, eligible] = np.transpose(positions)
        ids[0, eligible] = 20, 10
        order = canonical_order(frames._replace(x=x, y=y, player_id=ids))[0].tolist()
        assert order.index(eligible[first]) < order.index(eligible[1 - first]), positions


def test_frames_after_the_snap_do_not_change_the_order():
    frames = random_frames(5, (9, 9))
    later = np.ones(18, bool)
    later[frames.offsets[:-1]] = False
    changed = {name: getattr(frames, name).copy() for name in MOTION}
    changed["x"][later] += np.arange(22)
    changed["y"][later] *= -3
    expected = canonical_order(frames)
    np.testing.assert_array_equal(canonical_order(frames._replace(**changed)), expected)
    changed["x"][0] += np.arange(22)
    assert (canonical_order(frames._replace(**changed)) != expected).any()


def test_absent_players_come_last_of_their_side():
    frames = random_frames(3, (2,) * 30, absent=True)
    ordered = apply_order(frames, canonical_order(frames))
    for side in (ordered.role[:, :SIDE], ordered.role[:, SIDE:]):
        here = side != Role.ABSENT
        assert (here[:, :-1] >= here[:, 1:]).all()
        assert not here.all()


def test_every_column_of_a_player_moves_with_him():
    frames = random_frames(4, (3, 2))
    ordered = apply_order(frames, canonical_order(frames))
    for play in range(2):
        rows = slice(*frames.offsets[play : play + 2])
        for new, player in enumerate(ordered.player_id[play]):
            old = frames.player_id[play].tolist().index(player)
            assert ordered.role[play, new] == frames.role[play, old]
            for name in MOTION:
                np.testing.assert_array_equal(
                    getattr(ordered, name)[rows, new], getattr(frames, name)[rows, old]
                )


def test_no_plays_are_no_error():
    frames = random_frames(0, ())
    assert canonical_order(frames).shape == (0, 22)
    assert ids_in_order(frames).shape == (0, 22)


def put(name, row, column, value):
    def change(frames):
        array = getattr(frames, name).copy()
        array[row, column] = value
        return frames._replace(**{name: array})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f._replace(x=f.x[:, :21]), r"x: expected shape \(6, 22\), got \(6, 21\)"),
        (
            lambda f: f._replace(role=f.role[:, 1:]),
            r"role: expected shape \(2, 22\), got \(2, 21\)",
        ),
        (lambda f: f._replace(offsets=np.array([0, 6])), r"offsets: expected shape \(3,\)"),
        (
            lambda f: f._replace(offsets=np.array([0.0, 4.0, 6.0])),
            "offsets: expected integers, got float64",
        ),
        (
            lambda f: f._replace(offsets=np.array([0, 4, 5])),
            r"offsets: expected them to run from 0 to 6, got \(0, 5\)",
        ),
        (
            lambda f: f._replace(offsets=np.array([0, 6, 6])),
            "offsets: expected a frame or more in every play, got 0 in play 1",
        ),
        (
            lambda f: f._replace(role=np.where(f.role == Role.TARGET, Role.ELIGIBLE, f.role)),
            "role: expected one passer and one target .* got 1 and 0 in play 0",
        ),
        (
            put("role", 1, 13, Role.LINE),
            "role: expected a role of the defence, got 4 in play 1, column 13",
        ),
        (
            put("speed", 5, 3, np.nan),
            "speed: expected finite values, got nan in frame 1 of play 1, column 3",
        ),
        (put("y", 0, 21, np.inf), "y: expected finite values, got inf in frame 0 of play 0"),
    ],
)
def test_broken_frames_are_refused(change, message):
    with pytest.raises(TrackingError, match=message):
        canonical_order(change(random_frames(0, (4, 2))))


def test_an_absent_player_who_is_somewhere_is_refused():
    frames = random_frames(0, (4, 2), absent=True)
    column = int(np.flatnonzero(frames.role[1] == Role.ABSENT)[0])
    message = (
        rf"x: expected 0 for an absent player, got -35.0 in frame 1 of play 1, column {column}"
    )
    with pytest.raises(TrackingError, match=message):
        canonical_order(put("x", 5, column, -35)(frames))
