"""The text of a compiled module, as ``compiled.as_text()`` gives it, taken apart."""

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_SHAPE: Final = re.compile(r"([a-z]+\d*\w*)\[([\d,]*)\](\{[^}]*\})?")
_NAME: Final = re.compile(r"%?([\w.\-]+)")


class Instruction(NamedTuple):
    """A line of a computation.

    Attributes:
        name: of its result.
        shape: of its result, a tuple's in brackets.
        opcode: what it does.
        inside: its brackets, names of values for the most part.
        rest: what follows them.
        root: whether its result is the computation's.
    """

    name: str
    shape: str
    opcode: str
    inside: str
    rest: str
    root: bool

    @property
    def operands(self) -> list[str]:
        """Names of the values it is applied to."""
        return re.findall(r"%([\w.\-]+)", self.inside)

    def called(self, *attributes: str) -> list[str]:
        """Names of the computations that it calls by these attributes."""
        found: list[str] = []
        for attribute in attributes:
            match = re.search(rf"\b{attribute}=(\{{[^}}]*\}}|%?[\w.\-]+)", self.rest)
            if match is not None:
                found += _NAME.findall(match[1].strip("{}").replace(",", " "))
        return found


Body = Mapping[str, Instruction]
"""Instructions of a computation, by name and in order."""


class Module(NamedTuple):
    """The computations of a module.

    Attributes:
        computations: by name.
        entry: name of the one that the program starts with.
    """

    computations: Mapping[str, Body]
    entry: str


def read_module(hlo: str) -> Module:
    """All computations; the lines between them are left out."""
    computations: dict[str, dict[str, Instruction]] = {}
    entry, current = "", dict[str, Instruction]()
    for line in hlo.splitlines():
        if line.endswith("{") and not line.startswith((" ", "HloModule")):
            head = line.removeprefix("ENTRY ")
            (name,) = _NAME.findall(head)[:1]
            current = computations[name] = {}
            entry = entry if head is line else name
        elif " = " in line and line.startswith(" "):
            instruction = read_instruction(line)
            current[instruction.name] = instruction
    return Module(computations, entry)


def read_instruction(line: str) -> Instruction:
    """Take a line of a computation apart."""
    left, _, right = line.strip().partition(" = ")
    end = _closing(right) if right.startswith("(") else right.index(" ")
    shape, rest = right[:end], right[end:].lstrip()
    opcode, _, rest = rest.partition("(")
    end = _closing("(" + rest) - 2
    name = left.removeprefix("ROOT ").removeprefix("%")
    return Instruction(name, shape, opcode, rest[:end], rest[end + 1 :], left.startswith("ROOT "))


def size(shape: str) -> float:
    """Bytes of a shape in main memory; of parts in a faster one (``S(1)``) none.

    >>> size("(f32[2,3]{1,0}, pred[4]{0})"), size("bf16[8]{0:T(128)S(1)}")
    (28.0, 0.0)
    """
    found = [
        math.prod(map(int, filter(None, sides.split(",")))) * _width(kind)
        for kind, sides, layout in _SHAPE.findall(shape)
        if "S(" not in layout
    ]
    return float(sum(found))


def dimensions(shape: str) -> list[int]:
    """Of an array, or of a tuple's first one.

    >>> dimensions("(f32[2,3]{1,0}, s8[64]{0})")
    [2, 3]
    """
    found = _SHAPE.search(shape)
    assert found is not None
    return [int(side) for side in found[2].split(",") if side]


def _width(kind: str) -> float:
    bits = re.search(r"\d+", kind)
    return int(bits[0]) / 8 if bits else float(kind == "pred")


def first_of(shape: str) -> str:
    """The first array of a tuple's shape."""
    found = _SHAPE.search(shape)
    return found[0] if found else ""


def _closing(text: str) -> int:
    """Where the bracket that the text begins with is closed, and one further."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return at + 1
    raise ValueError(f"expected a closing bracket in {text[:80]!r}")
