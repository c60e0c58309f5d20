"""Step 4, the generative model and its free energy: what the circuit's cost says it believes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from sodachi.recordings.activity import Activity
from sodachi.recordings.circuit import Circuit


class GenerativeModel(NamedTuple):
    """A partially observed world as the circuit believes it to be: binary states, A and D.

    ``A`` (sessions + 1, cells, inputs, 2): Q(o = 1 | s) with s = 1 first, before each session and
    after the last. ``D`` (cells, 2): Q(s). ``counts`` (sessions + 1, cells, inputs, 2, 2):
    Dirichlet counts by outcome (o = 1 first) and state.
    """

    A: np.ndarray
    D: np.ndarray
    counts: np.ndarray


def generative_model(circuit: Circuit) -> GenerativeModel:
    """Read the circuit as a generative model: counts are beliefs about A, thresholds about D."""
    m = circuit.memory
    on = np.stack(np.broadcast_arrays(m.on_1, m.on_0), -1)
    every = np.stack([np.broadcast_to(a, m.on_1.shape) for a in (m.all_1, m.all_0)], -1)
    D = np.stack([circuit.prior, 1 - circuit.prior], -1)
    return GenerativeModel(on / every, D, np.stack([on, every - on], -2))


def free_energy(activity: Activity, model: GenerativeModel) -> np.ndarray:
    r"""Return the variational free energy of each session [sessions], in nats.

    .. math:: F = \sum_t \sum_s Q(s)\,[\ln Q(s) - \ln P(s) - \ln P(o | s)]

    over the binary states of all cells, with Q(s = 1) = x, P(s) = D and P(o | s) from A as it was
    at the session's start. It is computed from A and D alone, and equals the neural cost
    (`sodachi.recordings.cost.cost`).
    """
    sessions, length = activity.sessions, activity.length
    found = np.zeros(sessions)
    for k in range(sessions):
        trials = slice(k * length, (k + 1) * length)
        o = activity.stimuli[trials]
        for state in (0, 1):
            q = activity.values[:, trials] if state == 0 else 1 - activity.values[:, trials]
            A = model.A[k, :, :, state]
            surprise = -(np.log(A) @ o.T + np.log1p(-A) @ (1 - o).T)
            surprise -= np.log(model.D[:, state])[:, None]
            found[k] += (xlogy(q, q) + q * surprise).sum()
    return found
