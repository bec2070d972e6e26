"""Dropbacks: parts that favour nobody, on simulated situations whose truth is known."""

from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import ScoringError
from sbp_jax.nfl.ratings.dropback import (
    PARTS,
    Dropbacks,
    Expectation,
    expect_dropbacks,
    with_dropbacks,
)

# Three situations: chance of a sack, and mean points of a throw and of a sack.
SACKED = np.array([0.04, 0.08, 0.16])
THROW = np.array([0.3, 0.0, -0.4])
SACK = np.array([-1.5, -1.8, -2.6])
PROMISE, REST, LOSS = 0.6, 1.2, 0.5  # standard deviations of what throws promise, and keep; sacks
COUNT = 20_000

pytestmark = pytest.mark.usefixtures("quick_compilation_throughout")


class Simulated(NamedTuple):
    """Dropbacks of two seasons, the first to learn from, and what was expected of the second's."""

    throws: Dropbacks
    sacks: Dropbacks
    promised: np.ndarray
    expected: tuple[Expectation, Expectation]
    plays: pl.DataFrame


def situation_of(dropbacks):
    return dropbacks.features[:, :3].argmax(axis=1)


def frame(count, sack, **columns):
    return pl.DataFrame(
        {
            "season": 2018,
            "game_id": "g",
            "passer_id": "p",
            "quarter": 1,
            "clock_seconds": 900,
            "score_diff": 0,
            **({"kind": "sack"} if sack else {"sack": False, "leverage": 1.0, "passer_name": "P"}),
            "snap": np.arange(count),
            **columns,
        }
    )


@pytest.fixture(scope="module")
def simulated():
    """Test throws are scored by what they gained over their promise, so that the sum is known."""
    rng = np.random.default_rng(0)
    where = rng.integers(0, 3, COUNT)
    sacked = rng.random(COUNT) < SACKED[where]
    promised = THROW[where] + rng.normal(0, PROMISE, COUNT)
    gained = promised + rng.normal(0, REST, COUNT)
    lost = SACK[where] + rng.normal(0, LOSS, COUNT)
    # A constant beside the situations: features that depend on each other, as the real ones do.
    features = np.column_stack([np.eye(3)[where], np.ones(COUNT)]).astype(np.float32)
    train = np.arange(COUNT) < COUNT // 2
    throws, sacks = (
        Dropbacks(features[kind], outcome[kind], train[kind], ~train[kind])
        for kind, outcome in ((~sacked, gained), (sacked, lost))
    )
    promised = promised[~sacked][throws.test]
    expected = expect_dropbacks(throws, sacks)
    over = throws.outcome[throws.test] - promised
    scored = frame(
        len(promised),
        sack=False,
        outcome=throws.outcome[throws.test],
        expected=promised,
        play_score=0.5,
        throw_score=over - over.mean(),
    )
    plays = with_dropbacks(
        scored,
        frame(int(sacks.test.sum()), sack=True),
        throw_expected=expected[0],
        sack_expected=expected[1],
        sack_outcome=sacks.outcome[sacks.test],
    )
    return Simulated(throws, sacks, promised, expected, plays)


def counts(simulated):
    """Test throws and test sacks of each situation, as many as there are to learn from."""
    throws, sacks = simulated.throws, simulated.sacks
    return tuple(np.bincount(situation_of(x)[x.test], minlength=3) for x in (throws, sacks))


def test_expectations_before_the_snap_are_recovered(simulated):
    """Within 3 standard errors of a mean of the training throws, and of training dropbacks."""
    throws, sacks = counts(simulated)
    of_throw = np.sqrt((PROMISE**2 + REST**2) / throws)
    spread = (PROMISE**2 + REST**2) * (1 - SACKED) + LOSS**2 * SACKED
    between = (THROW - SACK) ** 2 * SACKED * (1 - SACKED)
    of_dropback = np.sqrt((spread + between) / (throws + sacks))
    dropback = SACKED * SACK + (1 - SACKED) * THROW
    for plays, expected in zip(
        (simulated.throws, simulated.sacks), simulated.expected, strict=True
    ):
        where = situation_of(plays)[plays.test]
        assert len(where) == len(expected.throw)
        assert np.all(np.abs(expected.throw - THROW[where]) < 3 * of_throw[where])
        assert np.all(np.abs(expected.dropback - dropback[where]) < 3 * of_dropback[where])
    assert np.ptp(dropback) > 10 * of_dropback.max()  # so that situations are told apart


@pytest.mark.parametrize("part", [*PARTS, "standard_score"])
def test_every_part_has_mean_zero_in_every_situation(simulated, part):
    """Within 3 standard errors, of the part's own mean and of what was learnt from as many plays.

    What throws promise is compared with a mean of outcomes, which vary more; a mean of sacks, or of
    dropbacks, with another such mean.
    """
    where = np.concatenate([situation_of(x)[x.test] for x in (simulated.throws, simulated.sacks)])
    rows = (
        simulated.plays
        if part in ("sack_part", "standard_score")
        else simulated.plays[: len(simulated.promised)]
    )
    for situation in range(3):
        values = rows[part].to_numpy()[where[: rows.height] == situation]
        learnt = PROMISE**2 + REST**2 if part == "choice_part" else values.var()
        assert abs(values.mean()) < 3 * np.sqrt((values.var() + learnt) / len(values))
        assert values.std() > 0.1


def test_the_parts_add_up_to_the_outcome_over_its_expectation(simulated):
    """Up to one number for all throws and one for all sacks, which season means took away."""
    parts = simulated.plays.select(PARTS).to_numpy()
    score = simulated.plays["standard_score"].to_numpy()
    np.testing.assert_allclose(score, parts.sum(axis=1))
    before = np.concatenate([expected.dropback for expected in simulated.expected])
    taken = simulated.plays["outcome"].to_numpy() - before - score
    sack = simulated.plays["sack"].to_numpy()
    for kind in (sack, ~sack):
        np.testing.assert_allclose(taken[kind], taken[kind].mean(), atol=1e-9)
    np.testing.assert_allclose(parts.mean(axis=0), 0, atol=1e-9)


def test_who_is_never_sacked_gains_the_chance_times_the_price():
    """Nine throws and a sack at q = 0.1, e = 0.5, k = -1.5: q (e - k) = 0.2 on each throw."""
    expected = [Expectation(np.full(n, 0.3), np.full(n, 0.5)) for n in (9, 1)]
    throws = frame(9, sack=False, outcome=1.0, expected=0.5, play_score=0.5, throw_score=0.0)
    found = with_dropbacks(
        throws,
        frame(1, sack=True),
        throw_expected=expected[0],
        sack_expected=expected[1],
        sack_outcome=np.array([-1.5]),
    )
    np.testing.assert_allclose(found["standard_score"], [*[0.2] * 9, -1.8])
    np.testing.assert_allclose(found["sack_part"], [*[0.2] * 9, -1.8])


def test_parts_are_counted_from_their_season():
    """Two seasons that promised differently: choices are 1 apart within either."""
    throws = frame(
        4,
        sack=False,
        season=[2017, 2017, 2018, 2018],
        outcome=0.0,
        expected=[0.0, 1.0, 5.0, 6.0],
        throw_score=[1.0, -1.0, 2.0, -2.0],
    )
    found = with_dropbacks(
        throws,
        frame(1, sack=True).with_columns(season=2017),
        throw_expected=Expectation(np.array([-0.1, -0.1, 0.0, 0.2]), np.zeros(4)),
        sack_expected=Expectation(np.zeros(1), np.zeros(1)),
        sack_outcome=np.array([-2.0]),
    )
    np.testing.assert_allclose(found["choice_part"], [-0.5, 0.5, -0.5, 0.5, 0])
    np.testing.assert_allclose(found["sack_part"], [0.7, 0.7, 0.1, -0.1, -1.4])
    np.testing.assert_allclose(found["throw_score"], [1, -1, 2, -2, 0])


def test_sacks_stand_below_the_throws_and_have_nothing_of_one(simulated):
    count = len(simulated.promised)
    throws, sacks = simulated.plays[:count], simulated.plays[count:]
    assert not throws["sack"].any()
    assert sacks["sack"].all()
    assert sacks["play_score"].null_count() == sacks.height
    assert not sacks.select("choice_part", "throw_score").to_numpy().any()
    np.testing.assert_array_equal(sacks["expected"], simulated.expected[1].dropback)
    np.testing.assert_array_equal(sacks["snap"], np.arange(sacks.height))
    np.testing.assert_array_equal(sacks["leverage"], 1)  # the first snap of a game
    assert "kind" not in simulated.plays.columns


@pytest.mark.parametrize("name", ["throws", "sacks"])
def test_nothing_to_learn_from_is_refused(simulated, name):
    plays = {"throws": simulated.throws, "sacks": simulated.sacks}
    none = np.zeros(len(plays[name].train), np.bool_)
    plays[name] = plays[name]._replace(train=none)
    with pytest.raises(ScoringError, match=f"{name}: expected some in the seasons to learn from"):
        expect_dropbacks(**plays)
