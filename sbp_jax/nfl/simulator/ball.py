"""The ball's path, and the tags that mark what happens to it.

Legend: K plays, N frames of all of them together.
"""

from typing import Final

import numpy as np
from jaxtyping import Complex, Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.chunk import Chunk
from sbp_jax.nfl.simulator.lineup import BACK, QUARTERBACK
from sbp_jax.nfl.simulator.schedule import PASS, RUN, SACK, SPIKE

EVENTS: Final = (
    None,
    "line_set",
    "autoevent_ballsnap",
    "ball_snap",
    "handoff",
    "autoevent_passforward",
    "pass_forward",
    "pass_arrived",
    "pass_outcome_incomplete",
    "pass_outcome_interception",
    "pass_outcome_touchdown",
    "pass_outcome_caught",
    "tackle",
    "qb_sack",
    "qb_spike",
)
"""Tags by their codes; `None` where there is nothing to say."""

_CODE: Final = {name: code for code, name in enumerate(EVENTS)}

_SPOT: Final = -0.3
"""Yards downfield, of the ball before the snap."""

_SNAP_FRAMES: Final = (4, 1)
"""That the ball takes to the passer: in the shotgun, and under the centre."""

_HANDOFF: Final = 8
"""Frames after the snap."""

_ONLY_AUTOMATIC_SHARE: Final = 0.1
_ALSO_AUTOMATIC_SHARE: Final = 0.2


def ball_path(chunk: Chunk) -> Complex[NDArray, " N"]:
    """Where the ball is in each frame, yards as in `sbp_jax.nfl.simulator.lineup`."""
    track, flight = chunk.track, chunk.flight
    play = track.play
    frame = np.arange(play.size) - track.snap[play]
    runs = (chunk.plays.kind[play] == RUN) & (frame >= _HANDOFF)
    held = np.where(runs, track.position[:, BACK], track.position[:, QUARTERBACK])
    spot = _SPOT + 1j * chunk.plays.ball_y[play]
    snap = np.where(chunk.script.lineup.under_center, *_SNAP_FRAMES[::-1])[play]
    ball = spot + np.clip(frame / snap, 0, 1) * (held - spot)

    since = np.arange(play.size) - track.throw[play]
    flies = flight.thrown[play] & (since >= 0)
    released = track.position[track.throw, QUARTERBACK][play]
    part = np.clip(since / flight.frames[play], 0, 1)
    ball = np.where(flies, released + part * (flight.to[play] - released), ball)
    caught = flies & flight.carried[play] & (since >= flight.frames[play])
    target = track.position[np.arange(play.size), flight.target[play]]
    return np.where(caught, target, ball)


def event_codes(rng: np.random.Generator, chunk: Chunk) -> Int[NDArray, " N"]:
    """The tag of each frame, as an index into `EVENTS`.

    Every play has the tag of its snap. One throw in ten was only tagged automatically; snaps and
    throws may have an automatic tag besides, a frame off. What would happen after the last frame
    has no tag.
    """
    track, kind = chunk.track, chunk.plays.kind
    codes = np.zeros(track.offsets[-1], np.int64)

    def mark(name: str, frame: Int[NDArray, " K"], plays: NDArray) -> None:
        inside = plays & (frame >= track.offsets[:-1]) & (frame < track.offsets[1:])
        codes[frame[inside]] = _CODE[name]

    some = rng.random((3, kind.size))
    passes, everyone = kind == PASS, np.ones(kind.size, bool)
    mark("line_set", track.offsets[:-1], everyone)
    mark("autoevent_ballsnap", track.snap - 1, some[0] < _ALSO_AUTOMATIC_SHARE)
    mark("ball_snap", track.snap, everyone)
    mark("handoff", track.snap + _HANDOFF, kind == RUN)
    mark("qb_sack", track.throw, kind == SACK)
    mark("qb_spike", track.throw, kind == SPIKE)
    mark("tackle", track.throw, kind == RUN)
    automatic = some[1] < _ONLY_AUTOMATIC_SHARE
    mark("autoevent_passforward", track.throw, passes & automatic)
    also = passes & ~automatic & (some[2] < _ALSO_AUTOMATIC_SHARE)
    mark("autoevent_passforward", track.throw + 1, also)
    mark("pass_forward", track.throw, passes & ~automatic)

    arrived = track.throw + chunk.flight.frames
    caught, intercepted = chunk.outcomes.complete, chunk.outcomes.intercepted
    scored = caught & (chunk.yards == chunk.plays.to_endzone)
    mark("pass_arrived", arrived, passes)
    mark("pass_outcome_caught", arrived + 1, passes & caught & ~scored)
    mark("pass_outcome_touchdown", arrived + 1, passes & scored)
    mark("pass_outcome_interception", arrived + 1, passes & intercepted)
    mark("pass_outcome_incomplete", arrived + 1, passes & ~caught & ~intercepted)
    run = np.maximum(chunk.yards - chunk.facts.depth, 0)
    # A receiver covers some six yards in a second after the catch.
    mark("tackle", arrived + 3 + np.rint(run / 0.6).astype(np.int64), passes & caught & ~scored)
    return codes
