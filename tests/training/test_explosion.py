"""Losses that stop a run, and what is written about them."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbp_jax.training.explosion import (
    BadStep,
    describe_bad_step,
    first_bad_step,
    write_failed_step,
)

LOSSES = st.lists(
    st.floats(width=32) | st.sampled_from([np.nan, np.inf, -np.inf]), min_size=1, max_size=8
)


@settings(max_examples=200, deadline=None)
@given(
    losses=LOSSES,
    previous=st.none() | st.floats(-1e6, 1e6),
    explosion=st.sampled_from([0.5, 10.0, 1e3, np.inf]),
)
def test_the_first_bad_step_is_found(losses, previous, explosion):
    expected = None
    reference = losses[0] if previous is None else previous
    for step, loss in enumerate(losses):
        if np.isnan(loss) or np.isinf(loss):
            expected = step
            break
        if loss > explosion * (1 + abs(reference)):
            expected = step
            break
    found = first_bad_step(np.array(losses), previous_mean=previous, explosion=explosion)
    assert (None if found is None else found.step) == expected
    if found is not None:
        np.testing.assert_equal(found.loss, losses[expected])


@pytest.mark.parametrize(
    ("losses", "previous", "message"),
    [
        ([1.0, np.nan, np.inf], 1.0, "expected a finite loss, got nan at step 1 of epoch 7; try a"),
        ([-np.inf, 1.0], None, "expected a finite loss, got -inf at step 0 of epoch 7"),
        (
            [1.0, 1.0, 501.0],
            4.0,
            "loss of at most 500, by the last epoch's mean of 4, got 501 at step 2 of epoch 7",
        ),
        ([-1.0, 201.0], None, "at most 200, by the first step's -1, got 201 at step 1 of epoch 7"),
    ],
)
def test_a_bad_step_is_one_clear_error(losses, previous, message):
    bad = first_bad_step(np.array(losses), previous_mean=previous, explosion=100.0)
    assert message in describe_bad_step(bad, epoch=7)


def test_losses_within_bounds_pass():
    assert first_bad_step(np.array([1.0, 500.0]), previous_mean=4.0, explosion=100.0) is None
    assert first_bad_step(np.array([1.0, 1e30]), previous_mean=4.0, explosion=np.inf) is None


@pytest.mark.parametrize(("loss", "written"), [(12.5, 12.5), (np.nan, "nan"), (-np.inf, "-inf")])
def test_the_failed_step_is_written_as_plain_json(tmp_path, loss, written):
    bad = BadStep(3, float(loss), "a finite loss")
    write_failed_step(tmp_path, bad, 2, [7, 1], ["play-7", "play-1"])
    found = json.loads(
        (tmp_path / "failed_step.json").read_text(), parse_constant=lambda name: pytest.fail(name)
    )
    assert found == {
        "epoch": 2,
        "step": 3,
        "loss": written,
        "expected": "a finite loss",
        "examples": [7, 1],
        "ids": ["play-7", "play-1"],
    }
    assert [path.name for path in tmp_path.iterdir()] == ["failed_step.json"]


def test_ids_go_with_examples(tmp_path, monkeypatch):
    bad = BadStep(0, 1.0, "a finite loss")
    with pytest.raises(ValueError, match="expected an id for each of 2 examples, got 1"):
        write_failed_step(tmp_path, bad, 0, [1, 2], ["a"])
    monkeypatch.setattr("jax.process_index", lambda: 1)
    write_failed_step(tmp_path, bad, 0, [1, 2], None)
    assert list(tmp_path.iterdir()) == []
