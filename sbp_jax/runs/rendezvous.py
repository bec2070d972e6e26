"""Processes of one run find each other, or say who is missing.

JAX ends a process without an exception when another one does not come in time. So they meet at
the coordinator's address before JAX uses it: each visits the first process, which lets all go on
together, or tells all of them what is wrong.
"""

import contextlib
import json
import socket
import time
from collections.abc import Iterable

from sbp_jax.errors import DeviceError

_GO = b"go"
_STRANGER_SECONDS = 2.0  # in which a visitor must have said who it is
_PAUSE_SECONDS = 0.1  # between two attempts to reach the first process
_GRACE_SECONDS = 5.0  # for the first process's answer to arrive after its own time is up
_LONGEST_MESSAGE = 4096


def meet(address: str, processes: int, process: int, *, timeout: float) -> None:
    """Return once all processes of a run have come to the same address.

    Args:
        address: HOST:PORT where the first process listens, as all of them reach it.
        processes: how many there are.
        process: number of this one, from 0.
        timeout: seconds to wait for the others.

    Raises:
        DeviceError: one of them did not come in time, two have the same number, they disagree on
            how many there are, or the port is taken. All that came raise it.

    >>> meet("127.0.0.1:0", 1, 0, timeout=1.0)
    """
    host, port = split_address(address)
    if process == 0:
        _receive(address, port, processes, timeout)
    else:
        _visit(address, (host, port), processes, process, timeout)


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; an IPv6 host stands in brackets.

    Raises:
        DeviceError: it is no such address.

    >>> split_address("node1:1234"), split_address("[::1]:1234")
    (('node1', 1234), ('::1', 1234))
    """
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) < 2**16):
        raise DeviceError(f"coordinator: expected HOST:PORT, got {address!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _receive(address: str, port: int, processes: int, timeout: float) -> None:
    """What the first process does."""
    deadline = time.monotonic() + timeout
    came: dict[int, socket.socket] = {}
    with contextlib.ExitStack() as connections:
        # Closed before anybody goes on, since JAX listens on the same port next.
        with _listen(address, port) as server:
            problem = ""
            while len(came) < processes - 1 and not problem:
                server.settimeout(max(0.0, deadline - time.monotonic()))
                try:
                    visitor = connections.enter_context(server.accept()[0])
                except (TimeoutError, BlockingIOError):
                    missing = sorted(set(range(1, processes)) - came.keys())
                    problem = (
                        f"{address}: expected {processes} processes within {timeout:g} s, "
                        f"got none numbered {', '.join(map(str, missing))}"
                    )
                    continue
                said = _who(visitor)
                if said is None:
                    continue
                number, count = said
                problem = _what_is_wrong(address, number, count, processes, came)
                if number in came:
                    _tell([visitor], problem.encode())
                came.setdefault(number, visitor)
        _tell(came.values(), problem.encode() or _GO)
        if problem:
            raise DeviceError(problem)


def _listen(address: str, port: int) -> socket.socket:
    """Listen where JAX will: at the port, on all of the host's addresses."""
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server(("", port))
    except OSError as error:
        raise DeviceError(
            f"coordinator {address}: expected a free port of this host, got {error}"
        ) from error


def _who(visitor: socket.socket) -> tuple[int, int] | None:
    """The visitor's number and how many it says there are; None for somebody else."""
    visitor.settimeout(_STRANGER_SECONDS)
    try:
        said = json.loads(_line(visitor))
        return int(said["process"]), int(said["processes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _what_is_wrong(
    address: str, number: int, count: int, processes: int, came: Iterable[int]
) -> str:
    if count != processes:
        return (
            f"{address}: expected {processes} processes, as process 0 was told, got {count} by "
            f"process {number}"
        )
    if not 0 < number < processes or number in came:
        return f"{address}: expected processes of different numbers, got two numbered {number}"
    return ""


def _tell(visitors: Iterable[socket.socket], answer: bytes) -> None:
    for visitor in visitors:
        with contextlib.suppress(OSError):  # one that has given up need not know
            visitor.sendall(answer + b"\n")


def _visit(
    address: str, place: tuple[str, int], processes: int, process: int, timeout: float
) -> None:
    """What any other process does."""
    deadline = time.monotonic() + timeout
    says = json.dumps({"process": process, "processes": processes}).encode() + b"\n"
    problem = "no answer"
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection(place, timeout=left) as first:
                first.sendall(says)
                # The first process may have started later, and wait longer.
                first.settimeout(timeout + _GRACE_SECONDS)
                answer = _line(first)
        except OSError as error:
            problem = str(error)
        else:
            if answer == _GO:
                return
            if answer:
                raise DeviceError(answer.decode(errors="replace"))
        time.sleep(_PAUSE_SECONDS)
    raise DeviceError(
        f"coordinator {address}: expected process 0 to be reached within {timeout:g} s, "
        f"got {problem}"
    )


def _line(connection: socket.socket) -> bytes:
    """What the other side says up to the end of its line, or of the connection."""
    said = b""
    while not said.endswith(b"\n") and len(said) < _LONGEST_MESSAGE:
        part = connection.recv(_LONGEST_MESSAGE)
        if not part:
            break
        said += part
    return said.strip()
