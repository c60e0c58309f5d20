"""Layers on devices of their own learn digits and settle; who waits for whom is counted.

Run as a program by `layer_devices.measure_apart`, which sees to as many devices as layers.
"""

from __future__ import annotations

import json
import sys

import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.claims.layer_devices import Layers, core_seconds
from sodachi.claims.schedules import backprop_schedule, play, settling_schedule
from sodachi.claims.training import newborn, trainer
from sodachi.claims.unclocked import BATCH, COMMON, LAYERS, TEST_FROM, distance
from sodachi.data import load_digits
from sodachi.models.settling import settling_net

#: Layers on devices: SGD on small batches of digits, then one equilibrium reached freely.
BATCHES, TICKS, EVENTS = 20, 20, 3000
DEVICE_RATE, WEIGHT_RATE = 0.1, 0.1
DEPTHS = (3, 16)  # weight layers for which waiting is counted


def devices(seed: int, feedback: bool) -> Figures:
    """Return what layers on devices learn and settle to, against the same net on one device."""
    options = COMMON | {"optimiser": "sgd", "weight_rate": WEIGHT_RATE}
    system = settling_net(layers=LAYERS["devices"], settle_ticks=TICKS, rate=DEVICE_RATE, **options)
    X, y = load_digits()
    order = np.random.default_rng(seed).permutation(TEST_FROM)[: BATCHES * BATCH]
    edges = ["label>hidden2", "hidden2>hidden1", "hidden1>input"]
    born = newborn(system, seed, BATCH)
    weights = born.shared["weights"]
    layers = Layers(
        [weights[e] for e in edges],
        [weights[f"1>{e.split('>')[1]}"].reshape(-1) for e in edges],
        COMMON["activation"],
        DEVICE_RATE,
    )
    for rows_now in order.reshape(BATCHES, BATCH):
        layers.clamp(np.eye(10)[y[rows_now]], X[rows_now])
        layers.together(TICKS)
        layers.learn(WEIGHT_RATE)
    figures = {"devices": float(len(set(layers.homes)))}
    figures["messages_a_tick"], figures["numbers_a_tick"] = counted_tick(layers)
    state = trainer(system, BATCH)(born, jnp.asarray(X), jnp.asarray(y), jnp.asarray(order))
    one = [state.shared["weights"][e] for e in edges]
    apart = [layers.cells[n]["weight"] for n in range(1, len(edges) + 1)]
    figures["difference"] = distance(list(map(np.asarray, apart)), list(map(np.asarray, one)))
    ends = np.eye(10)[y[order[-BATCH:]]], X[order[-BATCH:]]
    layers.clamp(*ends)
    layers.together(1000)
    there, reference = layers.activity(), layers.residual()
    layers.clamp(*ends)
    layers.freely(EVENTS, np.random.default_rng(seed), feedback)
    figures |= {"residual": layers.residual(), "residual_clock": reference}
    figures["distance"] = distance(layers.activity(), there)
    return figures | waiting() | {"core_seconds": core_seconds()}


def counted_tick(layers: Layers) -> tuple[float, float]:
    """Return messages, and numbers in them a sample, that one tick of all layers sends."""
    messages, numbers = layers.messages, layers.numbers
    layers.together(1)
    return float(layers.messages - messages), (layers.numbers - numbers) / BATCH


def waiting() -> Figures:
    """Return counts (not times) of one training step, every layer on a device of its own."""
    figures = {}
    for depth in DEPTHS:
        ours, twin = play(settling_schedule(depth, TICKS)), play(backprop_schedule(depth))
        for who, count in (("ours", ours), ("backprop", twin)):
            figures |= {
                f"idle_{who}_{depth}": count.idle,
                f"time_{who}_{depth}": float(count.time),
                f"messages_{who}_{depth}": float(count.messages),
            }
    return figures


if __name__ == "__main__":
    print(json.dumps(devices(int(sys.argv[1]), sys.argv[2] == "fresh")))
