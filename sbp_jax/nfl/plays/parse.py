"""One game file into a `Game`."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sbp_jax.nfl.errors import BrokenGameError
from sbp_jax.nfl.plays.duplicates import drop_stale
from sbp_jax.nfl.plays.game import Game, Play
from sbp_jax.nfl.plays.kinds import is_play, kind_of
from sbp_jax.nfl.plays.outcome import read_lines, write_outcome
from sbp_jax.nfl.plays.scoreboard import read_scoring_plays, write_scoreboard
from sbp_jax.nfl.plays.season import date_of, season_week
from sbp_jax.nfl.plays.teams import team
from sbp_jax.nfl.plays.text import OVERTURNED

Json = Mapping[str, Any]


def parse_game(game_id: str, text: bytes) -> Game:
    """Read a game.

    Args:
        game_id: year, month, day and a two-digit number, as `2018090600`.
        text: the JSON.

    Returns:
        The game with its plays in the order of the file, stale copies of plays left out. That
        order is the order in time but for a few dozen plays in all; play ids are less so.

    Raises:
        BrokenGameError: not JSON, or not the structure of a game.
    """
    try:
        root = json.loads(text)
    except ValueError as error:
        raise BrokenGameError(f"not JSON: {error}") from None
    try:
        return _game(game_id, root[game_id])
    except KeyError as error:
        raise BrokenGameError(f"wrong structure: no {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise BrokenGameError(f"wrong structure: {error}") from None


def _game(game_id: str, root: Json) -> Game:
    date = date_of(game_id)
    season, season_type, week = season_week(date)
    home, away = root["home"], root["away"]
    teams = team(home["abbr"]), team(away["abbr"])
    entered = list(_plays(root["drives"], teams))
    if not entered:
        raise BrokenGameError("wrong structure: no plays")
    plays = drop_stale(entered)
    for snap, play in enumerate(plays):
        play.snap = snap
    game = Game(
        game_id=game_id,
        season=season,
        season_type=season_type,
        week=week,
        date=date,
        home_team=teams[0],
        away_team=teams[1],
        home_score=int(home["score"]["T"]),
        away_score=int(away["score"]["T"]),
        overtime=any(play.quarter > 4 for play in plays),
        plays=plays,
        stale=len(entered) - len(plays),
    )
    final = {game.home_team: game.home_score, game.away_team: game.away_score}
    game.score_timeline_ok = write_scoreboard(plays, read_scoring_plays(root["scrsummary"]), final)
    return game


def _plays(drives: Json, teams: tuple[str, str]) -> Iterator[Play]:
    """Plays drive by drive; beside the drives the feed keeps the number of the latest."""
    for number in sorted(int(key) for key in drives if key != "crntdrv"):
        for play_id, entry in drives[str(number)]["plays"].items():
            lines = read_lines(entry["players"])
            ids = {line.stat for line in lines}
            # Pauses and remarks have no team in possession.
            if is_play(ids, entry["yrdln"] or "", entry["desc"] or "") and entry["posteam"]:
                play = _situation(int(play_id), number, entry, teams)
                play.kind = kind_of(ids, play.description)
                write_outcome(play, lines, ids)
                yield play


def _situation(play_id: int, drive: int, entry: Json, teams: tuple[str, str]) -> Play:
    """What was known before the snap, and the sentence."""
    offense, yardline, description = team(entry["posteam"]), entry["yrdln"], entry["desc"] or ""
    if offense not in teams:
        raise BrokenGameError(f"wrong structure: team {offense} in a game of {teams}")
    down = int(entry["down"])
    return Play(
        play_id=play_id,
        drive=drive,
        quarter=int(entry["qtr"]),
        clock_seconds=_seconds(entry["time"]),
        down=down or None,
        yards_to_go=int(entry["ydstogo"]) if down else None,
        yardline=yardline or "",
        yards_to_endzone=_yards_to_endzone(yardline or "", offense),
        offense=offense,
        defense=teams[1] if offense == teams[0] else teams[0],
        description=description,
        shotgun="Shotgun" in description,
        no_huddle="No Huddle" in description,
        reversed=OVERTURNED in description,
    )


def _seconds(clock: str | None) -> int | None:
    """Seconds left in the quarter, from `12:34`."""
    if not clock:
        return None
    minutes, _, seconds = clock.partition(":")
    return 60 * int(minutes) + int(seconds)


def _yards_to_endzone(yardline: str, offense: str) -> int | None:
    """Yards to the end zone the offence attacks: `NE 20` is on NE's half, `50` is midfield."""
    side, _, number = yardline.rpartition(" ")
    if not number.isdigit():
        return None
    return 100 - int(number) if team(side) == offense else int(number)
