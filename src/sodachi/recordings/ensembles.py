"""Ensembles: units that answer, always, and prefer one source to every other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.recording import Recording


class Criteria(NamedTuple):
    """When a unit belongs to an ensemble; defaults are those of Isomura et al. (2023).

    ``rate``: its mean response is above this. ``session_rate``: so is its mean in every session
    above this. ``preference``: its response to a source alone exceeds that to any other alone by
    more than this. All in responses a trial.
    """

    rate: float = 1.0
    session_rate: float = 0.1
    preference: float = 0.5


class Ensembles(NamedTuple):
    """Units (indices) of the ensemble of each source, and why other units belong to none."""

    units: tuple[np.ndarray, ...]
    preference: np.ndarray
    """[units, sources], response to a source alone minus that to the strongest other alone."""
    left_out: dict[str, int]


def preferences(recording: Recording, sources: np.ndarray, sessions: int | None = None):
    """Return how much each unit prefers each source [units, sources], over the first sessions.

    ``min_l mean(r | s_k = 1, s_l = 0) − mean(r | s_k = 0, s_l = 1)``, each averaged over sessions
    first. With one source it is ``mean(r | s = 1) − mean(r | s = 0)``.
    """
    count, length, units = recording.shape
    count = count if sessions is None else min(sessions, count)
    r = recording.responses[: count * length].reshape(count, length, units)
    s = np.asarray(sources)[: count * length].reshape(count, length, -1).astype(bool)
    number = s.shape[2]
    if number == 1:
        return (_mean(r, s[..., 0]) - _mean(r, ~s[..., 0]))[:, None]
    found = np.full((units, number), np.inf)
    for k in range(number):
        for other in range(k + 1, number):
            alone = _mean(r, s[..., k] & ~s[..., other]) - _mean(r, ~s[..., k] & s[..., other])
            found[:, k] = np.minimum(found[:, k], alone)
            found[:, other] = np.minimum(found[:, other], -alone)
    return found


def _mean(r: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the mean over sessions of the mean over chosen trials [units]."""
    trials = chosen.sum(1)
    if not trials.any():
        raise DataError("sources", "each to be on without another, at some time", "never")
    means = np.einsum("ktu,kt->ku", r, chosen.astype(float))[trials > 0] / trials[trials > 0, None]
    return means.mean(0)


def find_ensembles(
    recording: Recording,
    sources: np.ndarray,
    criteria: Criteria = Criteria(),  # noqa: B008 (immutable)
    sessions: int | None = None,
) -> Ensembles:
    """Return the ensemble of each source by the criteria, judged on the first sessions.

    Parameters
    ----------
    sessions
        How many sessions to look at; all of them when None, which looks ahead of a forecast.

    Raises
    ------
    DataError
        A source that no unit prefers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> s = rng.integers(0, 2, (400, 2))
    >>> counts = rng.poisson(1 + 3 * s[:, [0, 0, 1, 1]])
    >>> found = find_ensembles(Recording(counts, s, s, sessions=100), s)
    >>> [units.tolist() for units in found.units]
    [[0, 1], [2, 3]]
    """
    count, length, units = recording.shape
    count = count if sessions is None else min(sessions, count)
    means = recording.responses[: count * length].reshape(count, length, units).mean(1)
    prefer = preferences(recording, sources, count)
    slow = means.mean(0) <= criteria.rate
    silent = ~slow & (means.min(0) <= criteria.session_rate)
    able = ~slow & ~silent
    chosen = [np.flatnonzero(able & (column > criteria.preference)) for column in prefer.T]
    empty = [k for k, found in enumerate(chosen) if not len(found)]
    if empty:
        where = f"none of {able.sum()} units that answer prefers source {empty[0]}"
        raise DataError(f"{recording.name}: ensembles", "units that prefer each source", where)
    used = sum(len(found) for found in chosen)
    left_out = {
        f"mean response at most {criteria.rate:g}": int(slow.sum()),
        f"a session with at most {criteria.session_rate:g}": int(silent.sum()),
        f"no source preferred by {criteria.preference:g}": int(able.sum()) - used,
    }
    return Ensembles(tuple(chosen), prefer, left_out)
