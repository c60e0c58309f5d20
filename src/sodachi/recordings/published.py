"""The published analysis, constant for constant, as a reference to compare with.

Isomura, Kotani, Jimbo and Friston (2023): look-ahead normalisation, λ = 3000, counts of the first
ten sessions doubled for the forecast. Written from the paper's equations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sodachi.recordings.activity import Activity, activity
from sodachi.recordings.canon import Memory, believe, live
from sodachi.recordings.circuit import PRIOR_COUNT, Circuit, circuit
from sodachi.recordings.cost import Cost, cost
from sodachi.recordings.recording import Recording

GAIN = 2.0
SEEN = 10


class Published(NamedTuple):
    """What the published analysis makes of one culture."""

    activity: Activity
    circuit: Circuit
    cost: Cost
    forecast: np.ndarray
    """Predicted activity [cells, trials]: the first ten sessions from the recorded ones."""
    memory: Memory
    """Predicted, before each session and after the last: (sessions + 1, cells, inputs)."""


def published(recording: Recording, baseline: float | None = None) -> Published:
    """Return the published analysis of a recording with two sources; see `activity`.

    Parameters
    ----------
    baseline
        Of excitability, from all cultures of a kind: see `common_baseline`.
    """
    return analyse(activity(recording, normalisation="look-ahead", baseline=baseline))


def analyse(
    done: Activity, *, prior_count: float = PRIOR_COUNT, gain: float = GAIN, seen: int = SEEN
) -> Published:
    """Return the published analysis of activity that is normalised already.

    ``gain`` multiplies the counts of the first ``seen`` sessions where the forecast begins.
    """
    found = circuit(done, prior_count=prior_count, calibration=seen)
    length = done.length
    start = Memory(*(gain * part for part in found.memory.at(seen)))
    x, after = live(start, done.stimuli[seen * length :], found.log_odds, length)
    before = [
        believe(found.memory.at(k), done.stimuli[k * length : (k + 1) * length], found.log_odds)
        for k in range(seen)
    ]
    parts = (np.concatenate([a[:seen], b]) for a, b in zip(found.memory, after, strict=True))
    forecast = np.concatenate([*before, x], 1)
    return Published(done, found, cost(done, found, epsilon=1e-6), forecast, Memory(*parts))


def common_baseline(recordings: Sequence[Recording], sessions: int = SEEN) -> float:
    """Return the excitability of several cultures: the mean response of their ensembles.

    The mean over ensembles and the first sessions, then over cultures; ensembles are chosen by all
    sessions, as published.
    """
    found = []
    for recording in recordings:
        done = activity(recording, normalisation="look-ahead")
        length = done.length * sessions
        units = done.ensembles.units
        found.append(np.mean([recording.responses[:length, u].mean() for u in units]))
    return float(np.mean(found))
