"""Step 2, circuit: cells with synapses that count and thresholds that are priors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.activity import Activity
from sodachi.recordings.canon import Memory, blank, lived

#: The authors' prior count of a synapse (both outcomes), set by hand.
PRIOR_COUNT = 3000.0


@dataclass(frozen=True, eq=False)
class Circuit:
    """A canonical network, one cell an ensemble, whose synapses have counted what was recorded."""

    memory: Memory
    """Before each session and after the last: (sessions + 1, cells, inputs)."""
    prior: np.ndarray
    """D [cells]: the probability of each cell's state before anything is seen."""
    prior_count: np.ndarray
    """λ [cells], trials that a newborn synapse seems to have seen; 1/λ is its first rate."""

    @property
    def log_odds(self) -> np.ndarray:
        """Return φ₁ − φ₀ = ln D − ln(1 − D) [cells], what the prior adds to the threshold."""
        return np.log(self.prior) - np.log1p(-self.prior)

    @property
    def weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Return ``W₁ = logit A₁`` and ``W₀``, (sessions, cells, inputs), each before a session."""
        one, zero = self.memory.at(slice(0, -1)).likelihood
        return np.log(one) - np.log1p(-one), np.log(zero) - np.log1p(-zero)


def circuit(
    activity: Activity,
    *,
    prior_count: float | np.ndarray = PRIOR_COUNT,
    prior: np.ndarray | None = None,
    calibration: int = 10,
) -> Circuit:
    """Return the circuit whose synapses counted this activity from nothing known (A = ½).

    ``n(o | s = 1) += x oᵀ``, ``W₁ = logit(n(o = 1 | s = 1) / n(s = 1))``.

    Parameters
    ----------
    prior_count
        λ, one number or one a cell.
    prior
        D [cells]; the mean activity over the calibration sessions when None, as published.

    Raises
    ------
    DataError
        Activity outside [0, 1] (normalise it, or fit it), a λ or prior that cannot be.
    """
    x = activity.values
    if not ((x >= 0) & (x <= 1)).all():
        found = f"{x.min():.3g} to {x.max():.3g}"
        raise DataError("activity", "values in [0, 1], as normalised", found)
    count = np.broadcast_to(np.asarray(prior_count, np.float64), len(x)).copy()
    if not (count > 0).all():
        raise DataError("prior_count", "above 0", count.min())
    if prior is None:
        prior = x[:, : calibration * activity.length].mean(1)
    prior = np.asarray(prior, np.float64)
    if prior.shape != (len(x),) or not ((prior > 0) & (prior < 1)).all():
        raise DataError("prior", f"{len(x)} probabilities inside (0, 1)", prior)
    start = blank(count, activity.stimuli.shape[1])
    return Circuit(lived(start, x, activity.stimuli, activity.length), prior, count)
