"""PyTorch on the same GPU, if the machine has it: the network of `peers_torch.py`."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from scripts.benchmarks import peers
from scripts.benchmarks.gpu_sizes import Sizes
from scripts.benchmarks.plays import draw_plays
from scripts.benchmarks.run import peer_inputs, peer_options, train_config

ROUNDS: Final = 3
WAYS: Final[dict[str, dict[str, Any]]] = {
    "batches on the device beforehand": {"workers": 0, "resident": True},
    "a DataLoader": {"workers": 0},
    "a DataLoader with 8 workers": {"workers": 8},
}
COMPILED: Final = "compiled, batches on the device beforehand"
_PROBE: Final = (
    "import sys, torch, gluonts.torch.distributions.spliced_binned_pareto\n"
    "sys.exit(sys.argv[1] == 'cuda' and not torch.cuda.is_available())"
)


def pytorch(sizes: Sizes, *, any_device: bool) -> Iterator[dict[str, Any]]:
    """Epochs of fewer plays, fed in several ways; the fastest is the fairest.

    Raises:
        PeersError: no Python here has PyTorch, gluonts, and a GPU to show them.
    """
    device = "cpu" if any_device else "cuda"
    python = find_python(device)
    config = train_config(sizes.epochs, batch_size=sizes.batch)
    train, valid = draw_plays(sizes.fewer, seed=0), draw_plays(sizes.batch, seed=1)
    options = peer_options(config, sizes.fewer, sizes.network)
    inputs = peer_inputs(train, valid)
    with peers.start("peers_torch.py", inputs, python=python, device=device, **options) as call:
        begun = call("restart")
        for how, way in WAYS.items():
            yield {"how": how, "torch": begun["torch"]} | timed(call, way)
        call("restart", compiled=True)
        yield {"how": COMPILED, "torch": begun["torch"]} | timed(call, WAYS[next(iter(WAYS))])


def timed(call: peers.Call, way: dict[str, Any]) -> dict[str, float]:
    """Median speed of an epoch, after one to warm up."""
    done = [call("epoch", **way) for _ in range(1 + ROUNDS)][1:]
    seconds = float(np.median([each["seconds"] for each in done]))
    return {
        "plays_a_second": done[0]["plays"] / seconds,
        "ms_a_step": 1e3 * seconds / done[0]["steps"],
    }


def find_python(device: str) -> Path:
    """An interpreter that can run the peer on a device: the peers' own, ours, or the machine's.

    Raises:
        PeersError: there is none.
    """
    there = [str(peers.FOLDER / "bin" / "python"), sys.executable, shutil.which("python3") or ""]
    for python in filter(None, there):
        if not Path(python).exists():
            continue
        command = [python, "-W", "ignore", "-c", _PROBE, device]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return Path(python)
    raise peers.PeersError(f"expected a Python with torch and gluonts that sees {device}, got none")
