"""What the binned and the Gaussian family have of their own."""

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
import scipy.stats
from mpmath import mpf

from sbp_jax.distributions import Binned, Family, Gaussian, SplicedBinnedPareto

mpmath.mp.dps = 60


class TestBinned:
    FAMILY = Binned([0.0, 1.0, 3.0, 4.0])
    PARAMS = Binned.Params(jnp.log(jnp.array([0.2, 0.5, 0.3])))

    def test_bins_own_their_left_edges_and_the_last_its_right_one(self):
        y = jnp.array([-0.1, 0.0, 1.0, 3.0, 4.0, 4.1])
        want = [-np.inf, *np.log([0.2, 0.25, 0.3, 0.3]), -np.inf]
        np.testing.assert_allclose(self.FAMILY.log_prob(self.PARAMS, y), want, rtol=1e-6)

    def test_agrees_with_scipy(self):
        want = scipy.stats.rv_histogram((np.array([0.2, 0.25, 0.3]), [0, 1, 3, 4]), density=True)
        y = np.array([-1.0, 0.5, 2.0, 3.9, 5.0])
        np.testing.assert_allclose(self.FAMILY.cdf(self.PARAMS, y), want.cdf(y), rtol=1e-6)
        assert float(self.FAMILY.mean(self.PARAMS)) == pytest.approx(want.mean(), rel=1e-6)
        assert float(self.FAMILY.variance(self.PARAMS)) == pytest.approx(want.var(), rel=1e-5)

    def test_interval_partly_outside_counts_its_inside(self):
        got = self.FAMILY.log_interval(
            self.PARAMS, jnp.array([-5.0, 3.5, 4.5]), jnp.array([0.5, 9, 9])
        )
        np.testing.assert_allclose(got, [*np.log([0.1, 0.15]), -np.inf], rtol=1e-6)

    def test_whole_bin_is_its_log_probability(self):
        got = self.FAMILY.log_interval(
            self.PARAMS, jnp.array([0.0, 1.0, 3.0]), jnp.array([1.0, 3, 4])
        )
        np.testing.assert_array_equal(got, jax.nn.log_softmax(self.PARAMS.logits))

    def test_empty_bins_are_skipped_by_the_quantile(self):
        params = Binned.Params(jnp.array([-200.0, 0.0, -200.0]))
        q = jnp.array([0.0, 1e-6, 0.5, 1.0])
        np.testing.assert_allclose(self.FAMILY.quantile(params, q), [0, 1 + 2e-6, 2, 4], rtol=1e-6)
        slope = jax.grad(lambda p: self.FAMILY.quantile(p, q).sum())(params)
        assert np.all(np.isfinite(slope.logits))

    def test_crps_outside_adds_the_distance(self):
        near, far = self.FAMILY.crps(self.PARAMS, jnp.array([4.0, 14.0]))
        assert float(far - near) == pytest.approx(10, rel=1e-6)

    def test_many_bins_use_blocked_sums(self):
        # More than 128 bins; the reference is NumPy in float64.
        n = 301
        family = Binned(np.linspace(0, 1, n + 1))
        logits = np.random.default_rng(0).normal(size=n)
        cumulative = np.cumsum(np.exp(logits)) / np.sum(np.exp(logits))
        q = np.array([0.01, 0.3, 0.6, 0.99])
        want = np.interp(q, [0, *cumulative], family.edges)
        got = family.quantile(Binned.Params(jnp.asarray(logits, jnp.float32)), q)
        np.testing.assert_allclose(got, want, rtol=1e-5)


class TestGaussian:
    FAMILY = Gaussian(center=2.0, spread=3.0)

    def test_agrees_with_scipy(self):
        with jax.enable_x64(True):
            params = Gaussian.Params(jnp.asarray(1.0), jnp.asarray(2.0))
            want = scipy.stats.norm(1.0, 2.0)
            y = np.array([-60.0, -9.0, 0.0, 1.0, 5.0, 70.0])
            for ours, theirs in [
                ("log_prob", "logpdf"),
                ("cdf", "cdf"),
                ("sf", "sf"),
                ("log_cdf", "logcdf"),
                ("log_sf", "logsf"),
            ]:
                got = getattr(self.FAMILY, ours)(params, y)
                np.testing.assert_allclose(got, getattr(want, theirs)(y), rtol=1e-12, err_msg=ours)
            q = np.array([1e-300, 1e-9, 0.3, 1 - 1e-9])
            np.testing.assert_allclose(self.FAMILY.quantile(params, q), want.ppf(q), rtol=1e-12)

    @pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1e-5), (np.float64, 1e-12)])
    def test_interval_everywhere(self, dtype, error):
        """Narrow and wide cells, near and far, straddling or not, at 60 digits."""
        ends = [
            *[
                (y, y + w)
                for y in (0.0, 0.25, 3.0, 9.0, 40.0, 1e3)
                for w in (2.0**-9, 0.5, 2.0, 32.0)
            ],
            *[(-0.5, 0.75), (-1.0, 4.0), (-0.25, 2.0), (-8.0, 8.0), (-4.0, 1.0), (-9.0, -8.5)],
        ]
        with jax.enable_x64(dtype == np.float64):
            params = Gaussian.Params(jnp.asarray(0, dtype), jnp.asarray(1, dtype))
            lo, hi = (np.array(x, dtype) for x in zip(*ends, strict=True))
            tail = lambda x: mpmath.erfc(mpf(x) / mpmath.sqrt(2)) / 2  # noqa: E731
            want = [
                float(mpmath.log(tail(a) - tail(b) if a + b > 0 else tail(-b) - tail(-a)))
                for a, b in zip(lo.tolist(), hi.tolist(), strict=True)
            ]
            got = self.FAMILY.log_interval(params, lo, hi)
            np.testing.assert_allclose(got, want, rtol=error, atol=error)

    @pytest.mark.parametrize("y", [1e6, -1e6])
    def test_gradients_far_out_are_right_in_float32(self, y):
        # d log(sf) / dy = -hazard = -z / scale for large z.
        params = self.FAMILY.constrain(jnp.zeros(2))
        z = (y - 2.0) / 3.0
        score = self.FAMILY.log_sf if y > 0 else self.FAMILY.log_cdf
        assert float(jax.grad(score, 1)(params, y)) == pytest.approx(-z / 3, rel=1e-5)
        slope = jax.grad(lambda p: self.FAMILY.log_interval(p, y - 0.5, y + 0.5))(params)
        assert float(slope.loc) == pytest.approx(z / 3, rel=1e-4)

    def test_constrain_maps(self):
        params = self.FAMILY.constrain(jnp.array([[0.0, 0.0], [1.0, -1e30]]))
        np.testing.assert_allclose(params.loc, [2, 5])
        np.testing.assert_allclose(params.scale, [3, 3e-3], rtol=1e-6)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"center": np.inf}, "center: expected a finite number, got inf"),
            ({"spread": 0.0}, "spread: expected a finite number > 0, got 0.0"),
        ],
    )
    def test_static_misuse_is_refused(self, options, message):
        with pytest.raises(ValueError, match=message):
            Gaussian(**options)


def test_families_have_the_protocol():
    families: list[Family] = [Binned([0, 1, 2]), Gaussian(), SplicedBinnedPareto([0, 1, 2])]
    for family in families:
        assert family.median(family.constrain(jnp.zeros(family.num_outputs))).shape == ()
