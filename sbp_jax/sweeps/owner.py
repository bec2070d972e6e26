"""Which process a trial belongs to, and whether it is dead."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

OWNER: Final = "owner"  # user attribute of a trial: its process


def this_process() -> dict[str, Any]:
    """Host, id and start of this process, which no other process shares."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "started": _started(pid)}


def is_dead(owner: Mapping[str, Any]) -> bool:
    """Whether the process was one of this host and is there no more; of other hosts, False.

    >>> is_dead(this_process())
    False
    >>> is_dead(this_process() | {"started": "before this process"})
    True
    """
    if owner["host"] != socket.gethostname():
        return False
    pid = int(owner["pid"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is there, and is another user's
        pass
    return _started(pid) != owner["started"]  # the number may have gone to another process


def _started(pid: int) -> str | None:
    """Start of a process in ticks since the machine's.

    None for one that has ended and only waits to be collected, and on a system that does not tell.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()  # the name may hold blanks and parentheses
    return None if after_name[0] == "Z" else after_name[19]
