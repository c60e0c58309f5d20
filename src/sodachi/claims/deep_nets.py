"""Deep nets on MNIST for the claims: newborn, lived and read."""

from __future__ import annotations

import time
from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.training import newborn, told, trainer
from sodachi.combinators import minibatch
from sodachi.data import load_mnist
from sodachi.models import backprop_graph, settling_net
from sodachi.system import State, System

MEAN, SPREAD = 0.1307, 1 / 3  # of MNIST's training pixels
BATCH = 64
READ = 100  # test samples a call


class Digits(NamedTuple):
    """Training and test images, pixels centred and scaled, and their digits."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


@cache
def digits(train: int = 60_000, test: int = 10_000) -> Digits:
    """Return the first so many training and test images of MNIST."""
    (X, y), (X_test, y_test) = load_mnist(), load_mnist("test")
    X, X_test = ((v - MEAN) / SPREAD for v in (X[:train], X_test[:test]))
    return Digits(X, y[:train], X_test, y_test[:test])


def deep_options(depth: int, width: int, rate: float, ticks: int) -> dict:
    """Return what a net of so many weight layers and its twin have in common.

    Orthogonal hidden weights, small output weights, Adam's steps shrinking to zero in ``ticks``.
    """
    return {
        "layers": (784, *[width] * (depth - 1), 10),
        "activation": "tanh",
        "initial": "orthogonal",
        "last_scale": 0.3,
        "weight_rate": rate,
        "anneal": ticks,
    }


def deep_net(depth: int, common: dict, **options) -> System:
    """Return the settling net with the error wave: as many ticks as weight layers, g = .1/depth."""
    wave = {
        "direction": "up",
        "relaxation": "wave",
        "settle_ticks": depth,
        "start": "feedforward",
        "precision": {"label": 0.1 / depth},
    }
    return settling_net(**(common | wave | options))


def deep_twin(common: dict) -> System:
    """Return backprop on the same graph from the same newborn weights."""
    return backprop_graph(**common)


def keeping(net: System, learners: tuple[str, ...]) -> System:
    """Return the net with every weight frozen but the named."""

    def step(state, observation):
        new, output = net.step(state, observation)
        old = state.shared["weights"]
        weights = {n: w if n in learners else old[n] for n, w in new.shared["weights"].items()}
        return State({**new.shared, "weights": weights}, new.lane), output

    return net._replace(step=step)


def live(system: System, state: State, data: Digits, epochs: int, seed: int, watch=None):
    """Return the state after some epochs, and the core-seconds of one (the first, compiling, not).

    ``watch(state)`` is called after each epoch. With one epoch the compilation is in its seconds.
    """
    epoch = _epoch(system)
    X, y = jnp.asarray(data.X), jnp.asarray(data.y)
    rng = np.random.default_rng(seed)
    seconds = []
    for _ in range(epochs):
        order = jnp.asarray(rng.permutation(len(data.y)))
        started = time.process_time()
        state = jax.block_until_ready(epoch(state, X, y, order))
        seconds.append(time.process_time() - started)
        if watch is not None:
            watch(state)
    return state, float(np.mean(seconds[1:] or seconds))


@cache
def _epoch(system: System):
    """One compiled epoch a system."""
    return trainer(system, BATCH)


def born(system: System, seed: int) -> State:
    """Return a newborn for `live`."""
    return newborn(system, seed, BATCH)


def score(depth: int, width: int, state: State, data: Digits) -> float:
    """Return the test accuracy of a net or of its twin, read by the settling net, label free.

    From one pass forward: with a free label every cell stands on its platform and nothing settles.
    """
    shared = {**_reader(depth, width)[0], "weights": forward(state.shared["weights"])}
    X = jnp.asarray(data.X_test.reshape(-1, READ, 784))
    return float((np.asarray(_reader(depth, width)[1](shared, X)).ravel() == data.y_test).mean())


def forward(weights: dict) -> dict:
    """Return the weights without those of feedback synapses."""
    return {n: w for n, w in weights.items() if not n.endswith(":back")}


def blank(system: System) -> State:
    """Return a state of zeros: enough where weights are given and nothing learns or is carried."""
    shapes = jax.eval_shape(lambda: system.init(0))
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)


@cache
def _reader(depth: int, width: int):
    """One compiled reader for all nets of a shape: (what a newborn shares, its reading)."""
    net = deep_net(depth, deep_options(depth, width, 1e-3, 1), settle_ticks=1)
    lanes = minibatch(net, READ)
    start = blank(lanes)

    def read(shared, x):
        now = told(net, x, None, learn=False)
        return jnp.argmax(lanes.step(State(shared, start.lane), now)[1]["label"], -1)

    return start.shared, jax.jit(lambda shared, X: jax.lax.map(partial(read, shared), X))
