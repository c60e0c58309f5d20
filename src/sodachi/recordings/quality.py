"""Which units and sessions can be trusted: each that cannot is set aside by name, with a reason."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.recording import Recording

#: Names shown in a note; a recording may have thousands of bad channels.
SHOWN = 8


class Quality(NamedTuple):
    """Units that may be used (indices), and what is wrong with the others, by unit name."""

    kept: np.ndarray
    reasons: dict[str, str]

    def notes(self) -> tuple[str, ...]:
        """Return one line for each reason, with the units it concerns."""
        by_reason: dict[str, list[str]] = {}
        for unit, reason in self.reasons.items():
            by_reason.setdefault(reason, []).append(unit)
        return tuple(f"{_units(names)} set aside: {why}" for why, names in by_reason.items())


def examine(recording: Recording, *, dead: float = 0.01, saturated: float = 0.5) -> Quality:
    """Return which units can be used; see `clean`.

    Parameters
    ----------
    dead
        Units with a mean response below this are dead.
    saturated
        Units at their own maximum in more than this share of trials are saturated (an amplifier
        at its rail, a counter that overflows); so are units that never change.

    Examples
    --------
    >>> counts = np.random.default_rng(0).poisson(3.0, (200, 4)).astype(float)
    >>> counts[:, 1] = 0
    >>> counts[3, 2] = np.nan
    >>> found = examine(Recording(counts, np.ones((200, 1))))
    >>> found.kept.tolist(), found.notes()
    ([0, 3], ('unit 1 set aside: dead', 'unit 2 set aside: missing values'))
    """
    r = recording.responses
    reasons = {}
    for k, unit in enumerate(recording.units):
        reason = _wrong(r[:, k], recording.kind, dead, saturated)
        if reason:
            reasons[unit] = reason
    kept = [k for k, unit in enumerate(recording.units) if unit not in reasons]
    return Quality(np.array(kept, int), reasons)


def _wrong(r: np.ndarray, kind: str, dead: float, saturated: float) -> str:
    if not np.isfinite(r).all():
        return "missing values"
    if (r < 0).any():
        return "negative responses"
    if kind == "counts" and (r != np.round(r)).any():
        return "counts that are not integers (are they rates? then kind='rates')"
    if r.mean() < dead:
        return "dead"
    if r.std() == 0 or (r == r.max()).mean() > saturated:
        return "saturated"
    return ""


def clean(recording: Recording, *, dead: float = 0.01, saturated: float = 0.5) -> Recording:
    """Return the recording without bad units and without sessions of an unusual length.

    What is set aside stands in ``notes``. The usual length is the most frequent one; a session of
    another length was cut short, or is two.

    Raises
    ------
    DataError
        No unit is left, or the usual length is that of fewer than half of the sessions.

    Examples
    --------
    >>> counts = np.random.default_rng(0).poisson(3.0, (25, 4))
    >>> sessions = np.repeat([0, 1, 2], [10, 10, 5])
    >>> clean(Recording(counts, np.ones((25, 1)), sessions=sessions)).notes
    ('session 2 set aside: 5 trials, where 10 are usual',)
    """
    lengths = recording.lengths
    values, frequency = np.unique(lengths, return_counts=True)
    usual = int(values[np.argmax(frequency)])
    if 2 * frequency.max() < len(lengths):
        found = f"lengths from {lengths.min()} to {lengths.max()}"
        raise DataError(f"{recording.name}: sessions", "mostly of one length", found)
    odd = np.flatnonzero(lengths != usual)
    notes = tuple(
        f"session {k} set aside: {lengths[k]} trials, where {usual} are usual" for k in odd
    )
    regular = recording
    if len(odd):
        regular = recording.select(
            trials=~np.isin(np.asarray(recording.sessions), odd), notes=notes
        )
    quality = examine(regular, dead=dead, saturated=saturated)
    if not len(quality.kept):
        reasons = "; ".join(quality.notes())
        raise DataError(f"{recording.name}: units", "at least one that can be used", reasons)
    return regular.select(units=quality.kept, notes=quality.notes()) if quality.reasons else regular


def _units(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"unit{'s' if len(names) > 1 else ''} {', '.join(names[:SHOWN])}{more}"
