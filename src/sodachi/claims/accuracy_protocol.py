"""Train a net for a number of epochs on images that move a little, and compare it with its twin.

Shared by the claims `accuracy-mnist`, `accuracy-fashion` and `accuracy-cifar`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.claims.training import accuracy, newborn, told
from sodachi.combinators import minibatch
from sodachi.errors import ClaimError
from sodachi.models import backprop_graph, settling_net
from sodachi.system import State, System

PREDICTIVE, TWIN, LESION = "predictive coding, up", "twin", "no feedback"
SOURCE = {
    "document": "Learning algorithm of biological networks (video lecture on predictive coding)",
    "sentence": "Predictive coding is not only in better harmony with the brain's biological "
    "hardware; sometimes it even brings better results than backpropagation itself.",
}


class Images(NamedTuple):
    """What is learned and what is tested: images, rows first, and whole-number labels."""

    X: np.ndarray
    y: np.ndarray
    tests: np.ndarray
    truth: np.ndarray


class Recipe(NamedTuple):
    """How a net is taught: the same for predictive coding and its twin."""

    epochs: int
    batch: int
    code: float = 1.0
    """What the label's own cell is clamped at (the others at 0)."""
    move: Callable[[np.random.Generator, np.ndarray], np.ndarray] | None = None
    """What is done to the images before every epoch: one draw for each image."""

    def steps(self, n: int) -> int:
        """Return the weight updates of the whole recipe, after which step sizes are 0."""
        return self.epochs * (n // self.batch)


def taught(system: System, images: Images, recipe: Recipe, seed: int) -> State:
    """Return the state after every epoch, each in an order (and with moves) of its own.

    Raises
    ------
    ClaimError
        For fewer images than a batch.

    Examples
    --------
    >>> from sodachi.models import settling_net
    >>> net = settling_net(layers=(4, 3, 2), direction="up", start="feedforward")
    >>> X, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> state = taught(net, Images(X, y, X, y), Recipe(epochs=1, batch=2), 0)
    """
    n = len(images.X) // recipe.batch * recipe.batch
    if not n:
        raise ClaimError("images", f"at least {recipe.batch}", len(images.X))
    lanes = minibatch(system, recipe.batch)

    @jax.jit
    def epoch(state, X, y):
        def one(state, rows):
            seen = told(system, X[rows], y[rows])
            label = seen.evidence["label"]
            evidence = seen.evidence | {"label": label._replace(value=recipe.code * label.value)}
            return lanes.step(state, seen._replace(evidence=evidence))[0], None

        return jax.lax.scan(one, state, jnp.arange(n).reshape(-1, recipe.batch))[0]

    state = newborn(system, seed, recipe.batch)
    rng = np.random.default_rng([seed, 1])
    for _ in range(recipe.epochs):
        order = rng.permutation(len(images.X))[:n]
        X = images.X[order]
        if recipe.move is not None:
            X = recipe.move(rng, X)
        state = epoch(state, jnp.asarray(X), jnp.asarray(images.y[order]))
    return state


def shifted(rng: np.random.Generator, X: np.ndarray, side: int = 28) -> np.ndarray:
    """Return the images moved by −1, 0 or 1 pixel each way, zeros moving in.

    Examples
    --------
    >>> shifted(np.random.default_rng(0), np.ones((5, 784), np.float32)).shape
    (5, 784)
    """
    square = np.pad(X.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)))
    moves = rng.integers(0, 3, (len(X), 2))
    new = np.empty_like(X).reshape(-1, side, side)
    for i in range(3):
        for j in range(3):
            rows = np.flatnonzero((moves == (i, j)).all(1))
            new[rows] = square[rows, i : i + side, j : j + side]
    return new.reshape(X.shape)


def mirrored(rng: np.random.Generator, X: np.ndarray, side: int = 28) -> np.ndarray:
    """Return the images, about half of them with left and right exchanged.

    Examples
    --------
    >>> X = np.arange(784, dtype=np.float32)[None]
    >>> sorted({float(mirrored(np.random.default_rng(i), X)[0, 0]) for i in range(9)})
    [0.0, 27.0]
    """
    square = X.reshape(len(X), side, side, -1)
    turn = rng.random(len(X)) < 0.5
    return np.where(turn[:, None, None, None], square[:, :, ::-1], square).reshape(X.shape)


def measured(
    make: Callable[[int], System],
    load: Callable[[], Images],
    recipe: Recipe,
    seed: int,
) -> Figures:
    """Return accuracy on the tests, the size, and the seconds of training (compiling included).

    ``make(anneal)`` makes the system whose step sizes reach 0 after so many updates.
    """
    images = load()
    system = make(recipe.steps(len(images.X)))
    started = time.process_time()
    state = taught(system, images, recipe, seed)
    jax.block_until_ready(state.shared)
    seconds = time.process_time() - started
    weights = sum(int(np.size(w)) for w in jax.tree.leaves(state.shared["weights"]))
    return {
        "accuracy": accuracy(system, state, images.tests, images.truth, batch=100),
        "weights": float(weights),
        "training_seconds": seconds,
    }


def contestants(makers: dict[str, Callable[[int], System]], load, recipe: Recipe, seed: int):
    """Return by row the function that measures it."""
    return {row: partial(measured, make, load, recipe, seed) for row, make in makers.items()}


class Dense(NamedTuple):
    """A net of dense layers, direction up, and what is chosen for it: the twin's too."""

    layers: tuple[int, ...]
    precision: float
    """Of the label: the smaller, the closer the wave's errors are to exact ones."""
    decay: float = 0.0
    rate: float = 1e-3


def dense(net: Dense) -> dict[str, Callable[[int], System]]:
    """Return by row the makers of the net, of its twin, and of the net without feedback."""
    same: dict = {
        "layers": net.layers,
        "activation": "relu",
        "weight_rate": net.rate,
        "decay": net.decay,
        "scale": 1.4,
    }
    wave: dict = {
        "direction": "up",
        "relaxation": "wave",
        "start": "feedforward",
        "precision": {"label": net.precision},
        **same,
    }

    def ours(anneal: int) -> System:
        return settling_net(settle_ticks=len(net.layers) - 2, anneal=anneal, **wave)

    def twin(anneal: int) -> System:
        return backprop_graph(anneal=anneal, **same)

    def cut(anneal: int) -> System:
        return settling_net(settle_ticks=1, feedback="none", anneal=anneal, **wave)

    return {PREDICTIVE: ours, TWIN: twin, LESION: cut}


def held_out(X: np.ndarray, y: np.ndarray, count: int = 5_000, seed: int = 1234) -> Images:
    """Return training images split for tuning: the last ``count`` of one order are the tests."""
    order = np.random.default_rng(seed).permutation(len(X))
    learned, kept = order[:-count], order[-count:]
    return Images(X[learned], y[learned], X[kept], y[kept])
