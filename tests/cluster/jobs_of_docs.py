"""The job files of docs/training.md, as they stand."""

import re
from pathlib import Path

from tests.cluster.services import ROOT

PAGE = ROOT / "docs/training.md"


def job_files(folder: Path) -> dict[str, Path]:
    """Write each under its job's name."""
    written = {}
    for text in re.findall(r"^```bash\n(#!/bin/bash\n.*?)^```$", PAGE.read_text(), re.M | re.S):
        (name,) = re.findall(r"^#SBATCH --job-name=(\S+)$", text, re.M)
        written[name] = folder / f"{name}.sbatch"
        written[name].write_text(text)
    return written


def storage() -> str:
    """The URL of the sweep's database."""
    (url,) = re.findall(r"--storage (postgresql\S+) ", PAGE.read_text())
    return url
