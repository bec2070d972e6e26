"""The house keeps its shape: rooms that import downwards only, and files that one can read."""

from pathlib import Path

import pytest

from scripts.draw_house import circles, floors, main, read_house

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def small(tmp_path):
    def write(**files):
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return read_house(tmp_path)

    return write


def test_an_arrow_is_an_import_of_another_room(small):
    house = small(
        sbp_jax__low__a="import numpy",
        sbp_jax__low__b="from sbp_jax.low import a",
        sbp_jax__high__c="def late():\n    from sbp_jax.low.a import numpy",
        sbp_jax__alone="import sbp_jax.high.c",
        scripts__run="import sbp_jax.alone",
    )
    arrows = {room: sorted(targets) for room, targets in house.arrows.items()}
    assert arrows == {
        "low/": [],
        "high/": ["low/"],
        "alone.py": ["high/"],
        "scripts/": ["alone.py"],
    }
    assert floors(house.arrows) == {"low/": 1, "high/": 2, "alone.py": 3, "scripts/": 4}
    assert circles(house.arrows) == []


def test_a_circle_is_found_and_lifts_no_room(small):
    house = small(
        sbp_jax__one__a="import sbp_jax.two.b",
        sbp_jax__two__b="import sbp_jax.one.a",
        sbp_jax__three__c="import sbp_jax.one.a",
    )
    found = {(room, target) for room, target, _ in circles(house.arrows)}
    assert found == {("one/", "two/"), ("two/", "one/")}
    assert floors(house.arrows) == {"one/": 1, "two/": 1, "three/": 2}


def test_what_is_no_folder_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["draw_house.py", "--inside", "nope"])
    with pytest.raises(SystemExit):
        main()
    assert "expected a folder of sbp_jax/ in" in capsys.readouterr().err


@pytest.mark.parametrize("inside", [None, "nfl"])
def test_no_room_of_this_house_is_in_a_circle(inside):
    assert circles(read_house(ROOT, inside).arrows) == []


def test_no_file_is_longer_than_a_reader_bears():
    house = read_house(ROOT)
    long = {
        str(file.relative_to(ROOT)): lines
        for files in house.lines.values()
        for file, lines in files.items()
        if lines > 400
    }
    assert long == {}


def test_football_and_running_things_keep_to_their_rooms():
    house = read_house(ROOT)
    who_knows_football = {room for room, to in house.arrows.items() if "nfl/" in to}
    assert who_knows_football <= {"jobs/", "data/", "scripts/", "experiments/"}
    assert set(house.arrows["runs/"]) <= {"errors.py"}
