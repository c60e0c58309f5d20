"""Recall or grow: the energy in float64, evidence that adds up, small changes, noisy worlds."""

import jax
import numpy as np
import pytest

from sodachi.models import settling_mixture
from sodachi.models.contexts import FLOOR, SURE, YOUNG, context_energy
from sodachi.observation import observe

INPUTS = 24


def net(**settings):
    usual = {"inputs": INPUTS, "labels": 2, "units": 6, "contexts": 4, "pool": True, "beta": 3.0}
    return settling_mixture(**(usual | settings))


def live(system, state, X, ticks=1, learn=True, contexts=None):
    step = jax.jit(system.step)
    for x in X:
        for _ in range(ticks):
            state, out = step(state, observe(system.spec, input=x, learn=learn))
            if contexts is not None:
                contexts.append(int(out["context"]))
    return state


def noisy(rng, wiring, n=400):
    """Images of one object under very different light: single images of two worlds are alike."""
    shape = np.linspace(0.15, 0.85, INPUTS)[wiring]
    light = rng.normal(0.0, 0.35, size=(n, 1))
    return (shape + light + rng.normal(0.0, 0.3, size=(n, INPUTS))).astype(np.float32)


@pytest.fixture(scope="module")
def known():
    """A network that has lived in one noisy world, its state, and more of that world."""
    rng = np.random.default_rng(0)
    system = net()
    same = np.arange(INPUTS)
    return system, live(system, system.init(0), noisy(rng, same)), noisy(rng, same)


@pytest.mark.theory
def test_the_energy_is_what_knowing_which_input_is_which_is_worth():
    rng = np.random.default_rng(1)
    mean, spread, x = rng.random(INPUTS), rng.random(INPUTS), rng.random(INPUTS)

    class Beta:
        beta = 3.0

    def reference(x):
        floor = FLOOR / 3.0
        whole = mean.mean()
        broad = np.mean(spread + (mean - whole) ** 2)
        total = 0.0
        for j in range(INPUTS):
            own, pooled = spread[j] + floor, broad + floor
            total += np.log1p((x[j] - mean[j]) ** 2 / own) + 0.5 * np.log(own)
            total -= np.log1p((x[j] - whole) ** 2 / pooled) + 0.5 * np.log(pooled)
        return total

    row = {"mean": mean, "spread": spread}
    assert float(context_energy(Beta, row, x)) == pytest.approx(reference(x), rel=1e-4)
    # A context in which all inputs are alike explains nothing, whatever comes.
    alike = {"mean": np.full(INPUTS, 0.3), "spread": np.full(INPUTS, 0.2)}
    assert float(context_energy(Beta, alike, 5 * x)) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.theory
def test_evidence_adds_up_as_a_cumulative_sum(known):
    system, state, more = known
    structure, current = state.shared["structure"], int(state.lane["view"]["current"])
    row = {name: np.asarray(structure[name][current], np.float64)
           for name in ("mean", "spread", "baseline", "variance")}  # fmt: skip
    assert float(structure["age"][current]) > YOUNG

    class Beta:
        beta = 3.0

    rise = float(state.lane["view"]["rise"])
    for x in more[:60]:
        off = float(context_energy(Beta, row, x)) - row["baseline"]
        rise = max(rise + off / np.sqrt(row["variance"] + SURE**2) - 1.0, 0.0)
        state = live(system, state, x[None], learn=False)
        assert float(state.lane["view"]["rise"]) == pytest.approx(rise, abs=1e-3)


@pytest.mark.unit
def test_an_input_that_stays_is_counted_once(known):
    system, state, more = known
    odd = more[:1] + np.linspace(0.6, -0.6, INPUTS, dtype=np.float32)
    once = live(system, state, odd)
    often = live(system, state, odd, ticks=20)
    assert float(once.lane["view"]["rise"]) > 0
    assert float(often.lane["view"]["rise"]) == float(once.lane["view"]["rise"])
    for name in ("mean", "spread", "baseline", "variance", "age"):
        ours, theirs = once.shared["structure"][name], often.shared["structure"][name]
        assert np.array_equal(ours, theirs), name


@pytest.mark.unit
def test_what_was_seen_without_learning_is_learned_once_learning_begins(known):
    system, state, more = known
    seen = live(system, state, more[:1], learn=False)
    current = int(state.lane["view"]["current"])
    age = [float(s.shared["structure"]["age"][current]) for s in (state, seen)]
    learned = live(system, seen, more[:1])
    assert age[0] == age[1] == float(learned.shared["structure"]["age"][current]) - 1


@pytest.mark.unit
def test_worlds_that_no_single_input_tells_apart_are_told_apart(known):
    system, state, more = known
    rng = np.random.default_rng(2)
    other = noisy(rng, rng.permutation(INPUTS))
    contexts: list[int] = []
    state = live(system, state, more, contexts=contexts)
    assert set(contexts) == {0}  # no needless one
    state = live(system, state, other, contexts=contexts)
    assert int(np.sum(np.asarray(state.shared["structure"]["age"]) > 0)) == 2
    found = np.array(contexts[len(more) :])
    assert 0 < np.argmax(found == 1) < 40 and np.all(found[40:] == 1)  # some inputs are needed
    back: list[int] = []
    live(system, state, noisy(rng, np.arange(INPUTS)), contexts=back)
    assert set(back[40:]) == {0}


@pytest.mark.unit
def test_a_small_change_is_the_same_world_and_becomes_usual(known):
    system, state, more = known
    changed = more.copy()
    changed[:, [3, 9]] = more[:, [9, 3]]
    contexts: list[int] = []
    state = live(system, state, changed, contexts=contexts)
    assert set(contexts) == {0}
    assert float(state.lane["view"]["rise"]) < 6.0
