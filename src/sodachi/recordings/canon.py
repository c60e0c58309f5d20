"""The canonical network on the host, in float64 and whole blocks of trials at a time.

The same motion as `sodachi.models.canonical` with ``rate=1`` (a test holds them together): beliefs
``x = σ((w₁ − w₀)·o + h₁ − h₀)``, counts that add what was believed and seen. Weights stand still
within a block; the authors' block is a session.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

#: Counts never fall below this: noise may ask for less than nothing.
LEAST = 1e-3


class Memory(NamedTuple):
    """Counts of one or more cells: what was on (..., inputs), and all (..., 1), by belief.

    ``on_1`` counts o = 1 with s = 1 and ``all_1`` all trials with s = 1, so that the likelihood is
    ``A₁ = on_1 / all_1``; ``on_0`` and ``all_0`` the same with s = 0.
    """

    on_1: np.ndarray
    all_1: np.ndarray
    on_0: np.ndarray
    all_0: np.ndarray

    @property
    def likelihood(self) -> tuple[np.ndarray, np.ndarray]:
        """Return ``A₁ = Q(o = 1 | s = 1)`` and ``A₀``, each (..., inputs)."""
        return self.on_1 / self.all_1, self.on_0 / self.all_0

    def at(self, place) -> Memory:
        """Return the memory at a place of the leading axes."""
        return Memory(*(part[place] for part in self))


def blank(prior_count, inputs: int, tilt=0.0, tilt_0=None) -> Memory:
    """Return what a newborn counts: A₁ = ½(1 + tilt), A₀ = ½(1 − tilt₀), with so many trials.

    The second tilt is the first where not given.

    Examples
    --------
    >>> blank(100.0, 2).likelihood
    (array([0.5, 0.5]), array([0.5, 0.5]))
    """
    count = np.asarray(prior_count, np.float64)[..., None]
    half = count * np.full(inputs, 0.5)
    tilt_0 = tilt if tilt_0 is None else tilt_0
    return Memory(half * (1 + np.asarray(tilt)), count, half * (1 - np.asarray(tilt_0)), count)


def weigh(memory: Memory) -> tuple[np.ndarray, np.ndarray]:
    """Return ``w₁ − w₀`` (..., inputs) and ``Σ ln(1 − A₁) − ln(1 − A₀)`` (...)."""
    on1, on0 = np.maximum(memory.on_1, LEAST), np.maximum(memory.on_0, LEAST)
    off1 = np.maximum(memory.all_1 - memory.on_1, LEAST)
    off0 = np.maximum(memory.all_0 - memory.on_0, LEAST)
    threshold = np.log(off1) - np.log(on1 + off1) - np.log(off0) + np.log(on0 + off0)
    return np.log(on1) - np.log(off1) - np.log(on0) + np.log(off0), threshold.sum(-1)


def believe(memory: Memory, stimuli: np.ndarray, log_odds) -> np.ndarray:
    """Return beliefs (..., trials) of cells in stimuli (..., trials, inputs).

    ``log_odds`` is ln D − ln(1 − D), the prior, in the shape of the cells.

    Examples
    --------
    >>> believe(blank(10.0, 3), np.eye(3), 0.0)
    array([0.5, 0.5, 0.5])
    """
    w, h = weigh(memory)
    heard = np.matmul(stimuli, w[..., None])[..., 0]
    return expit(heard + (h + log_odds)[..., None])


def add(memory: Memory, x: np.ndarray, stimuli: np.ndarray) -> Memory:
    """Return the memory after cells believed x (..., trials) in stimuli (trials, inputs)."""
    one, trials = x.sum(-1, keepdims=True), x.shape[-1]
    on = x @ stimuli
    return Memory(
        memory.on_1 + on,
        memory.all_1 + one,
        memory.on_0 + stimuli.sum(0) - on,
        memory.all_0 + trials - one,
    )


def lived(start: Memory, x: np.ndarray, stimuli: np.ndarray, block: int) -> Memory:
    """Return the memory before every block, and after the last: (blocks + 1, cells, inputs).

    Parameters
    ----------
    start
        Of cells (cells, inputs).
    x
        What they believed, [cells, trials].
    block
        Trials in which weights stand still; trials beyond the last whole block are left out.
    """
    parts = x.shape[1] // block
    seen = stimuli[: parts * block].reshape(parts, block, -1)
    believed = x[:, : parts * block].reshape(len(x), parts, block).swapaxes(0, 1)
    on, one = np.matmul(believed, seen), believed.sum(2, keepdims=True)
    shown = seen.sum(1)[:, None]
    return Memory(
        _running(start.on_1, on),
        _running(start.all_1, one),
        _running(start.on_0, shown - on),
        _running(start.all_0, block - one),
    )


def _running(start: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Return start, start + added₀, ...: one more than there are additions."""
    return np.cumsum(np.concatenate([start[None], added]), 0)


def live(
    start: Memory, stimuli: np.ndarray, log_odds: np.ndarray, block: int, current=None
) -> tuple[np.ndarray, Memory]:
    """Let cells run freely from a memory: they learn from what they themselves believe.

    ``current`` [cells, trials], where given, is added to the membranes (noise).

    Returns
    -------
    x : [cells, trials]
    memory : Memory
        Before every block, and after the last: (blocks + 1, cells, inputs).

    Examples
    --------
    >>> x, after = live(blank(np.full(1, 8.0), 2, 0.5), np.eye(2)[[0, 1] * 8], np.zeros(1), 4)
    >>> x.shape, after.on_1.shape
    ((1, 16), (5, 1, 2))
    """
    believed, before, memory = [], [start], start
    for first in range(0, len(stimuli), block):
        seen = stimuli[first : first + block]
        w, h = weigh(memory)
        heard = w @ seen.T + (h + log_odds)[:, None]
        x = expit(heard if current is None else heard + current[:, first : first + block])
        memory = add(memory, x, seen)
        believed.append(x)
        before.append(memory)
    parts = (np.stack(part) for part in zip(*before, strict=True))
    return np.concatenate(believed, 1), Memory(*parts)
