"""The structure of the code in numbers, from its own imports.

    python scripts/draw_house.py              # rooms, floors, arrows, lines
    python scripts/draw_house.py --inside nfl # the rooms of the football wing alone

A room is a folder of `sbp_jax/`, a file that stands alone there, or a folder of the repository
that holds code. An arrow says that something in one room imports something of another. Floors
count from the ground: a room stands one above the highest room that it imports from. An arrow
that runs back up closes a circle of rooms; there should be none. A package's own ``__init__.py``
belongs to no room above its folder: what it gathers is not an arrow.
"""

import argparse
import ast
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = "sbp_jax"
BESIDE = ("data", "experiments", "scripts")


class House(NamedTuple):
    """Rooms, and who imports whom.

    Attributes:
        lines: of each file, by room and path.
        arrows: from each room, the rooms it imports from, with an example of a file each.
    """

    lines: dict[str, dict[Path, int]]
    arrows: dict[str, dict[str, Path]]


def read_house(root: Path, inside: str | None = None) -> House:
    """Read all source files below a repository's root, or those of one folder of the package."""
    base = root / PACKAGE / inside if inside else root / PACKAGE
    places = [base] if inside else [base, *(root / name for name in BESIDE)]
    files = sorted(file for place in places for file in place.rglob("*.py"))
    rooms = {file: room for file in files if (room := room_of(file, base, root))}
    modules = {file.with_suffix("").relative_to(root).parts: file for file in files}
    lines: dict[str, dict[Path, int]] = {}
    arrows: dict[str, dict[str, Path]] = {}
    for file, room in rooms.items():
        lines.setdefault(room, {})[file] = len(file.read_text().splitlines())
        arrows.setdefault(room, {})
        for parts in imported(file):
            target = rooms.get(found) if (found := find(parts, modules)) else None
            if target and target != room:
                arrows[room].setdefault(target, file)
    return House(lines, arrows)


def room_of(file: Path, base: Path, root: Path) -> str | None:
    """Name of the room that a file is in; None for the door of the whole."""
    if not file.is_relative_to(base):
        return f"{file.relative_to(root).parts[0]}/"
    parts = file.relative_to(base).parts
    if len(parts) > 1:
        return f"{parts[0]}/"
    return None if parts[0] == "__init__.py" else parts[0]


def imported(file: Path) -> Iterator[tuple[str, ...]]:
    """Dotted names that a file imports, late imports too, split at the dots."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield (*node.module.split("."), alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split("."))


def find(parts: tuple[str, ...], modules: dict[tuple[str, ...], Path]) -> Path | None:
    """The file that a dotted name leads to: a module, or the one that holds the name."""
    for end in range(len(parts), 0, -1):
        for name in (parts[:end], (*parts[:end], "__init__")):
            if name in modules:
                return modules[name]
    return None


def circles(arrows: dict[str, dict[str, Path]]) -> list[tuple[str, str, Path]]:
    """Arrows of circles: between rooms that reach each other; with none, no arrow runs back up."""
    reach: dict[str, set[str]] = {}
    for room in arrows:
        seen, todo = set(), [room]
        while todo:
            for target in arrows[todo.pop()]:
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        reach[room] = seen
    return [
        (room, target, file)
        for room, targets in arrows.items()
        for target, file in targets.items()
        if room in reach[target]
    ]


def floors(arrows: dict[str, dict[str, Path]]) -> dict[str, int]:
    """Floor of each room; arrows in circles do not lift."""
    back = {(room, target) for room, target, _ in circles(arrows)}
    found: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in found:
            below = [floor(t) for t in arrows[room] if (room, t) not in back]
            found[room] = 1 + max(below, default=0)
        return found[room]

    for room in arrows:
        floor(room)
    return found


def main() -> None:
    """Print the drawing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inside", help=f"a folder of {PACKAGE}/ instead of the whole")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    given = parser.parse_args()
    if not (given.root / PACKAGE / (given.inside or "")).is_dir():
        parser.error(f"expected a folder of {PACKAGE}/ in {given.root}, got {given.inside}")
    house = read_house(given.root, given.inside)
    storey = floors(house.arrows)
    back = circles(house.arrows)
    sizes = [count for files in house.lines.values() for count in files.values()]
    for room in sorted(house.lines, key=lambda room: (-storey[room], room)):
        total = sum(house.lines[room].values())
        to = ", ".join(sorted(house.arrows[room], key=lambda r: (-storey[r], r)))
        print(
            f"{storey[room]:>2}  {room:<18}{len(house.lines[room]):>4} files{total:>7,} lines  {to}"
        )
    arrows = sum(map(len, house.arrows.values()))
    print(
        f"\n{len(house.lines)} rooms on {max(storey.values())} floors, {arrows} arrows, "
        f"{len(back)} in circles; {len(sizes)} files of {sum(sizes):,} lines, "
        f"median {statistics.median(sizes):g}, longest {max(sizes)}"
    )
    for room, target, file in back:
        print(f"in a circle: {room} -> {target} ({file.relative_to(given.root)})")


if __name__ == "__main__":
    main()
