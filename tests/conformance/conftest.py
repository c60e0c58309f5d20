"""The table: every system that must keep the promises, by a readable name. A row is a factory call.

Each row imports its own model when it is first used.
"""

import sys
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest

from sodachi.combinators import hold, loop, minibatch, pipe, replicate
from sodachi.conformance import CHECKS, Trial

sys.path.insert(0, str(Path(__file__).parent))  # test files are imported alone, not as a package


def reference():
    """The reference unit, in whose file every promise can be read in a few lines."""
    return import_module("reference_unit").noisy_oja()


def model(module, name, **arguments):
    """Return a row for one of the library's factories."""
    return lambda: getattr(import_module(f"sodachi.models.{module}"), name)(**arguments)


settling_net = model("settling", "settling_net", layers=(6, 5, 4, 3))
#: A net with a convolution, untied fields, a skip, a loop and a lateral loop.
GRAPH = {
    "populations": [
        ["input", [6, 6, 1]],
        ["field", [3, 3, 2], "tanh"],
        ["own", [2, 2, 2], "leaky_relu"],
        ["label", [3]],
    ],
    "edges": [
        ["input", "field", {"kind": "convolution", "size": 3, "stride": 2}],
        ["field", "own", {"kind": "local", "size": 2}],
        ["own", "label"],
        ["input", "label", {"kind": "sparse", "fan_in": 4}],
        ["label", "own"],
        ["own", "own", {"loop": False}],
    ],
}
#: Every option of the settling net stands in some row.
OPTIONS = {
    "both, Langevin, precision, Autostep": {
        "optimiser": "autostep",
        "weight_rate": 0.01,
        "decay_to_initial": 0.1,
        "direction": "both",
        "relaxation": "langevin",
        "temperature": 0.1,
        "settle_ticks": 2,
        "learned_precision": {"input:down": "unit", "label": "variable"},
    },
    "wave, Kolen-Pollack, gated, IDBD": {
        "optimiser": "idbd",
        "meta_rate": 0.1,
        "direction": "up",
        "relaxation": "wave",
        "start": "feedforward",
        "settle_ticks": 2,
        "learning": "every_tick",
        "patient": ["input>hidden1"],
        "gate": "settled",
        "feedback": "kolen_pollack",
        "precision": {"label": 0.1},
    },
    "asynchronous, own gradient, apical": {
        "direction": "up",
        "relaxation": "asynchronous",
        "settle_ticks": 2,
        "max_delay": 2,
        "gate": "apical",
        "feedback": "own_gradient",
        "decay": 0.1,
        "decay_to_initial": 0.1,
        "anneal": 100,
    },
    "centred, fixed feedback": {
        "direction": "up",
        "start": "feedforward",
        "settle_ticks": 3,
        "nudge": 0.2,
        "centred": True,
        "feedback": "fixed",
        "optimiser": "sgd",
        "initial": "orthogonal",
    },
    "one at a time, no feedback, steps that cannot overshoot": {
        "relaxation": "one_at_a_time",
        "optimiser": "obgd",
        "weight_rate": 0.5,
        "feedback": "none",
        "bias": False,
        "last_scale": 0.5,
    },
}


def babbling():
    """What a net with feedback synapses of its own is while it babbles."""
    inner = model("settling", "settling_net", layers=(6, 5, 3), feedback="kolen_pollack")()
    return model("babbling", "babbling", net=inner.spec.to_json())()


worlds_and_names = model(
    "mixture", "settling_mixture", inputs=6, labels=3, units=4, contexts=3, pool=True, names=3
)
boltzmann_machine = model("boltzmann", "boltzmann_machine", units=8)
#: Every manner of dreaming, and every kind of unit, stands in some row.
BOLTZMANN = {
    "tempering, every kind": {
        "populations": [["bits", 4], ["real", 2, "gaussian"], ["spins", 3, "spin"],
                        ["sites", [2, 3], "categorical"], ["label", 3, "categorical"]],
        "couplings": [["bits", "bits"], ["bits", "real"], ["spins", "spins", [[0, 1], [1, 2]]],
                      ["sites", "sites", [[0, 1]]], ["label", "spins"], ["sites", "bits"]],
        "observed": ["bits", "real", "spins", "sites", "label"],
        "dream": "tempering", "variance_rate": 0.01, "ladder": [1.0, 2.0],
    },
    # Pixels coupled with one another and with fields of them; dreams that must move; Adam's steps.
    "semi-restricted": {
        "populations": [["image", 9], ["features", 8]],
        "couplings": [["image", "features",
                       {"kind": "local", "image": [3, 3, 1], "channels": 2, "size": 2}],
                      ["image", "image", [[0, 1], [1, 2]]]],
        "dreams": 12, "mixing": 0.3, "mixing_lag": 3, "optimiser": "adam", "sparse": 0.2,
    },
    "local dreams": {"couplings": [[0, 1], [1, 2], [2, 0]], "dream": "local"},
    "mean field": {"dream": "mean_field", "wake": "mean_field", "anneal": 100},
    "in no order": {"units": 3, "schedule": "random"},
}  # fmt: skip
restricted_boltzmann = model(
    "boltzmann",
    "boltzmann_machine",
    populations=[["image", 6], ["hidden", 4]],
    couplings=[["image", "hidden"]],
    dream="contrastive_divergence",
    sparse=0.2,
)
spiking_pair = model("spiking", "spiking_pair")
gaussian_machine = model(
    "dynamic_gaussian", "gaussian_dynamic_boltzmann_machine", units=2, natural=False
)
echoing_machine = model(
    "dynamic_gaussian",
    "gaussian_dynamic_boltzmann_machine",
    units=2,
    delay=1,
    reservoir=3,
    optimiser="adagrad",
)
backprop_net = model("backprop", "backprop_net", layers=(6, 5, 3))
#: All remedies at once; units are old after two updates, so that some are renewed.
continual_net = model(
    "continual",
    "continual_net",
    layers=(6, 5, 4, 3),
    loss="softmax",
    decay_to_initial=0.1,
    decay=0.1,
    l2=0.01,
    layer_norm=True,
    replacement_rate=0.3,
    maturity=2,
    utility_decay=0.9,
    upgd=True,
    upgd_noise=0.1,
    shrink=0.01,
    noise=0.01,
)


def remembering(inner, keep):
    """Return a system with a memory of four samples, two of which are drawn for each new one."""
    return import_module("sodachi.replaying").replay(inner, 4, 2, keep)


#: Every option of the canonical network stands in some row.
CANONICAL = {
    "remembering": {"observations": 5, "transition": "state", "rate": 0.5},
    "acting, forgetting": {
        "observations": 4,
        "transition": "state*action",
        "actions": 2,
        "forgetting": 0.1,
        "threshold_count": 2.0,
    },
    "judged later": {
        "states": [1, 3],
        "observations": [1, 2],
        "actions": [3],
        "transition": ["state", "state:1*input:1*action"],
        "policy": "state:1*input:1",
        "delay": 2,
        "threshold_count": 4.0,
        "expectation": "digamma",
    },
}


SYSTEMS = {
    "reference": reference,
    "settling_net": settling_net,
    **{
        f"settling_net {name}": model("settling", "settling_net", layers=(6, 5, 3), **options)
        for name, options in OPTIONS.items()
    },
    "settling_graph": model("settling", "settling_graph", **GRAPH),
    "babbling": babbling,
    "moving_net": model("motion", "moving_net", inputs=4, states=3, settle_ticks=3),
    "backprop_graph": model("backprop_graph", "backprop_graph", layers=(6, 5, 3)),
    "settling_mixture": model("mixture", "settling_mixture", inputs=6, labels=3, units=8),
    "settling_mixture, emerging": model(
        "mixture", "settling_mixture", inputs=6, labels=3, units=8, names=3, emerging=True
    ),
    "settling_mixture, pools and names": worlds_and_names,
    "settling_mixture, contrast": model(
        "mixture", "settling_mixture", inputs=6, labels=3, units=8, contrast=0.5
    ),
    "boltzmann_machine": boltzmann_machine,
    "deep_boltzmann_machine": model("deep_boltzmann", "deep_boltzmann_machine", layers=(6, 5, 4)),
    "deep_boltzmann_machine, convolving": model(
        "deep_boltzmann",
        "deep_boltzmann_machine",
        layers=([4, 4, 1], {"kind": "convolution", "channels": 2, "size": 3, "stride": 2}, 3),
        sparsity=0.1,
        decay=0.01,
        sweeps=2,
    ),
    "deep_boltzmann_machine, classifying": model(
        "deep_boltzmann",
        "deep_boltzmann_machine",
        layers=(6, 5),
        labels=3,
        generative=0.1,
        discriminative=1.0,
    ),
    "deep_boltzmann_machine, conditional": model(
        "deep_boltzmann",
        "deep_boltzmann_machine",
        layers=(6, 5, 4),
        settling="mean_field",
        dream="conditional",
    ),
    "deep_boltzmann_machine, Gaussian, letting go": model(
        "deep_boltzmann",
        "deep_boltzmann_machine",
        layers=(6, 5),
        input="gaussian",
        dream="reconstruction",
    ),
    "denoising_chain": model("denoising_chain", "denoising_chain", layers=(6, 5)),
    **{
        f"boltzmann_machine, {name}": model("boltzmann", "boltzmann_machine", **options)
        for name, options in BOLTZMANN.items()
    },
    "minibatch(boltzmann_machine, two sides)": lambda: minibatch(restricted_boltzmann(), 3),
    "spiking_pair": spiking_pair,
    "dynamic_boltzmann_machine": model(
        "dynamic_boltzmann",
        "dynamic_boltzmann_machine",
        units=3,
        delays=[[1, 3, None], [2, 2, 4], [1, None, 3]],
        depression_decays=[0.5, 0.8],
    ),
    "gaussian_dynamic_boltzmann_machine": gaussian_machine,
    "gaussian_dynamic_boltzmann_machine, reservoir": echoing_machine,
    "minibatch(gaussian_dynamic_boltzmann_machine)": lambda: minibatch(echoing_machine(), 3),
    "swift_td": model("swift_td", "swift_td", inputs=4, rate=0.05),
    "growing_grid": model("growing", "growing_grid", units=20),
    "growing_grid by swing, emerging": model(
        "growing", "growing_grid", units=20, swing=0.05, emerging=True
    ),
    "growing_grid with a fringe": model(
        "growing", "growing_grid", units=20, fringe=True, spare=2, shy=0.5, zeros=0.5
    ),
    "growing_grid, any master": model(
        "growing", "growing_grid", units=20, fringe=True, spare=2, shy=0.5, lesion="random-master"
    ),
    "canonical_network": model("canonical", "canonical_network", states=2, observations=6),
    **{
        f"canonical_network, {name}": model("canonical", "canonical_network", **options)
        for name, options in CANONICAL.items()
    },
    "backprop_net": backprop_net,
    "continual_net": continual_net,
    "continual_net, UPGD-W, squared": model(
        "continual", "continual_net", layers=(6, 5, 3), optimiser="sgd", upgd=True, decay=0.01
    ),
    "replay(continual_net)": lambda: remembering(continual_net(), "reservoir"),
    "replay(backprop_net), recent": lambda: remembering(backprop_net(), "recent"),
    "gated_net": model("gated", "gated_net", layers=(6, 5, 3), contexts=4, decay_to_initial=0.1),
    "cart_pole": lambda: import_module("sodachi.worlds.cart_pole").changing_cart_pole(0, every=3),
    "tape": lambda: import_module("sodachi.worlds.tape").tape(symbols=3, squares=5),
    "turing_network, two programs": model(
        "turing", "turing_network", states=2, symbols=2, programs=2
    ),
    "machine_loop": lambda: import_module("sodachi.worlds.machine").machine_loop(
        model("turing", "turing_network", states=2, symbols=2)(), squares=5
    ),
    "growing_actor": model("acting", "growing_actor", units=4, contexts=3, maturity=2),
    "growing_actor, three actions": model(
        "acting", "growing_actor", inputs=3, actions=3, units=4, contexts=1, meta_rate=0.01
    ),
    "backprop_actor": model("backprop_actor", "backprop_actor", hidden=(5,), contexts=3),
    "backprop_actor, ObGD": model(
        "backprop_actor", "backprop_actor", hidden=(5, 4), optimiser="obgd"
    ),
    "swift_actor": model("swift_actor", "swift_actor", tiles=3),
    "nearest_neighbour": model("nearest", "nearest_neighbour", inputs=6, labels=3, capacity=5),
    "minibatch(reference)": lambda: minibatch(reference(), 3),
    "replicate(reference)": lambda: replicate(reference(), 2),
    "hold(reference)": lambda: hold(reference(), 2),
    "pipe(reference, reference)": lambda: pipe(reference(), reference(), {"x": "x"}),
    "loop(reference, reference)": lambda: loop(
        reference(), reference(), sense={"x": "x"}, act={"x": "x"}
    ),
    "minibatch(settling_mixture, pools and names)": lambda: minibatch(worlds_and_names(), 3),
    "minibatch(canonical_network, acting)": lambda: minibatch(
        model("canonical", "canonical_network", **CANONICAL["judged later"])(), 3
    ),
    "minibatch(replay(continual_net))": lambda: minibatch(
        remembering(continual_net(), "reservoir"), 3
    ),
    "hold(boltzmann_machine)": lambda: hold(boltzmann_machine(), 2),
    "replicate(spiking_pair)": lambda: replicate(spiking_pair(), 2),
}


#: What options of a machine cannot break, and costs a program of its own.
ONCE_A_MACHINE = ("chunk sizes agree",)


def _machine(row: str) -> str:
    """Return what a row's name begins with; its options follow."""
    return row.split()[0].rstrip(",")


def pytest_generate_tests(metafunc):
    if {"row", "check"} <= set(metafunc.fixturenames):
        machines = {_machine(row): row for row in reversed(SYSTEMS)}  # the first row of each
        firsts = set(machines.values())
        pairs = [
            (row, check)
            for row in SYSTEMS
            for check in CHECKS
            if row in firsts or check not in ONCE_A_MACHINE
        ]
        metafunc.parametrize(("row", "check"), pairs, ids=[f"{r}: {c}" for r, c in pairs])


@pytest.fixture
def trial(row):
    """The trial of a row; its compiled functions are shared by that row's checks."""
    return _trial(row)


@lru_cache(maxsize=2)
def _trial(row: str) -> Trial:
    return Trial(SYSTEMS[row]())
