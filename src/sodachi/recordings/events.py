"""Spike times and trials, as NWB and Neo have them, become counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sodachi.errors import DataError


def count_spikes(
    times: Sequence[np.ndarray],
    starts: np.ndarray,
    stops: np.ndarray,
    window: tuple[float, float] | None = None,
) -> np.ndarray:
    """Return spikes in each trial [trials, units], in [start, stop), or in a window after start.

    Parameters
    ----------
    times
        Of each unit, in seconds.
    starts, stops
        Of each trial [trials], in seconds.
    window
        From and to, in seconds after the start; the whole trial when None.

    Raises
    ------
    DataError
        Trials that end before they start, or a window that does.

    Examples
    --------
    >>> count_spikes([np.array([0.1, 0.2, 1.5])], np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    array([[2.],
           [1.]])
    """
    starts, stops = np.asarray(starts, np.float64), np.asarray(stops, np.float64)
    if window is not None:
        starts, stops = starts + window[0], starts + window[1]
    if not (stops > starts).all():
        wrong = int(np.argmax(~(stops > starts)))
        raise DataError("trials", "each to end after it starts", f"trial {wrong} does not")
    counts = np.empty((len(starts), len(times)))
    for k, spikes in enumerate(times):
        ordered = np.sort(np.asarray(spikes, np.float64))
        first = np.searchsorted(ordered, starts, "left")
        counts[:, k] = np.searchsorted(ordered, stops, "left") - first
    return counts
