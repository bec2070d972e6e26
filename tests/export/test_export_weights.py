"""The weights file: round trip, atomic writing, and every way in which one can be wrong."""

import dataclasses
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.distributions import Gaussian
from sbp_jax.errors import SbpJaxError
from sbp_jax.export import ExportError, describe, load_model, load_weights, save_weights
from sbp_jax.export.architecture import Architecture
from sbp_jax.export.weights import read_flat

PARAMS = {
    "raw": {"bias": np.arange(3.0), "kernel": jnp.ones((2, 3))},
    "tcn": {"blocks_0": {"first": {"length": np.ones(1, np.float32)}}},
    "file": np.int64(7),
}


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    np.savez(path, **arrays)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.npz"


def test_round_trip(path):
    config = {"a": [1, 2.5, "ü"], "b": {"c": None}}
    save_weights(path, PARAMS, config)
    params, read = load_weights(path)
    assert read == {"format": 1, **config}
    pairs = zip(jax.tree.leaves_with_path(params), jax.tree.leaves_with_path(PARAMS), strict=True)
    for (found_at, found), (at, expected) in pairs:
        assert found_at == at
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_several_threads_may_write_one_file(path):
    with ThreadPoolExecutor(4) as pool:
        for written in [pool.submit(save_weights, path, PARAMS, {"n": n}) for n in range(40)]:
            written.result()
    assert set(load_weights(path)[0]) == set(PARAMS)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_numpy_reads_the_file_without_this_library(path):
    save_weights(path, PARAMS, {"note": "x"})
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == {
            "params/raw/bias",
            "params/raw/kernel",
            "params/file",
            "params/tcn/blocks_0/first/length",
            "config_json",
        }
        assert json.loads(str(file["config_json"]))["note"] == "x"


def test_description_is_what_the_file_gives_back(pair, path):
    names = {"static_names": ("s", "t"), "sequence_names": ("a", "b")}
    config = describe(pair.model, pair.family, **names, version="0.1")
    save_weights(path, PARAMS, config)
    assert load_weights(path)[1] == config
    assert config["version"] == "0.1"
    assert config["family"]["name"] == "SplicedBinnedPareto"
    assert config["model"]["anchors"][0] == {"column": 0, "scale": 10.0, "below": 12, "above": 30}


def test_a_family_that_no_file_can_name_is_refused(pair):
    class Mine(Gaussian):
        pass

    with pytest.raises(ExportError, match=r"as after register_family: .* got 'Mine'"):
        describe(pair.model, Mine(), static_names=(), sequence_names=())


def test_every_field_of_the_model_is_known_here(pair):
    config = describe(pair.model, pair.family, static_names=(), sequence_names=())
    served = {one.name for one in dataclasses.fields(Architecture)} - set(config)
    assert set(config["model"]) - served == {"dropout", "encoder_dropout"}  # training alone


@pytest.mark.parametrize("stage", ["numpy.savez", "os.fsync", "pathlib.Path.replace"])
def test_a_failing_write_leaves_the_folder_as_it_was(path, monkeypatch, stage):
    def fail(*args, **kwargs):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(stage, fail)
        with pytest.raises(OSError, match="disk full"):
            save_weights(path, PARAMS, {})
        assert list(path.parent.iterdir()) == []
    save_weights(path, PARAMS, {"note": "old"})
    with monkeypatch.context() as patch:
        patch.setattr(stage, fail)
        with pytest.raises(OSError, match="disk full"):
            save_weights(path, PARAMS, {"note": "new"})
    assert list(path.parent.iterdir()) == [path]
    assert load_weights(path)[1]["note"] == "old"


@pytest.mark.parametrize(
    ("params", "config", "message"),
    [
        ({"a": {"b": jnp.ones(1, jnp.bfloat16)}}, {}, "params/a/b: expected .* of bfloat16"),
        ({"a": np.array(["x"])}, {}, "params/a: expected finite numbers"),
        ({"a": np.array([np.nan])}, {}, "params/a: expected finite numbers"),
        ({"a": {"b": np.ones(1)}, "a/b": np.ones(1)}, {}, "params/a/b: expected one array of this"),
        ({"a": np.ones(1)}, {"x": np.ones(1)}, "config: expected what JSON can hold"),
        ({"a": np.ones(1)}, {"x": np.nan}, "config: expected what JSON can hold"),
    ],
)
def test_what_cannot_be_saved_is_refused_and_leaves_no_file(path, params, config, message):
    with pytest.raises(ExportError, match=message):
        save_weights(path, params, config)
    assert list(path.parent.iterdir()) == []


def _missing(path):
    pass


def _folder(path):
    path.mkdir()


def _empty(path):
    path.write_bytes(b"")


def _text(path):
    path.write_text("not an npz file")


def _single_array(path):
    with path.open("wb") as file:
        np.save(file, np.ones(3))


def _truncated(path):
    save_weights(path, PARAMS, {})
    path.write_bytes(path.read_bytes()[:-100])


def _flipped(path):
    save_weights(path, {"a": np.ones(1000)}, {})
    content = bytearray(path.read_bytes())
    content[4000] ^= 1
    path.write_bytes(content)


def _foreign_zip(path):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("letter.txt", "hello")


def _no_config(path):
    write_npz(path, {"raw/bias": np.ones(2)})


def _broken_config(path):
    np.savez(path, config_json=np.array("{"))


def _other_format(path):
    np.savez(path, config_json=np.array('{"format": 2}'))


def _group_and_array(path):
    config = {"config_json": np.array('{"format": 1}')}
    np.savez(path, **{"params/a": np.ones(1), "params/a/b": np.ones(1)}, **config)


def _array_and_group(path):
    config = {"config_json": np.array('{"format": 1}')}
    np.savez(path, **{"params/a/b": np.ones(1), "params/a": np.ones(1)}, **config)


def _encrypted(path):
    save_weights(path, PARAMS, {})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag of the first entry
    path.write_bytes(content)


def _nested_too_deeply(path):
    np.savez(path, config_json=np.array('{"format": 1, "x": ' + "[" * 10**5 + "]" * 10**5 + "}"))


def _list_config(path):
    np.savez(path, config_json=np.array("[1]"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_missing, "expected a weights file, found none"),
        (_folder, "expected a weights file, found none"),
        (_empty, "not a weights file, or a damaged one"),
        (_text, "not a weights file, or a damaged one"),
        (_single_array, "not a weights file, or a damaged one"),
        (_truncated, "not a weights file, or a damaged one"),
        (_flipped, "not a weights file, or a damaged one"),
        (_foreign_zip, "not a weights file, or a damaged one"),
        (_no_config, "not a weights file, or a damaged one"),
        (_broken_config, "not a weights file, or a damaged one"),
        (_other_format, "expected format 1, found 2"),
        (_group_and_array, "expected 'a/b' as an array or as a group, found both"),
        (_array_and_group, "expected 'a' as an array or as a group, found both"),
        (_encrypted, "not a weights file, or a damaged one: .*encrypted"),
        (_nested_too_deeply, "not a weights file, or a damaged one"),
        (_list_config, "not a weights file, or a damaged one"),
    ],
)
def test_a_file_that_is_none_gives_one_clear_error(path, make, message):
    make(path)
    with pytest.raises(ExportError, match=message) as caught:
        load_weights(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, SbpJaxError)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f, c: f.pop("raw/bias"), r"'raw/bias': expected shape \(75,\), found None"),
        (
            lambda f, c: f.update({"raw/bias": np.ones(3)}),
            r"'raw/bias': expected shape \(75,\), found \(3,\)",
        ),
        (
            lambda f, c: c["model"].update(kernel_size=2),
            r"'tcn/blocks_0/first/direction': expected shape \(2, 7, 8\), found \(3, 7, 8\)",
        ),
        (
            lambda f, c: c["model"].update(layers=2),
            r"'tcn/blocks_2/first/bias': expected shape None, found \(8,\)",
        ),
        (lambda f, c: c.pop("static_names"), "static_names as a list of different names, found"),
        (lambda f, c: c.update(static_names="abcde"), "static_names as a list of different names"),
        (lambda f, c: c["static_names"].append(c["static_names"][0]), "a list of different names"),
        (lambda f, c: c["model"].pop("layers"), "model: expected layers as a whole number"),
        (lambda f, c: c["model"].update(layers=10**9), "layers as a whole number, 0 to 30"),
        (lambda f, c: c["model"].update(novel=1), "model: expected novel as no such entry"),
        (lambda f, c: c["model"].update(hidden=["x"]), "expected hidden as a list, each a whole"),
        (lambda f, c: c["model"].update(hidden=[True]), "expected hidden as a list, each a whole"),
        (lambda f, c: c["model"].update(num_bins=76), "num_bins as a whole number, 0 to 75"),
        (lambda f, c: c["model"].update(bin_width=0), "bin_width as a finite number above 0"),
        (lambda f, c: c["model"].update(bin_width=float("nan")), "bin_width as a finite number"),
        (lambda f, c: c["model"].update(first_edge=[1]), "first_edge as a finite number"),
        (lambda f, c: c["model"].update(free_logits="no"), "free_logits as true or false"),
        (lambda f, c: c["model"].update(anchors=[3]), "expected anchor as an object, found 3"),
        (
            lambda f, c: c["model"].update(
                anchors=[{"column": 9, "scale": 1, "below": 1, "above": 1}]
            ),
            "anchor: expected column as a whole number, 0 to 4",
        ),
        (
            lambda f, c: c["model"].update(
                anchors=[{"column": 0, "scale": 1, "knots": [2, 1], "shift_scale": 0}]
            ),
            "anchor: expected knots as at least 2 increasing numbers",
        ),
        (lambda f, c: c["model"].update(step_columns=[9]), "step_columns as a whole number, 0 to"),
        (
            lambda f, c: c["model"].update(ceiling={"column": -1, "scale": 1}),
            "ceiling: expected column as a whole number, 0 to",
        ),
        (
            lambda f, c: c["model"].update(ceiling={"column": 0, "scale": "1"}),
            "ceiling: expected scale as a finite number",
        ),
        (lambda f, c: c["model"].update(ceiling=3), "ceiling as null or an object"),
        (lambda f, c: c["family"].update(name="Cauchy"), "family: expected name as one of .*'Cauc"),
        (lambda f, c: c["family"].update(name=[]), r"family: expected name as one of .*found \[\]"),
        (lambda f, c: c["family"].update(novel=1), "family: expected novel as no such entry"),
        (lambda f, c: c["family"].update(edges=[0, 1, 2]), "expected 6 outputs .* found 75"),
        (lambda f, c: c["family"]["edges"].reverse(), "edges as at least 3 increasing numbers"),
        (lambda f, c: c["family"].update(edges=[1, 1, 1]), "edges as at least 3 increasing"),
        (lambda f, c: c["family"].update(edges=[0, 1, 1e300]), "edges as at least 3 increasing"),
        (lambda f, c: c["model"].update(bin_width=10**400), "bin_width as a finite number above 0"),
        (lambda f, c: c["family"].update(splice="x"), "splice as quantile or edge, found 'x'"),
        (lambda f, c: c["family"].update(tail_mass=[None, None]), "tail_mass as two numbers in"),
        (lambda f, c: c["family"].update(tail_mass=[0.6, 0.6]), "tail_mass as two numbers in"),
        (lambda f, c: c["family"].update(shape_range=[0.5, -0.5]), "the lower one first"),
        (lambda f, c: c["family"].update(shape_range=[0.1, 0.1]), "the lower one first"),
        (
            lambda f, c: f.update({"raw/bias": np.full(75, np.nan)}),
            "'raw/bias': expected finite numbers",
        ),
    ],
)
def test_arrays_and_config_must_fit_each_other(path, make_pair, change, message):
    make_pair()  # at that path
    flat, config = read_flat(path)
    change(flat, config)
    arrays = {f"params/{name}": array for name, array in flat.items()}
    write_npz(path, {"config_json": np.array(json.dumps(config)), **arrays})
    with pytest.raises(ExportError, match=message):
        load_model(path)
