"""Settings from files and arguments, and what becomes of errors."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest

from sbp_jax.errors import ConfigFileError, RunFolderError, TrainingInterrupted
from sbp_jax.runs import command_line
from sbp_jax.runs.command_line import parse
from sbp_jax.runs.config_file import load_config, save_config


@dataclass(frozen=True)
class Train:
    """Inner settings.

    Attributes:
        epochs: at least 1.
        rate: a number.
    """

    epochs: int = 6
    rate: float = 0.1

    def __post_init__(self):
        if self.epochs < 1:
            raise ValueError(f"expected at least one epoch, got {self.epochs}")


@dataclass(frozen=True)
class Settings:
    """Settings of every kind that experiments have."""

    run: Path = Path("runs/default")
    source: Path | None = None
    train: Train = field(default_factory=lambda: Train(epochs=9))
    hidden: tuple[int, ...] = (128, 128)
    span: tuple[float, float] = (0.0, 1.0)
    mass: float | tuple[float, float] = 0.1
    mode: Literal["edge", "quantile"] = "edge"
    fast: bool = False
    name: str = "a"


@pytest.fixture
def written(tmp_path):
    """Write a JSON value into a file and return its path."""

    def write(value):
        path = tmp_path / "config.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return write


FILE = {
    "run": "elsewhere",
    "source": "games",
    "train": {"rate": 3},
    "hidden": [],
    "span": [1, 2.5],
    "mass": [0.2, 0.3],
    "mode": "quantile",
    "fast": True,
}
LOADED = Settings(
    run=Path("elsewhere"),
    source=Path("games"),
    train=Train(epochs=9, rate=3.0),
    hidden=(),
    span=(1.0, 2.5),
    mass=(0.2, 0.3),
    mode="quantile",
    fast=True,
)


@pytest.mark.parametrize("before", [[], ["--name", "b"]])
def test_a_file_gives_defaults_wherever_it_stands(written, before):
    path = str(written(FILE))
    expected = replace(LOADED, name="b" if before else "a")
    for arguments in ([*before, "--config", path], [f"--config={path}", *before]):
        assert parse(Settings(), None, arguments) == expected


def test_arguments_override_the_file(written):
    path = str(written(FILE))
    arguments = ["--train.epochs", "2", "--config", path, "--hidden", "7", "8", "--no-fast"]
    found = parse(Settings(), None, [*arguments, "--source", "None"])
    expected = replace(LOADED, train=Train(2, 3.0), hidden=(7, 8), fast=False, source=None)
    assert found == expected
    assert type(found.train.rate) is float


@pytest.mark.parametrize("config", [Settings(), LOADED, replace(LOADED, mass=0.4)])
def test_saved_settings_come_back(tmp_path, config):
    path = tmp_path / "saved.json"
    save_config(path, config)
    assert load_config(path, Settings()) == config
    assert [each.name for each in tmp_path.iterdir()] == ["saved.json"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"trian": {}}, r"trian: unknown entry, expected one of run, source, train"),
        ({"train": {"rates": 1}}, r"train\.rates: unknown entry, expected one of epochs, rate"),
        ({"train": 3}, r"train: expected a JSON object, got 3"),
        ({"train": {"epochs": 2.5}}, r"train\.epochs: expected int, got 2\.5"),
        ({"train": {"epochs": True}}, r"train\.epochs: expected int, got True"),
        ({"train": {"rate": "1"}}, r"train\.rate: expected float, got '1'"),
        ({"train": {"epochs": 0}}, r"train: expected at least one epoch, got 0"),
        ({"hidden": [1, "x"]}, r"hidden: expected tuple\[int, \.\.\.\], got \[1, 'x'\]"),
        ({"hidden": 3}, r"hidden: expected tuple\[int, \.\.\.\], got 3"),
        ({"span": [1]}, r"span: expected tuple\[float, float\], got \[1\]"),
        ({"mode": "edgy"}, r"mode: expected Literal\['edge', 'quantile'\], got 'edgy'"),
        ({"source": 1}, r"source: expected pathlib.Path \| None, got 1"),
        ({"mass": "x"}, r"mass: expected float \| tuple\[float, float\], got 'x'"),
        ([1], r"expected a JSON object, got \[1\]"),
        ("{", r"expected a JSON file, got Expecting"),
    ],
)
def test_what_a_file_gets_wrong_is_named(written, value, message):
    path = written(value)
    with pytest.raises(ConfigFileError, match=f"config.json: {message}"):
        load_config(path, Settings())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config"], "expected a file, got nothing"),
        (["--config", "a", "--config=b"], "expected one file, got a, b"),
        (["--config", "absent.json"], "absent.json: expected a JSON file, got .*No such file"),
    ],
)
def test_config_is_given_once_and_names_a_file(arguments, message):
    with pytest.raises(ConfigFileError, match=message):
        parse(Settings(), None, arguments)


@pytest.mark.parametrize("error", [RunFolderError("x is not a run"), OSError("x is not a run")])
def test_errors_are_one_line(error):
    def main(config):
        raise error

    with pytest.raises(SystemExit, match=r"^error: x is not a run$") as caught:
        command_line.run(main, Settings(), None, [])
    assert caught.value.code == "error: x is not a run"  # the interpreter prints it and exits 1


def test_a_damaged_file_is_one_line_too(written):
    with pytest.raises(SystemExit, match=r"^error: .*config.json: nme: unknown entry"):
        command_line.run(print, Settings(), None, ["--config", str(written({"nme": "b"}))])


def test_a_run_stopped_by_sigterm_exits_like_one(capsys):
    def main(config):
        raise TrainingInterrupted("stopped; the same command goes on")

    with pytest.raises(SystemExit) as caught:
        command_line.run(main, Settings(), None, [])
    assert caught.value.code == 143
    assert capsys.readouterr().err == "stopped; the same command goes on\n"


def test_unexpected_errors_keep_their_traceback():
    def main(config):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        command_line.run(main, Settings(), None, [])


def test_the_experiment_gets_the_settings_of_the_command_line(monkeypatch, written):
    seen = []
    path = str(written({"name": "c"}))
    monkeypatch.setattr("sys.argv", ["experiment.py", "--config", path, "--fast"])
    command_line.run(seen.append, Settings(), None)
    assert seen == [Settings(name="c", fast=True)]


def test_help_tells_of_the_file(capsys):
    with pytest.raises(SystemExit):
        parse(Settings(), "What it does.", ["--help"])
    printed = capsys.readouterr().out
    assert "What it does." in printed
    assert "--config FILE" in printed
