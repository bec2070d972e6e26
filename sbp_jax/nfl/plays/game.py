"""A game and its plays as plain records, between the file and the tables."""

import datetime as dt
from dataclasses import dataclass, field


@dataclass(slots=True)
class Play:
    """One play; attributes are columns of the tables (see `sbp_jax.nfl.plays.tables`).

    `penalized` is no column: the players penalised, by which copies of a play are told.
    """

    play_id: int
    drive: int
    quarter: int
    clock_seconds: int | None
    down: int | None
    yards_to_go: int | None
    yardline: str
    yards_to_endzone: int | None
    offense: str
    defense: str
    description: str
    shotgun: bool
    no_huddle: bool
    reversed: bool

    kind: str = "other"
    snap: int = -1
    offense_score: int | None = None
    defense_score: int | None = None
    score_diff: int | None = None

    yards: int | None = None
    passer_id: str | None = None
    passer_name: str | None = None
    receiver_id: str | None = None
    receiver_name: str | None = None
    rusher_id: str | None = None
    air_yards: int | None = None
    yards_after_catch: int | None = None
    interception_return_yards: int | None = None
    pass_depth: str | None = None
    pass_location: str | None = None
    targeted: bool | None = None
    spike: bool | None = None
    complete: bool | None = None
    interception: bool | None = None
    pass_touchdown: bool | None = None
    interception_touchdown: bool | None = None
    lateral: bool | None = None

    touchdown: bool = False
    first_down: bool = False
    fumble_lost: bool = False
    turnover: bool = False
    penalty: bool = False
    penalty_yards: int | None = None
    penalized: tuple[str, ...] = ()


@dataclass(slots=True)
class Game:
    """One game; attributes are columns of the tables, `stale` counts entries left out."""

    game_id: str
    season: int
    season_type: str
    week: int
    date: dt.date
    home_team: str
    away_team: str
    home_score: int
    away_score: int
    overtime: bool
    score_timeline_ok: bool = True
    plays: list[Play] = field(default_factory=list)
    stale: int = 0

    @property
    def winner(self) -> str:
        """The winning team, or TIE."""
        if self.home_score == self.away_score:
            return "TIE"
        return self.home_team if self.home_score > self.away_score else self.away_team
