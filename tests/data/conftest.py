"""A small source of hand-made games, and the data set made of it once."""

from pathlib import Path

import pytest

from sbp_jax.nfl.plays.splits import SeasonSplit
from tests.nfl.plays.conftest import GameBuilder

SEASONS = SeasonSplit(train=(2010, 2009), valid=(2011,), test=(2012,))

GAMES = {
    # id: snaps after the opening pass, which has no history; 80 are more than the data set keeps
    "2009091300": 5,
    "2010011000": 3,  # playoffs of 2009
    "2010091201": 80,
    "2011091100": 7,
    "2012090900": 6,
    "2013011200": 4,  # playoffs of 2012, which no test split holds
}


def write_games(folder: Path, games: dict[str, int]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for game_id, snaps in games.items():
        game = GameBuilder(game_id)
        for number in range(snaps + 1):
            minutes, seconds = divmod(900 - 10 * number, 60)
            play = game.run if number % 3 == 1 else game.completion
            play(number % 13, time=f"{minutes:02d}:{seconds:02d}")
        game.write(folder)
    return folder


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_games(tmp_path_factory.mktemp("games") / "source", GAMES)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plays")


@pytest.fixture(scope="session")
def prepared(source: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of data sets that holds the one of `SEASONS`."""
    from data.nfl_passes.prepare import prepare

    data_dir = tmp_path_factory.mktemp("datasets")
    _, written = prepare(data_dir, SEASONS, source=source, cache=cache)
    assert written
    return data_dir
