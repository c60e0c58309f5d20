"""Train and test any system on a set of images: epochs of minibatches, one compiled call each."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.combinators import minibatch
from sodachi.errors import ClaimError
from sodachi.system import Evidence, Observation, State, System


def told(system: System, x, y, learn: bool = True) -> Observation:
    """Return the observation of a batch: inputs clamped, labels clamped (y None: free)."""
    n = x.shape[0]
    shape = system.spec.variable("input").shape
    classes = system.spec.variable("label").shape[0]
    x = x.reshape(n, *shape)
    none = jnp.zeros((n, classes), x.dtype)
    label = none if y is None else jax.nn.one_hot(y, classes, dtype=x.dtype)
    clamp = none if y is None else jnp.full_like(none, jnp.inf)
    evidence = {
        "input": Evidence(x, jnp.full_like(x, jnp.inf), jnp.zeros_like(x)),
        "label": Evidence(label, clamp, none),
    }
    modulation = {name: jnp.ones(n, x.dtype) for name in system.spec.modulated}
    return Observation(evidence, modulation, jnp.full(n, learn), jnp.ones(n, bool))


def trainer(system: System, batch: int) -> jax.stages.Wrapped:
    """Return compiled ``epoch(state, X, y, order) -> state``: one pass in minibatches.

    ``system`` is without lanes; ``state`` comes from ``newborn(system, seed, batch)``. ``order``
    holds the rows to be visited, [n]; rows that fill no batch at its end are left out.

    Examples
    --------
    >>> from sodachi.models import settling_net
    >>> net = settling_net(layers=(4, 3, 2), direction="up", start="feedforward")
    >>> epoch = trainer(net, 2)
    >>> X, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> state = epoch(newborn(net, 0, 2), X, y, np.arange(4))
    """
    lanes = minibatch(system, batch)

    @jax.jit
    def epoch(state, X, y, order):
        def one(state, rows):
            return lanes.step(state, told(system, X[rows], y[rows]))[0], None

        rows = order[: len(order) // batch * batch].reshape(-1, batch)
        return jax.lax.scan(one, state, rows)[0]

    return epoch


def newborn(system: System, seed: int, batch: int) -> State:
    """Return the state of a newborn system that lives ``batch`` samples a step."""
    return minibatch(system, batch).init(seed)


def train(
    system: System, X, y, *, epochs: int, batch: int, seed: int, shuffle: bool = True
) -> State:
    """Return the state after some epochs, every one in an order of its own.

    Raises
    ------
    ClaimError
        For fewer samples than a batch.
    """
    if len(X) < batch:
        raise ClaimError("X", f"at least {batch} samples", len(X))
    epoch, state = trainer(system, batch), newborn(system, seed, batch)
    X, y = jnp.asarray(np.array(X, np.float32)), jnp.asarray(np.array(y))
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(X)) if shuffle else np.arange(len(X))
        state = epoch(state, X, y, jnp.asarray(order))
    return state


def answers(system: System, state: State, X, batch: int = 500) -> np.ndarray:
    """Return the label a system reads from each input, weights frozen, label free: int [n].

    ``state`` may have any lanes: only what is shared is used.
    """
    return reader(system, batch)(state, X)


def reader(system: System, batch: int = 500) -> Callable[[State, np.ndarray], np.ndarray]:
    """Return ``read(state, X) -> labels``, as `answers`, compiled once for all that is read."""
    lanes = minibatch(system, batch)
    lane = lanes.init(0).lane

    @jax.jit
    def some(shared, x):
        output = lanes.step(State(shared, lane), told(system, x, None, learn=False))[1]
        return jnp.argmax(output["label"], -1)

    def read(state, X):
        X = np.asarray(X, np.float32)
        padded = np.concatenate([X, np.zeros((-len(X) % batch, *X.shape[1:]), np.float32)])
        parts = padded.reshape(-1, batch, *X.shape[1:])
        return np.concatenate([np.asarray(some(state.shared, x)) for x in parts])[: len(X)]

    return read


def accuracy(system: System, state: State, X, y, batch: int = 500) -> float:
    """Return the share of inputs whose label is read right."""
    return float((answers(system, state, X, batch) == np.asarray(y)).mean())
