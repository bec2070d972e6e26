"""A few hundred plays from the situation to the outcome.

Legend: K plays, N frames of all of them together.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from sbp_jax.nfl.simulator.aftermath import Flight, plan_flight
from sbp_jax.nfl.simulator.config import SimulateConfig
from sbp_jax.nfl.simulator.league import League
from sbp_jax.nfl.simulator.lineup import BACK, QUARTERBACK
from sbp_jax.nfl.simulator.motion import Simulation, Track
from sbp_jax.nfl.simulator.schedule import PASS, RUN, SACK, SPIKE, Situations
from sbp_jax.nfl.simulator.script import Script, write_scripts
from sbp_jax.nfl.simulator.simulated_outcome import ThrowFacts, ThrowOutcomes, sample_outcomes
from sbp_jax.nfl.simulator.throw import as_written, choose_targets, throw_facts
from sbp_jax.nfl.tracking.play_frames import SIDE

PLAYS_AT_ONCE: Final = 250
"""In memory. A season depends on it: a chunk draws its numbers after those of the one before."""

_RUN_MEAN, _RUN_SCALE, _RUN_LOWEST = 3.8, 2.3, -5


class Chunk(NamedTuple):
    """Plays that are over.

    Facts and outcomes mean nothing where a play is no pass.

    Attributes:
        plays: situations.
        script: what everybody meant to do.
        track: what they did.
        target: (K,) place of the target; of who has the ball where there was no throw.
        facts: of the throws.
        outcomes: of the throws.
        flight: of the ball.
        yards: (K,) gained, of any kind of play.
        interceptor: (K,) place of the defender nearest to where the ball came down.
    """

    plays: Situations
    script: Script
    track: Track
    target: Int[NDArray, " K"]
    facts: ThrowFacts
    outcomes: ThrowOutcomes
    flight: Flight
    yards: Int[NDArray, " K"]
    interceptor: Int[NDArray, " K"]


def simulate_chunk(
    rng: np.random.Generator, league: League, plays: Situations, config: SimulateConfig
) -> Chunk:
    """Simulate K plays."""
    script = write_scripts(rng, league, plays)
    simulation = Simulation(rng, script, config.frames_before, config.frames_after)
    simulation.run_to_throw()
    track = simulation.track
    position, velocity = track.position[track.throw], track.velocity[track.throw]
    target = choose_targets(rng, script, position)
    target[plays.kind == RUN] = BACK
    target[np.isin(plays.kind, (SACK, SPIKE))] = QUARTERBACK
    # The files are rounded: only what they say may decide the outcome.
    facts = throw_facts(as_written(position, velocity, plays.line, plays.to_right), plays, target)
    outcomes = sample_outcomes(rng, facts)
    flight = plan_flight(plays, target, facts, outcomes, position, velocity)
    simulation.run_after_throw(flight)
    to_ball = np.abs(position[:, SIDE:] - flight.to[:, None])
    return Chunk(
        plays=plays,
        script=script,
        track=track,
        target=target,
        facts=facts,
        outcomes=outcomes,
        flight=flight,
        yards=_yards(rng, plays, outcomes, track),
        interceptor=SIDE + to_ball.argmin(axis=1),
    )


def _yards(
    rng: np.random.Generator, plays: Situations, outcomes: ThrowOutcomes, track: Track
) -> Int[NDArray, " K"]:
    run = np.rint(rng.logistic(_RUN_MEAN, _RUN_SCALE, plays.kind.size))
    run = np.clip(run, np.maximum(_RUN_LOWEST, plays.to_endzone - 99), plays.to_endzone)
    sack = np.minimum(np.rint(track.position[track.throw, QUARTERBACK].real), -1)
    sack = np.maximum(sack, plays.to_endzone - 99)
    choices = [outcomes.yards, run, sack]
    chosen = [plays.kind == kind for kind in (PASS, RUN, SACK)]
    return np.select(chosen, choices, 0).astype(np.int64)
