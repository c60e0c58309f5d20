"""The dream in which the answer alone is let go: its slope by automatic differentiation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from layered_machines import born, graph_of, law, parameters_of, states_of

from sodachi.errors import SpecError
from sodachi.models.boltzmann_energy import fields
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.observation import observe
from sodachi.system import Evidence

V = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]])
TOP = {
    "deep": np.array([[1.0, 0.0], [0.0, 0.5], [1.0, 1.0], [0.0, 1.0]]),
    "classifying": np.eye(3)[[0, 2, 1, 1]],
}
SETTINGS = {"rate": 1.0, "centring": 0.0, "dream": "conditional", "iterations": 100}


def settled(which, state, v):
    """The answer at the fixed point of the mean-field equations, written out."""
    graph, parameters = graph_of(which), parameters_of(which, state)
    low, middle, top = graph.populations
    means = {"binary": jax.nn.sigmoid, "categorical": jax.nn.softmax}
    x = {low.name: v, **{u.name: state.shared["cells"]["offset"][u.name] for u in (middle, top)}}

    def once(x, _):
        for u in (middle, top):
            x = x | {u.name: means[u.kind](fields(graph, parameters, x)[u.name])}
        return x, None

    return jax.lax.scan(once, x, length=100)[0][top.name]


@pytest.mark.theory
@pytest.mark.parametrize("which", TOP)
def test_leading_the_answer_moves_it_toward_the_truth_against_its_stiffness(which):
    machine, state = born(which, lanes=4, reach=0.001, **SETTINGS)
    top = machine.spec.observed[-1].name
    new, _ = machine.step(state, observe(machine.spec, input=V, **{top: TOP[which]}))

    def answers(weights):
        moved = state._replace(shared=state.shared | {"weights": weights})
        return jax.vmap(lambda v: settled(which, moved, v))(V)

    d, back = jax.vjp(answers, state.shared["weights"])
    # How a settled answer yields to a drive: the inverse of its free energy's second slope.
    yields = jax.jacobian(answers)(state.shared["weights"])[top][:, :, 0]
    force = [np.linalg.pinv(m, rcond=1e-4) @ e for m, e in zip(yields, TOP[which] - d, strict=True)]
    slope = back(jnp.stack(force) / 4)[0]
    for name, g in slope.items():
        if name != "input":  # is held in both: learns nothing
            step = new.shared["weights"][name] - state.shared["weights"][name]
            assert np.allclose(step, g, atol=3e-3, rtol=0.02), name


@pytest.mark.theory
def test_without_an_answer_nothing_is_learnt():
    machine, state = born("deep", lanes=4, **SETTINGS)
    new, _ = machine.step(state, observe(machine.spec, input=V))
    for name, w in state.shared["weights"].items():
        assert np.allclose(new.shared["weights"][name], w, atol=1e-6), name


@pytest.mark.theory
def test_a_dream_under_a_drive_learns_the_law_given_that_drive():
    drive = np.array([1.5, -2.0, 0.0, 0.7])
    settings = {"rate": 1.0, "centring": 0.0, "dream": "reconstruction", "sweeps": 60}
    machine, state = born("restricted", lanes=2000, **settings)
    v = np.array([1.0, 0.0, 1.0, 1.0])
    told = Evidence(np.tile(v, (2000, 1)), np.inf, np.tile(drive, (2000, 1)))
    new, _ = machine.step(state, observe(machine.spec, input=told))
    every, p = states_of("restricted"), law("restricted", state)
    driven = p * np.exp(every["input"] @ drive)
    driven /= driven.sum()
    step = new.shared["weights"]["input"] - state.shared["weights"]["input"]
    assert np.allclose(step[0], v - driven @ every["input"], atol=0.05)


@pytest.mark.unit
@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": (3, 2)},
        {"layers": (3, 2), "labels": 2, "discriminative": 1.0},
        {"layers": (3, 2, 2), "reach": 0.0},
        {"layers": (3, 2, 2), "reach": 1.5},
    ],
)
def test_settings_that_make_no_conditional_dream_are_refused(wrong):
    with pytest.raises(SpecError):
        deep_boltzmann_machine(dream="conditional", **wrong)
