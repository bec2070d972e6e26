"""What all experiments do around their own work: settings that count, a run that is held."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sbp_jax.runs.hosts import first_does, is_first
from sbp_jax.runs.run_folder import hold_run, open_run

NOT_DECIDING = ("run", "source", "cache", "data", "operations", "hosts")
"""Settings that say where and how, not what: a run goes on under others. Of a source, what its
files hold decides, which a fingerprint of the data tells."""


def deciding_settings(config: Any, *, but: tuple[str, ...] = ()) -> dict[str, Any]:
    """The settings that decide a run's numbers.

    Args:
        config: a dataclass.
        but: more that do not, besides `NOT_DECIDING`.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Settings:
    ...     run: Path = Path("runs/a")
    ...     seed: int = 0
    >>> deciding_settings(Settings())
    {'seed': 0}
    """
    return {name: value for name, value in asdict(config).items() if name not in NOT_DECIDING + but}


@contextlib.contextmanager
def in_run(
    folder: Path, about: Mapping[str, Any], *, finished: str | None = None
) -> Iterator[bool]:
    """Open a run and hold it, unless it is finished: is there anything left to do?

    Every process of a run enters; the first opens and holds it for all.

    Args:
        folder: of the run; made if absent.
        about: what decides its numbers, as plain JSON types.
        finished: name of the file that is written last. A run that has it is not held, and the
            first process says so; None holds the run each time.

    Raises:
        RunFolderError: the folder holds a run of another config, or another process works in it.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as home, in_run(Path(home), {"seed": 0}) as unfinished:
    ...     unfinished
    True
    """
    first_does(lambda: open_run(folder, about))
    if finished is not None and (folder / finished).exists():
        if is_first():
            print(f"{folder} is finished; this is what it found.\n")
        yield False
    else:
        with hold_run(folder):
            yield True
