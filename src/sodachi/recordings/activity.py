"""Step 1, activity: what each ensemble does in each trial, on a scale that beliefs can have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.ensembles import Criteria, Ensembles, find_ensembles
from sodachi.recordings.recording import Recording
from sodachi.recordings.sources import known_sources

#: ``causal``: scaled by what was seen until then; ``look-ahead``: as published, by the whole
#: recording; ``none``: mean responses as they are.
NORMALISATIONS = ("causal", "look-ahead", "none")
#: Trials of a state in a session that make its mean worth subtracting.
ENOUGH = 8


@dataclass(frozen=True, eq=False)
class Activity:
    """Ensemble activity [ensembles, trials] with all it was made from."""

    values: np.ndarray
    stimuli: np.ndarray
    sources: np.ndarray
    ensembles: Ensembles
    recording: Recording
    normalisation: str
    inferred: bool
    calibration: int
    """Sessions that scales and ensembles were judged on; all of them with look-ahead."""
    baseline: float

    @property
    def sessions(self) -> int:
        """How many sessions there are."""
        return self.recording.shape[0]

    @property
    def length(self) -> int:
        """Trials of a session."""
        return self.recording.shape[1]


def activity(
    recording: Recording,
    *,
    normalisation: str = "causal",
    calibration: int = 10,
    criteria: Criteria = Criteria(),  # noqa: B008 (immutable)
    sources: int | None = None,
    baseline: float | None = None,
    ensembles: Ensembles | None = None,
) -> Activity:
    r"""Return the activity of ensembles that each prefer one source.

    With r the mean response of an ensemble: subtract its mean in the first session with the same
    source state (what stimuli evoke before anything is learned) and the trend of its session means;
    scale to mean 0 and deviation 1, z; then

    .. math:: x = \operatorname{clip}(½ + z/2 + (\bar r_1 − b)/(4b), 0, 1)

    with the first session's mean and a baseline b of excitability. ``causal``: ensembles, mean and
    deviation are those of the calibration sessions, the trend that of the session before.
    ``look-ahead`` (as published): ensembles, mean, deviation and trend are those of all sessions,
    the present one included, so that a forecast from early sessions has seen the rest. ``none``:
    x is r, with causal ensembles.

    Parameters
    ----------
    calibration
        Sessions to judge ensembles and scales on, unless looking ahead.
    criteria
        For units; see `Criteria`.
    sources
        How many sources to infer where the recording has none; judged when None.
    baseline
        b; the mean of the ensembles over the calibration sessions when None. The authors take it
        over all cultures of a kind.
    ensembles
        Found elsewhere; by the criteria when None.

    Raises
    ------
    DataError
        An unknown normalisation, fewer sessions than are needed, an ensemble that is empty or
        never changes, or sources that cannot be told apart.

    References
    ----------
    Isomura, Kotani, Jimbo and Friston (2023), Nature Communications 14, 4547.
    """
    if normalisation not in NORMALISATIONS:
        raise DataError("normalisation", f"one of {NORMALISATIONS}", normalisation)
    sessions, length, _ = recording.shape
    if not 1 <= calibration <= sessions:
        raise DataError("calibration", f"1 to {sessions} sessions", calibration)
    states, inferred = known_sources(recording, sources)
    seen = sessions if normalisation == "look-ahead" else calibration
    chosen = ensembles or find_ensembles(recording, states, criteria, seen)
    r = np.stack([recording.responses[:, units].mean(1) for units in chosen.units])
    means = r.reshape(len(r), sessions, length).mean(2)
    if baseline is None:
        baseline = float(means[:, :calibration].mean())
    values = r
    if normalisation != "none":
        values = r - evoked(r[:, :length], states[:length], states)
        trend = means if normalisation == "look-ahead" else np.roll(means, 1, 1)
        trend[:, 0] = means[:, 0]
        values -= np.repeat(trend - means[:, :1], length, 1)
        values = _scaled(values, seen * length, recording.name)
        values = 0.5 + values / 2 + (means[:, :1] - baseline) / baseline / 4
        values = np.clip(values, 0.0, 1.0)
    return Activity(values, recording.stimuli, states, chosen, recording, normalisation,
                    inferred, seen, baseline)  # fmt: skip


def evoked(first: np.ndarray, states: np.ndarray, everywhere: np.ndarray) -> np.ndarray:
    """Return what stimuli evoked in the first session [ensembles, trials], for all trials.

    Means for each state of the sources where a session shows each often enough; otherwise the
    linear prediction from the sources one by one.
    """
    number = states.shape[1]
    codes = 2 ** np.arange(number)[::-1]
    if 2**number * ENOUGH <= len(states):
        place, wanted = states @ codes, everywhere @ codes
        seen = np.bincount(place.astype(int), minlength=2**number)
        if (seen > 0).all():
            means = np.stack([first[:, place == k].mean(1) for k in range(2**number)], 1)
            return means[:, wanted.astype(int)]
    design = np.c_[np.ones(len(states)), states]
    weights, *_ = np.linalg.lstsq(design, first.T, rcond=None)
    return (np.c_[np.ones(len(everywhere)), everywhere] @ weights).T


def _scaled(values: np.ndarray, trials: int, name: str) -> np.ndarray:
    spread = values[:, :trials].std(1, ddof=1, keepdims=True)
    if not (spread > 0).all():
        where = f"ensemble {int(np.argmin(spread))} does not"
        raise DataError(f"{name}: activity", "ensembles that change from trial to trial", where)
    return (values - values[:, :trials].mean(1, keepdims=True)) / spread
