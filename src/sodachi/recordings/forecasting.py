"""Step 6, predicted learning: what the culture will answer and know, from its first sessions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.activity import Activity
from sodachi.recordings.canon import Memory, believe, live
from sodachi.recordings.cell import ODDS, answer, remembered
from sodachi.recordings.fitting import Fit
from sodachi.recordings.intervals import unidentified

#: Directions in which the early sessions say nothing leave a forecast to chance.
STRICT = "only of what the early sessions identify (strict=False forecasts it all the same)"


@dataclass(frozen=True, eq=False)
class Forecast:
    """Predicted answers and counts; the first sessions are fitted, the others free."""

    responses: np.ndarray
    """[cells, trials]: until ``sessions`` from what was answered before, then unseen."""
    frozen: np.ndarray
    """The same with weights that stay as they were after the fitted sessions: no plasticity."""
    memory: Memory
    """Before each session and after the last: (sessions + 1, cells, inputs)."""
    sessions: int
    fit: Fit


def forecast(fit: Fit, *, strict: bool = True) -> Forecast:
    """Return what a fit of the first sessions says of all that follow, stimuli given.

    From the end of the fitted sessions the cells run freely: each believes what its own counts
    say, and counts what it itself believes. No later answer is used.

    Parameters
    ----------
    strict
        Refuse where a cell's learning rate, prior, or base and gain could not be identified.

    Raises
    ------
    DataError
        With ``strict``, a fit that is not identifiable: it says of which cell, and what.
    """
    vague = unidentified(fit)
    if strict and vague:
        said = "; ".join(f"cell {k}: {', '.join(names)}" for k, names in vague.items())
        raise DataError(
            f"{fit.activity.recording.name}: forecast", STRICT, f"not identified: {said}"
        )
    activity, block = fit.activity, fit.block
    first = fit.sessions * activity.length
    log_odds = np.array([cell.theta[ODDS] for cell in fit.cells])
    every = activity.length // block
    pasts = [remembered(cell.theta, cell.seen, len(cell.theta) > 4) for cell in fit.cells]
    past = Memory(*(np.stack(part, 1) for part in zip(*pasts, strict=True)))
    unseen = activity.stimuli[first:]
    x, future = live(past.at(-1), unseen, log_odds, block)
    still = believe(past.at(-1), unseen, log_odds)
    base, gain = fit.base[:, None], fit.gain[:, None]
    fitted = np.stack([answer(c.theta, c.seen, len(c.theta) > 4)[0] for c in fit.cells])
    parts = (np.concatenate([a[:-1:every], b[::every]]) for a, b in zip(past, future, strict=True))
    return Forecast(
        np.concatenate([fitted, base + gain * x], 1),
        np.concatenate([fitted, base + gain * still], 1),
        Memory(*parts),
        fit.sessions,
        fit,
    )


def nulls(activity: Activity, sessions: int, strength: float = 10.0) -> dict[str, np.ndarray]:
    """Return forecasts [cells, trials] that know no theory, from the same first sessions.

    ``constant``: the mean. ``ridge``: linear in the stimuli, ``‖y − Bo − c‖² + strength ‖B‖²``.
    ``same trial``: where every session shows the same stimuli in the same order (as in vitro), the
    mean of what was answered to them.
    """
    trials = sessions * activity.length
    y, o = activity.values, activity.stimuli
    found = {"constant": np.repeat(y[:, :trials].mean(1, keepdims=True), y.shape[1], 1)}
    centre = o[:trials].mean(0)
    design = o[:trials] - centre
    mean = y[:, :trials].mean(1, keepdims=True)
    bend = design.T @ design + strength * np.eye(o.shape[1])
    weights = np.linalg.solve(bend, design.T @ (y[:, :trials] - mean).T)
    found["ridge"] = mean + ((o - centre) @ weights).T
    length = activity.length
    if (o.reshape(-1, length, o.shape[1]) == o[:length]).all():
        seen = y[:, :trials].reshape(len(y), sessions, length).mean(1)
        found["same trial"] = np.tile(seen, activity.sessions)
    return found


def squared_error(activity: Activity, predicted: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return the mean squared error of cells [cells, sessions] in sessions first to last − 1."""
    part = slice(first * activity.length, last * activity.length)
    wrong = (activity.values[:, part] - predicted[:, part]) ** 2
    return wrong.reshape(len(wrong), last - first, activity.length).mean(2)


def weight_error(predicted: Memory, observed: Memory) -> np.ndarray:
    r"""Return ``‖Â − A‖² / ‖A‖²`` over all likelihoods of all cells, for each leading entry.

    The published measure of a forecast of synapses: A = σ(W), both states together.
    """
    ours = np.concatenate(predicted.likelihood, -1)
    other = np.concatenate(observed.likelihood, -1)
    axes = tuple(range(ours.ndim))[-2:]
    return ((ours - other) ** 2).sum(axes) / (other**2).sum(axes)
