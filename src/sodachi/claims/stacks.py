"""Restricted machines one upon another: each learns from what the one below it believes."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.boltzmann_training import Schooling, schooled
from sodachi.claims.training import newborn, trainer
from sodachi.models.backprop import backprop_net
from sodachi.models.boltzmann import machine_graph, machine_parameters
from sodachi.models.boltzmann_energy import fields
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.system import State, System

CHUNK = 2000  # samples whose beliefs are computed at a time


class Stacked(NamedTuple):
    """One machine of a stack: its weights, and what its hidden units believe."""

    system: System
    state: State

    @property
    def weights(self) -> np.ndarray:
        """[inputs, hidden units]."""
        return np.asarray(self.state.shared["weights"]["input-hidden1"])

    def believe(self, X: Any) -> np.ndarray:
        """Return p(h = 1 | x) of every hidden unit, float32 [n, units]."""
        graph = machine_graph(self.system.spec)
        parameters = machine_parameters(self.system.spec, self.state)
        parts = [X[i : i + CHUNK] for i in range(0, len(X), CHUNK)]
        return np.concatenate([np.asarray(_believed(graph, parameters, x)) for x in parts])


@partial(jax.jit, static_argnums=0)
def _believed(graph: BoltzmannGraph, parameters: Parameters, x):
    hidden = graph.populations[1]
    seen = {"input": jnp.asarray(x).T, hidden.name: jnp.zeros((hidden.units, len(x)))}
    return jax.nn.sigmoid(fields(graph, parameters, seen)[hidden.name]).T


@lru_cache(16)
def machine(inputs: int, units: int, batch: int, **settings: Any) -> System:
    """Return a restricted machine; the same object for the same numbers, so that it compiles once.

    It learns by one sweep of contrastive divergence unless the settings say otherwise.
    """
    given: dict[str, Any] = {"dream": "reconstruction", "chains": batch} | settings
    return deep_boltzmann_machine(layers=(inputs, units), **given)


def taught(X: np.ndarray, units: int, how: Schooling, seed: int, **settings: Any) -> Stacked:
    """Return a machine of ``units`` hidden units after its passes over X [n, inputs].

    Examples
    --------
    >>> X = np.eye(4, dtype=np.float32)
    >>> taught(X, 3, Schooling(passes=1, batch=2), 0).believe(X).shape
    (4, 3)
    """
    system = machine(X.shape[1], units, how.batch, **settings)
    return Stacked(system, schooled(system, how, seed, X))


def untaught(inputs: int, units: int, batch: int, seed: int, **settings: Any) -> Stacked:
    """Return the same machine newborn."""
    system = machine(inputs, units, batch, **settings)
    return Stacked(system, system.init(seed))


# --- a label on top ------------------------------------------------------------------------------


class Reader(NamedTuple):
    """A layer of labels: ``softmax(A W + b)``."""

    weights: np.ndarray
    bias: np.ndarray

    def read(self, activity: np.ndarray) -> np.ndarray:
        """Return the likeliest label of each, int [n]."""
        return (activity @ self.weights + self.bias).argmax(1)


def reader(
    activity: np.ndarray, y: np.ndarray, seed: int, *, classes: int, epochs: int, rate: float
) -> Reader:
    """Return a layer of labels above units that no longer change.

    ``Δw_ij = rate · x_i (t_j − p_j)``, averaged over batches of 50: the delta rule, and what the
    contrastive rule is where the label alone is let go.

    Examples
    --------
    >>> x = np.repeat(np.eye(2, dtype=np.float32), 50, 0)
    >>> y = np.repeat([0, 1], 50)
    >>> told = reader(x, y, 0, classes=2, epochs=20, rate=1.0)
    >>> told.read(np.eye(2)).tolist()
    [0, 1]
    """
    net, epoch = _reading(activity.shape[1], classes, rate)
    state, rng = newborn(net, seed, 50), np.random.default_rng([seed, 8])
    X, told = jnp.asarray(activity, jnp.float32), jnp.asarray(y)
    for _ in range(epochs):
        state = epoch(state, X, told, jnp.asarray(rng.permutation(len(X))))
    found = state.shared["weights"]
    return Reader(np.asarray(found["weight_0"]), np.asarray(found["bias_0"]))


@lru_cache(16)
def _reading(inputs: int, classes: int, rate: float):
    net = backprop_net(layers=(inputs, classes), loss="softmax", optimiser="sgd", rate=rate)
    return net, trainer(net, 50)
