"""A PostgreSQL that listens on a socket in a folder of the test."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator

from tests.cluster.services import ended, folder_of, programs, started, wait_until

NAME = "sweeps"
"""Of its one user and of that user's database."""


@contextlib.contextmanager
def running_postgres() -> Iterator[dict[str, str]]:
    """Start one and give the variables by which its clients find it, or skip with a reason."""
    initdb, postgres, createdb, isready = programs(
        "postgresql",
        ["initdb", "postgres", "createdb", "pg_isready"],
        also="/usr/lib/postgresql/*/bin",
    )
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    with folder_of(user) as folder:
        where = {"PGHOST": str(folder), "PGUSER": NAME}
        environment, data, log = {**os.environ, **where}, folder / "data", folder / "log"
        subprocess.run(
            [initdb, "--no-sync", "--auth=trust", f"--username={NAME}", f"--pgdata={data}"],
            user=user,
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off"]
        options = [part for setting in settings for part in ("-c", setting)]
        server = started([postgres, "-D", data, *options], user, log)
        try:
            asked = [isready, "-q"]
            wait_until(
                lambda: subprocess.run(asked, env=environment).returncode == 0, {log: server}
            )
            subprocess.run([createdb, NAME], env=environment, check=True)
            yield where
        finally:
            ended(server, signal.SIGINT)  # without waiting for clients
