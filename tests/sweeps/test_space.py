"""Search spaces, and settings put into the config of an experiment."""

from dataclasses import replace

import pytest

from sbp_jax.errors import SweepError
from sbp_jax.jobs.passing_score import PassingScore
from sbp_jax.jobs.sweep import SPACE
from sbp_jax.jobs.tracking import Tracking
from sbp_jax.sweeps.space import (
    Choice,
    Integers,
    LogUniform,
    SearchSpace,
    Uniform,
    member_of,
    with_settings,
)

CONFIG = PassingScore()


def test_settings_go_where_their_fields_are():
    settings = {"learning_rate": 0.5, "hidden": (3,), "tail_mass": 0.1, "seed": 7, "layers": 2}
    expected = replace(
        CONFIG,
        tail_mass=0.1,
        train=replace(CONFIG.train, learning_rate=0.5, seed=7),
        network=replace(CONFIG.network, hidden=(3,), layers=2),
    )
    assert with_settings(CONFIG, settings) == expected
    member = member_of(expected)
    assert (member.learning_rate, member.tail_mass, member.seed) == (0.5, 0.1, 7)
    assert member.network == {"dropout": 0.2, "encoder_dropout": 0.1}


def test_a_setting_that_no_part_has_is_named():
    with pytest.raises(TypeError, match=r"settings of PassingScore, got \['momentum'\]"):
        with_settings(CONFIG, {"momentum": 0.9, "seed": 1})


def test_labels_and_back():
    space = SearchSpace({"seed": Integers(0, 9)}, {"hidden": Choice(((64,), (128, 128)))})
    assert space.structural["hidden"].labels == ("64", "128-128")
    settings = space.settings({"hidden": "128-128", "seed": 4})
    assert settings == {"hidden": (128, 128), "seed": 4}


@pytest.mark.parametrize("config", [PassingScore(), Tracking()])
def test_the_space_of_the_experiment_suits_both(config):
    SPACE.check(config)


@pytest.mark.parametrize(
    ("numeric", "structural", "message"),
    [
        ({"dropout": Uniform(0.0, 1.0)}, {}, r"dropout = 1.0: dropout: expected a number in"),
        ({"layers": Uniform(0.0, 1.0)}, {}, r"numeric: expected settings of .*, got \['layers'\]"),
        ({"learning_rate": Uniform(0.0, 1.0)}, {}, r"learning_rate = 0.0: learning_rate: expec"),
        (
            {},
            {"batch_size": Choice((512, 100))},
            r"batch_size = 100: batch_size: expected a multiple of virt",
        ),
        ({}, {"momentum": Choice((0.9,))}, r"momentum = 0.9: expected settings of PassingScore"),
    ],
)
def test_values_that_the_config_refuses_are_found_before_work(numeric, structural, message):
    with pytest.raises(SweepError, match=f"search space: {message}"):
        SearchSpace(numeric, structural).check(CONFIG)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Uniform(1.0, 1.0), "expected low < high"),
        (lambda: Uniform(0.0, float("inf")), "high: expected a finite number, got inf"),
        (lambda: LogUniform(0.0, 1.0), "low > 0"),
        (lambda: Choice(()), "different options"),
        (lambda: Choice((1, "1")), "different options"),
        (
            lambda: SearchSpace({"seed": Integers(0, 1)}, {"seed": Choice((1,))}),
            r"each setting once, got \['seed'\]",
        ),
    ],
)
def test_bad_spaces_are_refused(make, message):
    with pytest.raises(SweepError, match=message):
        make()
