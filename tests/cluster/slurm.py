"""A Slurm of one node, which is this machine, in a folder of the test."""

import contextlib
import getpass
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.services import ended, folder_of, free_port, programs, started, wait_until

# No cgroups, which need systemd; jobs that queue themselves again start soon, not in two minutes.
CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@contextlib.contextmanager
def running_slurm() -> Iterator[dict[str, str]]:
    """Start one and give the variable by which its commands find it, or skip with a reason."""
    munged, slurmctld, slurmd, sinfo, scancel = programs(
        "slurm-wlm munge", ["munged", "slurmctld", "slurmd", "sinfo", "scancel"]
    )
    with folder_of(None) as folder:
        where = {"SLURM_CONF": str(write_config(folder))}
        environment = {**os.environ, **where}
        commands = {
            "munged": [munged, "--foreground", *munge_files(folder)],
            "slurmctld": [slurmctld, "-D", "-f", where["SLURM_CONF"]],
            "slurmd": [slurmd, "-D", "-f", where["SLURM_CONF"]],
        }
        servers = {}
        try:
            for name, command in commands.items():
                log = folder / f"{name}.log"
                servers[log] = started(command, None, log)
                if name == "munged":
                    wait_until((folder / "munge.socket").exists, servers)

            def idle() -> bool:
                asked = subprocess.run(
                    [sinfo, "-h", "-o", "%T"], env=environment, capture_output=True, text=True
                )
                return asked.stdout.strip() == "idle"

            wait_until(idle, servers)
            yield where
            subprocess.run([scancel, "--user", getpass.getuser()], env=environment, check=True)
            wait_until(idle, servers)
        finally:
            for server in reversed(servers.values()):
                ended(server)


def write_config(folder: Path) -> Path:
    """The cluster's file, and the folders and the key that it needs."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.touch(0o600)
    key.write_bytes(os.urandom(1024))
    path = folder / "slurm.conf"
    path.write_text(
        CONFIG.format(
            host=socket.gethostname().partition(".")[0],
            user=getpass.getuser(),
            folder=folder,
            controller_port=free_port(),
            node_port=free_port(),
        )
    )
    return path


def munge_files(folder: Path) -> Iterator[str]:
    """Where munge, which proves to Slurm who asks, keeps what."""
    for option, name in {
        "key-file": "key",
        "socket": "socket",
        "pid-file": "pid",
        "seed-file": "seed",
        "log-file": "said",
    }.items():
        yield f"--{option}={folder}/munge.{name}"
