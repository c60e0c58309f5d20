"""Lives of a settling net and of backpropagation in one task: same birth, same batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.claims.training import told
from sodachi.combinators import minibatch
from sodachi.errors import ClaimError
from sodachi.models.backprop_graph import backprop_graph
from sodachi.models.settling import settling_net
from sodachi.system import State, System

#: Ticks by which activity in nets this shallow comes within a few percent of its equilibrium.
SETTLING = {"direction": "up", "start": "feedforward", "settle_ticks": 6, "rate": 0.6}


class Task(NamedTuple):
    """What is learned: ``rows`` int [N, batch] of ``images``, their ``labels``, and the tests.

    After every ``len(rows) // len(truth)`` updates the net is asked about ``tests`` [n, d], whose
    labels are then the next row of ``truth`` int [asked, n]. ``start`` holds weights to begin with.
    """

    layers: tuple[int, ...]
    images: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    tests: np.ndarray
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

    def system(self, layers: tuple[int, ...]) -> System:
        """Return the net that learns so: sigmoid, without biases, squared error."""
        same = {"layers": layers, "activation": "sigmoid", "bias": False}
        same |= {"optimiser": self.optimiser, "weight_rate": self.rate}
        if self.options is None:
            return backprop_graph(**same)
        return settling_net(**(same | SETTLING | dict(self.options)))


class Life(NamedTuple):
    """What came of a life: test errors [asked], core-seconds of its learning, its weights."""

    wrong: np.ndarray
    seconds: float
    weights: dict[str, Any]


def live(learner: Learner, task: Task, seed: int) -> Life:
    """Return the `Life` of a newborn net in a task; compilation and tests are not in its seconds.

    Raises
    ------
    ClaimError
        Where ``again`` does not divide the updates between two tests.
    """
    if learner.again:
        task = _again(task, learner.again)
    asked, batch = len(task.truth), task.rows.shape[1]
    lanes = minibatch(learner.system(task.layers), batch)
    shared = _newborn(learner.optimiser, task.layers, seed)
    if task.start is not None:
        shared = shared | {"weights": task.start}

    def learn(state, images, rows, labels):
        def one(state, now):
            return lanes.step(state, told(lanes, images[now[0]], now[1]))[0], None

        return jax.lax.scan(one, state, (rows, labels))[0]

    ask = _asker(learner.options is not None, task.layers, len(task.tests))
    state, images, tests = (
        State(shared, _at_rest(lanes)),
        *map(jnp.array, (task.images, task.tests)),
    )
    rows, labels = (a.reshape(asked, -1, batch) for a in (task.rows, task.labels))
    learn = jax.jit(learn).lower(state, images, rows[0], labels[0]).compile()
    wrong, seconds = [], 0.0
    for i in range(asked):
        began = time.process_time()
        state = jax.block_until_ready(learn(state, images, rows[i], labels[i]))
        seconds += time.process_time() - began
        wrong.append(float(ask(state.shared["weights"], tests, task.truth[i])))
    return Life(np.array(wrong), seconds, state.shared["weights"])


@cache
def _newborn(optimiser: str, layers: tuple[int, ...], seed: int):
    """Return what a newborn net shares: a settling net and its twin are born the same."""
    return Learner(optimiser, 0.1).system(layers).init(seed).shared


def _at_rest(lanes: System):
    """Return the lanes of a net in which nothing is active, as it is born."""
    shapes = jax.eval_shape(lambda: lanes.init(0)).lane
    return jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), shapes)


@cache
def _asker(settles: bool, layers: tuple[int, ...], n: int):
    """Return compiled ``(weights, X [n, d], y [n]) -> error``: labels free, nothing learned."""
    reader = Learner("sgd", 0.1, {"settle_ticks": 1} if settles else None).system(layers)
    lanes = minibatch(reader, n)
    shared, lane = _newborn("sgd", layers, 0), _at_rest(lanes)

    @jax.jit
    def ask(weights, question, y):
        state = State(shared | {"weights": weights}, lane)
        return jnp.mean(jnp.argmax(lanes.step(state, question)[1]["label"], -1) != y)

    return lambda weights, X, y: ask(weights, told(lanes, X, None, learn=False), y)


def _again(task: Task, every: int) -> Task:
    """Return the task in which every ``every``-th batch comes twice, tested at the same places."""
    apart = len(task.rows) // len(task.truth)
    if apart % every:
        raise ClaimError("again", f"a divisor of the {apart} updates between tests", every)
    order = np.sort(np.r_[np.arange(len(task.rows)), np.arange(every - 1, len(task.rows), every)])
    return task._replace(rows=task.rows[order], labels=task.labels[order])


def rows_of(
    learners: Mapping[str, Learner],
    make: Callable[[], Task],
    seed: int,
    last: int,
    also: Callable[[Life], Figures] = lambda life: {},
) -> dict[str, Callable[[], Figures]]:
    """Return by row what measures its learner: `summary`, and what ``also`` says of its life.

    All live in one task, made when the first of them is measured.
    """
    task = cache(make)

    def measure(learner: Learner) -> Figures:
        life = live(learner, task(), seed)
        return summary(learner, task(), life, last) | also(life)

    return {row: partial(measure, learner) for row, learner in learners.items()}


def summary(learner: Learner, task: Task, life: Life, last: int) -> Figures:
    """Return the mean test error over training, that of the ``last`` tests, and the cost.

    Core-milliseconds are for each batch that comes, not for each update, and leave tests out;
    multiply-adds are of one sample.
    """
    return {
        "mean_error": float(life.wrong.mean()),
        "final_error": float(life.wrong[-last:].mean()),
        "core_milliseconds": 1e3 * life.seconds / len(task.rows),
        "multiply_adds": multiply_adds(learner, task.layers),
    }


def multiply_adds(learner: Learner, layers: tuple[int, ...]) -> float:
    """Return the multiply-adds at synapses that one sample costs.

    A synapse is used once forward and once by its own update, and one above the first layer once
    backward. Each tick of settling uses those above the first layer forward and backward again;
    what the clamped input says is said once. Where all but the first layer learn at every tick,
    each further tick costs their update, and errors that compare again, too.

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
    options = SETTLING | dict(learner.options)
    ticks = options["settle_ticks"]
    further = 2 * (ticks - 1) * upper if options.get("learning") == "every_tick" else 0.0
    return 2 * synapses + 2 * upper * ticks + further
