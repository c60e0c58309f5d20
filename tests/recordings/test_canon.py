"""The host's canonical network is the system's own motion, in float64 to rounding."""

import jax
import numpy as np
import pytest

from sodachi.models.canonical import canonical_network
from sodachi.observation import observe
from sodachi.recordings.canon import Memory, add, believe, blank, live, lived
from sodachi.running import run

pytestmark = pytest.mark.theory
RNG = np.random.default_rng(0)
CELLS, INPUTS, TRIALS = 2, 5, 24


def system():
    return canonical_network(states=CELLS, observations=INPUTS, prior_count=20.0, spread=0.2,
                             prior=0.3, dtype="float64")  # fmt: skip


def memory_of(shared) -> Memory:
    """Read the system's counts as a memory."""
    n = {name: np.asarray(w).T for name, w in shared["weights"].items()}
    totals = [(n[f"on_given_{k}"] + n[f"off_given_{k}"])[:, :1] for k in "10"]
    return Memory(n["on_given_1"], totals[0], n["on_given_0"], totals[1])


def test_it_believes_and_learns_as_the_system_does_at_every_tick():
    o = RNG.integers(0, 2, (TRIALS, INPUTS)).astype(float)
    with jax.enable_x64(True):
        net = system()
        state = net.init(0)
        start = memory_of(state.shared)
        state, out = run(net, emit=("state",))(state, observe(net.spec, steps=TRIALS, input=o))
        believed, end = np.asarray(out["state"]).T, memory_of(state.shared)
    x, memory = live(start, o, np.full(CELLS, np.log(0.3 / 0.7)), block=1)
    np.testing.assert_allclose(x, believed, rtol=1e-12)
    for ours, theirs in zip(memory.at(-1), end, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_counts_of_given_beliefs_add_up_block_by_block():
    o = RNG.integers(0, 2, (TRIALS, INPUTS)).astype(float)
    x = RNG.random((CELLS, TRIALS))
    start = blank(np.array([5.0, 7.0]), INPUTS, 0.1)
    whole = lived(start, x, o, 6)
    step = start
    for k in range(4):
        for ours, theirs in zip(whole.at(k), step, strict=True):
            np.testing.assert_allclose(ours, theirs)
        step = add(step, x[:, 6 * k : 6 * k + 6], o[6 * k : 6 * k + 6])
    np.testing.assert_allclose(whole.at(-1).on_1, start.on_1 + x @ o)
    np.testing.assert_allclose(whole.at(-1).all_0[:, 0], np.array([5, 7]) + (1 - x).sum(1))


def test_beliefs_are_bayes_rule():
    memory = blank(np.array([30.0]), INPUTS, RNG.uniform(-0.5, 0.5, INPUTS))
    o = RNG.integers(0, 2, (TRIALS, INPUTS)).astype(float)
    A1, A0 = memory.likelihood
    like = [np.prod(np.where(o == 1, A, 1 - A), 1) for A in (A1[0], A0[0])]
    posterior = 0.3 * like[0] / (0.3 * like[0] + 0.7 * like[1])
    x = believe(memory, o, np.array([np.log(0.3 / 0.7)]))
    np.testing.assert_allclose(x[0], posterior, rtol=1e-12)
