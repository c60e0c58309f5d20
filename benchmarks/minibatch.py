"""`minibatch` of a dense rule against the same arithmetic written by hand, batch 64, 784×500."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import alternating, result
from sodachi.combinators import minibatch
from sodachi.core.connections import Dense
from sodachi.core.rule import plastic
from sodachi.observation import observe
from sodachi.rules import delta
from sodachi.system import Spec, State, Variable, system

INPUTS, CELLS, BATCH, STEPS, RATE = 784, 500, 64, 20, 0.01


def autoencoder():
    """Return a linear autoencoder by the delta rule: ``y = xW``, ``e = x − yWᵀ``, ``ΔW ∝ e y``."""
    connection = Dense((CELLS,), (INPUTS,))
    spec = Spec("benchmark", observed=(Variable("input", (INPUTS,)),))

    def init(key):
        w = jax.random.normal(key, (CELLS, INPUTS)) * 0.01
        return State({"weights": {"w": w}}, {"y": jnp.zeros(CELLS)})

    def step(state, observation):
        w, x = state.shared["weights"]["w"], observation.evidence["input"].value
        y = x @ w.T  # lanes first, as by hand
        error = x - y @ w
        w, _ = plastic(
            delta(RATE), connection, w, {}, {"error": error}, {"activity": y},
            learn=observation.learn, clock=0.0,
        )  # fmt: skip
        return State({"weights": {"w": w}}, {"y": y}), {"energy": 0.5 * jnp.sum(error**2)}

    return system(spec, init, step)


def by_hand(w, X):
    """The same step on a batch, as one would write it without the library."""
    y = X @ w.T
    error = X - y @ w
    return w + RATE * (y.T @ error) / BATCH, 0.5 * jnp.sum(error**2, axis=1)


def main() -> list[dict]:
    """Measure both, in turn, in one process."""
    net = minibatch(autoencoder(), BATCH)
    X = np.random.default_rng(0).normal(size=(BATCH, INPUTS)).astype(np.float32) * 0.1
    state = net.init(0)
    observation = jax.tree.map(jnp.asarray, observe(net.spec, input=X))

    @jax.jit
    def ours(state, observation):
        def one(state, _):
            state, output = net.step(state, observation)
            return state, output["energy"]

        return jax.lax.scan(one, state, None, length=STEPS)

    @jax.jit
    def theirs(w, X):
        return jax.lax.scan(lambda w, _: by_hand(w, X), w, None, length=STEPS)

    w, X = state.shared["weights"]["w"], jnp.asarray(X)
    a, b = ours(state, observation)[0].shared["weights"]["w"], theirs(w, X)[0]
    gap = float(jnp.max(jnp.abs(a - b)) / jnp.max(jnp.abs(b)))
    mine, hand = alternating(
        lambda: jax.block_until_ready(ours(state, observation)),
        lambda: jax.block_until_ready(theirs(w, X)),
        repeats=15,
    )
    slower = mine / hand
    return [
        result(
            "minibatch", "hand-written JAX, batch 64, 784x500", hand / mine,
            "at most 1.1 times the peer's time", slower <= 1.1 and gap < 1e-5,
            seconds_a_step=mine / STEPS, peer_seconds=hand / STEPS, relative_difference=gap,
        )
    ]  # fmt: skip
