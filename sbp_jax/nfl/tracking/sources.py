"""What each public source calls things: one table a source, no conditions elsewhere.

All are Big Data Bowls of the NFL, named by their year; the plays are of an earlier season.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

from sbp_jax.nfl.tracking.columns import Column, Columns, Kind
from sbp_jax.nfl.tracking.play_frames import Role


class Layout(StrEnum):
    """A year of the Big Data Bowl, whose files look alike."""

    BDB2021 = "2021"
    BDB2023 = "2023"
    BDB2025 = "2025"
    BDB2026 = "2026"


class Linemen(Enum):
    """Whether a source tracks the linemen, so all 22 players."""

    ALWAYS = 1
    SOMETIMES = 2  # a play without any offensive lineman is taken as it is
    NEVER = 3


@dataclass(frozen=True)
class DutyRule:
    """Who has this value in this column has this role; of several rules the first counts.

    Attributes:
        role: what he does.
        column: that says so, by its name in the file.
        values: any of these; none given means any value.
    """

    role: Role
    column: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class DutyTable:
    """A table with what each player does on each play.

    Attributes:
        table: its file without suffix; empty where the tracking itself says it.
        rules: how it says so.
        player: column of the player's id.
        needed: the folder is refused without it.
    """

    table: str
    rules: tuple[DutyRule, ...]
    player: str = "nflId"
    needed: bool = True


_TRACKING: Final = (
    "game_id", "play_id", "nfl_id", "frame", "team", "x", "y", "speed", "direction",
    "orientation", "towards",
)  # fmt: skip
_PLAYS: Final = (
    "game_id", "play_id", "quarter", "clock", "down", "yards_to_go", "offense", "home_score",
    "away_score", "pass_result", "yards", "description",
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """The schema of a source.

    Raises:
        ValueError: a column is left out that every play is read by.

    Attributes:
        layout: its name; a `Layout` of those known here.
        signature: column of the plays table that no other source has.
        tracking_files: patterns of their names without suffix.
        tracking: columns of a tracking file, at least `_TRACKING`. Without `time` frames are
            aligned on their numbers; without `event` a play's frames run from the snap to the
            throw already.
        plays_table: file of the plays without suffix.
        plays: its columns, at least `_PLAYS`.
        games: columns of the games table; none where the plays table says it all.
        players: columns of the players table; none where the tracking says it all.
        duties: where the roles come from, besides positions and texts.
        sides: what the tracking calls the offence and the defence, where it does so;
            else it names teams.
        home_and_away: it names teams so, rather than by their codes.
        linemen: whether they are tracked.
        turned_orientation: seasons whose orientation is measured from +x instead of +y.
    """

    layout: str
    signature: str
    tracking_files: tuple[str, ...]
    tracking: Columns
    plays_table: str
    plays: Columns
    duties: DutyTable
    games: Columns = field(default_factory=dict)
    players: Columns = field(default_factory=dict)
    sides: tuple[str, str] | None = None
    home_and_away: bool = False
    linemen: Linemen = Linemen.ALWAYS
    turned_orientation: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a schema that leaves out what every play is read by."""
        for table, needed in (("tracking", _TRACKING), ("plays", _PLAYS)):
            if missing := [name for name in needed if name not in getattr(self, table)]:
                raise ValueError(
                    f"{table}: expected columns for {', '.join(needed)}, "
                    f"got none for {', '.join(missing)}"
                )


BALL_TEAM: Final = "football"
"""Stands for the team of the ball."""

YES: Final = ("1", "1.0", "TRUE", "True", "true", "Y")


class Event(Enum):
    """Tags that open and close a play; a tag set by hand is trusted before an automatic one."""

    SNAP = 1
    AUTOMATIC_SNAP = 2
    THROW = 3
    AUTOMATIC_THROW = 4


EVENTS: Final[Mapping[str, Event]] = {
    "ball_snap": Event.SNAP,
    "snap_direct": Event.SNAP,
    "autoevent_ballsnap": Event.AUTOMATIC_SNAP,
    "pass_forward": Event.THROW,
    "pass_shovel": Event.THROW,
    "autoevent_passforward": Event.AUTOMATIC_THROW,
}


def _id(*names: str, needed: bool = True) -> Column:
    return Column(Kind.ID, names, needed)


def _number(*names: str, needed: bool = True) -> Column:
    return Column(Kind.NUMBER, names, needed)


def _text(*names: str, needed: bool = True) -> Column:
    return Column(Kind.TEXT, names, needed)


_KEYS: Final = {"game_id": _id("gameId"), "play_id": _id("playId")}

_MOTION: Final = {
    "x": _number("x"),
    "y": _number("y"),
    "speed": _number("s"),
    "orientation": _number("o", needed=False),
    "direction": _number("dir"),
}


def _tracking(team: str) -> Columns:
    return {
        **_KEYS,
        "nfl_id": _id("nflId"),
        "frame": _id("frameId"),
        "time": Column(Kind.TIME, ("time",)),
        "team": _text(team),
        "towards": _text("playDirection"),
        "event": _text("event"),
        **_MOTION,
    }


def _plays(yards: str, *, nullified: str | None = None, spike: str | None = None) -> Columns:
    return {
        **_KEYS,
        "description": _text("playDescription"),
        "quarter": _id("quarter"),
        "down": _id("down"),
        "yards_to_go": _id("yardsToGo"),
        "offense": _text("possessionTeam"),
        "clock": _text("gameClock", needed=False),
        "home_score": _id("preSnapHomeScore", needed=False),
        "away_score": _id("preSnapVisitorScore", needed=False),
        "line": _number("absoluteYardlineNumber"),
        "pass_result": _text("passResult"),
        "yards": _number(yards),
        **({"nullified": _text(nullified)} if nullified else {}),
        **({"spike": _text(spike)} if spike else {}),
    }


_GAMES: Final = {
    "game_id": _id("gameId"),
    "season": _id("season", needed=False),
    "week": _id("week", needed=False),
    "home_team": _text("homeTeamAbbr"),
    "away_team": _text("visitorTeamAbbr"),
}

_PLAYERS: Final = {
    "nfl_id": _id("nflId"),
    "name": _text("displayName"),
    "position": _text("position", "officialPosition"),
}

_BDB2021: Final = Source(
    layout=Layout.BDB2021,
    signature="offensePlayResult",
    tracking_files=("week*", "tracking*"),
    tracking=_tracking("team"),
    plays_table="plays",
    plays=_plays("offensePlayResult"),
    games=_GAMES,
    players=_PLAYERS,
    duties=DutyTable(
        "targetedReceiver",
        (DutyRule(Role.TARGET, "targetNflId"),),
        player="targetNflId",
        needed=False,
    ),
    home_and_away=True,
    linemen=Linemen.SOMETIMES,
    turned_orientation=(2017,),
)

_BDB2023: Final = Source(
    layout=Layout.BDB2023,
    signature="prePenaltyPlayResult",
    tracking_files=("week*", "tracking*"),
    tracking=_tracking("team"),
    plays_table="plays",
    plays=_plays("prePenaltyPlayResult"),
    games=_GAMES,
    players=_PLAYERS,
    duties=DutyTable(
        "pffScoutingData",
        (
            DutyRule(Role.PASSER, "pff_role", ("Pass",)),
            DutyRule(Role.ELIGIBLE, "pff_role", ("Pass Route",)),
            DutyRule(Role.RUSHER, "pff_role", ("Pass Rush",)),
            DutyRule(Role.COVERAGE, "pff_role", ("Coverage",)),
        ),
    ),
)

_BDB2025: Final = Source(
    layout=Layout.BDB2025,
    signature="prePenaltyYardsGained",
    tracking_files=("tracking*",),
    tracking=_tracking("club"),
    plays_table="plays",
    plays=_plays("prePenaltyYardsGained", nullified="playNullifiedByPenalty", spike="qbSpike"),
    games=_GAMES,
    players=_PLAYERS,
    duties=DutyTable(
        "player_play",
        (
            DutyRule(Role.TARGET, "wasTargettedReceiver", YES),
            DutyRule(Role.PASSER, "hadDropback", YES),
            DutyRule(Role.RUSHER, "wasInitialPassRusher", YES),
            DutyRule(Role.ELIGIBLE, "wasRunningRoute", YES),
        ),
    ),
)

_BDB2026: Final = Source(
    layout=Layout.BDB2026,
    signature="pass_result",
    tracking_files=("input*",),
    tracking={
        "game_id": _id("game_id"),
        "play_id": _id("play_id"),
        "nfl_id": _id("nfl_id"),
        "frame": _id("frame_id"),
        "team": _text("player_side"),
        "towards": _text("play_direction"),
        "line": _number("absolute_yardline_number"),
        "name": _text("player_name"),
        "position": _text("player_position"),
        "player_role": _text("player_role"),
        **_MOTION,
    },
    plays_table="supplementary_data",
    plays={
        "game_id": _id("game_id"),
        "play_id": _id("play_id"),
        "season": _id("season", needed=False),
        "week": _id("week", needed=False),
        "home_team": _text("home_team_abbr"),
        "away_team": _text("visitor_team_abbr"),
        "description": _text("play_description"),
        "quarter": _id("quarter"),
        "down": _id("down"),
        "yards_to_go": _id("yards_to_go"),
        "offense": _text("possession_team"),
        "clock": _text("game_clock", needed=False),
        "home_score": _id("pre_snap_home_score", needed=False),
        "away_score": _id("pre_snap_visitor_score", needed=False),
        "pass_result": _text("pass_result"),
        "yards": _number("pre_penalty_yards_gained", "yards_gained"),
        "nullified": _text("play_nullified_by_penalty", needed=False),
    },
    duties=DutyTable(
        "",
        (
            DutyRule(Role.PASSER, "player_role", ("Passer",)),
            DutyRule(Role.TARGET, "player_role", ("Targeted Receiver",)),
            DutyRule(Role.ELIGIBLE, "player_role", ("Other Route Runner",)),
            DutyRule(Role.COVERAGE, "player_role", ("Defensive Coverage",)),
        ),
    ),
    sides=("Offense", "Defense"),
    linemen=Linemen.NEVER,
)

SOURCES: Final[Mapping[Layout, Source]] = {
    Layout(source.layout): source for source in (_BDB2021, _BDB2023, _BDB2025, _BDB2026)
}
