"""SPOT written again as a plain loop in NumPy and SciPy, with a cold fit at every peak."""

import numpy as np
import scipy.optimize

GROWTH = np.linspace(-8, 12, 800)  # log(1 + shape / scale * largest value)


def likeliest(y, c):
    """Shape and scale at the highest point of the likelihood along its ridge."""
    both = np.append(y, c)

    def along(growth):
        theta = np.expm1(np.asarray(growth)[..., None]) / np.max(both)
        shape = np.sum(np.log1p(theta * both), axis=-1) / len(y)
        scale = shape / theta[..., 0]
        height = -np.log(scale) - (1 + 1 / shape) * np.mean(np.log1p(theta * y), axis=-1)
        height -= np.sum(np.log1p(theta * c), axis=-1) / len(y) / shape
        return np.where(shape < -0.5, -np.inf, height), shape, scale

    best = GROWTH[np.argmax(along(GROWTH)[0])]
    step = GROWTH[1] - GROWTH[0]
    found = scipy.optimize.minimize_scalar(
        lambda growth: -along(growth)[0], bounds=(best - step, best + step), method="bounded"
    )
    return along(found.x)[1:]


class PlainTail:
    """One side of one series."""

    def __init__(self, spot, values):
        self.spot = spot
        self.threshold = np.quantile(values, spot.level)
        self.kept = [(x - self.threshold, True) for x in values if x > self.threshold]
        self.peaks, self.values = len(self.kept), len(values)
        self.wait = min(round(0.01 / spot.risk), 20)
        self.calm, self.doubted = self.wait, 0.0
        self.refit()

    def refit(self):
        self.kept = self.kept[-self.spot.capacity :]
        known = np.array([size for size, in_full in self.kept if in_full])
        bounds = np.array([size for size, in_full in self.kept if not in_full])
        self.shape, self.scale = likeliest(known, bounds)
        p = self.spot.risk * self.values / self.peaks
        if self.spot.corrected:
            w = np.log(1 / p)
            lack = (w**4 / 8 - 2 * w**3 / 3 + 3 * w**2 - 3 * w) / len(known)
            p /= 1 + lack + lack**2
        z = self.scale / self.shape * (p**-self.shape - 1)
        if len(bounds):
            z = min(z, 1.5 * max(np.max(known), np.max(bounds)))
        self.limit = self.threshold + z
        self.room = len(bounds) <= np.sum(known > z / 2)
        self.led = len(bounds) + 3 <= np.sum(known > 3 * z / 4)

    def beyond(self, x):
        """Probability of a value further out."""
        if not x > self.threshold:
            return np.nan
        growth = max(1 + self.shape / self.scale * (x - self.threshold), 0)
        return self.peaks / self.values * growth ** (-1 / self.shape)

    def take(self, x):
        """Whether a value is an alarm; learn from it."""
        alarm = x > self.limit
        if not np.isfinite(x):
            return alarm
        believed = self.believe(alarm, x > self.threshold) if self.spot.alarms == "censor" else 0
        if not alarm:
            self.values += 1
        if believed or self.threshold < x <= self.limit:
            self.values += believed > 0
            self.peaks += 1
            self.kept.append((believed, False) if believed else (x - self.threshold, True))
            self.refit()
        return alarm

    def believe(self, alarm, peak):
        """Bound of an alarm that now counts, or 0."""
        alone, believed = self.calm >= self.wait, 0.0
        self.calm = 0 if alarm else self.calm + 1
        if alarm:
            z = self.limit - self.threshold
            believed, self.doubted = (z, 0.0) if self.led else (0.0, alone * z)
        elif self.calm >= self.wait and not peak:
            believed, self.doubted = self.doubted, 0.0
        return believed * (self.room or self.led)


def plain_spot(spot, calibration, stream):
    """Alarms, limits and probabilities (T, 2), upper and lower side."""
    window, centred = list(calibration[: spot.depth]), []
    for x in calibration[spot.depth :]:
        centred.append(x - np.mean(window))
        window = [*window[1:], x]
    tails = [PlainTail(spot, sign * np.array(centred)) for sign in (1, -1)]
    alarms, limits, beyond = [], [], []
    for x in stream:
        mean = np.mean(window)
        limits.append((mean + tails[0].limit, mean - tails[1].limit))
        beyond.append((tails[0].beyond(x - mean), tails[1].beyond(mean - x)))
        alarms.append((tails[0].take(x - mean), tails[1].take(mean - x)))
        within = spot.alarms == "censor" and min(window) <= x <= max(window)
        if np.isfinite(x) and (within or not any(alarms[-1])):
            window = [*window[1:], x]
    return np.array(alarms), np.array(limits), np.array(beyond)
