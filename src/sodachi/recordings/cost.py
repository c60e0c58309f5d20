"""Step 3, the neural cost function: the integral of the circuit's own motion."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sodachi.recordings.activity import Activity
from sodachi.recordings.circuit import Circuit


class Cost(NamedTuple):
    """The cost of each session, and its downhill slopes in the synapses."""

    value: np.ndarray
    """L [sessions], summed over trials and cells, in nats."""
    slope_1: np.ndarray
    """−∂L/∂W₁ (sessions, cells, inputs): Σ x oᵀ − σ(W₁) Σ x."""
    slope_0: np.ndarray
    """−∂L/∂W₀ (sessions, cells, inputs): Σ (1 − x) oᵀ − σ(W₀) Σ (1 − x)."""


def cost(activity: Activity, circuit: Circuit, *, epsilon: float = 0.0) -> Cost:
    r"""Return L and its slopes session by session, weights held as they were at its start.

    .. math::
        L = \sum_t \binom{x}{\bar x}\cdot\Big\{\ln\binom{x}{\bar x} - \binom{W_1}{W_0} o
            - \binom{h_1}{h_0}\Big\}, \qquad h_k = \sum_j \ln(1 - σ(W_{kj})) + φ_k

    whose gradient in x is the motion of the cells, and in W that of the synapses.

    Parameters
    ----------
    epsilon
        Added inside ln x; the published code adds 1e-6. With 0, 0 ln 0 = 0.
    """
    sessions, length = activity.sessions, activity.length
    x = activity.values[:, : sessions * length].reshape(-1, sessions, length).swapaxes(0, 1)
    o = activity.stimuli[: sessions * length].reshape(sessions, length, -1)
    value = np.zeros(sessions)
    slopes = []
    priors = np.log(circuit.prior), np.log1p(-circuit.prior)
    for belief, w, prior in zip((x, 1 - x), circuit.weights, priors, strict=True):
        # Through softplus: ln(1 − σ(w)) stays finite where σ(w) rounds to 1.
        h = -np.logaddexp(0.0, w).sum(2) + prior
        heard = np.matmul(w, o.swapaxes(1, 2)) + h[..., None]
        value += (belief * (_log(belief, epsilon) - heard)).sum((1, 2))
        likely = 0.5 * (1 + np.tanh(w / 2))
        slopes.append(np.matmul(belief, o) - likely * belief.sum(2, keepdims=True))
    return Cost(value, *slopes)


def _log(x: np.ndarray, epsilon: float) -> np.ndarray:
    return np.log(x + epsilon if epsilon else np.where(x > 0, x, 1.0))
