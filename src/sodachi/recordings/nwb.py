"""NWB files by pynwb: spike times of units, and trials whose columns are stimuli and sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.events import count_spikes


def read_nwb(path: Path, window: tuple[float, float] | None = None) -> dict[str, Any]:
    """Return the named arrays of an NWB file: ``/units`` counted in ``/intervals/trials``.

    The trials need a column of stimuli (one array a trial, or one column an input), and may have
    columns of sources and of the session; names as in `sodachi.recordings.fields`.

    Raises
    ------
    DataError
        pynwb is missing, the file is none of NWB's, or it has no units or no trials.
    """
    try:
        from pynwb import NWBHDF5IO
    except ImportError as error:
        expected = "pynwb for NWB files: pip install 'sodachi[recordings]'"
        raise DataError(path.name, expected, error) from error
    try:
        with NWBHDF5IO(path=str(path), mode="r") as io:
            return _content(io.read(), path.name, window)
    except (OSError, KeyError, TypeError) as error:
        raise DataError(path.name, "an NWB file", error) from error


def _content(file, name: str, window) -> dict[str, Any]:
    units, trials = file.units, file.trials
    if units is None or not len(units) or "spike_times" not in units.colnames:
        found = "none" if units is None or not len(units) else "units without spike_times"
        raise DataError(f"{name}: units", "units with spike times", found)
    if trials is None or not len(trials):
        raise DataError(f"{name}: trials", "a table of trials", "none")
    times = [np.asarray(units["spike_times"][k]) for k in range(len(units))]
    starts, stops = np.asarray(trials["start_time"][:]), np.asarray(trials["stop_time"][:])
    columns = {
        column: np.array([np.asarray(trials[column][k]) for k in range(len(trials))])
        for column in trials.colnames
        if column not in ("start_time", "stop_time", "responses", "counts")
        and _same_shape(trials[column])
    }
    return {"responses": count_spikes(times, starts, stops, window)} | columns


def _same_shape(column) -> bool:
    """Ragged columns (of tags, say) are none of ours."""
    return len({np.shape(column[k]) for k in range(len(column))}) == 1
