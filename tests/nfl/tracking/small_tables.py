"""The tables of small plays, in the layout of each source."""

from collections.abc import Sequence

import polars as pl

from .small_play import AWAY, HOME, LINEMEN, PASSER, PLAYERS, RUSHERS, TARGET, SmallPlay, nfl_id


def season_tables(layout: str, plays: Sequence[SmallPlay]) -> dict[str, pl.DataFrame]:
    """All tables but the tracking, by name without suffix."""
    return {
        "2021": _tables_2021,
        "2023": _tables_2023,
        "2025": _tables_2025,
        "2026": _tables_2026,
    }[layout](plays)


def _games(plays: Sequence[SmallPlay], *, season: bool) -> pl.DataFrame:
    games = {play.game_id: play for play in plays}.values()
    table = pl.DataFrame(
        {
            "gameId": [play.game_id for play in games],
            "season": [play.season for play in games],
            "week": [play.week for play in games],
            "gameDate": "09/08/2022",
            "gameTimeEastern": "20:20:00",
            "homeTeamAbbr": HOME,
            "visitorTeamAbbr": AWAY,
        }
    )
    return table if season else table.drop("season")


def _players(position: str) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "nflId": map(nfl_id, range(len(PLAYERS))),
            "height": "6-1",
            "weight": 210,
            "birthDate": "1995-09-17",
            "collegeName": "Anywhere",
            position: [each[0] for each in PLAYERS],
            "displayName": [each[1] for each in PLAYERS],
        }
    )


def _plays(plays: Sequence[SmallPlay], clock: str = "{}") -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "gameId": play.game_id,
                "playId": play.play_id,
                "playDescription": play.text,
                "quarter": play.quarter,
                "down": play.down,
                "yardsToGo": play.to_go,
                "possessionTeam": play.offense,
                "defensiveTeam": play.defense,
                "yardlineSide": play.offense if play.own_yards < 50 else play.defense,
                "yardlineNumber": min(play.own_yards, 100 - play.own_yards),
                "gameClock": clock.format(play.clock),
                "preSnapHomeScore": 14,
                "preSnapVisitorScore": 10,
                "absoluteYardlineNumber": play.line,
                "passResult": play.result,
                "yards": play.yards,
            }
            for play in plays
        ],
        schema_overrides={"passResult": pl.String, "yards": pl.Int64},
    )


def _each_player(plays: Sequence[SmallPlay]) -> pl.DataFrame:
    """A row for each play and player: keys, nflId, player, position and team."""
    return pl.DataFrame(
        [
            {
                "gameId": play.game_id,
                "playId": play.play_id,
                "nflId": nfl_id(player),
                "player": player,
                "position": PLAYERS[player][0],
                "teamAbbr": play.offense if player < 11 else play.defense,
            }
            for play in plays
            for player in range(len(PLAYERS))
        ]
    )


def _tables_2021(plays: Sequence[SmallPlay]) -> dict[str, pl.DataFrame]:
    table = _plays(plays, "{}:00").drop("defensiveTeam").rename({"yards": "offensePlayResult"})
    return {
        "games": _games(plays, season=False),
        "players": _players("position"),
        "plays": table.with_columns(playResult="offensePlayResult", isDefensivePI=pl.lit(False)),
    }


def _tables_2023(plays: Sequence[SmallPlay]) -> dict[str, pl.DataFrame]:
    player, position = pl.col("player"), pl.col("position")
    role = (
        pl.when(player == PASSER)
        .then(pl.lit("Pass"))
        .when(position.is_in(LINEMEN))
        .then(pl.lit("Pass Block"))
        .when(player < 11)
        .then(pl.lit("Pass Route"))
        .when(position.is_in(RUSHERS))
        .then(pl.lit("Pass Rush"))
        .otherwise(pl.lit("Coverage"))
    )
    return {
        "games": _games(plays, season=True),
        "players": _players("officialPosition"),
        "plays": _plays(plays).rename({"yards": "prePenaltyPlayResult"}),
        "pffScoutingData": _each_player(plays).select("gameId", "playId", "nflId", pff_role=role),
    }


def _tables_2025(plays: Sequence[SmallPlay]) -> dict[str, pl.DataFrame]:
    player, position = pl.col("player"), pl.col("position")
    threw = pl.col("passed")
    passed = pl.DataFrame(
        [(play.game_id, play.play_id, play.result in ("C", "I", "IN")) for play in plays],
        schema=["gameId", "playId", "passed"],
        orient="row",
    )
    runs_route = (player < 11) & (player != PASSER) & ~position.is_in(LINEMEN)
    return {
        "games": _games(plays, season=True),
        "players": _players("position"),
        "plays": _plays(plays)
        .rename({"yards": "prePenaltyYardsGained"})
        .with_columns(
            playNullifiedByPenalty=pl.lit("N"),
            qbSpike=pl.lit(False),
            isDropback=pl.col("passResult").is_not_null(),
            yardsGained="prePenaltyYardsGained",
        ),
        "player_play": _each_player(plays)
        .join(passed, on=["gameId", "playId"], maintain_order="left")
        .select(
            *("gameId", "playId", "nflId", "teamAbbr"),
            hadDropback=((player == PASSER) & threw).cast(int),
            hadPassReception=((player == TARGET) & threw).cast(int),
            wasTargettedReceiver=((player == TARGET) & threw).cast(int),
            wasRunningRoute=pl.when(runs_route & threw).then(1),
            wasInitialPassRusher=pl.when(player >= 11).then(position.is_in(RUSHERS).cast(int)),
        ),
    }


def _tables_2026(plays: Sequence[SmallPlay]) -> dict[str, pl.DataFrame]:
    table = _plays(plays)
    games = _games(plays, season=True)
    both = table.join(games, on="gameId", maintain_order="left")
    return {
        "supplementary_data": both.select(
            game_id="gameId",
            season="season",
            week="week",
            game_date="gameDate",
            home_team_abbr="homeTeamAbbr",
            visitor_team_abbr="visitorTeamAbbr",
            play_id="playId",
            play_description="playDescription",
            quarter="quarter",
            game_clock="gameClock",
            down="down",
            yards_to_go="yardsToGo",
            possession_team="possessionTeam",
            defensive_team="defensiveTeam",
            yardline_side="yardlineSide",
            yardline_number="yardlineNumber",
            pre_snap_home_score="preSnapHomeScore",
            pre_snap_visitor_score="preSnapVisitorScore",
            play_nullified_by_penalty=pl.lit("N"),
            pass_result="passResult",
            pre_penalty_yards_gained="yards",
            yards_gained="yards",
        )
    }
