"""How likely unseen digits are to a machine that dreams: log Z at its upper end, with the gap."""

from __future__ import annotations

from functools import lru_cache

import jax
import numpy as np

from sodachi.claims.boltzmann_rivals import mixture_log_likelihood
from sodachi.claims.claim import Figures
from sodachi.data import load_digits, load_mnist
from sodachi.models.annealed_importance import base_rates, bracket
from sodachi.models.boltzmann import machine_graph, machine_parameters
from sodachi.models.enumeration import log_likelihood, log_partition
from sodachi.models.sweeping import free_samples
from sodachi.models.variational_bound import variational_bound
from sodachi.system import State, System

CHAINS, SWEEPS, STEPS = 500, 2_000, 5_000
"""Of the annealing: runs each way, sweeps before those from above, and distributions between.

A few runs in a hundred meet a rare and heavy region: more of them helped, slower ones less.
"""
TEST_SEED = 20_260_101
"""Test images are made black and white once, with this seed."""


@lru_cache(2)
def images(form: str) -> tuple[np.ndarray, np.ndarray]:
    """Return training images in [0, 1], and test images of 0 and 1."""
    if form == "quick":
        X, _ = load_digits()
        train, test = X[:1500], X[1500:]
    else:
        (train, _), (test, _) = load_mnist(), load_mnist("test")
    chance = np.random.default_rng(TEST_SEED).random(test.shape)
    return train, (chance < test).astype(np.float32)


def likelihood(system: System, state: State, seed: int, form: str) -> Figures:
    """Return the mean log-likelihood of the test images (deep: its bound), and the ends of log Z.

    The quick form's machines are small enough for log Z to be exact.
    """
    graph, parameters = machine_graph(system.spec), machine_parameters(system.spec, state)
    if form == "quick":
        high, ends = log_partition(graph, parameters), {}
    else:
        ends = annealed(system, state, seed)
        high = max(ends["lower"], ends["upper"])
    known = log_likelihood if len(graph.populations) == 2 else variational_bound
    nats = known(graph, parameters, {"input": images(form)[1]}, log_partition=high)
    return {"nats": float(nats.mean()), **ends}


def annealed(system: System, state: State, seed: int) -> Figures:
    """Return both ends of log Z, annealed up and down, and how far they are apart."""
    graph, parameters = machine_graph(system.spec), machine_parameters(system.spec, state)
    dreaming, annealing = jax.random.split(jax.random.key(seed + 7))
    samples = free_samples(graph, parameters, dreaming, CHAINS, SWEEPS)
    base = base_rates(graph, parameters, state.shared["cells"]["offset"])
    ends = bracket(graph, parameters, annealing, samples, steps=STEPS, base=base).ends
    lower, upper = (float(end) for end in ends)
    return {"bracket": abs(upper - lower), "lower": lower, "upper": upper}


def mixture(seed: int, form: str) -> Figures:
    """Return the same of a mixture of independent pixels, exact."""
    parts = 20 if form == "quick" else 500
    log = mixture_log_likelihood(*images(form), parts=parts, seed=seed)
    return {"nats": float(log.mean())}
