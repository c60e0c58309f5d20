"""Claim: no common clock. Cells that move when they like, on old news, settle where all others do.

Three ways to have no clock, each against the form that has one: random masks and delays on MNIST,
one unit at a time on digits, and layers on devices of their own that only exchange messages with
their neighbours. What is compared is the equilibrium, what was learned, and who waits for whom.
"""

from __future__ import annotations

import json
import sys
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.layer_devices import Layers, core_seconds, measure_apart
from sodachi.claims.schedules import backprop_schedule, play, settling_schedule
from sodachi.claims.statistics import Check, above, at_least, at_most, by_mean, within
from sodachi.claims.training import newborn, told, train, trainer
from sodachi.combinators import minibatch
from sodachi.data import load_digits, load_mnist
from sodachi.models.settling import settling_net
from sodachi.system import State, System

LAYERS = {"mnist": (784, 32, 10), "digits": (64, 32, 10), "devices": (64, 32, 32, 10)}
TRAINED = {"quick": {"mnist": 200, "digits": 200}, "full": {"mnist": 800, "digits": 800}}
TESTED = {"quick": 50, "full": 200}  # of the test images
TEST_FROM = 1347  # the last quarter of digits, of other writers, is for testing alone
CERTIFIED = 10  # samples whose equilibrium is followed until hardly anything moves
BATCH = 10
COMMON: dict[str, Any] = {
    "direction": "down",
    "activation": "tanh",
    "start": "feedforward",
    "scale": 0.3,
    "last_scale": 0.3,
    "weight_rate": 3e-3,
}
#: Of MNIST's 784 pixels, which together weigh as much as the 64 of digits.
PRECISION = {"mnist": {"hidden1": 0.3, "input": 0.08}, "digits": {"hidden1": 0.3}}


class Way(NamedTuple):
    """How activity relaxes: a net's options, and ticks (or sweeps) to learn, to read, to rest."""

    options: dict[str, Any]
    learn: int
    read: int
    rest: int


_MASKS: dict[str, Any] = {"relaxation": "asynchronous", "rate": 0.05, "probability": 0.5}
#: All have the same time to learn and to read: ticks times rate times the chance to move.
WAYS = {
    "one clock": Way({"relaxation": "descent", "rate": 0.1}, 20, 100, 1000),
    "masks and delays": Way(_MASKS | {"max_delay": 2}, 80, 400, 800),
    "one unit at a time": Way({"relaxation": "one_at_a_time", "rate": 0.4}, 5, 25, 150),
    "news too old": Way(_MASKS | {"rate": 0.5, "max_delay": 20}, 8, 40, 100),
}
#: Layers on devices: SGD on small batches of digits, then one equilibrium reached freely.
BATCHES, TICKS, EVENTS = 20, 20, 3000
DEVICE_RATE, WEIGHT_RATE = 0.1, 0.1
DEPTHS = (3, 16)  # weight layers for which waiting is counted

CLOCK = "one clock"
OLD, APART, STALE = "mnist, news too old", "layers on devices", "layers on devices, stale"
OURS = {"mnist": "masks and delays", "digits": "one unit at a time"}


def rows(seed: int, form: str):
    """Return what is measured: each data set with and without a clock, the devices, the lesions."""
    asked = [(data, way) for data in OURS for way in (CLOCK, OURS[data])]
    if form == "quick":
        asked = [("digits", OURS["digits"])]
    wanted = {f"{data}, {way}": partial(lived, data, way, seed, form) for data, way in asked}
    if form == "full":
        wanted[OLD] = partial(misled, seed, form)
    for row, news in ((APART, "fresh"), (STALE, "stale")):
        count = len(LAYERS["devices"])
        wanted[row] = partial(measure_apart, __name__, count, str(seed), news)
    return wanted


def lived(data: str, way: str, seed: int, form: str) -> Figures:
    """Return the accuracy of a net that learns and answers that way, and how far it settles."""
    w = WAYS[way]
    _, (X_test, y_test) = images(data, seed, form)
    state = grown(data, way, seed, form)
    figures = {"accuracy": right(net(data, way, w.read), state, X_test, y_test, seed)}
    return figures | (equilibrium(data, way, state, seed, form) if way != CLOCK else {})


def misled(seed: int, form: str) -> Figures:
    """Return where the net that grew by the clock ends when its cells live on news too old."""
    return equilibrium("mnist", "news too old", grown("mnist", CLOCK, seed, form), seed, form)


def equilibrium(data: str, way: str, state: State, seed: int, form: str) -> Figures:
    """Return how far from the clock's equilibrium a net ends, and the forces left in both."""
    _, (X, y) = images(data, seed, form)
    X, y, w = X[:CERTIFIED], y[:CERTIFIED], WAYS[way]
    here, residual = settled(net(data, way, w.rest), state, X, y, seed)
    there, reference = settled(net(data, CLOCK, WAYS[CLOCK].rest), state, X, y, seed)
    curve = w.options["rate"] * (1 + w.options.get("max_delay", 0)) * stiffness(state, data)
    return {
        "distance": distance(list(here.values()), list(there.values())),
        "residual": residual,
        "residual_clock": reference,
        "rate_times_curvature_times_delay": curve,
    }


@cache
def grown(data: str, way: str, seed: int, form: str) -> State:
    """Return the state of a net that learned that way."""
    (X, y), _ = images(data, seed, form)
    return train(net(data, way, WAYS[way].learn), X, y, epochs=1, batch=BATCH, seed=seed)


def images(data: str, seed: int, form: str):
    """Return the images a seed trains on, and those of the test set."""
    rng, count = np.random.default_rng(seed), TRAINED[form][data]
    if data == "digits":
        X, y = load_digits()
        order = rng.permutation(TEST_FROM)[:count]
        tested = slice(TEST_FROM, TEST_FROM + TESTED[form])
        return (X[order], y[order]), (X[tested], y[tested])
    (X, y), (X_test, y_test) = load_mnist(), load_mnist("test")
    order, tested = rng.permutation(len(X))[:count], slice(TESTED[form])
    return (X[order], y[order]), (X_test[tested], y_test[tested])


def net(data: str, way: str, ticks: int) -> System:
    """Return the net of a data set that relaxes for so many ticks of a way."""
    return settling_net(
        layers=LAYERS[data],
        precision=PRECISION[data],
        settle_ticks=ticks,
        **(COMMON | WAYS[way].options),
    )


def right(system: System, state: State, X, y, seed: int) -> float:
    """Return the share of images whose label is read right, label free, by that relaxation."""
    _, output = step(system, state, X, None, seed)
    return float((np.asarray(output["label"]).argmax(-1) == np.asarray(y)).mean())


def settled(system: System, state: State, X, y, seed: int):
    """Return activity by population under image and label, and the largest force left."""
    after, output = step(system, state, X, y, seed)
    activity = {n: np.asarray(a, np.float64) for n, a in after.lane["activity"].items()}
    return activity, float(np.max(np.asarray(output["residual"])))


def step(system: System, state: State, X, y, seed: int):
    """Return what one step without learning makes of all samples, each a lane."""
    lanes = minibatch(system, len(X))
    lane = lanes.init(seed).lane
    seen = told(system, jnp.asarray(X), None if y is None else jnp.asarray(y), learn=False)
    return jax.jit(lanes.step)(State(state.shared, lane), seen)


def distance(here, there) -> float:
    """Return ``max |x − x*| / max |x*|`` over lists of arrays; infinite where not a number."""
    apart = max(float(np.abs(a - b).max()) for a, b in zip(here, there, strict=True))
    size = max(float(np.abs(b).max()) for b in there)
    return apart / size if np.isfinite(apart) else float("inf")


def stiffness(state: State, data: str) -> float:
    """Return a bound on the energy's curvature: ``Σ π (1 + σ²)``, σ the largest gain of a layer.

    Of the error cells alone: the curvature of f itself, which their errors weigh, is left out.
    """
    weights = state.shared["weights"]
    gains = {n: np.linalg.norm(np.asarray(w), 2) for n, w in weights.items() if n[:2] != "1>"}
    precision = PRECISION[data]
    return float(sum(precision.get(n.split(">")[1], 1.0) * (1 + g**2) for n, g in gains.items()))


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


def check_full(m: Measured) -> list[Check]:
    """The target: the same equilibrium, the same accuracy, the same result; lesions undo it."""
    checks = []
    for data, way in OURS.items():
        row, clock = f"{data}, {way}", f"{data}, one clock"
        checks += [
            at_most(f"{row}: largest force left below .001", m(row, "residual"), 1e-3),
            at_most(f"{row}: within .001 of the clock's equilibrium", m(row, "distance"), 1e-3),
            within(f"{row}: accuracy within .02", m(row, "accuracy"), m(clock, "accuracy"), 0.02),
        ]
    checks += [
        at_least(f"{APART}: each on its own", m(APART, "devices"), len(LAYERS["devices"]) - 0.5),
        at_most(f"{APART}: weights within 1e-5 of one device's", m(APART, "difference"), 1e-5),
        at_most(f"{APART}, no order: force left below .001", m(APART, "residual"), 1e-3),
        at_most(f"{APART}, no order: within .001 of the equilibrium", m(APART, "distance"), 1e-3),
        *(above(f"{APART}: {n} layers, backprop idles more", m(APART, f"idle_backprop_{n}"),
                m(APART, f"idle_ours_{n}")) for n in DEPTHS),
    ]  # fmt: skip
    for row in LESION:
        checks.append(at_least(f"{row}: not the equilibrium, off by .01", m(row, "distance"), 0.01))
    return checks


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""

    def minus(values):
        return {seed: -value for seed, value in values.items()}

    near = "within .01 of the equilibrium"
    return [
        *(by_mean(f"{row}: {near}", minus(m(row, "distance")), -0.01)
          for row in (f"digits, {OURS['digits']}", APART)),
        by_mean(f"{APART}: weights within 1e-5", minus(m(APART, "difference")), -1e-5),
        by_mean(f"{STALE}: off by .01", m(STALE, "distance"), 0.01),
    ]  # fmt: skip


LESION = {
    OLD: "the net that grew by the clock, its cells on random masks with a step and delays far "
    "beyond the bound rate × curvature × (1 + delay) < 1 (its figure stands beside)",
    STALE: "layers that act in any order while what comes back from downstream is never fresh",
}

CLAIM = Claim(
    name="asynchrony",
    source={
        "document": "Learning algorithm of biological networks (video lecture on predictive "
        "coding)",
        "sentence": "Neurons and synapses act as autonomous agents on what is physically there, in "
        "parallel and without central control; backpropagation needs global coordination.",
    },
    rows=rows,
    rivals={
        "mnist, one clock": "the same net, all cells moving together: 20 ticks of .1 to learn, "
        "100 to read; label on top and pixels predicted, 784-32-10",
        "digits, one clock": "the same for 64-32-10",
        APART: "in this row too: backpropagation in lock-step, a layer a device, one "
        "batch under way, its waits counted (pipelines of several batches would fill them)",
    },
    lesion=LESION,
    quick=Protocol(
        words="200 digits, lived once in batches of 10, and layers on devices; judged on means of "
        "two seeds.",
        seeds=(0, 1),
        target="Within .01 of the clock's equilibrium in both; weights of layers on devices within "
        "1e-5 of one device's; on stale news off by .01 or more.",
        check=check_quick,
    ),
    full=Protocol(
        words="Predictive coding, label on top and pixels predicted; learning in one pass and "
        "reading by relaxation: 800 images of MNIST with cells that move with chance .5 on news "
        "up to 2 ticks old; 800 digits with one unit at a time; digits 64-32-32-10 with every "
        "layer on a CPU device of its own, first in step, then in random order on the last news. "
        "Equilibria under image and label, certified by the largest force left, relative to the "
        "largest activity. Waiting is counted in units of one product of a layer's weights, not "
        "clocked: predictive coding idles less and sends more (20 ticks against one sweep). 95 % "
        "t intervals over ten seeds, paired by seed.",
        seeds=tuple(range(10)),
        target="Equilibria within .001, forces below .001; accuracy within .02 of the clock's "
        "(the whole interval); weights learned on several devices within 1e-5 of one device's; "
        "idle share below backprop's at 3 and 16 layers; both lesions off by .01 or more.",
        check=check_full,
    ),
    module=__name__,
    tuning_seeds=(100, 101, 102, 103, 104),
    shown=("accuracy", "distance", "residual", "difference", "messages_a_tick", "idle_ours_16",
           "idle_backprop_16", "time_ours_16", "time_backprop_16"),
)  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(devices(int(sys.argv[1]), sys.argv[2] == "fresh")))
