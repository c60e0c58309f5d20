"""The peer's side of the settling benchmark: pcx from the package index, in its own environment.

The loop of pcx's own tutorials: initialise by a forward pass, T steps of SGD on the value nodes,
one step of Adam on the weights; compiled as a whole, one batch a call.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pcx
import pcx.functional as pxf
import pcx.nn as pxnn
import pcx.predictive_coding as pxc
import pcx.utils as pxu

LAYERS, BATCH, STEPS = (784, 256, 256, 10), 64, 40


class Net(pxc.EnergyModule):
    """A chain of linear layers, a value node after each."""

    def __init__(self):
        super().__init__()
        self.layers = [pxnn.Linear(a, b) for a, b in pairwise(LAYERS)]
        self.vodes = [pxc.Vode() for _ in self.layers]
        self.vodes[-1].h.frozen = True

    def __call__(self, x, y):
        for i, (layer, node) in enumerate(zip(self.layers, self.vodes, strict=True)):
            x = layer(x)
            x = node(jax.nn.relu(x) if i < len(self.layers) - 1 else x)
        if y is not None:
            self.vodes[-1].set("h", y)
        return self.vodes[-1].get("u")


@pxf.vmap(pxu.M(pxc.VodeParam | pxc.VodeParam.Cache).to((None, 0)), in_axes=(0, 0), out_axes=0)
def forward(x, y, *, model):
    """Return the prediction of one sample."""
    return model(x, y)


@pxf.vmap(
    pxu.M(pxc.VodeParam | pxc.VodeParam.Cache).to((None, 0)),
    in_axes=(0,), out_axes=(None, 0), axis_name="batch",
)  # fmt: skip
def energy(x, *, model):
    """Return the energy, summed over the batch, and the prediction."""
    y_ = model(x, None)
    return jax.lax.psum(model.energy(), "batch"), y_


@pxf.jit(static_argnums=0)
def train_on_batch(ticks, x, y, *, model, optim_w, optim_h):
    """Settle so many ticks, then learn."""
    model.train()
    with pxu.step(model, pxc.STATUS.INIT, clear_params=pxc.VodeParam.Cache):
        forward(x, y, model=model)
    optim_h.init(pxu.M_hasnot(pxc.VodeParam, frozen=True)(model))
    for _ in range(ticks):
        with pxu.step(model, clear_params=pxc.VodeParam.Cache):
            _, g = pxf.value_and_grad(
                pxu.M_hasnot(pxc.VodeParam, frozen=True).to([False, True]), has_aux=True
            )(energy)(x, model=model)
        optim_h.step(model, g["model"])
    optim_h.clear()
    with pxu.step(model, clear_params=pxc.VodeParam.Cache):
        _, g = pxf.value_and_grad(pxu.M(pxnn.LayerParam).to([False, True]), has_aux=True)(energy)(
            x, model=model
        )
    optim_w.step(model, g["model"], scale_by=1.0 / BATCH)


def main(ticks: int) -> None:
    """Print the median seconds of a step as JSON."""
    model = Net()
    X = jnp.asarray(np.random.default_rng(0).random((STEPS, BATCH, LAYERS[0]), np.float32))
    y = jax.nn.one_hot(jnp.asarray(np.arange(STEPS * BATCH) % 10).reshape(STEPS, BATCH), 10)
    with pxu.step(model, pxc.STATUS.INIT, clear_params=pxc.VodeParam.Cache):
        forward(X[0], None, model=model)
    optim_h = pxu.Optim(lambda: optax.sgd(0.1))
    optim_w = pxu.Optim(lambda: optax.adam(1e-3), pxu.M(pxnn.LayerParam)(model))
    times = []
    for _ in range(9):
        start = time.perf_counter()
        for i in range(STEPS):
            train_on_batch(ticks, X[i], y[i], model=model, optim_w=optim_w, optim_h=optim_h)
        jax.block_until_ready(model.layers[0].nn.weight.get())
        times.append((time.perf_counter() - start) / STEPS)
    print(json.dumps({"seconds_a_step": sorted(times[1:])[4], "pcx": str(pcx.__name__)}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
