import numpy as np
import polars as pl
import pytest

from sbp_jax.evaluation import EvaluationError, fit_climatology, fit_empirical

RNG = np.random.default_rng(0)
AIR = RNG.integers(-5, 40, 3000).astype(float)
YARDS = np.where(RNG.random(3000) < 0.4, 0.0, AIR + RNG.poisson(4.0, 3000))


@pytest.mark.parametrize("min_count", [1, 100, 5000])
def test_probabilities_sum_to_one_and_none_is_zero(min_count):
    law = fit_empirical(AIR, YARDS, min_count=min_count)
    pmf = law.probabilities(np.array([-99.0, 0.0, 12.0, 99.0, np.nan]))
    assert (pmf > 0).all()
    np.testing.assert_allclose(pmf.sum(axis=1), 1, rtol=1e-12)


def test_groups_hold_enough_passes_and_part_them_by_air_yards():
    law = fit_empirical(AIR, YARDS, min_count=200)
    group = np.searchsorted(law.starts, AIR, side="right")
    counts = np.bincount(group, minlength=len(law.pmf))
    assert len(law.pmf) > 5
    assert counts.min() >= 200
    assert all(AIR[group == g].max() < AIR[group == g + 1].min() for g in range(len(counts) - 1))


def test_smoothing_is_that_of_the_formula():
    """Three passes in cells -1, 0, 1, 2: climatology (.5, 2.5, 1.5, .5) / 5, two pseudo-passes."""
    law = fit_empirical(
        np.array([1.0, 1.0, 9.0]), np.array([0.0, 1, 0]), min_count=1, weight=2.0, yards=(-1, 2)
    )
    climatology = np.array([0.1, 0.5, 0.3, 0.1])
    np.testing.assert_allclose(law.climatology, climatology)
    np.testing.assert_allclose(law.pmf[0], (np.array([0, 1, 1, 0]) + 2 * climatology) / 4)
    np.testing.assert_allclose(law.pmf[1], (np.array([0, 1, 0, 0]) + 2 * climatology) / 3)
    np.testing.assert_allclose(law.probabilities(np.array([np.nan]))[0], climatology)


def test_the_constant_forecast_pays_no_heed_to_air_yards():
    law = fit_climatology(YARDS)
    same = law.verdict(AIR, YARDS), law.verdict(np.zeros_like(AIR), YARDS)
    for one, other in zip(*same, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(set(same[0].median)) == 1


def test_verdicts_do_not_depend_on_the_slices_they_are_made_in():
    law = fit_empirical(AIR, YARDS)
    many = np.tile(AIR, 2), np.tile(YARDS, 2)
    twice = law.verdict(*many)
    for found, expected in zip(twice, law.verdict(AIR, YARDS), strict=True):
        np.testing.assert_array_equal(found[3000:], expected)


@pytest.mark.parametrize(
    ("air", "y", "message"),
    [
        (np.zeros(2), np.zeros(3), r"equal length, got \(2,\), \(3,\)"),
        (np.zeros(0), np.zeros(0), "empty set"),
        (np.zeros(1), np.full(1, 101.0), "whole yards from -100 to 100, got 101.0"),
        (np.zeros(1), np.full(1, np.nan), "got nan"),
    ],
)
@pytest.mark.usefixtures("unchecked_shapes")
def test_bad_input_is_named(air, y, message):
    with pytest.raises(EvaluationError, match=message):
        fit_empirical(air, y)


def test_real_passes_reach_the_known_bars(shared_data):
    """2018 regular season; measured independently: 2.39 nats, CRPS 4.28, MAE 6.21 and 6.77."""
    passes = pl.read_parquet(shared_data / "passes" / "passes.parquet").filter(
        pl.col("targeted") & ~pl.col("spike")
    )
    train = passes.filter(pl.col("season") <= 2016)
    test = passes.filter((pl.col("season") == 2018) & (pl.col("season_type") == "REG"))

    def columns(frame):
        return (frame[name].cast(pl.Float64).to_numpy() for name in ("air_yards", "yards_gained"))

    air, y = columns(test)
    assert len(y) == 17173
    found = fit_empirical(*columns(train)).verdict(air, y)
    assert found.log_score.mean() == pytest.approx(2.39, abs=0.005)
    assert found.crps.mean() == pytest.approx(4.28, abs=0.01)
    assert abs(y - found.median).mean() == pytest.approx(6.21, abs=0.01)
    constant = fit_climatology(train["yards_gained"].cast(pl.Float64).to_numpy()).verdict(air, y)
    assert abs(y - constant.median).mean() == pytest.approx(6.77, abs=0.01)
