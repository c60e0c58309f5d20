"""A label's exact belief, and the slope of its log-probability, by enumeration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from layered_machines import born, graph_of, law, parameters_of, states_of

from sodachi.combinators import minibatch
from sodachi.errors import SpecError
from sodachi.models.boltzmann_energy import fields
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.observation import observe

V = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]])
Y = np.array([0, 2, 1, 1])


@pytest.mark.theory
def test_the_label_is_believed_as_enumeration_says():
    machine, state = born("classifying", lanes=4)
    _, out = machine.step(state, observe(machine.spec, learn=False, input=V))
    every, p = states_of("classifying"), law("classifying", state)
    for v, believed in zip(V, out["label"], strict=True):
        mine = p * np.all(every["input"] == v, 1)
        assert np.allclose(believed, mine @ every["label"] / mine.sum(), atol=1e-5)


def log_label(state, v, y):
    """log p(y|v) by the free energies of all labels."""
    graph, parameters = graph_of("classifying"), parameters_of("classifying", state)
    x = {"input": jnp.tile(v[:, None], (1, 3)), "hidden1": jnp.zeros((3, 3)), "label": jnp.eye(3)}
    heard = fields(graph, parameters, x)["hidden1"]
    log = parameters.bias["label"] + jax.nn.softplus(heard).sum(0)
    return jax.nn.log_softmax(log)[y]


@pytest.mark.theory
def test_letting_the_label_go_is_the_slope_of_its_log_probability():
    settings = {"rate": 1.0, "centring": 0.0, "generative": 0.0, "discriminative": 0.7}
    machine, state = born("classifying", lanes=4, **settings)
    new, _ = machine.step(state, observe(machine.spec, input=V, label=Y))

    def objective(weights):
        moved = state._replace(shared=state.shared | {"weights": weights})
        total = sum(log_label(moved, v, y) for v, y in zip(V, Y, strict=True))
        return 0.7 * total / 4

    slope = jax.grad(objective)(state.shared["weights"])
    for name, g in slope.items():
        step = new.shared["weights"][name] - state.shared["weights"][name]
        assert np.allclose(step, g, atol=1e-5), name


@pytest.mark.theory
def test_without_a_label_nothing_is_learnt_about_labels():
    settings = {"rate": 1.0, "centring": 0.0, "generative": 0.0, "discriminative": 1.0}
    machine, state = born("classifying", lanes=4, **settings)
    new, _ = machine.step(state, observe(machine.spec, input=V))
    for name, w in state.shared["weights"].items():
        assert np.allclose(new.shared["weights"][name], w, atol=1e-6), name


@pytest.mark.theory
def test_both_slopes_add_up():
    names = ("both", "free", "told")
    given = {"both": (0.5, 0.7), "free": (0.5, 0.0), "told": (0.0, 0.7)}
    moved = {}
    for name in names:
        g, d = given[name]
        machine = deep_boltzmann_machine(
            layers=(3, 3), labels=3, rate=1.0, scale=3.0, generative=g, discriminative=d
        )
        lanes = minibatch(machine, 4)
        state = lanes.init(0)
        new, _ = lanes.step(state, observe(lanes.spec, input=V, label=Y))
        moved[name] = jax.tree.map(jnp.subtract, new.shared["weights"], state.shared["weights"])
    for name, step in moved["both"].items():
        if "-" in name:  # a moving centre moves biases, once in each
            assert np.allclose(step, moved["free"][name] + moved["told"][name], atol=1e-5), name


@pytest.mark.unit
def test_a_discriminative_machine_without_its_label_is_refused():
    for wrong in ({"labels": 0}, {"labels": 2, "layers": (3, 2, 2)}):
        with pytest.raises(SpecError) as error:
            deep_boltzmann_machine(**({"layers": (3, 2), "discriminative": 1.0} | wrong))
        assert error.value.field == "discriminative"
