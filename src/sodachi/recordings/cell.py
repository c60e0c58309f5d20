"""One cell as a regression: what it would answer, and how that hangs on what it started with."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from sodachi.recordings.canon import LEAST, Memory

#: The first entries of a cell's parameters; the tilt of each input follows.
NAMES = ("log prior count", "log odds of prior", "base", "gain")
COUNT, ODDS, BASE, GAIN = range(4)
#: Beliefs as sure as this do not move.
FLAT = 1e-12


class Seen(NamedTuple):
    """What a cell was shown and answered, in blocks within which its weights stand still."""

    stimuli: np.ndarray
    """(blocks, trials of a block, inputs)."""
    answers: np.ndarray
    """[trials]"""
    on: np.ndarray
    """Σ answer · stimulus before each block and after the last (blocks + 1, inputs)."""
    shown: np.ndarray
    """Σ stimulus, the same."""
    total: np.ndarray
    """Σ answer (blocks + 1, 1)."""
    trials: np.ndarray
    """(blocks + 1, 1)"""
    low: float
    """What a tenth of the answers lies below."""
    scale: float
    """How far above that the highest tenth begins."""


def look(stimuli: np.ndarray, answers: np.ndarray, block: int) -> Seen:
    """Return a cell's view of its trials, cut to whole blocks."""
    blocks = len(answers) // block
    o = stimuli[: blocks * block].reshape(blocks, block, -1)
    y = answers[: blocks * block].reshape(blocks, block)
    on = np.matmul(y[:, None], o)[:, 0]
    sums = (on, o.sum(1), y.sum(1, keepdims=True), np.full((blocks, 1), float(block)))
    low, high = np.quantile(y, [0.1, 0.9])
    scale = max(float(high - low), float(y.std()), 1e-6)
    totals = [_running(a) for a in sums]
    return Seen(o, y.ravel(), totals[0], totals[1], totals[2], totals[3], float(low), scale)


def _running(added: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((1, added.shape[1])), np.cumsum(added, 0)])


def remembered(theta: np.ndarray, seen: Seen, tilts: bool = True) -> Memory:
    r"""Return the counts of a cell before each block and after the last, floored at `LEAST`.

    Its own answers, brought back to the scale of beliefs, are what it counted:
    ``n(o | s = 1) = λ ½(1 + tilt) + Σ (y − base)/gain · o``. Noise in y is averaged by the sum.
    """
    count, base, gain = np.exp(theta[COUNT]), theta[BASE], theta[GAIN]
    tilt = theta[4:] if tilts else 0.0
    on = (seen.on - base * seen.shown) / gain
    one = (seen.total - base * seen.trials) / gain
    on_1, all_1 = count * (1 + tilt) / 2 + on, count + one
    on_0, all_0 = count * (1 - tilt) / 2 + seen.shown - on, count + seen.trials - one
    on_1, on_0 = np.maximum(on_1, LEAST), np.maximum(on_0, LEAST)
    return Memory(on_1, np.maximum(all_1, on_1 + LEAST), on_0, np.maximum(all_0, on_0 + LEAST))


def answer(theta: np.ndarray, seen: Seen, tilts: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return expected answers ``base + gain · x`` and beliefs x, each [trials]."""
    x = _beliefs(theta, seen, remembered(theta, seen, tilts).at(slice(0, -1)))
    return theta[BASE] + theta[GAIN] * x, x


def _beliefs(theta: np.ndarray, seen: Seen, m: Memory) -> np.ndarray:
    off_1, off_0 = m.all_1 - m.on_1, m.all_0 - m.on_0
    w = np.log(m.on_1 / off_1) - np.log(m.on_0 / off_0)
    h = (np.log(off_1 / m.all_1) - np.log(off_0 / m.all_0)).sum(1)
    heard = np.matmul(seen.stimuli, w[:, :, None])[..., 0] + h[:, None]
    return expit(heard + theta[ODDS]).ravel()


def slopes(theta: np.ndarray, seen: Seen, tilts: bool = True):
    """Return expected answers, beliefs, and ∂ answers / ∂ parameters [trials, parameters].

    Exact where no count is at its floor.
    """
    m = remembered(theta, seen, tilts).at(slice(0, -1))
    x = _beliefs(theta, seen, m)
    base, gain, count = theta[BASE], theta[GAIN], np.exp(theta[COUNT])
    tilt = theta[4:] if tilts else np.zeros(seen.stimuli.shape[2])
    off_1, off_0 = m.all_1 - m.on_1, m.all_0 - m.on_0
    steep = gain * x * (1 - x)
    steep[steep < FLAT * gain] = 0.0  # denormal numbers would make everything ten times as slow

    def heard(on_1, all_1, on_0, all_0) -> np.ndarray:
        """Return the slope of the membrane where the counts move so."""
        w = on_1 / m.on_1 - (all_1 - on_1) / off_1 - on_0 / m.on_0 + (all_0 - on_0) / off_0
        h = (all_1 - on_1) / off_1 - all_1 / m.all_1 - (all_0 - on_0) / off_0 + all_0 / m.all_0
        return (np.matmul(seen.stimuli, w[:, :, None])[..., 0] + h.sum(1)[:, None]).ravel()

    shown, trials = seen.shown[:-1], seen.trials[:-1]
    on = (seen.on[:-1] - base * shown) / gain
    one = (seen.total[:-1] - base * trials) / gain
    found = np.empty((len(x), 4 + (len(tilt) if tilts else 0)))
    whole, half = np.full_like(trials, count), np.ones_like(shown) * count / 2
    found[:, COUNT] = steep * heard(half * (1 + tilt), whole, half * (1 - tilt), whole)
    found[:, ODDS] = steep
    moved = heard(-shown / gain, -trials / gain, shown / gain, trials / gain)
    found[:, BASE] = 1 + steep * moved
    found[:, GAIN] = x + steep * heard(-on / gain, -one / gain, on / gain, one / gain)
    if tilts:
        on_odds = half * (1 / m.on_1 + 1 / off_1 + 1 / m.on_0 + 1 / off_0)
        threshold = -half * (1 / off_1 + 1 / off_0)
        moved = seen.stimuli * on_odds[:, None] + threshold[:, None]
        np.multiply(moved.reshape(len(x), -1), steep[:, None], out=found[:, 4:])
    return base + gain * x, x, found


def common_slopes(theta: np.ndarray, seen: Seen) -> np.ndarray:
    """Return ∂ expected answers / ∂ what tilts A₁ and A₀ alike at birth [trials, inputs].

    With ``A₁ = ½(1 + tilt + c)`` and ``A₀ = ½(1 − tilt + c)``. It hardly moves beliefs and is not
    fitted, but it moves thresholds, and they look like priors.
    """
    tilts = len(theta) > 4
    m = remembered(theta, seen, tilts).at(slice(0, -1))
    x = _beliefs(theta, seen, m)
    steep = theta[GAIN] * x * (1 - x)
    steep[steep < FLAT * theta[GAIN]] = 0.0
    off_1, off_0 = m.all_1 - m.on_1, m.all_0 - m.on_0
    half = np.exp(theta[COUNT]) / 2
    odds = half * (1 / m.on_1 + 1 / off_1 - 1 / m.on_0 - 1 / off_0)
    threshold = half * (1 / off_0 - 1 / off_1)
    moved = seen.stimuli * odds[:, None] + threshold[:, None]
    return moved.reshape(len(x), -1) * steep[:, None]
