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
settling_mixture = model("mixture", "settling_mixture", inputs=6, labels=3, units=8)
boltzmann_machine = model("boltzmann", "boltzmann_machine", units=8)
spiking_pair = model("spiking", "spiking_pair")


SYSTEMS = {
    "reference": reference,
    "settling_net": settling_net,
    "settling_net upward": model("settling", "settling_net", layers=(6, 5, 3), direction="up"),
    "settling_mixture": settling_mixture,
    "boltzmann_machine": boltzmann_machine,
    "spiking_pair": spiking_pair,
    "growing_grid": model("growing", "growing_grid", units=20),
    "canonical_network": model("canonical", "canonical_network", states=2, observations=6),
    "backprop_net": model("backprop", "backprop_net", layers=(6, 5, 3)),
    "nearest_neighbour": model("nearest", "nearest_neighbour", inputs=6, labels=3, capacity=5),
    "minibatch(reference)": lambda: minibatch(reference(), 3),
    "replicate(reference)": lambda: replicate(reference(), 2),
    "hold(reference)": lambda: hold(reference(), 2),
    "pipe(reference, reference)": lambda: pipe(reference(), reference(), {"x": "x"}),
    "loop(reference, reference)": lambda: loop(
        reference(), reference(), sense={"x": "x"}, act={"x": "x"}
    ),
    "minibatch(settling_mixture)": lambda: minibatch(settling_mixture(), 3),
    "hold(boltzmann_machine)": lambda: hold(boltzmann_machine(), 2),
    "replicate(spiking_pair)": lambda: replicate(spiking_pair(), 2),
}


def pytest_generate_tests(metafunc):
    if {"row", "check"} <= set(metafunc.fixturenames):
        pairs = [(row, check) for row in SYSTEMS for check in CHECKS]
        metafunc.parametrize(("row", "check"), pairs, ids=[f"{r}: {c}" for r, c in pairs])


@pytest.fixture
def trial(row):
    """The trial of a row; its compiled functions are shared by that row's checks."""
    return _trial(row)


@lru_cache(maxsize=2)
def _trial(row: str) -> Trial:
    return Trial(SYSTEMS[row]())
