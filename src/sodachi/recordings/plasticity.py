"""Step 5, the learning rule: plasticity beside the free-energy gradient and other Hebbian rules.

Changes of effective synapses are measured by regression, on trials that the predictions never see:
to compare counts with counts would only compare a rule with itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from sodachi.errors import DataError
from sodachi.recordings.activity import Activity
from sodachi.recordings.canon import Memory, blank, lived
from sodachi.recordings.circuit import PRIOR_COUNT

#: Rules that predict a change, the theory's first.
RULES = ("gradient", "Hebb", "covariance", "Oja")
RIDGE = 1.0


@dataclass(frozen=True, eq=False)
class Plasticity:
    """Observed changes of synapses, and those that rules predict, (windows − 1, cells, inputs).

    Predictions are in the units of each rule: `agreement` asks for direction, not for size.
    """

    observed: np.ndarray
    predicted: dict[str, np.ndarray]

    def agreement(self, rule: str = "gradient") -> float:
        """Return the correlation (through 0) of observed and predicted changes."""
        return _cosine(self.observed, self.predicted[rule])

    def permuted(self, seed: int = 0, times: int = 1000) -> dict[str, np.ndarray]:
        """Return agreements of the gradient under two nulls [times].

        ``synapses``: each cell's inputs change places, the same in all windows. ``windows``: the
        windows of time change places.
        """
        rng = np.random.default_rng([seed, 43])
        theory = self.predicted["gradient"]
        windows, cells, inputs = theory.shape
        found = {"synapses": np.empty(times), "windows": np.empty(times)}
        for k in range(times):
            places = np.stack([rng.permutation(inputs) for _ in range(cells)])
            mixed = np.take_along_axis(theory, places[None], 2)
            found["synapses"][k] = _cosine(self.observed, mixed)
            found["windows"][k] = _cosine(self.observed, theory[rng.permutation(windows)])
        return found


def plasticity(
    activity: Activity, *, window: int = 10, prior_count: float | np.ndarray = PRIOR_COUNT
) -> Plasticity:
    r"""Return observed and predicted changes of synapses from window to window of sessions.

    Observed, on even trials: the difference of the ridge regressions of answers on stimuli in
    neighbouring windows. Predicted, on odd trials of the earlier window: minus the free-energy
    gradient, scaled to log odds by the counts,

    .. math:: ΔW_1 ∝ \frac{Σ_t x (o − A_1)}{n_1 A_1 (1 − A_1)}, \qquad
              Δ(W_1 − W_0) = ΔW_1 − ΔW_0,

    and the rivals: Hebb ``Σ x o``, covariance ``Σ (x − x̄)(o − ō)``, and Oja
    ``Σ x o − x² B`` with B the window's own regression on odd trials.

    Parameters
    ----------
    window
        Sessions of a window, 1 or more; at least three windows are needed.
    prior_count
        λ, one number or one a cell.

    Raises
    ------
    DataError
        Fewer than three windows.
    """
    windows = activity.sessions // window if window >= 1 else 0
    if windows < 3:
        raise DataError("window", f"3 or more windows in {activity.sessions} sessions", window)
    length = activity.length
    x = activity.values[:, : windows * window * length].reshape(-1, windows, window * length)
    o = activity.stimuli[: windows * window * length].reshape(windows, window * length, -1)
    even = [effective_weights(np.clip(x[:, k, ::2], 0, 1), o[k, ::2]) for k in range(windows)]
    observed = np.diff(np.stack(even), axis=0)
    believed = np.clip(x, 0, 1)
    counts = np.broadcast_to(np.asarray(prior_count, np.float64), len(x))
    memory = lived(
        blank(counts, o.shape[2]),
        believed[:, :, 1::2].reshape(len(x), -1),
        o[:, 1::2].reshape(-1, o.shape[2]),
        o[:, 1::2].shape[1],
    )
    parts: dict[str, list[np.ndarray]] = {rule: [] for rule in RULES}
    for k in range(windows - 1):
        odd, seen = believed[:, k, 1::2], o[k, 1::2]
        for rule, change in _changes(memory.at(k), odd, seen).items():
            parts[rule].append(change)
    return Plasticity(observed, {rule: np.stack(found) for rule, found in parts.items()})


def _changes(memory: Memory, x: np.ndarray, o: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each rule predicts from one window [cells, inputs]."""
    gradient = 0.0
    for sign, A, every, y in zip((1, -1), memory.likelihood, (memory.all_1, memory.all_0),
                                 (x, 1 - x), strict=True):  # fmt: skip
        downhill = y @ o - A * y.sum(1, keepdims=True)
        gradient = gradient + sign * downhill / (every * A * (1 - A))
    hebb = x @ o / len(o)
    centred = (x - x.mean(1, keepdims=True)) @ (o - o.mean(0)) / len(o)
    own = effective_weights(x, o)
    oja = hebb - (x**2).mean(1, keepdims=True) * own
    return dict(zip(RULES, (np.asarray(gradient), hebb, centred, oja), strict=True))


def effective_weights(x: np.ndarray, o: np.ndarray, strength: float = RIDGE) -> np.ndarray:
    """Return the weights W of ``x = σ(W·o + h)`` that explain beliefs best [cells, inputs].

    Logistic regression on beliefs in [0, 1], with penalty ½ strength ‖W‖², by Newton's method.

    Parameters
    ----------
    x
        [cells, trials]
    o
        [trials, inputs]
    """
    design = np.c_[o - o.mean(0), np.ones(len(o))]
    penalty = np.diag(np.r_[np.full(o.shape[1], strength), 0.0])
    found = np.zeros((len(x), design.shape[1]))
    for weights, y in zip(found, x, strict=True):
        for _ in range(25):
            expected = expit(design @ weights)
            bend = (design.T * (expected * (1 - expected) + 1e-6)) @ design + penalty
            step = np.linalg.solve(bend, design.T @ (y - expected) - penalty @ weights)
            weights += step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))
            if np.abs(step).max() < 1e-6:
                break
    return found[:, :-1]


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float((a * b).sum() / size) if size > 0 else 0.0
