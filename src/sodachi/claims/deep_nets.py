"""Deep nets on MNIST for the claims: newborn, lived, read, and their error's true direction."""

from __future__ import annotations

import time
from functools import cache, partial
from itertools import pairwise
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
PROBE = 32  # samples on which directions are compared
READ = 100  # test samples a call
LONG = 200  # ticks of the wave in float64 that stand for "for ever"; the residual certifies it


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


def _blank(system: System) -> State:
    """Return a state of zeros: enough where weights are given and nothing learns or is carried."""
    shapes = jax.eval_shape(lambda: system.init(0))
    return jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)


@cache
def _reader(depth: int, width: int):
    """One compiled reader for all nets of a shape: (what a newborn shares, its reading)."""
    net = deep_net(depth, deep_options(depth, width, 1e-3, 1), settle_ticks=1)
    lanes = minibatch(net, READ)
    start = _blank(lanes)

    def read(shared, x):
        now = told(net, x, None, learn=False)
        return jnp.argmax(lanes.step(State(shared, start.lane), now)[1]["label"], -1)

    return start.shared, jax.jit(lambda shared, X: jax.lax.map(partial(read, shared), X))


def drives(net: System, depth: int, shared, X, y):
    """Return what every layer's weights are told on these samples, ``ε f(x)``, and the residual.

    Returns
    -------
    drives : list of float64 [source, target]
        By weight layer, from the input up.
    relative : float
        The largest force left on a free cell, by the root mean square of the first errors.
    """
    lanes = minibatch(net, len(X))
    start = _blank(lanes)

    @jax.jit
    def step(shared, x, y):
        return lanes.step(State(shared, start.lane), told(net, x, y, learn=False))

    dtype = start.lane["activity"]["input"].dtype
    state, output = step(shared, jnp.asarray(X, dtype), jnp.asarray(y))
    names = ["input", *(f"hidden{i}" for i in range(1, depth)), "label"]
    cells = {n: np.asarray(v, np.float64) for n, v in state.lane["activity"].items()}
    error = {n: np.asarray(v, np.float64) for n, v in state.lane["error"].items()}
    rate = {n: v if n == "input" else np.tanh(v) for n, v in cells.items()}
    told_all = [rate[a].T @ error[b] for a, b in pairwise(names)]
    size = float(np.sqrt((error["hidden1"] ** 2).mean()))
    left = float(np.max(np.asarray(output["residual"])))
    return told_all, left / size if size else float("inf")


def direction(depth: int, common: dict, shared, data: Digits, seed: int) -> dict[str, float]:
    """Return how well the wave's updates point to those of the equilibrium, in float64.

    The cosine of the first layer's update and the least of all layers', on training samples. The
    equilibrium, at the same label precision, is the wave's own rest after ``LONG`` ticks,
    certified by the force that is left.
    """
    rows = np.random.default_rng([seed, 1]).choice(len(data.y), PROBE, replace=False)
    X, y = data.X[rows], data.y[rows]
    ours, _ = drives(deep_net(depth, common), depth, shared, X, y)
    with jax.enable_x64(True):
        settled = deep_net(depth, common, settle_ticks=LONG, dtype="float64")
        weights = {n: jnp.asarray(np.asarray(w), jnp.float64) for n, w in shared["weights"].items()}
        start = _blank(settled).shared
        true, residual = drives(settled, depth, {**start, "weights": weights}, X, y)
    cosines = [cosine(a, b) for a, b in zip(ours, true, strict=True)]
    return {
        "first_cosine": cosines[0],
        "least_cosine": min(cosines),
        "first_length": float(np.linalg.norm(ours[0]) / np.linalg.norm(true[0])),
        "residual": residual,
    }


def cosine(a, b) -> float:
    """Return the cosine of two arrays; 0 where one is nothing."""
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.sum(a * b)) / size if size else 0.0
