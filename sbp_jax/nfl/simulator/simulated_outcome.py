r"""The known law of yards in simulated seasons: what a perfect forecaster would say.

It depends on a play through seven numbers alone, `ThrowFacts`, all of which can be computed from
the frame of the throw. A throw is complete with probability

    p = sigmoid(1.25 + 0.5 (min(s, 6) - 2.5) - 0.35 n - 0.05 d - 0.9 exp(-r / 1.5))

where s is the separation, n the number of defenders within two yards of the target, d the
distance from passer to target beyond 5 yards and r the distance of the nearest rusher. A throw
that fails gains 0, caught by the defence or not. A completed one gains the whole yards nearest to

    depth + target_vx target_distance / 20 + run         a ball flies 20 yards in a second

but no more than the yards to the end zone, and the run after the catch is one of two kinds: stopped
at once, with probability w = sigmoid(0.9 - 0.6 (min(s, 6) - 2.5) + 0.3 n), logistic with mean 0.5
and scale 1.2; or open field, generalized Pareto with shape 0.25 and scale 2.5 + min(s, 6).

So the law has an atom at 0, one at the goal line, a peak near the catch, and a tail heavier than
exponential that the goal line cuts: several modes, none of them symmetric.

Legend: K plays.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

LOWEST: Final = -20
HIGHEST: Final = 99
"""Whole yards that a simulated play can gain."""

INTERCEPTED_SHARE: Final = 0.065
"""Of the throws that fail; they gain 0 like the others."""

_BALL_SPEED: Final = 20.0
_STOPPED_MEAN, _STOPPED_SCALE = 0.5, 1.2
_OPEN_SHAPE: Final = 0.25


class ThrowFacts(NamedTuple):
    """What the outcome of a simulated throw depends on, in yards and yards per second.

    Attributes:
        depth: (K,) of the target, downfield of the line of scrimmage.
        target_vx: (K,) speed of the target downfield.
        separation: (K,) from the target to the nearest defender.
        defenders_near: (K,) defenders within two yards of the target.
        nearest_rusher: (K,) from the passer to the nearest defender.
        target_distance: (K,) from the passer to the target.
        yards_to_endzone: (K,) from the line of scrimmage, 1 to 99.
    """

    depth: Float[NDArray, " K"]
    target_vx: Float[NDArray, " K"]
    separation: Float[NDArray, " K"]
    defenders_near: Float[NDArray, " K"]
    nearest_rusher: Float[NDArray, " K"]
    target_distance: Float[NDArray, " K"]
    yards_to_endzone: Float[NDArray, " K"]


class ThrowOutcomes(NamedTuple):
    """What became of simulated throws.

    Attributes:
        complete: (K,) the target caught it.
        intercepted: (K,) the defence caught it.
        yards: (K,) gained, 0 unless complete.
    """

    complete: Bool[NDArray, " K"]
    intercepted: Bool[NDArray, " K"]
    yards: Int[NDArray, " K"]


def yards_pmf(facts: ThrowFacts) -> Float[NDArray, "K cells"]:
    """Probabilities of gaining `LOWEST`, ..., `HIGHEST` yards; each row sums to one.

    >>> facts = ThrowFacts(*np.array([[10.0], [2.0], [3.0], [0.0], [4.0], [18.0], [60.0]]))
    >>> pmf = yards_pmf(facts)[0]
    >>> [LOWEST + int(k) for k in np.argsort(-pmf)[:2]]  # incomplete, or stopped at the catch
    [0, 12]
    """
    start = _at_catch(facts)[:, None]
    stopped = _stopped_probability(facts)[:, None]
    edges = np.arange(LOWEST, HIGHEST)[None] + 0.5
    below = stopped * _logistic_cdf(edges - start)
    below += (1 - stopped) * _pareto_cdf(edges - start, _open_scale(facts)[:, None])
    below[edges < _lowest(facts)[:, None]] = 0
    below[edges > facts.yards_to_endzone[:, None]] = 1
    caught = np.diff(below, axis=1, prepend=0, append=1)
    pmf = _complete_probability(facts)[:, None] * caught
    pmf[:, -LOWEST] += 1 - _complete_probability(facts)
    return pmf


def sample_outcomes(rng: np.random.Generator, facts: ThrowFacts) -> ThrowOutcomes:
    """Draw what becomes of each throw.

    Args:
        rng: source of randomness.
        facts: of (K,) throws.
    """
    plays = facts.depth.size
    complete = rng.random(plays) < _complete_probability(facts)
    intercepted = ~complete & (rng.random(plays) < INTERCEPTED_SHARE)
    stopped = rng.random(plays) < _stopped_probability(facts)
    level = rng.uniform(1e-12, 1, plays)
    at_once = _STOPPED_MEAN + _STOPPED_SCALE * np.log(level / np.maximum(1 - level, 1e-12))
    open_field = _open_scale(facts) * np.expm1(-_OPEN_SHAPE * np.log(level)) / _OPEN_SHAPE
    run = np.where(stopped, at_once, open_field)
    yards = np.clip(np.rint(_at_catch(facts) + run), _lowest(facts), facts.yards_to_endzone)
    return ThrowOutcomes(complete, intercepted, np.where(complete, yards, 0).astype(np.int64))


def _at_catch(facts: ThrowFacts) -> Float[NDArray, " K"]:
    """Where the ball meets a target that runs on, in yards downfield of the line of scrimmage."""
    return facts.depth + facts.target_vx * facts.target_distance / _BALL_SPEED


def _complete_probability(facts: ThrowFacts) -> Float[NDArray, " K"]:
    openness = 0.5 * (np.minimum(facts.separation, 6) - 2.5) - 0.35 * facts.defenders_near
    difficulty = 0.05 * np.maximum(facts.target_distance - 5, 0)
    pressure = 0.9 * np.exp(-facts.nearest_rusher / 1.5)
    return _sigmoid(1.25 + openness - difficulty - pressure)


def _stopped_probability(facts: ThrowFacts) -> Float[NDArray, " K"]:
    openness = 0.6 * (np.minimum(facts.separation, 6) - 2.5)
    return _sigmoid(0.9 - openness + 0.3 * facts.defenders_near)


def _open_scale(facts: ThrowFacts) -> Float[NDArray, " K"]:
    return 2.5 + np.minimum(facts.separation, 6)


def _lowest(facts: ThrowFacts) -> Float[NDArray, " K"]:
    """A loss ends in the offence's own end zone at the latest."""
    return np.maximum(LOWEST, facts.yards_to_endzone - 100)


def _logistic_cdf(run: Float[NDArray, "K edges"]) -> Float[NDArray, "K edges"]:
    return _sigmoid((run - _STOPPED_MEAN) / _STOPPED_SCALE)


def _pareto_cdf(
    run: Float[NDArray, "K edges"], scale: Float[NDArray, "K 1"]
) -> Float[NDArray, "K edges"]:
    excess = np.maximum(run, 0) / scale
    return -np.expm1(-np.log1p(_OPEN_SHAPE * excess) / _OPEN_SHAPE)


def _sigmoid(x: Float[NDArray, "..."]) -> Float[NDArray, "..."]:
    return 0.5 * (1 + np.tanh(0.5 * x))
