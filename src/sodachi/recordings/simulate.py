"""Cultures that never lived: a canonical network behind electrodes, all of its truth known."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sodachi.errors import DataError
from sodachi.recordings.canon import Memory, blank, live
from sodachi.recordings.recording import Recording

#: Trials in which the simulated weights stand still.
BLOCK = 8


class Truth(NamedTuple):
    """What is true of a simulated culture, one cell a source."""

    prior_count: np.ndarray
    """λ [cells]"""
    prior: np.ndarray
    """D [cells]"""
    memory: Memory
    """Before each session and after the last: (sessions + 1, cells, inputs)."""
    beliefs: np.ndarray
    """x [cells, trials]"""
    ensembles: tuple[np.ndarray, ...]
    """Units of each cell."""
    base: np.ndarray
    """Mean answer of each unit at belief 0 [units]."""
    gain: np.ndarray
    """How much more at belief 1 [units]."""


def simulate_culture(
    seed: int = 0,
    *,
    sources: int = 2,
    units: int = 64,
    inputs: int = 16,
    sessions: int = 100,
    trials: int = 256,
    mixing: float = 0.75,
    prior_count: float = 1000.0,
    prior: float | None = None,
    tilt: float = 0.04,
    base: float = 1.0,
    gain: float = 4.0,
    noise: float = 0.0,
    dispersion: float = 1.0,
    drift: float = 0.0,
    evoked: float = 0.0,
) -> tuple[Recording, Truth]:
    r"""Return the recording of a culture that is a canonical network, and the truth about it.

    Each input copies its own source with probability ``mixing``, else another. Cell k is born with
    ``A₁ = ½(1 + tilt)`` and ``A₀ = ½(1 − tilt)`` for inputs of source k, ½ for others, each but
    for a random part of up to tilt/2, and learns forever. Each unit listens to one cell, unit u to
    cell u mod sources, and fires ``Poisson(b_u + g_u x)`` times a trial, with b and g within half
    to one and a half of ``base`` and ``gain``.

    Parameters
    ----------
    inputs
        Of each source.
    prior
        D of every cell; drawn within .4 to .6 for each when None.
    noise
        Deviation of the membrane's noise in a trial, in nats: it changes beliefs, and is learned.
    dispersion
        Variance of counts over their mean; 1 is Poisson's.
    drift
        Deviation of a session's excitability (a random walk of log rate).
    evoked
        Added to a unit's rate where its own source is on, from the beginning and never learned.

    Raises
    ------
    DataError
        Fewer than one source, input or session; a probability or rate that cannot be.

    Examples
    --------
    >>> culture, truth = simulate_culture(sources=3, units=32, sessions=2, trials=40)
    >>> culture.shape, truth.beliefs.shape, truth.memory.on_1.shape
    ((2, 40, 32), (3, 80), (3, 3, 48))
    """
    for name, least, value in (("sources", 1, sources), ("units", sources, units),
                               ("inputs", 1, inputs), ("sessions", 1, sessions),
                               ("trials", 1, trials), ("dispersion", 1, dispersion)):  # fmt: skip
        if not value >= least:
            raise DataError(name, f"{least} or more", value)
    if not (0 <= mixing <= 1 and prior_count > 0 and base >= 0 and gain > 0 and 0 <= tilt < 0.4):
        given = (mixing, prior_count, base, gain, tilt)
        raise DataError("culture", "mixing in [0, 1], counts and rates above 0, tilt < .4", given)
    rng = np.random.default_rng([seed, 41])
    s = rng.integers(0, 2, (sessions * trials, sources))
    stimuli = mixed(rng, s, inputs, mixing)
    D = rng.uniform(0.4, 0.6, sources) if prior is None else np.full(sources, float(prior))
    own = np.repeat(np.arange(sources), inputs) == np.arange(sources)[:, None]
    born = [tilt * (own + rng.uniform(-1, 1, own.shape)) for _ in range(2)]
    current = noise * rng.normal(size=(sources, len(s))) if noise else None
    start = blank(np.full(sources, prior_count), sources * inputs, *born)
    block = next(b for b in range(min(BLOCK, trials), 0, -1) if trials % b == 0)
    x, memory = live(start, stimuli, np.log(D / (1 - D)), block, current)
    cell = np.arange(units) % sources
    b, g = base * rng.uniform(0.5, 1.5, units), gain * rng.uniform(0.5, 1.5, units)
    rate = b + g * x[cell].T + evoked * s[:, cell]
    rate *= np.repeat(np.exp(np.cumsum(drift * rng.normal(size=sessions))), trials)[:, None]
    if dispersion > 1:
        rate = rng.gamma(np.maximum(rate, 1e-9) / (dispersion - 1), dispersion - 1)
    recording = Recording(rng.poisson(rate), stimuli, s, trials, name=f"simulated culture {seed}")
    ensembles = tuple(np.flatnonzero(cell == k) for k in range(sources))
    every = slice(None, None, trials // block)
    truth = Truth(np.full(sources, prior_count), D, memory.at(every), x, ensembles, b, g)
    return recording, truth


def mixed(rng: np.random.Generator, s: np.ndarray, inputs: int, mixing: float) -> np.ndarray:
    """Return stimuli [trials, sources · inputs] that copy their own source, or another."""
    sources = s.shape[1]
    own = np.repeat(np.arange(sources), inputs)
    shape = (len(s), len(own))
    if sources == 1:
        other = rng.integers(0, 2, shape)  # there is no other: a coin
        return np.where(rng.random(shape) < mixing, s[:, own], other).astype(float)
    which = (own + rng.integers(1, sources, shape)) % sources
    which = np.where(rng.random(shape) < mixing, own, which)
    return np.take_along_axis(s, which, 1).astype(float)
