import subprocess

import jax
import jaxlib
import numpy as np
import pytest

from sbp_jax.batch import Batch
from sbp_jax.errors import DeviceError
from sbp_jax.training.config import TrainConfig
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import place_examples
from scripts.benchmarks import accelerators
from scripts.benchmarks.accelerators import (
    COLUMNS,
    HEADER,
    AcceleratorsError,
    BenchmarkAccelerators,
    check_versions,
    compile_and_count,
    limits,
    line_of,
    line_of_plan,
    make,
    packages,
)
from scripts.benchmarks.described import PROGRAMS, describe_placed
from scripts.benchmarks.targets import DEFAULT_TARGETS, Target

ROW = {
    "target": "h100:1x1x1",
    "program": "network",
    "precision": "bfloat16",
    "launches": {"fusion": 190, "product": 40, "copy": 3, "collective": 1, "sort": 6},
    "total": 240,
    "flops": 989e6,
    "bytes": 33.5e6,
    "temporaries": 85_000_000,
    "examples": 256,
    "seconds_to_compile": 29.04,
}


def test_a_step_takes_at_least_what_data_sheets_allow():
    assert limits(ROW) == pytest.approx({"launches": 1.2e-3, "memory": 1e-5, "products": 1e-6})


def test_a_line_has_a_number_below_every_name():
    line = line_of(ROW)
    assert len(line) == len(HEADER)
    shown = "network bfloat16 240 190 40 3 1 6 85.0 33.5 0.99 1200 10 1 213,333 29.0 s"
    assert " ".join(line.split()) == shown
    assert len(line.split()) == 2 + 1 + len(COLUMNS) + 3
    assert line_of({**ROW, "error": "no tile fits"}).split(maxsplit=2)[2] == "no tile fits"


def test_a_whole_training_is_planned_from_its_steps():
    # 196 steps of 256 plays in each of 30 epochs, by the limits above.
    assert line_of_plan(ROW).endswith(
        "5,880 steps, take at least: launches 7.06 s, memory 0.06 s, products 0.01 s"
    )


@pytest.mark.parametrize("name", ["h200:1x1x1", "h100", "h100:", ""])
def test_a_chip_that_is_not_known_is_refused(name):
    with pytest.raises(DeviceError, match="targets: expected h100 or v5e, a colon and a topology"):
        BenchmarkAccelerators(targets=(name,))


def test_a_program_that_is_not_known_is_refused():
    with pytest.raises(AcceleratorsError, match=r"expected some of network, .*, got 'no'"):
        BenchmarkAccelerators(programs=("network", "no"))


def test_compilers_are_those_of_the_jax_that_is_there():
    assert packages("cuda") == [
        f"jax-cuda12-plugin=={jaxlib.__version__}",
        f"jax-cuda12-pjrt=={jaxlib.__version__}",
    ]
    (libtpu,) = packages("tpu")
    assert libtpu.startswith("libtpu==")


def installed(folder, name, version):
    place = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_compilers_of_another_jaxlib_are_refused(tmp_path):
    installed(tmp_path, "jax-cuda12-plugin", "0.9.1")
    installed(tmp_path, "libtpu", "0.0.42.1")
    check_versions(tmp_path, ["libtpu==0.0.42.*", "jax-cuda12-plugin==0.9.1"])
    with pytest.raises(
        AcceleratorsError, match=r"plugin==0.10.2, as JAX asks .*, got 0.9.1; delete"
    ):
        check_versions(tmp_path, ["jax-cuda12-plugin==0.10.2"])
    with pytest.raises(AcceleratorsError, match=r"expected jax-cuda12-pjrt==1, .*, got none"):
        check_versions(tmp_path, ["jax-cuda12-pjrt==1"])


def test_packages_that_cannot_be_had_are_told_in_a_line(monkeypatch, tmp_path, capsys):
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: slow\nERROR: no such version\n")
    monkeypatch.setattr(accelerators.subprocess, "run", lambda *_, **__: failed)
    monkeypatch.setattr(accelerators, "FOLDER", tmp_path / "compilers")
    config = BenchmarkAccelerators(targets=("v5e:2x2x1",), rows=tmp_path / "rows.jsonl")
    accelerators.main(config)
    assert "not compiled: expected pip to install libtpu==" in capsys.readouterr().out
    assert not (tmp_path / "compilers" / "tpu" / ".complete").exists()
    assert (tmp_path / "rows.jsonl").read_text() == ""


def test_placed_examples_are_described_as_they_would_be_placed():
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, 20, 900)
    batch = Batch(
        np.zeros((900, 20, 5), np.float16),
        np.arange(20) < lengths[:, None],
        np.zeros((900, 7), np.float32),
        np.zeros(900, np.float32),
    )
    config = TrainConfig(batch_size=128, length_buckets=3)
    devices = Devices(jax.devices()[:1])
    placed = place_examples(batch, config, devices, shuffle=True)
    described = describe_placed(lengths, (5, 7), config, devices)
    assert len(described.shards) == 3
    assert described.steps == placed.steps

    def of(leaf):
        return leaf.shape, np.dtype(leaf.dtype), leaf.sharding

    assert jax.tree.map(of, described.shards) == jax.tree.map(of, placed.shards)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("name", DEFAULT_TARGETS)
def test_every_program_compiles_for_accelerators(name, program):
    target = Target.named(name)
    try:
        make(target.chip.platform)
    except AcceleratorsError as error:
        pytest.skip(str(error))
    for precision in ("float32", "bfloat16"):
        found = compile_and_count(target, program, precision)
        assert 10 < found["total"] < (151 if name == "h100:1x1x1" else 1500)
        assert found["flops"] > 0
        if found["devices"] > 1 and program in ("network", "tracking"):
            assert found["launches"]["collective"] == 1
