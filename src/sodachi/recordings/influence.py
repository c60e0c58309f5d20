"""How far the noise of one trial moves a fit: directly, and through all that was counted after.

A cell's counts are made from its noisy answers, so that the noise of a trial bends every later
prediction a little. Curvature alone does not know that, and its intervals are too short.
"""

from __future__ import annotations

import numpy as np

from sodachi.recordings.cell import FLAT, GAIN, Seen, remembered, slopes


def influences(theta: np.ndarray, seen: Seen, weight: np.ndarray, inverse: np.ndarray):
    r"""Return ∂ parameters / ∂ answer of each trial [trials, parameters], to first order.

    ``C (J_s w_s − Σ_{t > s} J_t w_t ∂y_t/∂y_s)`` with C the inverse curvature, J the slopes of
    expected answers, and ∂y_t/∂y_s through the counts that trial s left behind.

    Parameters
    ----------
    weight
        [trials], the inverse variance of each answer.
    inverse
        C, [parameters, parameters].
    """
    tilts = len(theta) > 4
    _, x, J = slopes(theta, seen, tilts)
    scores = J * weight[:, None]
    steep = theta[GAIN] * x * (1 - x)
    steep[steep < FLAT * theta[GAIN]] = 0.0
    bent = scores * steep[:, None] / theta[GAIN]
    blocks, block, inputs = seen.stimuli.shape
    m = remembered(theta, seen, tilts).at(slice(0, -1))
    off_1, off_0 = m.all_1 - m.on_1, m.all_0 - m.on_0
    on, off = 1 / m.on_1 + 1 / m.on_0, 1 / off_1 + 1 / off_0
    every = (1 / m.all_1 + 1 / m.all_0).sum(1)  # `remembered` gives one for each input
    # One answer more adds to "on" or to "off" of each input, and to all; ahead holds what each
    # of these does to the scores of all later blocks.
    ahead_on, ahead_off = np.zeros((2, J.shape[1], inputs))
    ahead_all = np.zeros(J.shape[1])
    found = scores
    for k in range(blocks - 1, -1, -1):
        trials = slice(k * block, (k + 1) * block)
        o = seen.stimuli[k]
        found[trials] -= o @ (ahead_on - ahead_off).T + ahead_off.sum(1) - ahead_all
        heard, whole = bent[trials].T @ o, bent[trials].sum(0)
        ahead_on += heard * on[k]
        ahead_off += (whole[:, None] - heard) * off[k]
        ahead_all += whole * every[k]
    return found @ inverse
