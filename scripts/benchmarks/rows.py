"""Measurements in a file, a line each, so that a benchmark that is stopped keeps what it has."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


def begin(file: Path) -> None:
    """Make the file empty, and the folder if there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("")


def append(file: Path, row: Row) -> None:
    """Add a row; it is on its way to the disk when this returns."""
    with file.open("a") as lines:
        lines.write(json.dumps(row) + "\n")


def read(file: Path) -> list[dict[str, Any]]:
    """All whole rows; a line that was cut off is none."""
    lines = file.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
