"""A newborn says what others said, wherever it is born; everyone else goes on learning."""

import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.rule import plastic, start_synapses
from sodachi.rules.autostep import autostep
from sodachi.rules.delta import delta
from sodachi.rules.inheriting import inheriting

PAIR = Dense((3,), (2,))


def moved(rule, w, synapse, newborn):
    post = {
        "error": jnp.array([1.0, -2.0]),
        "answer": jnp.array([7.0, -5.0]),
        "gain": jnp.ones(2),
        "overshoot": jnp.zeros(2),
    }
    pre = {"activity": jnp.array([1.0, 0.5, 0.0]), "newborn": jnp.asarray(newborn)}
    return plastic(rule, PAIR, w, synapse, post, pre, learn=True, clock=0.0)


@pytest.mark.unit
def test_the_newborn_takes_the_answer_and_others_learn_as_without_it():
    w = jnp.arange(6.0).reshape(3, 2)
    new, _ = moved(inheriting(delta(0.1)), w, {}, [0.0, 1.0, 0.0])
    plain, _ = moved(delta(0.1), w, {}, [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(new[1], [7.0, -5.0])
    np.testing.assert_array_equal(new[jnp.array([0, 2])], plain[jnp.array([0, 2])])


@pytest.mark.unit
def test_the_newborns_step_begins_anew():
    rule, w = inheriting(autostep(0.1, 0.5)), jnp.zeros((3, 2))
    synapse = start_synapses(rule, w)
    for _ in range(5):
        w, synapse = moved(rule, w, synapse, [0.0, 0.0, 0.0])
    assert float(synapse["trace"][0, 0]) != 0
    _, synapse = moved(rule, w, synapse, [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(synapse["step"][0], np.float32([0.1, 0.1]))
    np.testing.assert_array_equal(synapse["trace"][0], [0.0, 0.0])
    assert float(synapse["trace"][1, 0]) != 0
