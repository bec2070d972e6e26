"""Folders are there whole or not at all; files: test_run_folder.py."""

import os
import stat

import pytest

from sbp_jax.runs.atomic import UNFINISHED, unfinished_folder, whole_folder


def test_a_folder_appears_when_it_is_whole(tmp_path):
    folder = tmp_path / "new" / "whole"
    with whole_folder(folder) as unfinished:
        (unfinished / "table").write_text("all")
        assert not folder.exists()
        assert unfinished.parent == folder.parent  # of one file system with it
    assert (folder / "table").read_text() == "all"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert [path.name for path in folder.parent.iterdir()] == ["whole"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_what_goes_wrong_leaves_nothing(tmp_path, error):
    def fail():
        with whole_folder(tmp_path / "whole") as unfinished:
            (unfinished / "half").write_text("")
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_kept(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("")
    with pytest.raises(OSError, match="not empty"), whole_folder(tmp_path / "mine"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "notes"]


def test_only_what_was_abandoned_is_removed(tmp_path):
    for name, age in (("dead", 0), ("at-work", None)):
        (tmp_path / f"{UNFINISHED}{name}").mkdir()
        if age is not None:
            os.utime(tmp_path / f"{UNFINISHED}{name}", (age, age))
    with unfinished_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [f"{UNFINISHED}at-work"]
