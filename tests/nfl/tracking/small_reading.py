"""Reading a small season back, and comparing it with what was written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sbp_jax.nfl.tracking.reading import Reading, open_folder, read_tracking_file

from .small_season import SmallPlay, nfl_id


def read_only_file(folder: Path, **config: Any) -> Reading:
    """The reading of a folder with one tracking file."""
    opened = open_folder(folder)
    (path,) = opened.tracking_files
    return read_tracking_file(opened, path, **config)


def assert_motion(
    reading: Reading, k: int, play: SmallPlay, seen: Sequence[int] = range(22)
) -> None:
    """The frames of play k are the formula's, whatever the order of columns."""
    frames = reading.frames
    rows = slice(*frames.offsets[k : k + 2])
    column = {player: c for c, player in enumerate(frames.player_id[k])}
    columns = [column[nfl_id(player)] for player in seen]
    expected = {name: value[:, list(seen)] for name, value in play.expected().items()}
    for name in ("x", "y", "speed"):
        np.testing.assert_allclose(getattr(frames, name)[rows][:, columns], expected[name],
                                   atol=2e-5)  # fmt: skip
    for name in ("direction", "orientation"):
        angle = getattr(frames, name)[rows][:, columns]
        assert np.abs(angle).max() <= np.pi + 1e-6
        # pi and -pi are one direction
        np.testing.assert_allclose(np.exp(1j * angle), np.exp(1j * expected[name]), atol=2e-6)
