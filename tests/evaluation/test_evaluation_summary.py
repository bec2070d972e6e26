import json

import numpy as np
import pytest

from sbp_jax.evaluation import (
    EvaluationError,
    evaluate,
    fit_climatology,
    fit_empirical,
    point_verdict,
    render,
)

RNG = np.random.default_rng(0)
GAMES = np.repeat([f"game {i}" for i in range(40)], 25)
AIR = RNG.integers(0, 3, 1000) * 10.0
YARDS = np.where(RNG.random(1000) < 0.4, 0.0, AIR + RNG.poisson(4.0, 1000))
FORECASTS = {
    "empirical, by the yards in the air": fit_empirical(AIR, YARDS).verdict(AIR, YARDS),
    "constant": fit_climatology(YARDS, yards=(0, 45)).verdict(AIR, YARDS),
    "point": point_verdict(np.full(1000, 6.0)),
}


@pytest.fixture(scope="module")
def evaluation():
    return evaluate(FORECASTS, YARDS, GAMES, reference="constant")


def test_goes_through_strict_json_unchanged(evaluation):
    assert json.loads(json.dumps(evaluation, allow_nan=False)) == evaluation
    assert (evaluation["plays"], evaluation["games"]) == (1000, 40)


def test_holds_the_means_and_their_differences(evaluation):
    constant = FORECASTS["constant"]
    found = evaluation["forecasts"]["constant"]
    assert found["log_score"]["mean"] == pytest.approx(constant.log_score.mean())
    assert found["mae_median"]["mean"] == pytest.approx(abs(YARDS - constant.median).mean())
    rmse = np.sqrt(((YARDS - constant.mean) ** 2).mean())
    assert found["rmse_mean"]["mean"] == pytest.approx(rmse)
    assert found["coverage_80"]["mean"] == pytest.approx(0.8, abs=0.02)
    assert set(evaluation["differences"]) == set(FORECASTS) - {"constant"}
    point = evaluation["forecasts"]["point"]
    difference = evaluation["differences"]["point"]["mae_median"]["mean"]
    assert difference == pytest.approx(point["mae_median"]["mean"] - found["mae_median"]["mean"])


def test_what_a_point_forecast_does_not_say_is_none(evaluation):
    point = evaluation["forecasts"]["point"]
    assert point["mae_median"]["mean"] > 0
    assert {name for name, value in point.items() if value is not None} == {"mae_median"}


def test_pp_mae_stands_beside_the_perfect_forecaster(evaluation):
    for region, perfect in evaluation["perfect"].items():
        found = evaluation["forecasts"]["constant"]["pp_mae"][region]
        assert found["perfect_mean"] == perfect["mean"] < perfect["p95"] == found["perfect_p95"]
        assert found["value"] > 0


def test_an_impossible_observation_is_counted():
    impossible = FORECASTS["constant"].log_score.copy()
    impossible[:3] = np.inf
    forecast = FORECASTS["constant"]._replace(log_score=impossible)
    found = evaluate({"bold": forecast}, YARDS, GAMES)
    assert found["forecasts"]["bold"]["log_score"] == {"mean": None, "se": None, "infinite": 3}
    json.dumps(found, allow_nan=False)
    assert "inf in 3" in render(found)


def test_the_table_is_narrow_and_aligned(evaluation):
    text = render(evaluation)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    scores = lines[lines.index("Scores: lower is better") :][1:6]
    assert "nats" in scores[1]
    # The headings, the units and the forecasts end in the same columns.
    ends = {line.rfind(line.split()[-1]) + len(line.split()[-1]) for line in scores}
    assert len(ends) == 1
    assert scores[2].startswith("empirical, by the yard ")
    assert "perfect forecaster         0.500     0.800     0.900" in text


def test_a_single_forecast_is_compared_with_none():
    found = evaluate({"constant": FORECASTS["constant"]}, YARDS, GAMES)
    assert found["reference"] == "constant"
    assert found["differences"] == {}
    assert "Difference" not in render(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"forecasts": {}}, "at least one forecast"),
        ({"reference": "best"}, "expected one of empirical.*, constant, point, got 'best'"),
        ({"y": YARDS[:-1]}, r"log_score: expected one number for each of 999 plays, got shape"),
        ({"games": GAMES[:-1]}, r"one game for each play, got \(999,\) and \(1000,\)"),
    ],
)
@pytest.mark.usefixtures("unchecked_shapes")
def test_bad_input_is_named(change, message):
    with pytest.raises(EvaluationError, match=message):
        evaluate(**({"forecasts": FORECASTS, "y": YARDS, "games": GAMES} | change))


def test_a_field_that_is_undefined_for_some_plays_is_refused():
    crps = FORECASTS["constant"].crps.copy()
    crps[[7, 9]] = np.nan
    forecasts = {"gappy": FORECASTS["constant"]._replace(crps=crps)}
    with pytest.raises(EvaluationError, match=r"gappy, crps: .* nan in 2 plays, first in row 7"):
        evaluate(forecasts, YARDS, GAMES)
