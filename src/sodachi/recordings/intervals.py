"""Intervals of a fit, and what it could not identify."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from sodachi.recordings.cell import (
    BASE,
    COUNT,
    GAIN,
    ODDS,
    answer,
    common_slopes,
    remembered,
    slopes,
)
from sodachi.recordings.fitting import CellFit, Fit, beliefs_before
from sodachi.recordings.influence import influences
from sodachi.recordings.sources import two_means

#: Standard errors of log λ and of the log odds of D beyond which there is nothing to forecast by.
VAGUE = 1.0
#: Beliefs that span less than this leave base and gain to each other.
NARROW = 0.2


class Estimate(NamedTuple):
    """A value and the ends of its interval, arrays of one shape."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


class Estimates(NamedTuple):
    """Everything a fit found, with intervals: arrays over cells, for A (cells, inputs)."""

    prior_count: Estimate
    prior: Estimate
    base: Estimate
    gain: Estimate
    A1: Estimate
    """Q(o = 1 | s = 1) after the last session of the fit."""
    A0: Estimate


def estimates(fit: Fit, level: float = 0.95) -> Estimates:
    """Return parameters with intervals: what the noise of each trial does to them, added up.

    λ and D on the scale of their logarithm and log odds. A likelihood is made from the answers
    too, so that its interval adds their noise, what it shares with that of the parameters, and
    what the cell may have been born with. To first order; see `sodachi.recordings.influence`.
    """
    z = float(stats.norm.ppf(0.5 + level / 2))
    theta = np.stack([cell.theta[:4] for cell in fit.cells])
    unsure = [uncertainty(cell) for cell in fit.cells]
    error = np.stack([np.sqrt(np.diag(known.covariance)[:4]) for known in unsure])
    low, high = theta - z * error, theta + z * error

    def read(place, link) -> Estimate:
        return Estimate(*(link(ends[:, place]) for ends in (theta, low, high)))

    A = [likelihood(cell, known) for cell, known in zip(fit.cells, unsure, strict=True)]
    found = []
    for state in (0, 1):
        value = np.stack([cell[state][0] for cell in A])
        spread = z * np.stack([cell[state][1] for cell in A])
        found.append(Estimate(value, value - spread, value + spread))
    return Estimates(
        read(COUNT, np.exp),
        read(ODDS, lambda v: 1 / (1 + np.exp(-v))),
        read(BASE, np.asarray),
        read(GAIN, np.asarray),
        *found,
    )


class Uncertainty(NamedTuple):
    """How unsure a cell's parameters are, and why."""

    covariance: np.ndarray
    weighed: np.ndarray
    """Influences of each trial's noise, weighed by its variance [trials, parameters]."""
    common: np.ndarray
    """How far what tilts A₁ and A₀ alike moves each parameter [parameters, inputs]."""
    born: float
    """Its deviation over inputs."""


def uncertainty(cell: CellFit) -> Uncertainty:
    """Return the covariance of a cell's parameters and what it is made of.

    ``Φᵀ V Φ + C P C + s² B Bᵀ``: the noise of all trials with all it does (`influence`), what
    shrinking towards earlier beliefs, of precision P, may have missed, and what synapses may have
    been born with that is not fitted, taken to be as different between inputs as tilts are.
    """
    tilts = len(cell.theta) > 4
    mean, _, J = slopes(cell.theta, cell.seen, tilts)
    variance = cell.variance(mean)
    moved = influences(cell.theta, cell.seen, 1 / variance, cell.inverse)
    weighed = moved * variance[:, None]
    _, precision = beliefs_before(cell.seen, cell.spread if tilts else None)
    covariance = moved.T @ weighed + (cell.inverse * precision) @ cell.inverse
    born, common = 0.0, np.zeros((len(cell.theta), cell.seen.stimuli.shape[2]))
    if tilts:
        born = _born(cell)
        unfitted = common_slopes(cell.theta, cell.seen) / variance[:, None]
        common = -cell.inverse @ (J.T @ unfitted)
        covariance = covariance + born**2 * common @ common.T
    return Uncertainty(covariance, weighed, common, born)


def _born(cell: CellFit) -> float:
    """Return how different tilts are among inputs alike: those of the cell's own source, or not."""
    tilts = cell.theta[4:]
    own = tilts > two_means(tilts)
    within = sum(
        ((part - part.mean()) ** 2).sum() for part in (tilts[own], tilts[~own]) if len(part)
    )
    unsure = np.diag(cell.inverse)[4:].mean()
    return float(np.sqrt(within / len(tilts) + unsure))


def likelihood(cell: CellFit, unsure: Uncertainty) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return A₁ and A₀ after the last block with their standard errors, each [inputs]."""
    theta, seen = cell.theta, cell.seen
    tilts = len(theta) > 4
    count, base, gain = np.exp(theta[COUNT]), theta[BASE], theta[GAIN]
    tilt = theta[4:] if tilts else np.zeros(seen.stimuli.shape[2])
    end = remembered(theta, seen, tilts).at(-1)
    shown, trials = seen.shown[-1], seen.trials[-1]
    on = (seen.on[-1] - base * shown) / gain
    one = (seen.total[-1] - base * trials) / gain
    stimuli = seen.stimuli.reshape(len(seen.answers), -1)
    variance = cell.variance(answer(theta, seen, tilts)[0])
    noise_on, noise = variance @ stimuli / gain**2, variance.sum() / gain**2
    both_on, both = stimuli.T @ unsure.weighed / gain, unsure.weighed.sum(0) / gain
    found = []
    for sign, A, every in ((1, end.likelihood[0], end.all_1), (-1, end.likelihood[1], end.all_0)):
        slope = np.zeros((len(A), len(theta)))
        parts = (  # of the numerator and of the denominator, in the parameter
            (COUNT, count * (1 + sign * tilt) / 2, count),
            (BASE, -sign * shown / gain, -sign * trials / gain),
            (GAIN, -sign * on / gain, -sign * one / gain),
        )
        for place, above, below in parts:
            slope[:, place] = (above - A * below) / every
        if tilts:
            slope[np.arange(len(A)), 4 + np.arange(len(A))] = sign * count / 2 / every
        plain = unsure.covariance - unsure.born**2 * unsure.common @ unsure.common.T
        known = ((slope @ plain) * slope).sum(1)
        answers = (noise_on * (1 - A) ** 2 + (noise - noise_on) * A**2) / every**2
        # The noise that moved the counts moved the parameters too.
        twice = 2 * sign * (slope * (both_on - A[:, None] * both)).sum(1) / every
        # What tilts both alike moves A itself, and the parameters.
        alike = slope @ unsure.common + np.diag(np.broadcast_to(count / 2 / every, len(A)))
        born = unsure.born**2 * (alike**2).sum(1)
        found.append((A, np.sqrt(np.maximum(known + answers + twice, 0) + born)))
    return tuple(found)


def unidentified(fit: Fit) -> dict[int, tuple[str, ...]]:
    """Return, by cell, what the trials do not tell; empty where all can be told.

    A learning rate or prior whose interval spans more than a factor e² (of odds) either way, and
    base and gain where beliefs hardly vary.
    """
    found = {}
    for k, cell in enumerate(fit.cells):
        error = np.sqrt(np.diag(cell.inverse))
        _, x = answer(cell.theta, cell.seen, len(cell.theta) > 4)
        low, high = np.quantile(x, [0.02, 0.98])
        names = []
        if error[COUNT] > VAGUE or not 1.0 < np.exp(cell.theta[COUNT]) < 1e6:
            names.append("learning rate")
        if error[ODDS] > VAGUE:
            names.append("prior")
        if high - low < NARROW or error[GAIN] > 0.5 * cell.theta[GAIN]:
            names.append("base and gain")
        if names:
            found[k] = tuple(names)
    return found
