"""A training step of predictive coding against the twin's, and against pcx, on 784-256-256-10.

The step must be worth its time: the first layer's gradient is compared with the one at the
equilibrium (a long relaxation in float64), and the least cosine over seeds and ages is reported.
For pcx give the Python of its own environment in ``PCX_PYTHON``.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import alternating, result, seconds
from sodachi.claims.training import newborn, told, trainer
from sodachi.combinators import minibatch
from sodachi.data import load_mnist
from sodachi.models import backprop_graph, settling_net
from sodachi.system import State

LAYERS, BATCH, STEPS = (784, 256, 256, 10), 64, 40
EPOCHS = (0, 1, 5)  # ages at which the gradient is compared
SEEDS = (0, 1, 2)
EPOCH = 12_800  # samples
COMMON = {"activation": "relu", "scale": 2**0.5}
#: How the net relaxes, held against the equilibrium of its own energy.
FORMS = {"wave": {"relaxation": "wave", "settle_ticks": 3, "precision": {"label": 0.03}}}
PCX_TICKS = 20


def net(optimiser="adam", **form):
    """Return the upward net, put on its platforms at every sample."""
    return settling_net(
        layers=LAYERS, direction="up", start="feedforward", optimiser=optimiser, **COMMON, **form
    )


def first_layer_gradient(form, weights, X, y, dtype="float32"):
    """Return the change of the first weights that one step of plain SGD with rate 1 makes."""
    system = net("sgd", weight_rate=1.0, dtype=dtype, **form)
    lanes = minibatch(system, len(X))
    state = lanes.init(0)
    cast = {n: jnp.asarray(np.asarray(w), dtype) for n, w in weights.items()}
    state = State(state.shared | {"weights": cast}, state.lane)
    moved = jax.jit(lanes.step)(state, told(system, jnp.asarray(X, dtype), jnp.asarray(y)))[0]
    name = "input>hidden1"
    return np.asarray(moved.shared["weights"][name] - cast[name], np.float64)


def cosine_to_equilibrium(form, weights, X, y) -> float:
    """Return the cosine between this form's first-layer gradient and the equilibrium's."""
    short = first_layer_gradient(form, weights, X, y)
    with jax.enable_x64(True):
        precision = {"precision": form["precision"]} if "precision" in form else {}
        long = {"settle_ticks": 1500, "rate": 0.1, **precision}
        settled = first_layer_gradient(long, weights, X, y, "float64")
    return float((short * settled).sum() / np.linalg.norm(short) / np.linalg.norm(settled))


def least_cosine(form) -> float:
    """Return the least cosine over three seeds, newborn and after 1 and 5 epochs."""
    X, y = load_mnist()
    X, y = jnp.asarray(X[:EPOCH]), jnp.asarray(np.array(y[:EPOCH]))
    system = net(**form)
    epoch, found = trainer(system, BATCH), []
    for seed in SEEDS:
        state = newborn(system, seed, BATCH)
        for age in range(max(EPOCHS) + 1):
            if age in EPOCHS:
                probe = slice(age * BATCH, (age + 1) * BATCH)
                found.append(
                    cosine_to_equilibrium(form, state.shared["weights"], X[probe], y[probe])
                )
            order = np.random.default_rng((seed, age)).permutation(EPOCH)
            state = epoch(state, X, y, jnp.asarray(order))
    return min(found)


def training(system):
    """Return a call that trains ``STEPS`` batches in one program."""
    X = jnp.asarray(np.random.default_rng(0).random((STEPS * BATCH, LAYERS[0]), np.float32))
    y = jnp.asarray(np.arange(STEPS * BATCH) % 10)
    epoch, state, order = trainer(system, BATCH), newborn(system, 0, BATCH), jnp.arange(len(X))
    return lambda: jax.block_until_ready(epoch(state, X, y, order))


def pcx_seconds() -> float | None:
    """Return pcx's seconds a step, or None where it is not installed."""
    python = os.environ.get("PCX_PYTHON")
    if not python:
        return None
    script = Path(__file__).with_name("pcx_peer.py")
    done = subprocess.run(
        [python, str(script), str(PCX_TICKS)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])["seconds_a_step"]


def main() -> list[dict]:
    """Measure the wave against the twin, and twenty ticks of descent against pcx."""
    twin = training(backprop_graph(layers=LAYERS, **COMMON))
    found = []
    for name, form in FORMS.items():
        mine, theirs = alternating(training(net(**form)), twin, repeats=9)
        cosine = least_cosine(form)
        found.append(
            result(
                f"settling-{name}", "the twin on the same graph, Adam, batch 64", theirs / mine,
                "at most 3 times its time (goal 2), cosine >= .99",
                mine <= 3 * theirs and cosine >= 0.99,
                times_the_twin=mine / theirs, seconds_a_step=mine / STEPS,
                peer_seconds=theirs / STEPS, least_cosine=cosine, ticks=form["settle_ticks"],
            )
        )  # fmt: skip
    mine = seconds(training(net(settle_ticks=PCX_TICKS, rate=0.1)), repeats=9) / STEPS
    peer = pcx_seconds()
    ratio = None if peer is None else peer / mine
    found.append(
        result(
            "settling-pcx", f"pcx {PCX_TICKS} ticks, own environment", ratio,
            "at least 1.3 times as fast", None if ratio is None else ratio >= 1.3,
            seconds_a_step=mine, peer_seconds=peer,
        )
    )  # fmt: skip
    return found
