"""What one step of a compiled program launches, reads, writes and multiplies, from its text.

XLA compiles a loop over steps into a ``while`` whose body is one computation. Whatever stands
there, but for names of values, has to be started once a step: a kernel on a GPU, an operation on
a TPU.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from scripts.benchmarks.hlo_text import Body, Instruction, dimensions, first_of, read_module, size

_NO_WORK: Final = (
    "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all",
    "add-dependency", "opt-barrier", "partition-id", "replica-id",
)  # fmt: skip
_COLLECTIVES: Final = (
    "all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute",
    "collective-broadcast",
)  # fmt: skip
_PRODUCTS: Final = ("dot", "convolution")
_LIBRARY_PRODUCT: Final = re.compile(r'custom_call_target="[^"]*(gemm|matmul)')
SCALAR: Final = "scalar"
_SLICES: Final = ("dynamic-slice", "gather", "slice")
_UPDATE: Final = "dynamic-update-slice"
# Behind the first part of their results stand room to work in, or the operand again.
_PADDED: Final = ("custom-call", "copy-start")


class Counts(NamedTuple):
    """Work of a step, or of a part of it.

    Attributes:
        launches: by kind: fusion, product, copy, collective, conditional, or the operation's name;
            and scalar, which a TPU computes beside the others.
        flops: of matrix products, two for each multiplication; convolutions are not counted.
        bytes: that operations read from and write to main memory, caches not considered; of an
            operand that only a slice is taken from, the slice.
    """

    launches: Counter[str]
    flops: float
    bytes: float

    def __add__(self, other: "Counts") -> "Counts":  # type: ignore[override]
        """Both, one after the other."""
        return Counts(
            self.launches + other.launches, self.flops + other.flops, self.bytes + other.bytes
        )

    def times(self, count: int) -> "Counts":
        """So many of them."""
        launches = Counter({kind: count * each for kind, each in self.launches.items()})
        return Counts(launches, count * self.flops, count * self.bytes)

    @property
    def total(self) -> int:
        """Launches of all kinds, scalars left out."""
        return self.launches.total() - self.launches[SCALAR]


NOTHING: Final = Counts(Counter(), 0.0, 0.0)


def step_counts(hlo: str) -> Counts:
    """Counts of one turn of the loop over steps: that with most launches in its body.

    A conditional counts as its largest branch, a loop within the step as often as it turns where
    that is known, else once. A program without a loop is one step.

    Args:
        hlo: text of an optimised module, as ``compiled.as_text()`` gives it.
    """
    counter = _Counter(hlo)
    bodies = [counter.counts(body) for body in counter.loop_bodies()]
    return max(bodies, key=lambda counts: counts.total, default=counter.counts(counter.entry))


class _Counter:
    """Counts of a module's computations, each worked out once."""

    def __init__(self, hlo: str) -> None:
        self.computations, self.entry = read_module(hlo)
        self._known: dict[str, Counts] = {}

    def loop_bodies(self) -> Iterator[str]:
        """Computations that are the body of a loop."""
        for computation in self.computations.values():
            for each in computation.values():
                if each.opcode == "while":
                    yield from each.called("body")

    def counts(self, name: str) -> Counts:
        """Of a computation, once."""
        if name not in self._known:
            computation = self.computations[name]
            found = (self._of(each, computation) for each in computation.values())
            self._known[name] = sum(found, NOTHING)
        return self._known[name]

    def _of(self, each: Instruction, computation: Body) -> Counts:
        opcode = each.opcode
        if opcode in _NO_WORK or opcode.endswith(("-done", "-update")):
            return NOTHING
        if opcode == "while":
            trips = re.search(r'"known_trip_count":\{"n":"(\d+)"', each.rest)
            (body,) = each.called("body")
            return self.counts(body).times(int(trips[1]) if trips else 1)
        if opcode == "conditional":
            branches = each.called("branch_computations", "true_computation", "false_computation")
            largest = max(map(self.counts, branches), key=lambda counts: counts.total)
            return largest + Counts(Counter({opcode: 1}), 0.0, 0.0)
        if opcode in ("call", "async-start"):
            return sum(map(self.counts, each.called("to_apply", "calls")), NOTHING)
        launches = Counter({self._kind(each): 1})
        return Counts(launches, self._flops(each, computation), self._bytes(each, computation))

    def _kind(self, each: Instruction) -> str:
        opcode = each.opcode.removesuffix("-start")
        if opcode in _COLLECTIVES:
            return "collective"
        if opcode == "fusion":
            inner = [self.computations[name] for name in each.called("calls")]
            return "product" if any(map(_multiplies, inner)) else opcode
        if _multiplies({each.name: each}):
            return "product"
        tiled_scalar = re.fullmatch(r"\w+\[\]\{:T.*\}", each.shape)  # a TPU's
        return opcode if tiled_scalar is None else SCALAR

    def _flops(self, each: Instruction, computation: Body) -> float:
        if each.opcode == "fusion":
            inner = [self.computations[name] for name in each.called("calls")]
            return sum(self._flops(one, body) for body in inner for one in body.values())
        contracted = re.search(r'lhs_contracting_dim(?:s=\{|ensions":\[)([^\]}]*)', each.rest)
        if contracted is None:
            return 0.0
        lhs = dimensions(computation[each.operands[0]].shape)
        summed = math.prod(lhs[int(axis)] for axis in re.findall(r"\d+", contracted[1]))
        return 2.0 * math.prod(dimensions(each.shape)) * summed

    def _bytes(self, each: Instruction, computation: Body) -> float:
        shapes = [computation[name].shape for name in each.operands if name in computation]
        if each.opcode == "fusion":
            (called,) = each.called("calls")
            return _fusion_bytes(each, shapes, self.computations[called])
        if each.opcode in _PADDED:
            return size(first_of(each.shape)) + sum(map(size, shapes))
        if each.opcode == _UPDATE:
            return 2 * size(shapes[1])
        if each.opcode in _SLICES:
            return 2 * size(each.shape)
        return size(each.shape) + sum(map(size, shapes))


def _multiplies(body: Body) -> bool:
    return any(
        one.opcode in _PRODUCTS or _LIBRARY_PRODUCT.search(one.rest) is not None
        for one in body.values()
    )


def _fusion_bytes(each: Instruction, shapes: Sequence[str], body: Body) -> float:
    """What a fusion reads and writes; slices of operands, and updates in place, for themselves."""
    parameters = {int(one.inside): one for one in body.values() if one.opcode == "parameter"}
    reads = sum(
        min(size(shape), _read_of(parameters[number].name, body))
        for number, shape in enumerate(shapes)
    )
    root = next(one for one in body.values() if one.root)
    return reads + min(size(each.shape), _written_by(root, body))


def _read_of(name: str, body: Body) -> float:
    """Bytes that a fusion's operations take from a value, infinite where they take all of it."""
    found = 0.0
    for user in body.values():
        if name not in user.operands:
            continue
        if user.opcode == "bitcast":
            found += _read_of(user.name, body)
        elif user.opcode in _SLICES and name not in user.operands[1:]:
            found += size(user.shape)
        elif user.opcode != _UPDATE or name in user.operands[1:]:
            return math.inf
    return found


def _written_by(root: Instruction, body: Body) -> float:
    """Bytes of the results of a fusion; of an array that is updated in place, the update."""
    if root.opcode == "tuple":
        return sum(_written_by(body[name], body) for name in root.operands)
    if root.opcode == "bitcast" and root.operands[0] in body:
        return _written_by(body[root.operands[0]], body)
    if root.opcode == _UPDATE:
        return size(body[root.operands[1]].shape)
    return size(root.shape)
