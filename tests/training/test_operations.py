"""How a run is run."""

import jax
import jax.numpy as jnp
import pytest

from sbp_jax.training.operations import Operations, profiled


def test_what_cannot_be_done_is_refused(tmp_path):
    with pytest.raises(ValueError, match="keep_best: expected a whole number >= 1, got 0"):
        Operations(keep_best=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="compilation_cache: expected a folder, got the file"):
        Operations(compilation_cache=tmp_path / "file")
    Operations(compilation_cache=tmp_path / "not yet")


def test_a_trace_is_written_where_it_is_asked_for(tmp_path):
    for active in (False, True):
        with profiled(tmp_path, active=active):
            jax.block_until_ready(jnp.arange(3) + 1)
        traces = [path for path in tmp_path.rglob("*.xplane.pb") if path.stat().st_size]
        assert len(traces) == active
    assert [path.name for path in tmp_path.iterdir()] == ["profile"]
