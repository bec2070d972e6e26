"""What starting an experiment from the command line has in common for all of them."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import tyro

from sbp_jax.errors import ConfigFileError, SbpJaxError, TrainingInterrupted
from sbp_jax.runs.config_file import load_config

T = TypeVar("T")

TERMINATED = 128 + 15
"""Exit status of a process that SIGTERM ended, also where it ended in good order."""

_CONFIG = "--config"
_HELP = f"{_CONFIG} FILE: read settings from a JSON file; the other arguments override them."


def run(
    main: Callable[[T], object],
    settings: T,
    description: str | None,
    arguments: Sequence[str] | None = None,
) -> None:
    """Read the settings and run a job; its errors become one line and an exit status.

    Args:
        main: the experiment.
        settings: a dataclass whose values are the defaults; `tyro.MISSING` is one that must be
            given.
        description: for ``--help``.
        arguments: those of the command line if left out. ``--config FILE`` may stand anywhere.

    Raises:
        SystemExit: 1 for an error with a message, 143 for a run that SIGTERM stopped, whose
            message says how to go on, 2 for arguments that cannot be read.
    """
    try:
        main(parse(settings, description, sys.argv[1:] if arguments is None else arguments))
    except TrainingInterrupted as stopped:
        print(stopped, file=sys.stderr)
        sys.exit(TERMINATED)
    except (SbpJaxError, OSError) as error:
        sys.exit(f"error: {error}")


def parse(settings: T, description: str | None, arguments: Sequence[str]) -> T:
    """Settings from arguments, over those of a file, over the defaults.

    Args:
        settings: a dataclass whose values are the defaults.
        description: for ``--help``.
        arguments: as on the command line.

    Raises:
        ConfigFileError: ``--config`` without a file, given twice, or a file that cannot be used.
        SystemExit: other arguments cannot be read; what is wrong has been printed.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Settings:
    ...     epochs: int = 6
    >>> parse(Settings(), None, ["--epochs", "3"])
    Settings(epochs=3)
    """
    paths, rest = _split(arguments)
    if len(paths) > 1:
        raise ConfigFileError(f"{_CONFIG}: expected one file, got {', '.join(map(str, paths))}")
    default = load_config(paths[0], settings) if paths else settings
    described = f"{description or ''}\n\n{_HELP}"
    return tyro.cli(type(default), default=default, args=rest, description=described)


def _split(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Files after ``--config``, and all other arguments."""
    paths, rest = [], []
    remaining = iter(arguments)
    for argument in remaining:
        if argument.startswith(f"{_CONFIG}="):
            paths.append(Path(argument.removeprefix(f"{_CONFIG}=")))
        elif argument == _CONFIG:
            path = next(remaining, None)
            if path is None:
                raise ConfigFileError(f"{_CONFIG}: expected a file, got nothing after it")
            paths.append(Path(path))
        else:
            rest.append(argument)
    return paths, rest
