"""The start line and the estimate, against counts by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sbp_jax.training.config import TrainConfig
from sbp_jax.training.parallel import Devices
from sbp_jax.training.placing import Placed
from sbp_jax.training.start_report import StepCost, estimate, in_units, start_line, step_cost

pytestmark = pytest.mark.usefixtures("quick_compilation")


def placed(*examples, devices=1, **settings):
    """Buckets of 2 shards of 8 rows, of which so many are examples."""
    rows = tuple(np.where(np.arange(16) < n, np.arange(16), -1).reshape(2, 8) for n in examples)
    shards = tuple({"x": jnp.zeros((2, 8, 10)), "mask": jnp.ones((2, 8, 10), bool)} for _ in rows)
    config = TrainConfig(virtual_shards=2, **settings)
    return Placed(config, Devices(jax.devices()[:devices]), shards, rows)


PARAMS = {"w": jnp.zeros((1000, 3)), "b": jnp.zeros(3)}


@pytest.mark.parametrize(
    ("train", "line"),
    [
        (
            placed(13, epochs=30, batch_size=8),
            "1 x cpu, float32, 3,003 parameters, 13 examples (800 B on the devices), "
            "30 epochs of 2 steps of 8",
        ),
        (
            placed(16, 9, devices=4, precision="bfloat16", epochs=3, batch_size=4, accumulate=2),
            "4 x cpu, bfloat16, 3,003 parameters, 25 examples in 2 length buckets "
            "(1.6 kB on the devices), 3 epochs of 8 steps of 4 in 2 parts",
        ),
    ],
)
def test_the_start_line(train, line):
    assert start_line(PARAMS, train) == line


def two_matmuls(x, a, b):
    return (x @ a) @ b


def shapes(*sizes):
    return [jax.ShapeDtypeStruct(size, jnp.float32) for size in sizes]


def test_one_step_costs_what_counting_by_hand_says():
    n, k, m, p = 8, 16, 32, 4
    cost = step_cost(jax.jit(two_matmuls).lower(*shapes((n, k), (k, m), (m, p))))
    assert cost.flops == 2 * n * k * m + 2 * n * m * p
    # Each product reads two matrices and writes one.
    assert cost.bytes_accessed == 4 * (n * k + k * m + n * m + n * m + m * p + n * p)


def test_a_loop_is_counted_once_which_is_why_one_step_is_asked_for():
    def loop(x, a):
        return jax.lax.scan(lambda x, _: (x @ a, None), x, None, length=50)[0]

    cost = step_cost(jax.jit(loop).lower(*shapes((8, 8), (8, 8))))
    assert 2 * 8**3 <= cost.flops < 2 * 2 * 8**3


def test_the_estimate_adds_up_the_buckets():
    compiled = jax.jit(two_matmuls).lower(*shapes((8, 16), (16, 32), (32, 4))).compile()
    text = estimate(compiled, [(StepCost(1e6, 4e3), 10), (StepCost(2e6, 1e3), 5)])
    lines = dict(line.split("  ", 1) for line in text.splitlines())
    found = {name.strip(): value.strip() for name, value in lines.items()}
    assert found["arguments"] == in_units(4 * (8 * 16 + 16 * 32 + 32 * 4), "B")
    assert found["outputs"] == "128 B"
    assert found["of which donated"] == "0 B"
    assert found["steps per epoch"] == "15"
    assert found["FLOPs per epoch"] == "20.0 M"
    assert found["traffic per epoch"] == "45.0 kB"
    starts = [len(line) - len(line.split("  ")[-1].lstrip()) for line in text.splitlines()]
    assert len(set(starts)) == 1


class Silent:
    """A backend that tells nothing."""

    def memory_analysis(self):
        return None

    def cost_analysis(self):
        return None


def test_what_the_backend_does_not_tell_is_unknown():
    assert step_cost(Silent()) == StepCost(None, None)
    text = estimate(Silent(), [(StepCost(None, None), 3), (StepCost(2.0, 2.0), 3)])
    assert [line.split()[-1] for line in text.splitlines()] == ["unknown"] * 4 + ["6"] + [
        "unknown"
    ] * 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (2.5e15, "2.5 PB")],
)
def test_units(value, text):
    assert in_units(value, "B") == text
