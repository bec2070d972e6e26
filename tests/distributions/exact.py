"""The spliced binned-Pareto distribution at many digits, written out term by term in mpmath.

The oracle of the tests: it follows the definition (a base made of bins, its quantiles, two tails)
with sums and powers, and shares no code with the library. Its `crps` is checked against mpmath's
quadrature in test_against_mpmath.py.
"""

from itertools import pairwise

import mpmath
from mpmath import mpf


class Exact:
    """One distribution; parameters are taken as the numbers that a float32 or float64 holds."""

    def __init__(self, family, params):
        self.family = family
        self.edges = [mpf(e) for e in family.edges]
        self.logits = [mpf(float(x)) for x in params.logits]
        self.lower_shape, self.lower_scale, self.upper_shape, self.upper_scale = (
            mpf(float(x)) for x in params[1:]
        )
        self.prepare()

    def moved(self, name, step, index=None):
        """The distribution with one parameter moved, for derivatives by difference."""
        other = object.__new__(Exact)
        other.__dict__.update(self.__dict__)
        if name == "logits":
            other.logits = list(self.logits)
            other.logits[index] += step
            other.prepare()
        else:
            setattr(other, name, getattr(self, name) + step)
        return other

    def prepare(self):
        weights = [mpmath.exp(x) for x in self.logits]
        total = mpmath.fsum(weights)
        self.p = [w / total for w in weights]
        self.cumulative = [mpf(0)]
        for p in self.p:
            self.cumulative.append(self.cumulative[-1] + p)
        a, b = (mpf(0) if mass is None else mpf(mass) for mass in self.family.tail_mass)
        self.a, self.b = a, b
        if self.family.splice == "quantile":
            self.lower = self.base_quantile(a) if a else self.edges[0]
            self.upper = self.base_quantile(1 - b) if b else self.edges[-1]
            return
        inner = range(1, len(self.p))
        low = max([i for i in inner if self.cumulative[i] <= a], default=1)
        high = min([i for i in inner if 1 - self.cumulative[i] <= b], default=len(self.p) - 1)
        low, high = (low if a else 0), (high if b else len(self.p))
        self.lower, self.upper = self.edges[low], self.edges[high]
        self.a, self.b = self.cumulative[low], 1 - self.cumulative[high]

    def bin_of(self, y):
        return max([i for i, e in enumerate(self.edges[:-1]) if e <= y], default=0)

    def base(self, y):
        if y <= self.edges[0]:
            return mpf(0)
        if y >= self.edges[-1]:
            return mpf(1)
        i = self.bin_of(y)
        share = (y - self.edges[i]) / (self.edges[i + 1] - self.edges[i])
        return self.cumulative[i] + self.p[i] * share

    def base_quantile(self, level):
        for i, p in enumerate(self.p):
            if self.cumulative[i + 1] >= level:
                width = self.edges[i + 1] - self.edges[i]
                return self.edges[i] + width * (level - self.cumulative[i]) / p
        raise AssertionError(level)

    @staticmethod
    def survival(z, shape, scale):
        if shape == 0:
            return mpmath.exp(-z / scale)
        inside = 1 + shape * z / scale
        return inside ** (-1 / shape) if inside > 0 else mpf(0)

    def lower_tail(self, y):
        return self.survival(self.lower - y, self.lower_shape, self.lower_scale)

    def upper_tail(self, y):
        return self.survival(y - self.upper, self.upper_shape, self.upper_scale)

    def cdf(self, y):
        if y < self.lower:
            return self.a * self.lower_tail(y)
        return self.base(y) if y <= self.upper else 1 - self.sf(y)

    def sf(self, y):
        if y > self.upper:
            return self.b * self.upper_tail(y)
        return 1 - self.cdf(y)

    def log_prob_below(self, y):
        return mpmath.log(self.a / self.lower_scale) + (1 + self.lower_shape) * mpmath.log(
            self.lower_tail(y)
        )

    def log_prob_above(self, y):
        return mpmath.log(self.b / self.upper_scale) + (1 + self.upper_shape) * mpmath.log(
            self.upper_tail(y)
        )

    def log_prob_body(self, y):
        i = self.bin_of(y)
        return mpmath.log(self.p[i] / (self.edges[i + 1] - self.edges[i]))

    def log_prob(self, y):
        if self.a and y < self.lower:
            return self.log_prob_below(y)
        if self.b and (y >= self.upper if self.family.splice == "edge" else y > self.upper):
            return self.log_prob_above(y)
        return self.log_prob_body(y) if self.edges[0] <= y <= self.edges[-1] else -mpmath.inf

    def log_cdf(self, y):
        return mpmath.log(self.cdf(y))

    def log_sf(self, y):
        return mpmath.log(self.sf(y))

    def log_interval(self, lo, hi):
        return mpmath.log(self.cdf(hi) - self.cdf(lo))

    @staticmethod
    def excess(log_survival, shape, scale):
        if shape == 0:
            return -scale * log_survival
        return scale * mpmath.expm1(-shape * log_survival) / shape

    def quantile(self, q):
        if q < self.a:
            return self.lower - self.excess(
                mpmath.log(q / self.a), self.lower_shape, self.lower_scale
            )
        if 1 - q < self.b:
            return self.upper + self.excess(
                mpmath.log((1 - q) / self.b), self.upper_shape, self.upper_scale
            )
        return self.base_quantile(q)

    @classmethod
    def tail_score(cls, z, mass, shape, scale):
        """Integral of (mass S(t) - 1{t < z})^2 over t >= 0."""
        squared = mass**2 * scale / (2 - shape)
        survival = cls.survival(z, shape, scale)
        if shape == 1:
            return z + 2 * mass * scale * mpmath.log(survival) + squared
        integral = scale * (1 - survival ** (1 - shape)) / (1 - shape)
        return z - 2 * mass * integral + squared

    def crps(self, y):
        body = mpf(0)
        knots = {self.lower, self.upper, *(e for e in self.edges if self.lower < e < self.upper)}
        if self.lower < y < self.upper:
            knots.add(y)
        knots = sorted(knots)
        for left, right in pairwise(knots):
            near, far = self.base(left), self.base(right)
            if y <= left:
                near, far = 1 - near, 1 - far
            body += (right - left) * (near**2 + near * far + far**2) / 3
        z_low, z_up = max(self.lower - y, mpf(0)), max(y - self.upper, mpf(0))
        return (
            body
            + self.tail_score(z_low, self.a, self.lower_shape, self.lower_scale)
            + self.tail_score(z_up, self.b, self.upper_shape, self.upper_scale)
        )
