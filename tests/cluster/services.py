"""Servers of a cluster on one machine, each in a folder of its own and gone after the test."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def folder_of(user: str | None) -> Iterator[Path]:
    """A folder that the user owns and anybody may enter, with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="sbp-"))
    folder.chmod(0o755)
    if user is not None:
        shutil.chown(folder, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def programs(package: str, names: Sequence[str], also: str = "/usr/sbin") -> list[str]:
    """Paths of a package's programs, or a skip that says what to install."""
    places = [os.environ.get("PATH", ""), *map(str, sorted(Path("/").glob(also.lstrip("/"))))]
    found = [shutil.which(name, path=os.pathsep.join(places)) for name in names]
    if missing := [name for name, path in zip(names, found, strict=True) if path is None]:
        pytest.skip(f"{', '.join(missing)}: not installed; apt-get install {package}")
    return [path for path in found if path is not None]


def started(command: Sequence[str | Path], user: str | None, log: Path) -> subprocess.Popen[bytes]:
    """A server that stays a child of this process, so that it can be ended by its number."""
    with log.open("w") as out:
        return subprocess.Popen(command, user=user, stdout=out, stderr=out, cwd="/")


def ended(server: subprocess.Popen[bytes], by: int = signal.SIGTERM) -> None:
    """End a server, by force if it takes its time."""
    server.send_signal(by)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_until(ready: Callable[[], bool], servers: Mapping[Path, subprocess.Popen[bytes]]) -> None:
    """Wait for servers, or skip with what the one that did not start has logged."""
    deadline = time.monotonic() + 60
    while not ready():
        gone = [log for log, server in servers.items() if server.poll() is not None]
        if gone or time.monotonic() > deadline:
            said = [log.read_text().strip()[-300:] for log in gone or servers]
            pytest.skip(f"a server cannot be started here: {said}")
        time.sleep(0.1)


def free_port() -> int:
    """A port of this host that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
