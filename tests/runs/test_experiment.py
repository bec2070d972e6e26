"""What all experiments do around their own work."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sbp_jax.errors import RunFolderError
from sbp_jax.runs.experiment import deciding_settings, in_run
from sbp_jax.runs.hosts import Hosts
from sbp_jax.runs.run_folder import read_config


@dataclass(frozen=True)
class Settings:
    run: Path = Path("runs/a")
    source: Path | None = None
    seed: int = 3
    other: str = ""
    hosts: Hosts = field(default_factory=Hosts)


def test_where_and_how_decide_nothing():
    assert deciding_settings(Settings()) == {"seed": 3, "other": ""}
    assert deciding_settings(Settings(run=Path("b"), source=Path("c")), but=("other",)) == {
        "seed": 3
    }


def test_a_run_is_held_until_it_is_finished(tmp_path, capsys):
    about = {"settings": deciding_settings(Settings())}
    with in_run(tmp_path / "run", about, finished="report.md") as unfinished:
        assert unfinished
        assert read_config(tmp_path / "run")["settings"] == {"seed": 3, "other": ""}
        (tmp_path / "run" / "report.md").write_text("")
    assert capsys.readouterr().out == ""
    with in_run(tmp_path / "run", about, finished="report.md") as unfinished:
        assert not unfinished
    assert "run is finished; this is what it found." in capsys.readouterr().out
    with in_run(tmp_path / "run", about) as unfinished:
        assert unfinished


def test_another_run_is_refused(tmp_path):
    with in_run(tmp_path, {"seed": 3}):
        pass
    with (
        pytest.raises(RunFolderError, match="seed: expected 4, got 3"),
        in_run(tmp_path, {"seed": 4}),
    ):
        pytest.fail("another config")
