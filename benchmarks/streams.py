"""A batch-1 stream: scanned updates against river, and against PyTorch eager where installed."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.common import alternating, result, seconds
from sodachi.data import load_digits
from sodachi.models import backprop_net, settling_net
from sodachi.system import Evidence, Observation

LAYERS = (64, 32, 10)
SAMPLES = 1797
RIVER_SAMPLES = 300


def learner(net):
    """Return a call that learns the whole stream once, one sample an update, in one program."""
    X, y = (np.asarray(a) for a in load_digits())
    inputs, labels = net.spec.variable("input").shape, net.spec.variable("label").shape

    def told(x, t):
        label = jax.nn.one_hot(t, labels[0])
        evidence = {
            "input": Evidence(x, jnp.full(inputs, jnp.inf), jnp.zeros(inputs)),
            "label": Evidence(label, jnp.full(labels, jnp.inf), jnp.zeros(labels)),
        }
        return Observation(evidence, {}, jnp.array(True), jnp.array(True))

    @jax.jit
    def live(state, X, y):
        def one(state, row):
            return net.step(state, told(*row))[0], None

        return jax.lax.scan(one, state, (X, y))[0]

    state, X, y = net.init(0), jnp.asarray(X, jnp.float32), jnp.asarray(y)
    return lambda: jax.block_until_ready(live(state, X, y))


def river_learner():
    """Return a call that learns part of the stream with river's scaler and softmax regression."""
    from river import linear_model, preprocessing

    X, y = (np.asarray(a) for a in load_digits())
    rows = [{f"x{i}": float(v) for i, v in enumerate(x)} for x in X[:RIVER_SAMPLES]]

    def once():
        model = preprocessing.StandardScaler() | linear_model.SoftmaxRegression()
        for x, label in zip(rows, y, strict=False):
            model.learn_one(x, int(label))

    return once


def torch_learner():
    """Return a call that learns part of the stream with the same net in PyTorch, eagerly."""
    import torch

    torch.set_num_threads(1)
    X, y = (np.asarray(a) for a in load_digits())
    X, y = torch.tensor(X[:RIVER_SAMPLES]), torch.tensor(y[:RIVER_SAMPLES]).long()
    net = torch.nn.Sequential(
        torch.nn.Linear(LAYERS[0], LAYERS[1]), torch.nn.LeakyReLU(0.1), torch.nn.Linear(*LAYERS[1:])
    )
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)

    def once():
        for i in range(RIVER_SAMPLES):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(X[i : i + 1]), y[i : i + 1]).backward()
            optimiser.step()

    return once


def main() -> list[dict]:
    """Measure both systems against river (and PyTorch), each pair in one run."""
    twin = learner(backprop_net(layers=LAYERS, loss="softmax", optimiser="sgd"))
    settling = learner(
        settling_net(
            layers=LAYERS, direction="up", settle_ticks=20, start="feedforward", optimiser="sgd"
        )
    )
    found = []
    for name, ours, target in (("stream-backprop", twin, 50), ("stream-settling", settling, 5)):
        mine, theirs = alternating(ours, river_learner())
        mine, theirs = mine / SAMPLES, theirs / RIVER_SAMPLES
        figures = {"layers": list(LAYERS), "seconds_an_update": mine, "peer_seconds": theirs}
        try:
            figures["torch_eager_seconds"] = seconds(torch_learner()) / RIVER_SAMPLES
        except ImportError:
            figures["torch_eager_seconds"] = "not installed"
        peer = "river StandardScaler + SoftmaxRegression (linear, on dictionaries)"
        ratio = theirs / mine
        found.append(result(name, peer, ratio, f">= {target}", ratio >= target, **figures))
    return found
