"""The bridge: hunger, the feedback force, and the canonical cell's force are one slope.

Hunger is −dE/dx by an exact backward sweep; feedback is Wᵀπε where a settling net came to rest; the
canonical cell moves by −∂F/∂x. All in float64, to 1e-10.
"""

from functools import cache
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Dense
from sodachi.core.evidence import evidence_field
from sodachi.core.graph import errors, feedback_forces
from sodachi.models.beliefs import beliefs, helmholtz, log_evidence
from sodachi.models.canonical import canonical_network
from sodachi.models.graphs import chain
from sodachi.models.grid import Wiring, forward, hunger
from sodachi.models.settling import settling_net
from sodachi.observation import observe
from sodachi.system import Evidence, State

pytestmark = pytest.mark.theory
TO = {"rtol": 0, "atol": 1e-10}
SIZES = (5, 4, 4, 3)
NAMES = ("input", "hidden1", "hidden2", "label")


def parameters(rng, gain=0.5):
    """Random weights by edge, biases, an input and a target; every cell of the net is positive."""
    weights, bias = {}, {}
    for (a, b), (m, n) in zip(pairwise(NAMES), pairwise(SIZES), strict=True):
        weights[f"{a}>{b}"] = jnp.asarray(gain * rng.normal(size=(m, n)) / np.sqrt(m))
        bias[b] = jnp.asarray(rng.uniform(8.0, 9.0, size=n))
    return weights, bias, rng.uniform(size=SIZES[0]), rng.dirichlet(np.ones(SIZES[-1]))


@cache
def born(activation, precision):
    """The library's own net, which settles until it rests, and its state before any weights."""
    net = settling_net(
        layers=SIZES,
        direction="up",
        activation=activation,
        start="feedforward",
        settle_ticks=1500,
        precision={"label": precision},
        dtype="float64",
    )
    return net, jax.jit(net.step), net.init(0)


def settled(weights, bias, x, t, activation, precision):
    """That net at rest, input and label clamped: graph, activity, πε, and its output."""
    net, step, state = born(activation, precision)
    held = weights | {f"1>{n}": b[None] for n, b in bias.items()}
    state = State(state.shared | {"weights": held}, state.lane)
    state, out = step(state, observe(net.spec, input=x, label=t, learn=False))
    assert float(out["residual"]) < 1e-12
    activity = state.lane["activity"]
    graph = chain(SIZES, "up", activation)
    error = errors(graph, weights, bias, activity)
    weighted = {n: e * (precision if n == "label" else 1.0) for n, e in error.items()}
    return graph, activity, weighted, out


def swept(weights, bias, x, error_of):
    """Hunger of every hidden unit, by the growing grid's exact backward sweep.

    Levels interleave: unit u lies on level u mod 2, so hidden1 has the even units.
    """
    n, levels = SIZES[1], 2
    width = 1 + max(SIZES[0], n)
    weight, source = np.zeros((levels * n, width)), np.full((levels * n, width), -1)
    before = {0: 1 + np.arange(SIZES[0]), 1: 1 + SIZES[0] + levels * np.arange(n)}
    for level, (edge, name) in enumerate(
        (("input>hidden1", NAMES[1]), ("hidden1>hidden2", NAMES[2]))
    ):
        rows, count = level + levels * np.arange(n), 1 + len(before[level])
        weight[rows, 0], source[rows, 0] = bias[name], 0
        weight[rows, 1:count] = np.asarray(weights[edge]).T
        source[rows, 1:count] = before[level]
    wiring = Wiring(jnp.asarray(source), jnp.ones(levels * n, bool))
    nodes = forward(levels, jnp.asarray(weight), wiring, jnp.asarray(x))
    out = np.zeros((len(nodes), SIZES[-1]))
    out[0], out[2 + SIZES[0] :: levels] = bias["label"], weights["hidden2>label"]
    y = nodes @ jnp.asarray(out)
    assert float(nodes.min()) >= 0 and float(nodes[1 + SIZES[0] :].min()) > 0, "linear: all are on"
    want, _ = hunger(levels, jnp.asarray(weight), wiring, jnp.asarray(out), nodes, error_of(y))
    return {"hidden1": want[0::levels], "hidden2": want[1::levels]}, y


def spread(weights, precision):
    """What settling leaves the label's error to be: ``C = Σ_l P_l P_lᵀ + I/π`` (its covariance)."""
    top = np.asarray(weights["hidden2>label"])
    both = np.asarray(weights["hidden1>hidden2"]) @ top
    return top.T @ top + both.T @ both + np.eye(SIZES[-1]) / precision


@pytest.mark.parametrize("precision", [0.05, 1.0, 4.0])
def test_at_the_linear_equilibrium_feedback_is_the_hunger_of_what_settling_leaves(precision):
    """Wᵀπε = −dE/dx with E = ½(t − y)ᵀ C⁻¹ (t − y), the minimum of F: at any precision."""
    with jax.enable_x64(True):
        weights, bias, x, t = parameters(np.random.default_rng(0))
        graph, activity, weighted, out = settled(weights, bias, x, t, "identity", precision)
        covariance = spread(weights, precision)
        want, y = swept(weights, bias, x, lambda y: jnp.linalg.solve(covariance, t - y))
        force = feedback_forces(graph, weights, weighted, activity)
        for name in ("hidden1", "hidden2"):
            assert float(jnp.abs(force[name]).max()) > 0.05
            np.testing.assert_allclose(force[name], want[name], **TO)
            np.testing.assert_allclose(weighted[name], want[name], **TO)  # what synapses learn from
        left = 0.5 * (t - y) @ jnp.linalg.solve(covariance, t - y)
        np.testing.assert_allclose(out["energy"], left, **TO)


def test_with_a_faint_label_it_is_the_hunger_of_the_squared_error():
    """Wᵀε → −d(½|t − y|²)/dx as the label's precision goes to 0, and the rest is of first order."""
    with jax.enable_x64(True):
        weights, bias, x, t = parameters(np.random.default_rng(1))
        want, _ = swept(weights, bias, x, lambda y: t - y)
        apart = []
        for precision in (1e-3, 1e-4):
            graph, activity, weighted, _ = settled(weights, bias, x, t, "identity", precision)
            force = feedback_forces(graph, weights, weighted, activity)["hidden1"] / precision
            apart.append(float(jnp.abs(force - want["hidden1"]).max()))
        assert apart[1] < 1e-3 and apart[0] / apart[1] == pytest.approx(10, rel=0.01)


def test_in_a_bent_net_it_is_the_sweep_through_the_net_as_it_came_to_rest():
    """With every error held as an offset, −dE/dx by reverse mode is the feedback, tanh and all."""
    with jax.enable_x64(True):
        weights, bias, x, t = parameters(np.random.default_rng(2))
        bias = {n: b - 8.5 for n, b in bias.items()}
        graph, activity, weighted, _ = settled(weights, bias, x, t, "tanh", 2.0)
        force = feedback_forces(graph, weights, weighted, activity)

        def cost(pushed):
            """½π|t − μ|² of the net that is pushed at its hidden cells, errors carried along."""
            one = activity["hidden1"] + pushed["hidden1"]
            two = jnp.tanh(one) @ weights["hidden1>hidden2"] + bias["hidden2"]
            two = two + weighted["hidden2"] + pushed["hidden2"]
            error = t - jnp.tanh(two) @ weights["hidden2>label"] - bias["label"]
            return 0.5 * 2.0 * error @ error

        still = {n: jnp.zeros_like(activity[n]) for n in ("hidden1", "hidden2")}
        for name, slope in jax.grad(cost)(still).items():
            assert float(jnp.abs(slope).max()) > 0.05
            np.testing.assert_allclose(force[name], -slope, **TO)


def test_error_cells_are_the_hunger_of_the_settled_energy_itself():
    """d min F/db = −πε for any net (the envelope): by central differences of settled energies."""
    with jax.enable_x64(True):
        weights, bias, x, t = parameters(np.random.default_rng(3))
        bias = {n: b - 8.5 for n, b in bias.items()}
        _, _, weighted, _ = settled(weights, bias, x, t, "tanh", 2.0)

        def left(i, step):
            moved = bias | {"hidden1": bias["hidden1"].at[i].add(step)}
            return settled(weights, moved, x, t, "tanh", 2.0)[3]["energy"]

        for i in range(SIZES[1]):
            slope = (left(i, 1e-4) - left(i, -1e-4)) / 2e-4
            np.testing.assert_allclose(-slope, weighted["hidden1"][i], atol=1e-7)


def canonical_of(weight, bias):
    """A canonical network whose cells hear ``o @ weight + bias``, as counts."""
    m, n = weight.shape
    net = canonical_network(states=n, observations=m, dtype="float64", rate=0.3)
    newborn = net.init(0)
    half = jnp.asarray(weight) / 2
    # Odds e^{±w/2} from counts (e^{±w/2}, 1): w₁ − w₀ = w, and both thresholds differ by what
    # the prior makes up for.
    counts = {
        "on_given_1": jnp.exp(half),
        "off_given_1": jnp.ones_like(half),
        "on_given_0": jnp.exp(-half),
        "off_given_0": jnp.ones_like(half),
    }
    believed = beliefs(counts)
    prior = {
        "log_prior_1": jnp.asarray(bias) - (believed.h1 - believed.h0).sum(0),
        "log_prior_0": jnp.zeros(n),
    }
    state = State(newborn.shared | {"weights": counts, "cells": prior}, newborn.lane)
    return net, state, believed, prior


def test_a_canonical_cell_is_a_cell_on_a_platform_and_its_force_is_minus_its_error():
    """−∂F/∂x = −ε with ε = v − (Wo + b), v = σ⁻¹(x): one force, hence one path, tick by tick."""
    with jax.enable_x64(True):
        rng = np.random.default_rng(4)
        weight, bias = rng.normal(size=(6, 3)), rng.normal(size=3)
        o = rng.integers(0, 2, 6).astype(float)
        net, state, believed, prior = canonical_of(weight, bias)
        pc = settling_net(layers=(6, 3), direction="up", rate=0.3, settle_ticks=1, dtype="float64")
        newborn = pc.init(0)
        held = {"input>label": jnp.asarray(weight), "1>label": jnp.asarray(bias)[None]}
        start = {"input": jnp.asarray(o), "label": state.lane["activity"]["membrane"]}
        twin = State(newborn.shared | {"weights": held}, {**newborn.lane, "activity": start})
        wires = Dense((6,), (3,))
        one, zero = log_evidence(wires, believed, prior, jnp.asarray(o), jnp.ones(6))
        step, twin_step = jax.jit(net.step), jax.jit(pc.step)
        for _ in range(12):
            v = state.lane["activity"]["membrane"]
            x = jax.nn.sigmoid(v)
            slope = jax.grad(lambda x: helmholtz(x, one, zero, 0.0))(x)
            error = v - (o @ weight + bias)
            np.testing.assert_allclose(-slope, -error, **TO)
            np.testing.assert_allclose(twin.lane["activity"]["label"], v, **TO)
            state, _ = step(state, observe(net.spec, input=o, learn=False))
            twin, _ = twin_step(twin, observe(pc.spec, input=o, learn=False))


def test_hunger_on_a_canonical_cell_puts_it_where_the_settling_net_rests():
    """All three at once: the swept hunger, felt as evidence, is what −∂F/∂x must balance."""
    with jax.enable_x64(True):
        weights, bias, _, t = parameters(np.random.default_rng(5))
        o = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
        graph, activity, weighted, _ = settled(weights, bias, o, t, "identity", 1.0)
        covariance = spread(weights, 1.0)
        want, _ = swept(weights, bias, o, lambda y: jnp.linalg.solve(covariance, t - y))
        net, state, believed, prior = canonical_of(
            np.asarray(weights["input>hidden1"]), np.asarray(bias["hidden1"])
        )
        nothing = jnp.zeros(SIZES[1])
        felt = Evidence(nothing, nothing, want["hidden1"])
        seen = observe(net.spec, input=o, learn=False)
        seen = seen._replace(evidence=seen.evidence | {"state": felt})
        step = jax.jit(net.step)
        for _ in range(120):
            state, _ = step(state, seen)
        assert float(step(state, seen)[1]["residual"]) < 1e-12
        v = state.lane["activity"]["membrane"]
        np.testing.assert_allclose(v, activity["hidden1"], **TO)
        wires = Dense((SIZES[0],), (SIZES[1],))
        one, zero = log_evidence(wires, believed, prior, jnp.asarray(o), jnp.ones(SIZES[0]))
        inside = -jax.grad(lambda x: helmholtz(x, one, zero, 0.0))(jax.nn.sigmoid(v))
        force = feedback_forces(graph, weights, weighted, activity)["hidden1"]
        np.testing.assert_allclose(-inside, force, **TO)
        np.testing.assert_allclose(-inside, evidence_field(felt), **TO)
