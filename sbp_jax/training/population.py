"""Many settings of one network, trained together by one compiled program.

Members share shapes and the order in which length buckets are visited; each has its own numbers
(`Hyperparameters`), parameters, order of examples and dropout, and comes to what a run of its own
would come to. Examples are the same for all, or each member's own: the training parts of several
splits, say. Members are divided over the devices, each of which holds all examples that are
shared, and of others those of its members.

Legend: K members, S slots of the program (members and fillers, a multiple of the devices).
"""

import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from sbp_jax.training.checkpoint import EpochMetrics
from sbp_jax.training.explosion import first_bad_step
from sbp_jax.training.hyperparameters import Hyperparameters
from sbp_jax.training.loop import VALIDATION_SCORE
from sbp_jax.training.own_mesh import without_mesh
from sbp_jax.training.placing import Placed
from sbp_jax.training.population_program import MembersMapping, Population, PopulationProgram
from sbp_jax.training.program import Head
from sbp_jax.training.state import Params

OnEpoch = Callable[[int, Float[NDArray, " K"]], Sequence[bool] | None]
"""(epoch, scores of all members) to which of them to stop, or None for no one."""

Ending = Literal["finished", "stopped", "failed"]


class MemberFit(NamedTuple):
    """What became of a member.

    Attributes:
        params: of the best epoch, NumPy arrays; the fresh ones where there was none.
        history: metrics of each of its epochs, as of a run of its own, but that ``seconds`` is
            the time of the epoch of all members together.
        best_epoch: index into ``history``; None where the first epoch already failed.
        ending: "finished", "stopped" by ``on_epoch``, or "failed": a loss was not finite or
            exploded.
        start_score: validation score of the parameters that it went on from; None if it was fresh
            or they had no finite one. Where no epoch is better, ``params`` are those, and
            ``best_epoch`` is None.
    """

    params: Params
    history: list[EpochMetrics]
    best_epoch: int | None
    ending: Ending
    start_score: float | None = None


@without_mesh()
def fit_population(
    head: Head,
    members: Sequence[Hyperparameters],
    *,
    train: Placed | Sequence[Placed],
    valid: Placed | Sequence[Placed],
    mapping: MembersMapping | None = None,
    on_epoch: OnEpoch | None = None,
    start: Params | None = None,
) -> list[MemberFit]:
    """Train K members to the end of the last epoch, or until none is left.

    Where at most half of the members are still being trained, they go on in a program of half
    the size; that compiles anew, at most log2(K) times.

    Args:
        head: the same for all but for the members' numbers. With an optimizer of its own, members
            may not vary learning rate or weight decay.
        members: the numbers in which they differ.
        train: examples placed by `place_examples` with shuffle=True, of all members or of each.
        valid: examples placed by `place_examples`, likewise.
        mapping: "vmap" computes a device's members side by side, "scan" one after the other;
            `choose_mapping` decides if left out.
        on_epoch: told the validation scores after each epoch: inf for a member that failed, NaN
            for one that was stopped earlier.
        start: parameters (K, ...) to go on from, with fresh optimizers; drawn anew if left out.

    Raises:
        ValueError: numbers that the family or the objective has no use for, several processes,
            or ``on_epoch`` answers for another number of members.
        TypeError: the objective does not exist for this family.
    """
    program = PopulationProgram(head, members, train=train, valid=valid, mapping=mapping)
    config = program.config
    roster = _Roster(program, start)
    for epoch in range(config.epochs):
        scores = roster.train_epoch(epoch)
        stop = on_epoch(epoch, scores) if on_epoch else None
        if stop is not None and epoch + 1 < config.epochs:
            if len(stop) != len(members):
                raise ValueError(f"on_epoch: expected {len(members)} flags, got {len(stop)}")
            roster.stop(stop)
        if not roster.trained:
            break
        roster.close_ranks()
    return roster.fits()


class _Roster:
    """Which member is in which slot of the program, and what became of the others."""

    def __init__(self, program: PopulationProgram, start: Params | None) -> None:
        count = program.count
        self._program = program
        self._population: Population = program.start(start)
        self._start_scores: list[float | None] = [None] * count
        if start is not None:
            found = np.asarray(program.score(self._population), np.float64)[:count]
            self._start_scores = [float(x) if np.isfinite(x) else None for x in found]
        self._to_beat = [np.inf if score is None else score for score in self._start_scores]
        self._slot = {member: member for member in range(count)}
        self._size = program.slots
        self._histories: list[list[EpochMetrics]] = [[] for _ in range(count)]
        self._best: list[int | None] = [None] * count
        self._endings: list[Ending] = ["finished"] * count
        self._left: dict[int, Params] = {}

    @property
    def trained(self) -> list[int]:
        """Members that are still being trained."""
        return [m for m, ending in enumerate(self._endings) if ending == "finished"]

    def train_epoch(self, epoch: int) -> Float[NDArray, " K"]:
        """One epoch of everyone; the validation score of each member of the beginning."""
        start = time.perf_counter()
        self._population, found = self._program.epoch(self._population)
        losses = np.asarray(found)
        seconds = time.perf_counter() - start
        of_slot = np.asarray(self._program.score(self._population), np.float64)
        scores = np.full(len(self._endings), np.nan)
        improved = np.zeros(self._size, bool)
        for member in self.trained:
            slot, history = self._slot[member], self._histories[member]
            previous = history[-1]["train_loss"] if history else None
            bad = first_bad_step(
                losses[slot], previous_mean=previous, explosion=self._program.config.explosion
            )
            if bad is not None or not np.isfinite(of_slot[slot]):
                self._endings[member] = "failed"
                continue
            scores[member] = of_slot[slot]
            if scores[member] < self._to_beat[member]:
                self._to_beat[member] = float(scores[member])
                self._best[member] = epoch
                improved[slot] = True
            history.append(self._metrics(epoch, losses[slot], of_slot[slot], seconds))
        self._population = self._program.keep(self._population, improved)
        scores[[ending == "failed" for ending in self._endings]] = np.inf
        return scores

    def _metrics(
        self, epoch: int, losses: Float[NDArray, " steps"], score: float, seconds: float
    ) -> EpochMetrics:
        rows = len(losses) * self._program.config.batch_size
        return {
            "epoch": epoch,
            "step": (epoch + 1) * len(losses),
            "train_loss": float(losses.mean()),
            VALIDATION_SCORE: float(score),
            "seconds": round(seconds, 3),
            "examples_per_second": round(rows / seconds, 1),
        }

    def stop(self, flags: Sequence[bool]) -> None:
        """Members that are not to be trained on."""
        for member in self.trained:
            if flags[member]:
                self._endings[member] = "stopped"

    def close_ranks(self) -> None:
        """Go on in fewer slots where they suffice; the others' parameters are fetched first."""
        trained = self.trained
        size = fewer_slots(self._size, len(trained), self._program.devices.count)
        if size == self._size:
            return
        for member in self._slot.keys() - set(trained):
            self._left[member] = self._best_params(self._slot[member])
        slots = [self._slot[member] for member in trained]
        fillers = [slots[0]] * (size - len(slots))
        self._population = self._program.take(self._population, np.array(slots + fillers))
        self._slot = {member: slot for slot, member in enumerate(trained)}
        self._size = size

    def fits(self) -> list[MemberFit]:
        """What became of every member."""
        for member, slot in self._slot.items():
            self._left[member] = self._best_params(slot)
        return [
            MemberFit(*each)
            for each in zip(
                (self._left[m] for m in range(len(self._endings))),
                self._histories,
                self._best,
                self._endings,
                self._start_scores,
                strict=True,
            )
        ]

    def _best_params(self, slot: int) -> Params:
        return jax.tree.map(lambda leaf: np.asarray(leaf[slot]), self._population.best)


def fewer_slots(slots: int, trained: int, devices: int) -> int:
    """Slots to go on in: halved as long as they hold all who are still being trained.

    Args:
        slots: of the program now, a multiple of the devices.
        trained: members still being trained.
        devices: that must get equally many.

    >>> [fewer_slots(16, trained, devices=1) for trained in (16, 9, 8, 3)]
    [16, 16, 8, 4]
    >>> fewer_slots(16, 2, devices=8)
    8
    """
    while (half := -(-slots // (2 * devices)) * devices) < slots and half >= trained:
        slots = half
    return slots
