"""A recording: what a culture was shown and how it answered, trial by trial, in sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sodachi.errors import DataError

KINDS = ("counts", "rates")


@dataclass(frozen=True, eq=False)
class Recording:
    """Responses of units to binary stimuli in sessions of equally many trials.

    Parameters
    ----------
    responses
        [trials, units], spike counts (``kind="counts"``) or any other non-negative responses
        (``"rates"``).
    stimuli
        [trials, inputs], 0 or 1.
    sources
        [trials, sources], 0 or 1: the hidden causes of the stimuli, where the experimenter knows
        them.
    sessions
        The session of each trial [trials] in the order of time, or the number of trials of each
        session; None for one session.
    units, inputs
        Names; numbers where not given.
    name
        Of the culture, for errors and titles.
    kind
        ``"counts"`` or ``"rates"``.
    notes
        What was set aside on the way here, and why.

    Raises
    ------
    DataError
        Arrays of other shapes, a stimulus or source that is not 0 or 1, sessions that are not one
        after another, names that do not fit.

    Examples
    --------
    >>> culture = Recording(np.ones((6, 3)), np.eye(2)[[0, 1] * 3], sessions=2)
    >>> culture.trials, culture.lengths.tolist(), culture.shape
    (6, [2, 2, 2], (3, 2, 3))
    """

    responses: np.ndarray
    stimuli: np.ndarray
    sources: np.ndarray | None = None
    sessions: np.ndarray | int | None = None
    units: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    name: str = "recording"
    kind: str = "counts"
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self):
        if self.kind not in KINDS:
            raise DataError("kind", f"one of {KINDS}", self.kind)
        responses = _table(f"{self.name}: responses", self.responses)
        trials = len(responses)
        stimuli = _binary(f"{self.name}: stimuli", self.stimuli, trials)
        sources = self.sources
        if sources is not None:
            sources = _binary(f"{self.name}: sources", sources, trials)
        names = {
            "units": _names(f"{self.name}: units", self.units, responses.shape[1]),
            "inputs": _names(f"{self.name}: inputs", self.inputs, stimuli.shape[1]),
        }
        sessions = _sessions(f"{self.name}: sessions", self.sessions, trials)
        checked = {"responses": responses, "stimuli": stimuli, "sources": sources}
        for key, value in (checked | names | {"sessions": sessions}).items():
            object.__setattr__(self, key, value)

    @property
    def trials(self) -> int:
        """How many trials there are in all."""
        return len(self.responses)

    @property
    def lengths(self) -> np.ndarray:
        """Trials of each session, in the order of time."""
        return np.bincount(np.asarray(self.sessions))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Sessions, trials of a session, units; `DataError` where sessions are ragged."""
        lengths = self.lengths
        if len(set(lengths.tolist())) > 1:
            found = f"from {lengths.min()} to {lengths.max()}"
            raise DataError(f"{self.name}: sessions", "equally many trials in each", found)
        return len(lengths), int(lengths[0]), self.responses.shape[1]

    def select(self, units=None, trials=None, notes: Sequence[str] = ()) -> Recording:
        """Return the recording of some units (indices) and trials (a mask), with notes added."""
        kept = np.arange(self.responses.shape[1]) if units is None else np.asarray(units)
        rows = np.ones(self.trials, bool) if trials is None else np.asarray(trials)
        _, sessions = np.unique(np.asarray(self.sessions)[rows], return_inverse=True)
        return replace(
            self,
            responses=self.responses[rows][:, kept],
            stimuli=self.stimuli[rows],
            sources=None if self.sources is None else self.sources[rows],
            sessions=sessions,
            units=tuple(self.units[k] for k in kept),
            notes=(*self.notes, *notes),
        )


def _table(field: str, values) -> np.ndarray:
    try:
        found = np.array(values, np.float64)  # a copy: callers may reuse their buffers
    except (TypeError, ValueError) as error:
        raise DataError(field, "numbers [trials, columns]", error) from error
    if found.ndim != 2 or 0 in found.shape:
        raise DataError(field, "numbers [trials, columns]", f"shape {found.shape}")
    return found


def _binary(field: str, values, trials: int) -> np.ndarray:
    found = _table(field, values)
    if len(found) != trials:
        raise DataError(field, f"a row for each of {trials} trials", f"{len(found)} rows")
    wrong = ~np.isin(found, (0, 1))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        place = f"{found[row, column]:g} in trial {row}, column {column}"
        raise DataError(field, "0 or 1", place)
    return found


def _names(field: str, names: Sequence[str], count: int) -> tuple[str, ...]:
    if len(names) not in (0, count):
        raise DataError(field, f"{count} names, or none", f"{len(names)} names")
    return tuple(str(name) for name in names) or tuple(str(k) for k in range(count))


def _sessions(field: str, sessions, trials: int) -> np.ndarray:
    if sessions is None:
        return np.zeros(trials, int)
    if np.ndim(sessions) == 0:
        length = int(sessions)
        if length < 1 or trials % length:
            raise DataError(field, f"a divisor of {trials} trials", sessions)
        return np.repeat(np.arange(trials // length), length)
    found = np.asarray(sessions)
    if found.shape != (trials,) or not np.isfinite(found.astype(float)).all():
        raise DataError(field, f"a number for each of {trials} trials", f"shape {found.shape}")
    if (np.diff(found) < 0).any():
        where = int(np.argmax(np.diff(found) < 0)) + 1
        raise DataError(field, "one after another in time", f"trial {where} goes back")
    return np.unique(found, return_inverse=True)[1]
