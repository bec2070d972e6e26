"""The oracle's law against its own definition, by quadrature-free Monte Carlo and SciPy."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from sbp_jax.nfl.simulator.simulated_outcome import (
    HIGHEST,
    LOWEST,
    ThrowFacts,
    sample_outcomes,
    yards_pmf,
)

TYPICAL = {
    "depth": 8.3,
    "target_vx": 3.1,
    "separation": 2.4,
    "defenders_near": 1.0,
    "nearest_rusher": 2.2,
    "target_distance": 16.0,
    "yards_to_endzone": 62.0,
}
CASES = {
    "typical": {},
    "goal line": {"depth": 1.0, "target_vx": 0.4, "yards_to_endzone": 2.0},
    "screen": {"depth": -6.0, "separation": 7.5, "defenders_near": 0.0, "target_distance": 6.0},
    "backed up": {"depth": -4.0, "target_vx": -1.0, "yards_to_endzone": 98.0},
    "beyond the end zone": {"depth": 14.0, "yards_to_endzone": 5.0},
}


def facts_of(case, plays=1):
    values = TYPICAL | CASES[case]
    return ThrowFacts(*(np.full(plays, values[name]) for name in ThrowFacts._fields))


@pytest.mark.parametrize("case", CASES)
def test_probabilities_follow_the_documented_formula(case):
    f = {**TYPICAL, **CASES[case]}
    openness = min(f["separation"], 6) - 2.5
    complete = expit(
        1.25
        + 0.5 * openness
        - 0.35 * f["defenders_near"]
        - 0.05 * max(f["target_distance"] - 5, 0)
        - 0.9 * np.exp(-f["nearest_rusher"] / 1.5)
    )
    stopped = expit(0.9 - 0.6 * openness + 0.3 * f["defenders_near"])
    start = f["depth"] + f["target_vx"] * f["target_distance"] / 20
    at_once = stats.logistic(loc=start + 0.5, scale=1.2)
    open_field = stats.genpareto(0.25, loc=start, scale=2.5 + min(f["separation"], 6))
    lowest, highest = max(LOWEST, f["yards_to_endzone"] - 100), f["yards_to_endzone"]
    for yards, found in zip(range(LOWEST, HIGHEST + 1), yards_pmf(facts_of(case))[0], strict=True):
        if not lowest <= yards <= highest:
            expected = 0.0
        else:
            low = -np.inf if yards == lowest else yards - 0.5
            high = np.inf if yards == highest else yards + 0.5
            expected = complete * sum(
                w * (law.cdf(high) - law.cdf(low))
                for w, law in ((stopped, at_once), (1 - stopped, open_field))
            )
        if yards == 0:
            expected += 1 - complete
        assert found == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("case", CASES)
def test_drawn_outcomes_have_these_probabilities(case):
    plays = 40_000
    drawn = sample_outcomes(np.random.default_rng(3), facts_of(case, plays))
    pmf = yards_pmf(facts_of(case))[0]
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    share = np.bincount(drawn.yards - LOWEST, minlength=pmf.size) / plays
    # Within five standard errors, and half a play where a cell is nearly empty.
    assert np.all(np.abs(share - pmf) <= 5 * np.sqrt(pmf * (1 - pmf) / plays) + 1.5 / plays)
    assert not np.any(drawn.complete & drawn.intercepted)
    assert np.all(drawn.yards[~drawn.complete] == 0)
    failed = ~drawn.complete
    error = np.sqrt(0.065 * 0.935 / failed.sum())
    assert drawn.intercepted.sum() / failed.sum() == pytest.approx(0.065, abs=5 * error)


def test_openness_helps():
    base = facts_of("typical")
    tight, wide = (base._replace(separation=np.array([s])) for s in (0.5, 5.0))
    numbers = np.arange(LOWEST, HIGHEST + 1)
    assert (yards_pmf(wide) @ numbers)[0] > (yards_pmf(tight) @ numbers)[0] + 3
    assert yards_pmf(wide)[0, -LOWEST] < yards_pmf(tight)[0, -LOWEST]
