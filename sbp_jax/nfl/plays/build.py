"""All games of one season into tables, and an account of what happened."""

import gzip
import hashlib
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from sbp_jax.nfl.errors import BrokenGameError
from sbp_jax.nfl.plays.game import Game
from sbp_jax.nfl.plays.parse import parse_game
from sbp_jax.nfl.plays.problems import count_problems
from sbp_jax.nfl.plays.report import DroppedGame, SeasonReport
from sbp_jax.nfl.plays.tables import Frames, to_frames


def build_season(
    season: int,
    games: Sequence[tuple[str, Path]],
    preseason: int,
    on_game: Callable[[], object] = lambda: None,
) -> tuple[Frames, SeasonReport]:
    """Parse the games of a season, one at a time.

    Args:
        season: the season.
        games: id and file of each game, preseason left out.
        preseason: how many that left out.
        on_game: called after each game.

    Returns:
        The tables and the season's report. A game that cannot be read is in the report only.
    """
    start = time.perf_counter()
    kept: list[Game] = []
    dropped: list[DroppedGame] = []
    digest = hashlib.sha256()
    for game_id, path in games:
        try:
            text = _read(path)
            digest.update(f"{game_id} {len(text)} ".encode())
            digest.update(text)
            kept.append(parse_game(game_id, text))
        except BrokenGameError as error:
            digest.update(f"{game_id} broken ".encode())
            dropped.append(DroppedGame(path.name, str(error)))
        on_game()
    frames = to_frames(kept)
    report = SeasonReport(
        season=season,
        kept=len(kept),
        preseason=preseason,
        dropped=tuple(dropped),
        passes=frames.passes.height,
        snaps=frames.snaps.height,
        problems=count_problems(frames, stale=sum(game.stale for game in kept)),
        seconds=time.perf_counter() - start,
        content=digest.hexdigest(),
    )
    return frames, report


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise BrokenGameError(f"cannot be read: {error}") from None
