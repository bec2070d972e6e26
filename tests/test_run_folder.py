"""The folder of a run: guarded by its config, never half-written."""

import json

import pytest

from sbp_jax.errors import RunFolderError
from sbp_jax.run_folder import open_run, read_config, read_json, write_json, write_text

CONFIG = {"train": {"seed": 0, "epochs": 3}, "hidden": (128, 128), "data": "abc"}


def test_a_run_is_continued_under_its_own_config(tmp_path):
    open_run(tmp_path / "run", CONFIG)
    open_run(tmp_path / "run", CONFIG)
    config = read_config(tmp_path / "run")
    assert config["train"] == CONFIG["train"]
    assert config["hidden"] == [128, 128]
    assert "jax" in config["versions"]


def test_other_versions_do_not_stop_a_run(tmp_path):
    open_run(tmp_path, CONFIG)
    config = read_config(tmp_path)
    config["versions"]["jax"] = "0.0.1"
    write_json(tmp_path / "config.json", config)
    open_run(tmp_path, CONFIG)


def test_another_config_is_refused_and_the_difference_named(tmp_path):
    open_run(tmp_path, CONFIG)
    other = {**CONFIG, "train": {"seed": 1, "epochs": 3}}
    with pytest.raises(RunFolderError, match=r"another config: train.seed: expected 1, got 0"):
        open_run(tmp_path, other)
    assert read_config(tmp_path)["train"]["seed"] == 0


def test_files_without_a_run_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match="expected a run or an empty folder"):
        open_run(tmp_path, CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ["", '{"train": {"se', "[1, 2]"])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunFolderError, match=r"config\.json"):
        read_config(tmp_path)


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(RunFolderError, match=r"expected a run folder, got no config\.json"):
        read_config(tmp_path / "nowhere")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report.md"
    write_text(path, "old")

    def full(*args):
        raise OSError("no space left")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(OSError, match="no space"):
        write_text(path, "new")
    assert path.read_text() == "old"


def test_json_round_trip(tmp_path):
    write_json(tmp_path / "x.json", {"a": [1.5, None]})
    assert read_json(tmp_path / "x.json") == {"a": [1.5, None]}
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": [1.5, None]}
