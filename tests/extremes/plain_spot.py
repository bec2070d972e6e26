"""SPOT written again as a plain loop in NumPy and SciPy, with a cold fit at every peak."""

from dataclasses import dataclass, field

import numpy as np

from tests.extremes.test_tail_fit import optimum


@dataclass
class PlainTail:
    """One side of one series."""

    excess: list
    threshold: float
    values: int
    risk: float
    censor: bool
    corrected: bool
    bounds: list = field(default_factory=list)

    def __post_init__(self):
        self.refit()

    def refit(self):
        k, peaks = len(self.excess), len(self.excess) + len(self.bounds)
        _, (shape, log_scale) = optimum(np.array(self.excess), np.array(self.bounds))
        p = self.risk * self.values / peaks
        if self.corrected:
            w = np.log(1 / p)
            p /= 1 + (w**4 / 8 - 2 * w**3 / 3 + 3 * w**2 - 3 * w) / k
        self.limit = self.threshold + np.exp(log_scale) / shape * (p**-shape - 1)

    def take(self, x):
        """Whether a value is an alarm; learn from it."""
        if x > self.limit:
            if self.censor and np.isfinite(x):
                self.values += 1
                self.bounds.append(self.limit - self.threshold)
                self.refit()
            return True
        if np.isfinite(x):
            self.values += 1
            if x > self.threshold:
                self.excess.append(x - self.threshold)
                self.refit()
        return False


def plain_spot(calibration, stream, *, depth, level, risk, censor, corrected):
    """Alarms and limits (T, 2), upper and lower side."""
    window = list(calibration[:depth])
    centred = []
    for x in calibration[depth:]:
        centred.append(x - np.mean(window))
        window = [*window[1:], x]
    tails = []
    for values in (np.array(centred), -np.array(centred)):
        threshold = np.quantile(values, level)
        excess = list(values[values > threshold] - threshold)
        tails.append(PlainTail(excess, threshold, len(values), risk, censor, corrected))
    alarms, limits = [], []
    for x in stream:
        mean = np.mean(window)
        limits.append((mean + tails[0].limit, mean - tails[1].limit))
        alarms.append((tails[0].take(x - mean), tails[1].take(mean - x)))
        if np.isfinite(x) and not any(alarms[-1]):
            window = [*window[1:], x]
    return np.array(alarms), np.array(limits)
