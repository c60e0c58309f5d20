"""Neo, and with it the files of most vendors: spike trains, and epochs that are trials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.events import count_spikes
from sodachi.recordings.fields import role
from sodachi.recordings.recording import Recording


def from_neo(
    block: Any,
    *,
    trials: int | None = None,
    window: tuple[float, float] | None = None,
    name: str = "neo",
) -> Recording:
    """Return the recording of a Neo block: a segment a session, an epoch of which a trial.

    Stimuli and sources are the epochs' array annotations, by the names of
    `sodachi.recordings.fields`. Spike trains are matched by their place, and there must be as many
    in each segment.

    Raises
    ------
    DataError
        No spike trains, no epochs with stimuli, or segments of different units.
    """
    from sodachi.recordings.fields import recording

    parts = [_segment(segment, f"{name}: segment {k}", window)
             for k, segment in enumerate(block.segments)]  # fmt: skip
    if not parts:
        raise DataError(name, "segments", "none")
    units = {part["responses"].shape[1] for part in parts}
    if len(units) > 1:
        raise DataError(f"{name}: units", "as many in each segment", sorted(units))
    sessions = np.repeat(np.arange(len(parts)), [len(part["responses"]) for part in parts])
    keys = set.intersection(*(set(part) for part in parts))
    columns = {key: np.concatenate([part[key] for part in parts]) for key in sorted(keys)}
    if len(parts) > 1:
        columns["sessions"] = sessions
    return recording(columns, name, trials=trials)


def read_neo(path: Path, window: tuple[float, float] | None = None, trials: int | None = None):
    """Return the recording in the first block of any file that Neo can read."""
    try:
        from neo.io import get_io
    except ImportError as error:
        expected = "neo for this kind of file: pip install 'sodachi[recordings]'"
        raise DataError(path.name, expected, error) from error
    try:
        blocks = get_io(str(path)).read()
    except Exception as error:  # each format has errors of its own
        raise DataError(path.name, "a file that Neo can read", error) from error
    if not blocks:
        raise DataError(path.name, "a block", "none")
    return from_neo(blocks[0], trials=trials, window=window, name=path.stem)


def _segment(segment: Any, name: str, window) -> dict[str, np.ndarray]:
    if not len(segment.spiketrains):
        raise DataError(f"{name}: units", "spike trains", "none")
    times = [np.asarray(train.rescale("s").magnitude) for train in segment.spiketrains]
    for epoch in segment.epochs:
        notes = {k: np.asarray(v) for k, v in epoch.array_annotations.items() if role(str(k))}
        if any(role(key) == "stimuli" for key in notes):
            starts = np.asarray(epoch.times.rescale("s").magnitude)
            stops = starts + np.asarray(epoch.durations.rescale("s").magnitude)
            return {"responses": count_spikes(times, starts, stops, window)} | notes
    raise DataError(f"{name}: trials", "epochs annotated with stimuli", "none")
