"""What a dynamic Boltzmann machine remembers of a series, and how its synapses are driven.

The past is held in two forms, both moved on in place at every tick: a queue (what every cell did in
the last ticks: spikes that are still on their way down the axon) and traces that fade, one for each
decay rate. Neither depends on a weight. So the slope of the likelihood at every tick is exact, and
nothing is propagated back through time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from sodachi.core.clock import ticks
from sodachi.core.connections import Connection
from sodachi.core.rule import Cells, Rule, plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules import with_adagrad, with_adam
from sodachi.system import Evidence

OPTIMISERS = ("sgd", "adam", "adagrad")


def pushed(queue, x):
    """Return the queue [D, n] after x [n] came in at its head and the oldest row fell out.

    Examples
    --------
    >>> pushed(jnp.array([[1.0], [2.0]]), jnp.array([3.0])).tolist()
    [[3.0], [1.0]]
    """
    return jnp.concatenate([x[None], queue[:-1]])


def arrived(traces, decays, queue):
    r"""Return synaptic traces α [K, D, n], one tick on, of the branches with a delay of 1 .. D.

    ``α_kdi ← λ_k α_kdi + x_i[t − d + 1]``, so that at the next tick
    ``α_kdi = Σ_{s ≤ t−d} λ_k^{t−s−d} x_i[s]``: a spike counts from its arrival on. ``queue`` [D, n]
    already holds this tick's x at its head.

    Examples
    --------
    >>> queue = jnp.array([[0.0], [1.0]])
    >>> arrived(jnp.ones((1, 2, 1)), (0.5,), queue)[0].tolist()
    [[0.5], [1.5]]
    """
    return jnp.asarray(decays, traces.dtype)[:, None, None] * traces + queue


def travelling(queue, decay: float):
    r"""Return β [D, n]: ``β_di = Σ_{s=t−d+1}^{t−1} μ^{s+d−t} x_i[s]``, spikes still on their way.

    A spike that will arrive in k ticks weighs μ^k; a branch with a delay of 1 holds none.

    Examples
    --------
    >>> travelling(jnp.array([[1.0], [0.0], [0.0]]), 0.5)[:, 0].tolist()
    [0.0, 0.5, 0.25]
    """
    left = np.arange(len(queue))[:, None] - np.arange(len(queue))  # ticks until arrival
    return jnp.asarray(np.where(left > 0, decay ** np.maximum(left, 0), 0.0), queue.dtype) @ queue


def averaged(traces, decays, x):
    r"""Return real-valued traces [K, n], one tick on: ``e_k ← λ_k e_k + (1 − λ_k) x``.

    Running means of the series; the source's ``e_k ← λ_k e_k + x`` is this divided by ``1 − λ_k``,
    which would make slow traces learn faster than quick ones for no reason of theirs.

    Examples
    --------
    >>> averaged(jnp.ones((1, 1)), (0.75,), jnp.array([5.0])).tolist()
    [[2.0]]
    """
    decay = jnp.asarray(decays, traces.dtype)[:, None]
    return decay * traces + (1.0 - decay) * x


def trusted(evidence: Evidence, limit: float) -> Evidence:
    """Return the evidence with what is not a number, or beyond the limit, made absent.

    A memory that once held an infinity would hold it for long.
    """
    fine = (evidence.precision >= 0) & (jnp.abs(evidence.drive) <= limit)
    fine &= (evidence.precision == 0) | (jnp.abs(evidence.value) <= limit)  # false for NaN
    known = fine & (evidence.precision > 0)
    return Evidence(
        jnp.where(known, evidence.value, 0.0),
        jnp.where(fine, evidence.precision, 0.0),
        jnp.where(fine, evidence.drive, 0.0),
    )


def checked_decays(name: str, decays: Sequence[float]) -> tuple[float, ...]:
    """Return decay rates as a tuple of floats.

    Raises
    ------
    SpecError
        If one is not 0 or more and below 1.
    """
    found = tuple(float(decay) for decay in decays)
    for decay in found:
        if not 0 <= decay < 1:
            raise SpecError(name, "rates of 0 or more, below 1", decay)
    return found


def optimised(rule: Rule, optimiser: str, rate: float) -> Rule:
    """Return a rule of step size ``rate`` with the step that an optimiser gives each synapse.

    Raises
    ------
    SpecError
        For an unknown optimiser, or a rate that is not above 0.
    """
    if optimiser not in OPTIMISERS:
        raise SpecError("optimiser", f"one of {OPTIMISERS}", optimiser)
    if not 0 < rate < float("inf"):
        raise SpecError("rate", "above 0, finite", rate)
    wrap = {"adam": with_adam, "adagrad": with_adagrad}.get(optimiser)
    return rule if wrap is None else wrap(rule, rate)


Synapses = dict[str, tuple[Connection, Rule]]
"""The connections of a machine by name, each with its rule."""


def newborn(synapses: Synapses, weights: dict[str, Any]) -> dict[str, Any]:
    """Return what is shared at birth: weights as given, and the synapses' own state."""
    own = {name: start_synapses(rule, weights[name]) for name, (_, rule) in synapses.items()}
    return {"weights": weights, "synapses": own}


def learned(
    synapses: Synapses, shared, post: dict[str, Cells], pre: dict[str, Cells], learn, modulation
) -> dict[str, Any]:
    """Return ``weights`` and ``synapses`` after one tick of every rule on its connection."""
    moved = {
        name: plastic(
            rule,
            connection,
            shared["weights"][name],
            shared["synapses"][name],
            post[name],
            pre[name],
            learn=learn,
            clock=ticks(shared["clock"]),
            modulation=modulation,
            name=name,
        )
        for name, (connection, rule) in synapses.items()
    }
    return {
        "weights": {name: new[0] for name, new in moved.items()},
        "synapses": {name: new[1] for name, new in moved.items()},
    }
