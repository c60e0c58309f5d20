"""The variational free energy of a POMDP, from its tables alone: NumPy, no network in sight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, xlogy

from sodachi.errors import SpecError
from sodachi.models.decision_process import POMDP

Distributions = Sequence[Any]
"""A vector of probabilities by factor, modality or term; None (or all 0) where nothing is known."""


class Moment(NamedTuple):
    """One tick of a decision process: what is believed, observed, remembered, and done.

    ``worth`` is 1 − 2Γ of the decision.
    """

    states: Distributions
    outcomes: Distributions
    past: Distributions = ()
    actions: Distributions = ()
    decided: Distributions = ()
    worth: float = 1.0


def variational_free_energy(pomdp: POMDP, moment: Moment, expectation: str = "log") -> float:
    r"""Return the free energy of states and actions at one tick.

    ``F = Σ_f E_Q[ln Q(s_f) − ln D_f(s_f) − Σ_m ln A_mf(o_m|s_f) − Σ_t ln B_tf(ψ_t|s_f)]``
    ``+ Σ_g E_Q[ln Q(δ_g) − ln E_g(δ_g) − (1 − 2Γ) Σ_t ln C_tg(ψ_t|δ_g)]``, where Q is the belief
    and ln A the logarithm of the mean (``"log"``) or the mean logarithm ψ(a) − ψ(a₀)
    (``"digamma"``). The divergence of the tables from their prior, of order ln t over a life of t
    ticks, is `complexity`, and no part of it.

    Raises
    ------
    SpecError
        If the moment has another number of factors, modalities or terms than the POMDP.

    References
    ----------
    Isomura, Shimazaki and Friston (2022).

    Examples
    --------
    >>> sharp = np.array([[90.0, 10.0], [10.0, 90.0]])
    >>> two = POMDP(a=((sharp,),), log_D=(np.log([0.5, 0.5]),))
    >>> F = variational_free_energy(two, Moment(states=[[0.1, 0.9]], outcomes=[[0, 1]]))
    >>> bool(np.isclose(F, -np.log(0.5 * 0.1 + 0.5 * 0.9)))  # at the posterior: −ln P(o)
    True
    """
    _fits("states", moment.states, len(pomdp.a[0]))
    _fits("outcomes", moment.outcomes, len(pomdp.a))
    _fits("past", moment.past, len(pomdp.b))
    total = 0.0
    for f, q in enumerate(moment.states):
        told = _prior(pomdp.d, pomdp.log_D, f, expectation)
        told = told + _told(pomdp.a, moment.outcomes, f, expectation)
        told = told + _told(pomdp.b, moment.past, f, expectation)
        total += _against(q, told)
    for g, q in enumerate(moment.actions):
        told = _prior(pomdp.e, pomdp.log_E, g, expectation)
        told = told + moment.worth * _told(pomdp.c, moment.decided, g, expectation)
        total += _against(q, told)
    return float(total)


def posterior(pomdp: POMDP, moment: Moment, expectation: str = "log") -> list[np.ndarray]:
    """Return what minimises the free energy over the states: ``Q ∝ D · Π A(o|s) · Π B(ψ|s)``."""
    found = []
    for f in range(len(pomdp.a[0])):
        told = _prior(pomdp.d, pomdp.log_D, f, expectation)
        told = told + _told(pomdp.a, moment.outcomes, f, expectation)
        told = told + _told(pomdp.b, moment.past, f, expectation)
        weight = np.exp(told - told.max())
        found.append(weight / weight.sum())
    return found


def complexity(pomdp: POMDP, prior: POMDP) -> float:
    r"""Return ``Σ KL[Dir(a) ‖ Dir(a⁰)]`` over all tables: what learning them has cost.

    Examples
    --------
    >>> born = POMDP(a=((np.full((2, 2), 5.0),),), log_D=(np.log([0.5, 0.5]),))
    >>> complexity(born, born)
    0.0
    """
    total = 0.0
    for after, before in ((pomdp.a, prior.a), (pomdp.b, prior.b), (pomdp.c, prior.c)):
        for row, row0 in zip(after, before, strict=True):
            for n, n0 in zip(row, row0, strict=True):
                total += _divergence(np.asarray(n, np.float64), np.asarray(n0, np.float64))
    for after, before in ((pomdp.d, prior.d), (pomdp.e, prior.e)):
        for n, n0 in zip(after, before, strict=True):
            total += _divergence(np.asarray(n, np.float64), np.asarray(n0, np.float64))
    return float(total)


def _divergence(n: np.ndarray, n0: np.ndarray) -> float:
    a, a0 = n.sum(0), n0.sum(0)
    own = gammaln(a) - gammaln(a0) + (gammaln(n0) - gammaln(n)).sum(0)
    return float(np.sum(own + ((n - n0) * (digamma(n) - digamma(a))).sum(0)))


def mean_logarithm(n: np.ndarray, expectation: str) -> np.ndarray:
    """Return ln of a column's mean probabilities, or the mean of their ln."""
    n = np.asarray(n, np.float64)
    log = digamma if expectation == "digamma" else np.log
    return log(n) - log(n.sum(0))


def _prior(counts, logs, i: int, expectation: str) -> np.ndarray:
    if len(counts):
        return mean_logarithm(counts[i], expectation)
    return np.asarray(logs[i], np.float64)


def _told(tables, seen: Distributions, i: int, expectation: str) -> Any:
    """Return Σ_m Σ_o p(o) ln n(o | value), a number for each value."""
    total: Any = 0.0
    for row, outcome in zip(tables, seen, strict=True):
        if outcome is not None:
            total = total + np.asarray(outcome, np.float64) @ mean_logarithm(row[i], expectation)
    return total


def _against(q, told) -> float:
    q = np.asarray(q, np.float64)
    return float(np.sum(xlogy(q, q) - q * told))


def _fits(name: str, given: Distributions, count: int) -> None:
    if len(given) != count:
        raise SpecError(f"moment.{name}", count, len(given))
