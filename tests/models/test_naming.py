"""What a thing is and what it is called: namings against Bayes' rule, and a world renamed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.errors import SpecError
from sodachi.models import naming
from sodachi.models.mixture import settling_mixture
from sodachi.observation import observe

MEANS = np.eye(4, 16, dtype=np.float32) * 2.0
TICKS = 3


def world(net, step, state, order, names, rng, samples=160):
    """Live some samples, five ticks unlabelled and two labelled; return how often it was right."""
    right = []
    for _ in range(samples):
        k = int(rng.integers(4))
        x = MEANS[order[k]] + 0.05 * rng.normal(size=16).astype(np.float32)
        said = []
        for _ in range(TICKS):
            state, out = step(state, observe(net.spec, input=x))
            said.append(int(np.argmax(out["label"])))
        right.append(said[-1] == names[k])
        for _ in range(2):
            state, out = step(state, observe(net.spec, input=x, label=names[k]))
    return state, np.array(right)


@pytest.fixture(scope="module")
def lived():
    """A life in three namings of the same four things, each met forty times; the first returns."""
    net = settling_mixture(inputs=16, labels=4, units=12, names=5, beta=3.0)
    step = jax.jit(net.step)
    rng = np.random.default_rng(0)
    state, told = net.init(0), []
    for names in ([0, 1, 2, 3], [1, 2, 3, 0], [3, 2, 1, 0], [0, 1, 2, 3]):
        state, right = world(net, step, state, range(4), names, rng)
        told.append((right, state))
    return told


def test_a_renamed_world_is_read_again_after_a_few_labels(lived):
    for right, _ in lived:
        assert right[20:].mean() > 0.9
    assert lived[3][0][5:].mean() > 0.95  # it returns: two errors, then it is recalled


def test_no_unit_changes_when_the_world_is_renamed(lived):
    before, after = (np.asarray(lived[i][1].shared["weights"]["label"]) for i in (0, 3))
    live = np.asarray(lived[0][1].shared["structure"]["owner"]) == 0
    # What each unit means is what it meant; only the table above it moved.
    np.testing.assert_array_equal(before[live].argmax(1), after[live].argmax(1))


def test_namings_become_the_permutations_that_the_world_used(lived):
    state = lived[2][1]
    naming_ = {k: np.asarray(v) for k, v in state.shared["naming"].items()}
    table = np.asarray(state.shared["weights"]["names"]).reshape(5, 4, 4)
    used = [table[i].argmax(1).tolist() for i in np.flatnonzero(naming_["use"] > 20)]
    for names in ([0, 1, 2, 3], [1, 2, 3, 0], [3, 2, 1, 0]):
        # The first name of a thing is the concept: names by concept are names by thing.
        assert names in used


def settings(**other):
    net = settling_mixture(inputs=16, labels=4, units=12, names=3)
    state = net.init(0)
    return state, observe(net.spec, input=np.zeros(16), **other).evidence["label"]


class Sizes:
    names, labels = 3, 4


def test_belief_is_bayes_over_smoothed_energies_with_the_blank_as_a_rival():
    state, told = settings(label=1)
    view, concept = jnp.array([0.5, 9.0, 9.0]), jnp.array([0.7, 0.1, 0.1, 0.1])
    heard = naming.hear(Sizes, state.shared, view, concept, told, False, 1.0)  # no news: no move
    np.testing.assert_array_equal(heard.view, view)
    blank = 0.5 * np.log(4.0)
    weight = np.array([np.exp(-0.5 / naming.SMOOTH), 0.0, np.exp(-blank / naming.SMOOTH) / 5.0])
    np.testing.assert_allclose(heard.believed, weight / weight.sum(), rtol=1e-5)
    answer = weight[0] * np.asarray(concept) + weight[2] * 0.25
    np.testing.assert_allclose(heard.answer, answer / weight.sum(), rtol=1e-5)
    np.testing.assert_array_equal(heard.meaning.value, [0, 1, 0, 0])
    heard = naming.hear(Sizes, state.shared, view, concept, told, True, 1.0)
    energy = -np.log(0.1 + naming.SURE)
    np.testing.assert_allclose(heard.view[0], 0.5 + naming.SMOOTH * (energy - 0.5), rtol=1e-5)
    assert float(heard.meaning.precision[0]) == np.inf


def test_a_label_that_no_naming_knows_means_nothing():
    state, told = settings(label=1)
    view = jnp.array([20.0, 9.0, 9.0])  # only the blank is believed
    heard = naming.hear(Sizes, state.shared, view, jnp.full(4, 0.25), told, False, 1.0)
    assert float(heard.believed[2]) > 0.99
    assert float(heard.meaning.precision.max()) == 0.0
    np.testing.assert_allclose(heard.answer, 0.25, atol=1e-3)


def test_units_that_are_not_trusted_take_the_best_guess():
    state, told = settings(label=1)
    view = jnp.array([20.0, 9.0, 9.0])
    heard = naming.hear(Sizes, state.shared, view, jnp.full(4, 0.25), told, True, 0.1)
    np.testing.assert_array_equal(heard.meaning.value, [0, 1, 0, 0])  # the only naming there is
    assert float(heard.meaning.precision[0]) == np.inf


def test_a_label_is_news_once():
    activity = {"input": jnp.zeros(16), "label": jnp.full(4, 0.25)}
    _, told = settings(label=1)
    seen = told._replace(value=jnp.zeros(16), precision=jnp.full(16, jnp.inf))
    assert bool(naming.is_news(activity, seen, told))
    assert not bool(naming.is_news(activity | {"label": told.value}, seen, told))
    other = seen._replace(value=jnp.ones(16))
    assert bool(naming.is_news(activity | {"label": told.value}, other, told))


def test_lanes_share_one_table_and_bear_one_naming_a_tick():
    net = minibatch(settling_mixture(inputs=16, labels=4, units=12, names=6, beta=3.0), 3)
    step = jax.jit(net.step)
    state, rng = net.init(0), np.random.default_rng(1)
    for names in (np.arange(4), np.array([1, 2, 3, 0])):
        before = np.asarray(state.shared["naming"]["use"] > 0).sum()
        right = []
        for _ in range(60):
            k = rng.integers(4, size=3)
            asked, told = observe(net.spec, input=MEANS[k]), names[k]
            told = observe(net.spec, input=MEANS[k], label=told)
            for now in (asked, told, told):
                state, out = step(state, now)
                right.append((np.argmax(np.asarray(out["label"]), 1) == names[k]).all())
        assert right[-1]
    assert before == 1 and np.asarray(state.shared["naming"]["use"] > 0).sum() >= 2


def test_namings_are_of_categories():
    with pytest.raises(SpecError, match="names"):
        settling_mixture(names=2, label_kind="real")
