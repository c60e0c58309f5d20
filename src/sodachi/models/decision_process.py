"""A decision process by its tables: what a canonical network believes in, without the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Counts = tuple[tuple[np.ndarray, ...], ...]
"""Dirichlet counts by what is observed (a modality, or a remembered term) and by hidden factor,
each (outcomes, values)."""


@dataclass(frozen=True)
class POMDP:
    r"""A partially observed Markov decision process whose factors explain, each, all that is seen.

    ``P(o, ψ, s) = Π_f D_f(s_f) Π_m A_mf(o_m | s_f) Π_t B_tf(ψ_t | s_f)`` and, for actions,
    ``Π_g E_g(δ_g) Π_t C_tg(ψ_t | δ_g)``; ψ is what is remembered of the tick before. B and C stand
    as a cell reads them, the past given the present: ``B = B_forwardᵀ diag(D)⁻¹``, see `forward`.
    Outcome and value i stand at index i.

    Parameters
    ----------
    a, b, c
        Dirichlet counts: ``a[modality][factor]``, ``b[term][factor]``, ``c[term][action]``.
    d, e
        Counts of priors that learn, a vector for each factor; empty where they are fixed.
    log_D, log_E
        ln of the fixed priors; empty where they learn.
    settings
        The network's other numbers (`canonical_network`).
    kept
        What synapses know beside their counts, by kind (``carry``, ``prior``) and letter.
    lane, clock
        What is believed and remembered now, and the ticks lived; None in one not taken from life.
    """

    a: Counts
    b: Counts = ()
    c: Counts = ()
    d: tuple[np.ndarray, ...] = ()
    e: tuple[np.ndarray, ...] = ()
    log_D: tuple[np.ndarray, ...] = ()
    log_E: tuple[np.ndarray, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    lane: Any = None
    clock: Any = None

    @property
    def A(self) -> Counts:
        """Mean likelihoods ``P(o | s)``; every column adds up to 1."""
        return _means(self.a)

    @property
    def B(self) -> Counts:
        """Mean transitions read backwards, ``P(ψ | s)``."""
        return _means(self.b)

    @property
    def C(self) -> Counts:
        """Mean policies read backwards, ``P(ψ | δ)``."""
        return _means(self.c)

    @property
    def D(self) -> tuple[np.ndarray, ...]:
        """Prior probabilities of every factor's values."""
        return _priors(self.d, self.log_D)

    @property
    def E(self) -> tuple[np.ndarray, ...]:
        """Prior probabilities of every action's values."""
        return _priors(self.e, self.log_E)

    def forward(self, term: int, factor: int) -> np.ndarray:
        """Return ``P(s | ψ)`` of one term alone, ``∝ B(ψ | s) D(s)``: (values, outcomes of ψ)."""
        joint = self.B[term][factor].T * self.D[factor][:, None]
        return joint / joint.sum(0)

    def decide(self, term: int, action: int) -> np.ndarray:
        """Return ``P(δ | ψ)`` of one term alone, ``∝ C(ψ | δ) E(δ)``: (values, outcomes of ψ)."""
        joint = self.C[term][action].T * self.E[action][:, None]
        return joint / joint.sum(0)


def _means(counts: Counts) -> Counts:
    return tuple(tuple(_mean(n) for n in row) for row in counts)


def _mean(n) -> np.ndarray:
    n = np.asarray(n, np.float64)
    return n / n.sum(0)


def _priors(counts, logs) -> tuple[np.ndarray, ...]:
    if counts:
        return tuple(_mean(n) for n in counts)
    return tuple(np.exp(np.asarray(log, np.float64)) for log in logs)
