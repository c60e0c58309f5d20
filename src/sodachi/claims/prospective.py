"""Infer activity first, then learn: the shared protocol of Song et al. (2024)'s four set-ups.

Predictive coding and backpropagation learn the same task from the same newborn weights, one weight
update for each batch, with the same optimiser; the rate of each is the best of one grid.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.claims.training import told
from sodachi.combinators import minibatch
from sodachi.data import load_fashion_mnist
from sodachi.errors import ClaimError
from sodachi.models.backprop_graph import backprop_graph
from sodachi.models.settling import settling_net
from sodachi.system import State, System

CLASSES = 10
#: Settling by which activity comes within a few percent of its equilibrium in nets this shallow.
SETTLING = {"direction": "up", "start": "feedforward", "settle_ticks": 6, "rate": 0.6}
#: One grid of step sizes for every learner, by optimiser: ten a decade, three a decade.
GRID = {
    "sgd": tuple(round(0.01 * 10 ** (k / 10), 4) for k in range(26)),
    "adam": tuple(round(1e-4 * 10 ** (k / 4), 6) for k in range(13)),
}


class Task(NamedTuple):
    """What is learned: ``rows`` int [N, batch] of ``images``, their ``labels``, and the tests.

    After every ``len(rows) // len(truth)`` updates the net is asked about ``tests`` [n, d], whose
    labels are then the next row of ``truth`` int [tests, n]. ``start`` holds weights to begin with.
    """

    layers: tuple[int, ...]
    images: Any
    rows: np.ndarray
    labels: np.ndarray
    tests: Any
    truth: np.ndarray
    start: Any = None


class Learner(NamedTuple):
    """A rule, its optimiser and its step size; every ``again``-th batch is presented twice.

    ``options`` go to `settling_net`; None is backpropagation.
    """

    optimiser: str
    rate: float
    options: Mapping[str, Any] | None = None
    again: int = 0

    def system(self, layers: tuple[int, ...], **more: Any) -> System:
        """Return the net that learns so: bias-free, sigmoid, squared error."""
        same = {"layers": layers, "activation": "sigmoid", "bias": False}
        same |= {"optimiser": self.optimiser, "weight_rate": self.rate}
        if self.options is None:
            return backprop_graph(**same)
        return settling_net(**(same | SETTLING | dict(self.options) | more))


def inside(rate: float, optimiser: str) -> float:
    """Return a rate that was chosen from the grid; `ClaimError` for one on its edge or off it.

    Examples
    --------
    >>> inside(0.1, "sgd")
    0.1
    """
    inner = GRID[optimiser][1:-1]
    if rate not in inner:
        raise ClaimError("rate", f"one of {inner}", rate)
    return rate


def life(learner: Learner, task: Task, seed: int) -> tuple[np.ndarray, float, State]:
    """Return the test error after every block of updates, core-seconds, and the last state.

    The seconds are those of the compiled life, tests included, compilation left out.
    """
    if learner.again:
        task = _again(task, learner.again)
    blocks, batch = len(task.truth), task.rows.shape[1]
    lanes = minibatch(learner.system(task.layers), batch)
    reader = minibatch(learner.system(task.layers, settle_ticks=1), len(task.tests))
    state = lanes.init(seed)
    if task.start is not None:
        state = State(state.shared | {"weights": task.start}, state.lane)
    asking = reader.init(0).lane

    def lived(state, images, rows, labels, tests, truth):
        def learn(state, batch):
            return lanes.step(state, told(lanes, images[batch[0]], batch[1]))[0], None

        def block(state, now):
            state, _ = jax.lax.scan(learn, state, now[:2])
            asked = State(state.shared, asking)
            output = reader.step(asked, told(reader, tests, None, learn=False))[1]
            return state, jnp.mean(jnp.argmax(output["label"], -1) != now[2])

        return jax.lax.scan(block, state, (rows, labels, truth))

    arguments = (
        state,
        jnp.asarray(task.images),
        jnp.asarray(task.rows.reshape(blocks, -1, batch)),
        jnp.asarray(task.labels.reshape(blocks, -1, batch)),
        jnp.asarray(task.tests),
        jnp.asarray(task.truth),
    )
    compiled = jax.jit(lived).lower(*arguments).compile()
    started = time.process_time()
    state, wrong = jax.block_until_ready(compiled(*arguments))
    return np.asarray(wrong), time.process_time() - started, state


def _again(task: Task, every: int) -> Task:
    """Return the task in which every ``every``-th batch comes twice, tested at the same places."""
    apart = len(task.rows) // len(task.truth)
    if apart % every:
        raise ClaimError("again", f"a divisor of the {apart} updates between tests", every)
    order = np.sort(np.r_[np.arange(len(task.rows)), np.arange(every - 1, len(task.rows), every)])
    return task._replace(rows=task.rows[order], labels=task.labels[order])


def figures(learner: Learner, task: Task, seed: int, last: int) -> Figures:
    """Return the mean test error over training, that of the ``last`` tests, and the cost."""
    wrong, seconds, _ = life(learner, task, seed)
    return {
        "mean_error": float(wrong.mean()),
        "final_error": float(wrong[-last:].mean()),
        "core_microseconds": 1e6 * seconds / len(task.rows),
        "multiply_adds": multiply_adds(learner, task.layers),
    }


def multiply_adds(learner: Learner, layers: tuple[int, ...]) -> float:
    """Return the multiply-adds that weights cost in learning one sample.

    Every synapse is used once forward and once by its own update; every synapse above the first
    layer once backward. A tick of settling uses those above the first layer forward and backward
    again: what the clamped input says is computed once.

    Examples
    --------
    >>> multiply_adds(Learner("sgd", 0.1), (4, 3, 2))
    42.0
    >>> multiply_adds(Learner("sgd", 0.1, {"settle_ticks": 2}), (4, 3, 2))
    60.0
    """
    sizes = np.array(layers)
    synapses = float((sizes[:-1] * sizes[1:]).sum())
    upper = synapses - float(sizes[0] * sizes[1])
    if learner.options is None:
        updates = 1 + (1 / learner.again if learner.again else 0)
        return updates * (2 * synapses + upper)
    ticks = dict(SETTLING, **learner.options)["settle_ticks"]
    return 2 * synapses + 2 * upper * ticks


class Images(NamedTuple):
    """Images of a seed: those to learn from, in an order of its own by class, and those of tests.

    ``by_class[c]`` are rows of ``learned``; ``tests`` [n, 784] with ``labels`` [n].
    """

    learned: np.ndarray
    labels: np.ndarray
    by_class: list[np.ndarray]
    tests: np.ndarray
    truth: np.ndarray


def images(seed: int, each: int, tuning: bool = False) -> Images:
    """Return Fashion-MNIST in a seed's order, with ``each`` test images of every class.

    In tuning, test images are the seed's last training images of each class, which are not
    learned then.
    """
    rng = np.random.default_rng([seed, 20])
    X, y = load_fashion_mnist("train")
    X = X.reshape(len(X), -1)
    by_class = [rng.permutation(np.flatnonzero(y == c)) for c in range(CLASSES)]
    if tuning:
        held = np.concatenate([rows[-each:] for rows in by_class])
        return Images(X, y, [rows[:-each] for rows in by_class], X[held], y[held])
    Xt, yt = load_fashion_mnist("test")
    held = np.concatenate([rng.permutation(np.flatnonzero(yt == c))[:each] for c in range(CLASSES)])
    return Images(X, y, by_class, Xt.reshape(len(Xt), -1)[held], yt[held])


def batches(rng: np.random.Generator, rows: np.ndarray, batch: int, count: int) -> np.ndarray:
    """Return ``count`` batches [count, batch] of ``rows``, pass after pass in new orders.

    Rows that fill no batch at the end of a pass are left out of it.

    Examples
    --------
    >>> batches(np.random.default_rng(0), np.arange(5), 2, 4).shape
    (4, 2)
    """
    if len(rows) < batch:
        raise ClaimError("rows", f"at least {batch}", len(rows))
    whole = len(rows) // batch
    passes = [rng.permutation(rows)[: whole * batch] for _ in range(-(-count // whole))]
    return np.concatenate(passes).reshape(-1, batch)[:count]


def tune(
    make_task: Callable[[int], Task], learner: Learner, seeds: tuple[int, ...], rates
) -> dict[float, float]:
    """Return the mean test error over training, by rate, averaged over tuning seeds."""
    return {
        rate: float(
            np.mean([life(learner._replace(rate=rate), make_task(s), s)[0].mean() for s in seeds])
        )
        for rate in rates
    }
