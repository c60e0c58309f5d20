"""All six steps, from a recording to a forecast, each an object that can be looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.activity import Activity, activity
from sodachi.recordings.circuit import Circuit, circuit
from sodachi.recordings.cost import Cost, cost
from sodachi.recordings.fitting import Fit, fit
from sodachi.recordings.forecasting import Forecast, forecast, nulls, squared_error
from sodachi.recordings.generative import GenerativeModel, free_energy, generative_model
from sodachi.recordings.intervals import unidentified
from sodachi.recordings.plasticity import Plasticity, plasticity
from sodachi.recordings.quality import clean
from sodachi.recordings.recording import Recording

#: Sessions at the end that a forecast is judged on.
LAST = 10


@dataclass(frozen=True, eq=False)
class Reversal:
    """A recording read as a canonical network, step by step, and a forecast with its nulls."""

    activity: Activity
    """Step 1: what each ensemble did."""
    circuit: Circuit
    """Step 2: cells, synapses that counted it, thresholds. λ is that of the early fit."""
    cost: Cost
    """Step 3: the neural cost of each session and its slopes."""
    model: GenerativeModel
    """Step 4: A and D, as the circuit believes them."""
    free_energy: np.ndarray
    """Step 4: the variational free energy of each session; equal to the cost."""
    plasticity: Plasticity | None
    """Step 5: changes of synapses beside those that rules predict; None with few sessions."""
    forecast: Forecast
    """Step 6: learning and answers predicted from the first sessions."""
    errors: dict[str, float]
    """Mean squared error of the last sessions, forecast and nulls."""
    whole: Fit
    """The same network fitted on all sessions: what there was to find."""
    vague: dict[int, tuple[str, ...]]
    """What the early sessions could not identify, by cell: then the forecast is a guess."""

    @property
    def beliefs(self) -> np.ndarray:
        """Activity on the scale of beliefs [cells, trials], in [0, 1]."""
        return believed(self.activity, self.whole).values


def reverse(
    recording: Recording,
    *,
    normalisation: str = "causal",
    early: int = 10,
    sources: int | None = None,
    baseline: float | None = None,
) -> Reversal:
    """Clean a recording, take the six steps, and forecast it from its early sessions.

    Parameters
    ----------
    normalisation
        ``"causal"``, ``"look-ahead"`` (as published) or ``"none"``; see `activity`.
    early
        Sessions to calibrate and fit on; the rest is forecast.
    sources, baseline
        See `activity`.

    Raises
    ------
    DataError
        What `clean`, `activity` and `fit` refuse; fewer than two sessions to fit or one to
        forecast.

    Examples
    --------
    >>> from sodachi.recordings import simulate_culture
    >>> culture, truth = simulate_culture(units=32, sessions=20, inputs=8)
    >>> found = reverse(culture, normalisation="none", early=8)
    >>> bool(found.errors["forecast"] < found.errors["frozen"])
    True
    """
    regular = clean(recording)
    sessions, _, _ = regular.shape
    if not 2 <= early < sessions:
        expected = f"2 to {sessions - 1}, so that there is something to forecast"
        raise DataError(f"{recording.name}: early sessions", expected, early)
    done = activity(regular, normalisation=normalisation, calibration=early, sources=sources,
                    baseline=baseline)  # fmt: skip
    # Normalised activity has no first session to compare weights within: a session is a block.
    block = None if normalisation == "none" else done.length
    first = fit(done, sessions=early, block=block)
    whole = fit(done, block=block)
    ahead = forecast(first, strict=False)
    scaled = believed(done, whole)
    made = circuit(scaled, prior_count=first.prior_count, prior=first.prior)
    model = generative_model(made)
    window = max(1, sessions // 20)
    changes = None
    if sessions // window >= 3:
        changes = plasticity(scaled, window=window, prior_count=first.prior_count)
    begin = max(early, sessions - LAST)
    predictions = {"forecast": ahead.responses, "frozen": ahead.frozen} | nulls(done, early)
    errors = {
        name: float(squared_error(done, predicted, begin, sessions).mean())
        for name, predicted in predictions.items()
    }
    return Reversal(done, made, cost(scaled, made), model, free_energy(scaled, model), changes,
                    ahead, errors, whole, unidentified(first))  # fmt: skip


def believed(done: Activity, whole: Fit) -> Activity:
    """Return activity on the scale of beliefs: as normalised, or by the fitted base and gain."""
    if done.normalisation != "none":
        return done
    values = (done.values - whole.base[:, None]) / whole.gain[:, None]
    return replace(done, values=np.clip(values, 0.0, 1.0))
