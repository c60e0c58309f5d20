"""Fit: how fast a culture learns, what it expects, and on what scale it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.activity import Activity
from sodachi.recordings.cell import BASE, COUNT, GAIN, ODDS, Seen, answer, look, slopes

#: Weak beliefs about log λ, log odds of D, and base and gain in units of the answers' own range
#: (above their lowest tenth): mean and deviation. They decide only where nothing else does.
WEAK = ((np.log(1000.0), 2.0), (0.0, 2.0), (0.0, 0.5), (1.0, 0.5))
STARTS = (100.0, 1000.0, 10000.0)
#: Trials in which weights stand still, or the nearest smaller divisor of a session.
BLOCK = 16
#: Expected counts never fall below this in weights of the regression.
LEAST_MEAN = 0.05


class CellFit(NamedTuple):
    """One cell's parameters with their covariance, and the view they were fitted on."""

    theta: np.ndarray
    """log λ, log odds of D, base, gain, then the tilt of each input (where fitted)."""
    inverse: np.ndarray
    """The inverse curvature of the misfit: the covariance, did noise not enter the counts."""
    dispersion: float
    """Variance of answers over that of the noise model (Poisson's, or 1)."""
    spread: float
    """Deviation of the tilts over inputs: how differently synapses were born."""
    seen: Seen
    noise: str

    def variance(self, mean: np.ndarray) -> np.ndarray:
        """Return the variance of answers whose mean is so."""
        return self.dispersion / _weight(mean, self.noise)


@dataclass(frozen=True, eq=False)
class Fit:
    """The fit of a whole culture, a `CellFit` for each ensemble."""

    cells: tuple[CellFit, ...]
    activity: Activity
    sessions: int
    """Sessions it was fitted on, from the first."""
    block: int
    """Trials in which weights stand still."""

    @property
    def prior_count(self) -> np.ndarray:
        """λ [cells]: 1/λ is the learning rate that a synapse is born with."""
        return np.exp([cell.theta[COUNT] for cell in self.cells])

    @property
    def prior(self) -> np.ndarray:
        """D [cells]."""
        return 1 / (1 + np.exp([-cell.theta[ODDS] for cell in self.cells]))

    @property
    def base(self) -> np.ndarray:
        """Answers of a cell that believes 0 [cells]."""
        return np.array([cell.theta[BASE] for cell in self.cells])

    @property
    def gain(self) -> np.ndarray:
        """How much more it answers where it believes 1 [cells]."""
        return np.array([cell.theta[GAIN] for cell in self.cells])


def fit(
    activity: Activity,
    *,
    sessions: int | None = None,
    block: int | None = None,
    tilt: bool | None = None,
) -> Fit:
    r"""Fit a canonical network to activity by maximum likelihood, one cell an ensemble.

    A cell answers ``y = base + gain · x + noise`` where ``x = σ((W₁ − W₀)·o + h₁ − h₀)``, and its
    counts grow by what it answered, ``(y − base)/gain``, so that all sessions follow from λ, D,
    base, gain and, where fitted, the tilt of each synapse at birth (A₁ − A₀, drawn from a normal
    whose spread is estimated too). Damped Gauss-Newton steps; noise is Poisson's times a fitted
    dispersion, or constant for normalised activity.

    Parameters
    ----------
    sessions
        Fit on so many sessions, from the first; all when None.
    block
        Trials in which weights stand still; about 16 when None (a divisor of a session).
    tilt
        Whether synapses differ at birth. None: only where activity is not normalised, since
        normalising takes away what is evoked in the first session.

    Returns
    -------
    Fit
        See `sodachi.recordings.intervals` for intervals and for what could not be identified.

    Raises
    ------
    DataError
        Fewer sessions than asked for, or a block that does not divide a session.

    Examples
    --------
    >>> from sodachi.recordings import activity, simulate_culture
    >>> culture, truth = simulate_culture(sources=2, units=32, sessions=20, prior_count=500.0)
    >>> found = fit(activity(culture, normalisation="none"))
    >>> bool(np.all(np.abs(np.log(found.prior_count / 500.0)) < 0.3))
    True

    References
    ----------
    The model: Isomura, Shimazaki and Friston (2022). The estimator is this library's.
    """
    sessions = activity.sessions if sessions is None else sessions
    if not 2 <= sessions <= activity.sessions:
        raise DataError("sessions", f"2 to {activity.sessions}", sessions)
    if block is None:
        block = next(b for b in range(BLOCK, 0, -1) if activity.length % b == 0)
    if block < 1 or activity.length % block:
        raise DataError("block", f"a divisor of {activity.length} trials", block)
    raw = activity.normalisation == "none"
    tilt = raw if tilt is None else tilt
    noise = "poisson" if raw and activity.recording.kind == "counts" else "constant"
    trials = sessions * activity.length
    stimuli = activity.stimuli[:trials]
    cells = [
        fit_cell(look(stimuli, y[:trials], block), tilt=tilt, noise=noise) for y in activity.values
    ]
    return Fit(tuple(cells), activity, sessions, block)


def fit_cell(seen: Seen, *, tilt: bool, noise: str) -> CellFit:
    """Fit one cell; see `fit`."""
    best = None
    for count in STARTS:
        start = np.array([np.log(count), 0.0, seen.low, seen.scale])
        found = _descend(start, seen, noise, spread=None, steps=15)
        if best is None or found[1] < best[1]:
            best = found
    assert best is not None
    theta = best[0]
    if tilt:
        theta = np.r_[theta, np.zeros(seen.stimuli.shape[2])]
    theta, _, inverse, dispersion, spread = _descend(
        theta, seen, noise, spread=0.02 if tilt else None, steps=60
    )
    return CellFit(theta, inverse, dispersion, spread or 0.0, seen, noise)


def beliefs_before(seen: Seen, spread: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and precision of what is believed of each parameter before the trials.

    ``spread`` is that of tilts, None where they are not fitted.
    """
    size = 4 if spread is None else 4 + seen.stimuli.shape[2]
    mean, width = np.zeros(size), np.full(size, spread or 1.0)
    mean[:4], width[:4] = np.array(WEAK).T
    mean[[BASE, GAIN]] *= seen.scale
    width[[BASE, GAIN]] *= seen.scale
    mean[BASE] += seen.low
    return mean, width**-2.0


def _descend(theta: np.ndarray, seen: Seen, noise: str, spread: float | None, steps: int):
    """Take damped Gauss-Newton steps; return parameters, misfit, covariance, dispersion, spread."""
    damping, covariance, dispersion = 1e-3, np.eye(len(theta)), 1.0
    loss = np.inf
    for _ in range(steps):
        mean, _, J = slopes(theta, seen, spread is not None)
        weight = _weight(mean, noise)
        dispersion = float((weight * (seen.answers - mean) ** 2).mean())
        bend = (J.T * weight) @ J / dispersion
        pull = J.T @ (weight * (seen.answers - mean)) / dispersion
        if spread is not None:
            spread = _spread(theta, seen, bend, pull, spread)
        centre, precision = beliefs_before(seen, spread)
        curvature = bend + np.diag(precision)
        slope = pull - precision * (theta - centre)
        loss = _misfit(theta, seen, weight, dispersion, spread)
        step = None
        while damping < 1e9:
            step = np.linalg.solve(curvature + damping * np.diag(np.diag(curvature)), slope)
            new = theta + step
            sensible = new[GAIN] > 0 and 0 < new[COUNT] < 16
            if sensible and _misfit(new, seen, weight, dispersion, spread) <= loss:
                theta, damping = new, max(damping / 10, 1e-9)
                break
            damping *= 10
        covariance = np.linalg.pinv(curvature, hermitian=True)
        small = 1e-3 * np.maximum(np.diag(covariance), 1e-12)
        if damping >= 1e9 or step is None or np.all(step**2 < small):
            break
    return theta, loss, covariance, dispersion, spread


def _spread(theta: np.ndarray, seen: Seen, bend, pull, spread: float) -> float:
    """Return the deviation of tilts over inputs, by expectation and maximisation.

    On the quadratic that fits the likelihood here: what tilts are, and may still be.
    """
    for _ in range(100):
        centre, precision = beliefs_before(seen, spread)
        covariance = np.linalg.inv(bend + np.diag(precision))
        peak = covariance @ (bend @ theta + pull + precision * centre)
        new = ((peak[4:] ** 2).sum() + np.trace(covariance[4:, 4:])) / (len(theta) - 4)
        last, spread = spread, float(np.clip(new**0.5, 1e-3, 0.3))
        if abs(spread / last - 1) < 1e-3:
            break
    return spread


def _weight(mean: np.ndarray, noise: str) -> np.ndarray:
    return np.ones_like(mean) if noise == "constant" else 1 / np.maximum(mean, LEAST_MEAN)


def _misfit(theta, seen: Seen, weight, dispersion: float, spread: float | None) -> float:
    mean, _ = answer(theta, seen, spread is not None)
    centre, precision = beliefs_before(seen, spread)
    error = (weight * (seen.answers - mean) ** 2).sum() / dispersion
    return float(error + (precision * (theta - centre) ** 2).sum())
