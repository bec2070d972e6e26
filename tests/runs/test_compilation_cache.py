"""Compiled programs are kept where they should be, and found again by another process."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

from sbp_jax.errors import CompilationCacheError
from sbp_jax.runs.compilation_cache import default_compilation_cache, use_compilation_cache

OPTIONS = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


@pytest.fixture
def unconfigured(tmp_path, monkeypatch):
    """JAX without a folder, and a user's cache of its own."""
    usual = {name: jax.config.values[name] for name in OPTIONS}
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", raising=False)
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    for name, value in usual.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


def kept(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.usefixtures("unconfigured")
def test_programs_are_kept_from_then_on(tmp_path, monkeypatch):
    monkeypatch.setattr("sbp_jax.runs.compilation_cache.WORTH_KEEPING_SECONDS", 0.0)
    jax.jit(lambda x: x * 3 - 1)(1.0)  # JAX has settled by now that nothing is kept
    folder = tmp_path / "a" / "b"
    assert use_compilation_cache(folder) == folder
    jax.jit(lambda x: x * 5 - 2)(1.0)
    first = len(kept(folder))
    assert first > 0
    other = tmp_path / "other"
    use_compilation_cache(other)
    jax.jit(lambda x: x * 7 - 3)(1.0)
    assert kept(other)
    assert len(kept(folder)) == first


@pytest.mark.usefixtures("unconfigured")
def test_the_default_is_in_the_users_cache_and_what_is_configured_is_kept(tmp_path):
    chosen = use_compilation_cache()
    assert chosen == default_compilation_cache()
    assert chosen.is_relative_to(tmp_path / "home" / "sbp-jax" / "compiled")
    assert chosen.is_dir()
    assert jax.config.values[OPTIONS[1]] < 1.0
    configured = tmp_path / "configured"
    jax.config.update("jax_compilation_cache_dir", str(configured))
    assert use_compilation_cache() == configured
    assert use_compilation_cache(tmp_path / "asked") == tmp_path / "asked"


@pytest.mark.usefixtures("unconfigured")
def test_another_cpu_has_another_folder(monkeypatch):
    here = default_compilation_cache()
    monkeypatch.setattr("sbp_jax.runs.compilation_cache._cpu", lambda: "sse2")
    assert default_compilation_cache().parent == here.parent
    assert default_compilation_cache() != here


@pytest.mark.usefixtures("unconfigured")
def test_the_users_own_threshold_stands(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "7")
    jax.config.update(OPTIONS[1], 7.0)
    use_compilation_cache(tmp_path)
    assert jax.config.values[OPTIONS[1]] == 7.0


@pytest.mark.usefixtures("unconfigured")
def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(CompilationCacheError, match=r"file: expected a folder for compiled"):
        use_compilation_cache(tmp_path / "file")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(CompilationCacheError, match="got one without permission"):
        use_compilation_cache(tmp_path / "closed")
    assert jax.config.values["jax_compilation_cache_dir"] is None


PROGRAM = """
import sys
from pathlib import Path
import jax
events = []
jax.monitoring.register_event_listener(lambda name, **kwargs: events.append(name))
from sbp_jax.runs import compilation_cache
compilation_cache.WORTH_KEEPING_SECONDS = 0.0
compilation_cache.use_compilation_cache(Path(sys.argv[1]))
print(jax.jit(lambda x: x * 11 - 4)(1.0), events.count("/jax/compilation_cache/cache_hits"))
"""


@pytest.mark.slow
def test_another_process_finds_a_program_and_survives_a_damaged_one(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"):
        environment.pop(name, None)

    def run():
        command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
        ran = subprocess.run(command, env=environment, check=True, text=True, capture_output=True)
        value, hits = ran.stdout.split()
        assert value == "7.0"
        return int(hits)

    assert run() == 0
    hits = run()
    assert hits > 0
    for path in kept(tmp_path):
        path.write_bytes(path.read_bytes()[:20])  # killed in the middle of writing
    assert run() < hits
