"""Rivals that learn a Turing machine from the same traces: a GRU by backprop, and a dictionary."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sodachi.claims.machine_runs import MARKS, TAUGHT, TICKS, Task, simulated
from sodachi.models.turing_machine import TuringMachine

STEPS = TICKS // 2  # of a machine, in a trace
OUTPUTS = (TAUGHT.states, TAUGHT.symbols, 3)  # next state, symbol to write, move


class Recurrent(NamedTuple):
    """A gated recurrent net: cells, Adam's rate, and updates on all traces at once."""

    cells: int
    rate: float
    updates: int


#: The best of cells 32, 64, 128, rates .003, .01, .03, .1 and updates 300, 600, 1,000, two tasks.
GRU = Recurrent(64, 0.03, 1000)


def lookup(wanted: Task, traces: int) -> TuringMachine:
    """Return the table of what was seen, entry by entry: an upper bound on what can be known."""
    seen = {}
    for marks, start in wanted.shown[:traces]:
        truth = simulated(wanted.machine, marks, MARKS // 2, STEPS, start)
        tape, head = dict(enumerate(marks)), MARKS // 2
        for before in truth.states[:-1]:
            symbol = tape.get(head, 0)
            entry = wanted.machine.entry(before, symbol)
            assert entry is not None
            seen[before, symbol] = entry
            tape[head] = entry[1]
            head += entry[2]
    rows = tuple((*pair, *entry) for pair, entry in seen.items())
    return TuringMachine(TAUGHT.states, TAUGHT.symbols, rows)


def exact_lookup(wanted: Task, traces: int, steps: int = TICKS) -> float:
    """Return the share of unseen tapes on which that table does what the machine does."""
    found = lookup(wanted, traces)
    runs = [(marks, MARKS // 2, steps, start) for marks, start in wanted.asked]
    same = [simulated(found, *run) == simulated(wanted.machine, *run) for run in runs]
    return float(np.mean(same))


def traces_of(wanted: Task, traces: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what a recurrent net reads [n, steps, in] and what it is to say [n, steps, 3].

    It reads the symbol under the head and, at the first step, the first state; it is to say what
    our network's cells are clamped to: next state, symbol and move.
    """
    inputs = np.zeros((traces, STEPS, TAUGHT.symbols + TAUGHT.states), np.float32)
    targets = np.zeros((traces, STEPS, 3), np.int32)
    for k, (marks, start) in enumerate(wanted.shown[:traces]):
        tape, head, state = dict(enumerate(marks)), MARKS // 2, start
        inputs[k, 0, TAUGHT.symbols + start] = 1.0
        for t in range(STEPS):
            symbol = tape.get(head, 0)
            entry = wanted.machine.entry(state, symbol)
            assert entry is not None
            inputs[k, t, symbol] = 1.0
            targets[k, t] = entry[0], entry[1], entry[2] + 1
            state, tape[head] = entry[:2]
            head += entry[2]
    return inputs, targets


def cell(weights, h, x):
    """Return a GRU's cells after one input (Cho et al., 2014), and its logits."""
    gates = jax.nn.sigmoid(x @ weights["to_gates"] + h @ weights["gates"] + weights["gate_bias"])
    update, reset = jnp.split(gates, 2, -1)
    fresh = jnp.tanh(x @ weights["to_new"] + (reset * h) @ weights["new"] + weights["new_bias"])
    h = update * h + (1 - update) * fresh
    return h, h @ weights["out"] + weights["out_bias"]


def _born(net: Recurrent, seed: int) -> dict[str, jax.Array]:
    inputs, n = TAUGHT.symbols + TAUGHT.states, net.cells
    shapes = {"to_gates": (inputs, 2 * n), "gates": (n, 2 * n), "to_new": (inputs, n),
              "new": (n, n), "out": (n, sum(OUTPUTS))}  # fmt: skip
    keys = jax.random.split(jax.random.key(seed), len(shapes))
    born = {name: jax.random.normal(k, shape) / shape[0] ** 0.5
            for k, (name, shape) in zip(keys, shapes.items(), strict=True)}  # fmt: skip
    return born | {"gate_bias": jnp.zeros(2 * n), "new_bias": jnp.zeros(n),
                   "out_bias": jnp.zeros(sum(OUTPUTS))}  # fmt: skip


@cache
def _training(net: Recurrent):
    optimiser = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adam(optax.cosine_decay_schedule(net.rate, net.updates)),
    )

    def loss(weights, inputs, targets):
        h = jnp.zeros((len(inputs), net.cells))
        _, logits = jax.lax.scan(lambda h, x: cell(weights, h, x), h, inputs.swapaxes(0, 1))
        parts = jnp.split(logits, np.cumsum(OUTPUTS)[:-1], -1)
        told = targets.swapaxes(0, 1)
        costs = [optax.softmax_cross_entropy_with_integer_labels(part, told[..., i]).mean()
                 for i, part in enumerate(parts)]  # fmt: skip
        return sum(costs)

    @jax.jit
    def train(weights, inputs, targets):
        def update(carry, _):
            weights, memory = carry
            value, slope = jax.value_and_grad(loss)(weights, inputs, targets)
            change, memory = optimiser.update(slope, memory, weights)
            return (optax.apply_updates(weights, change), memory), value

        start = (weights, optimiser.init(weights))
        (weights, _), values = jax.lax.scan(update, start, None, net.updates)
        return weights, values[-1]

    return train


def exact_gru(
    wanted: Task, traces: int, seed: int, net: Recurrent = GRU, steps: int = TICKS
) -> dict[str, float]:
    """Return the share of unseen tapes on which the net drives the tape as the machine does.

    Also the share that is exact for as many steps as its traces had, and its last cost.
    """
    inputs, targets = traces_of(wanted, traces)
    weights, cost = _training(net)(_born(net, seed), inputs, targets)
    count, middle = len(wanted.asked), steps + MARKS + 1
    tape = np.zeros((count, 2 * middle + MARKS), np.int64)
    tape[:, middle : middle + MARKS] = [marks for marks, _ in wanted.asked]
    heads = np.full(count, middle + MARKS // 2)
    truths = [
        simulated(wanted.machine, marks, MARKS // 2, steps, start) for marks, start in wanted.asked
    ]
    h, every, fine = jnp.zeros((count, net.cells)), np.arange(count), np.ones(count, bool)
    short, step = np.zeros(count, bool), jax.jit(cell)
    for t in range(steps):
        x = np.zeros((count, inputs.shape[2]), np.float32)
        x[every, tape[every, heads]] = 1.0
        if t == 0:
            x[every, TAUGHT.symbols + np.array([start for _, start in wanted.asked])] = 1.0
        h, logits = step(weights, h, x)
        state, symbol, move = (
            part.argmax(-1) for part in np.split(np.asarray(logits), np.cumsum(OUTPUTS)[:-1], -1)
        )
        tape[every, heads] = symbol
        heads = heads + move - 1
        fine &= state == [truth.states[t + 1] for truth in truths]
        fine &= heads - middle == [truth.heads[t + 1] for truth in truths]
        if t + 1 == STEPS:
            short = fine.copy()
    return {"exact": float(fine.mean()), "exact_100": float(short.mean()), "cost": float(cost)}
