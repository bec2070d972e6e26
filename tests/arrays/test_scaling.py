"""Inputs near one, whatever they were."""

import numpy as np
import pytest

from sbp_jax.arrays.inputs import read_inputs
from sbp_jax.arrays.scaling import Scaling

STEPS = np.arange(64.0)
Y = STEPS % 7


def scaled(x):
    batch, _ = read_inputs(x)
    given = Scaling.of(batch, Y).inputs(batch)
    return given.sequence[:, 0] if x.ndim == 3 else given.static


@pytest.mark.parametrize("offset", [1.7e9, 1e12])  # seconds since 1970, and more
@pytest.mark.parametrize("shape", [(64, 1), (64, 1, 1)])
def test_what_lies_far_from_zero_keeps_its_differences(offset, shape):
    plain = STEPS.reshape(shape)
    np.testing.assert_allclose(scaled(offset + plain), scaled(plain), atol=1e-5)


@pytest.mark.parametrize("unit", [1e-20, 1e-10, 1e25])
def test_a_column_may_be_in_any_unit(unit):
    np.testing.assert_allclose(scaled(unit * STEPS[:, None]), scaled(STEPS[:, None]), atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e15])
def test_a_constant_column_is_zero(value):
    found = scaled(np.stack([np.full(64, value), STEPS], axis=1))
    np.testing.assert_allclose(found[:, 0], 0, atol=1e-6)
    assert abs(found[:, 1].std() - 1) < 1e-5


def test_a_few_huge_values_do_not_set_the_scale_of_a_heavy_tailed_law():
    """With the standard deviation one typo among 400 rows cost a fit 5 nats a row."""
    batch, _ = read_inputs(STEPS[:, None])
    usual = Scaling.of(batch, Y, bounded=True)
    assert usual.scale == Y.std() == Scaling.of(batch, Y).scale
    far = np.where(STEPS == 9, 1e6, Y)
    assert Scaling.of(batch, far).scale == far.std()
    low, high = np.quantile(far, [0.25, 0.75])
    bounded = Scaling.of(batch, far, bounded=True)
    assert bounded.scale == 5 * (high - low)
    np.testing.assert_allclose(
        Scaling.of(batch, 1e-6 * far, bounded=True).standardise(1e-6 * far),
        bounded.standardise(far),
        rtol=1e-5,
    )
    # Nothing is known of the middle half, or nothing that the law's own float32 could hold.
    atom = np.where(STEPS < 50, 3.0, STEPS)
    assert Scaling.of(batch, atom, bounded=True).scale == atom.std()
    assert Scaling.of(batch, far + 1e8 + 1e13 * (far > 9), bounded=True).scale == pytest.approx(1e3)
