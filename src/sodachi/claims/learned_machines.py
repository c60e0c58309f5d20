"""What a manner of dreaming is worth: a small world learned, and how far its law is from the true.

Six seen and six hidden units, all coupled, learn a random law over 64 patterns, sixteen samples a
tick. The divergence of what was learned is exact, by enumeration.
"""

from __future__ import annotations

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.combinators import minibatch
from sodachi.models.boltzmann import boltzmann_machine, machine_graph, machine_parameters
from sodachi.models.enumeration import log_likelihood
from sodachi.observation import observe

SEEN, HIDDEN, LANES = 6, 6, 16
#: Each with the best rate of .03 to 3 on seeds 100 and 101, and local dreams of three slow rates.
MANNERS = {
    "learning, one switch": {"dreams": LANES, "rate": 1.0},
    "learning, not centred": {"dreams": LANES, "rate": 2.0, "centred": False},
    "learning, one free sweep": {"dream": "contrastive_divergence", "rate": 1.0},
    "learning, local dreams": {"dream": "local", "rate": 2.0, "dream_rate": 0.3},
    "learning, mean field": {"dream": "mean_field", "dreams": LANES, "rate": 0.03},
}


def small_world(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return all patterns [64, 6] and their probabilities [64], most of them near 0.

    Examples
    --------
    >>> patterns, p = small_world(0)
    >>> patterns.shape, round(float(p.sum()), 6)
    ((64, 6), 1.0)
    """
    patterns = np.array(list(product([0, 1], repeat=SEEN)), np.float32)
    return patterns, np.random.default_rng([seed, 65]).dirichlet(np.full(len(patterns), 0.15))


def learned(row: str, seed: int, ticks: int) -> Figures:
    """Return ``divergence``, nats: Σ p ln(p/q) of the world from what was learned in some ticks."""
    patterns, p = small_world(seed)
    machine = minibatch(
        boltzmann_machine(
            populations=[["seen", SEEN], ["hidden", HIDDEN]],
            couplings=[["seen", "seen"], ["seen", "hidden"], ["hidden", "hidden"]],
            anneal=ticks,
            **MANNERS[row],
        ),
        LANES,
    )
    rng = np.random.default_rng([seed, 66])
    shown = jnp.asarray(rng.choice(len(patterns), (ticks, LANES), p=p))
    first = observe(machine.spec, seen=patterns[np.asarray(shown[0])])
    given = jax.tree.map(jnp.asarray, first)

    def one(state, rows):
        held = given.evidence["seen"]._replace(value=jnp.asarray(patterns)[rows])
        return machine.step(state, given._replace(evidence={"seen": held}))[0], None

    state = jax.jit(lambda s, r: jax.lax.scan(one, s, r)[0])(machine.init(seed), shown)
    graph, parameters = machine_graph(machine.spec), machine_parameters(machine.spec, state)
    found = np.asarray(log_likelihood(graph, parameters, {"seen": patterns}), np.float64)
    possible = p > 0
    return {"divergence": float((p * (np.log(np.maximum(p, 1e-300)) - found))[possible].sum())}
