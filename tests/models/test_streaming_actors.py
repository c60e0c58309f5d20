"""The rivals against their equations: one step of ObGD and of Adam, and Sarsa on tiles."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sodachi.models.actor_nets import NETS, answers, shaped
from sodachi.models.backprop_actor import Settings, backprop_actor
from sodachi.models.percept import sensed
from sodachi.models.swift_actor import swift_actor
from sodachi.observation import observe

γ, λ, H = 0.9, 0.5, 0.1
OPTIONS = {"inputs": 2, "hidden": (4,), "discount": γ, "decay": λ, "entropy": H}


def tick(agent, state, x, reward=0.0, **options):
    told = observe(agent.spec, input=x, ended=[0.0], modulation={"reward": reward}, **options)
    return jax.jit(agent.step)(state, told)


def aim(s: Settings, weights, x, action, error):
    log_policy = jax.nn.log_softmax(answers(s, "policy", weights, x))
    doubt = -(jnp.exp(log_policy) * log_policy).sum()
    value = answers(s, "value", weights, x)[0]
    return log_policy[jnp.argmax(action)] + H * jnp.sign(error) * doubt + value


@pytest.mark.theory
@pytest.mark.parametrize("optimiser", ["adam", "obgd"])
def test_a_step_is_that_of_the_published_equations(optimiser):
    rate = 0.01 if optimiser == "adam" else 1.0
    agent = backprop_actor(**OPTIONS, optimiser=optimiser, rate=rate)
    s = Settings(2, 2, (1.0, 1.0), (4,), optimiser, rate, γ, λ, H, 1, 4.0, 75.0)
    xs, rewards = [[0.5, -1.0], [0.2, 0.3], [-0.4, 0.1], [0.1, 0.9]], [0.0, 1.0, -2.0, 0.5]
    state, w = agent.init(0), None
    adam, moments = optax.adam(rate), None
    traces = before = action = None
    seen: list[np.ndarray] = []
    sums: list[float] = []
    total = 0.0
    for t, (raw, r) in enumerate(zip(xs, rewards, strict=True)):
        w = jax.tree.map(lambda leaf: leaf[0], state.shared["modules"]["weights"])
        if moments is None:
            moments, traces = adam.init(w), jax.tree.map(jnp.zeros_like, w)
        x = np.asarray(sensed(jnp.asarray(raw), (1.0, 1.0)))
        seen.append(x)
        state, out = tick(agent, state, raw, r, first=t == 0)
        if optimiser == "obgd":
            spread = np.sqrt(np.var(seen, axis=0, ddof=1) + 1e-8) if t else 1.0
            x = (x - np.mean(seen, axis=0)) / spread
        # Taken from there once it is right: layer norm of next to nothing magnifies rounding.
        np.testing.assert_allclose(state.lane["x"], x, atol=1e-5)
        x = state.lane["x"]
        if t:
            if optimiser == "obgd":
                total = γ * total + r
                sums.append(total)
                r = r / np.sqrt(np.var(sums, ddof=1) + 1e-8) if len(sums) > 1 else r
            value = [answers(s, "value", w, y)[0] for y in (before, x)]
            error = r + γ * value[1] - value[0]
            slope = jax.grad(lambda w, b=before, a=action, e=error: aim(s, w, b, a, e))(w)
            traces = jax.tree.map(lambda z, g: γ * λ * z + g, traces, slope)
            if optimiser == "adam":
                push = jax.tree.map(lambda z, e=error: -e * z, traces)
                step, moments = adam.update(push, moments)
                w = optax.apply_updates(w, step)
            else:
                for name, kappa in (("value", 2.0), ("policy", 3.0)):
                    reach = sum(jnp.abs(z).sum() for z in jax.tree.leaves(traces[name]))
                    most = rate * kappa * jnp.maximum(abs(error), 1.0) * reach
                    size = jnp.minimum(rate, rate / most)
                    w[name] = jax.tree.map(
                        lambda a, z, e=error, k=size: a + k * e * z, w[name], traces[name]
                    )
            got = jax.tree.map(lambda leaf: leaf[0], state.shared["modules"]["weights"])
            for name in NETS:
                np.testing.assert_allclose(got[name], w[name], rtol=2e-4, atol=2e-6)
        before, action = x, out["action"]


@pytest.mark.unit
def test_obgd_is_born_sparse_but_nobody_deaf():
    agent = backprop_actor(inputs=4, hidden=(20, 20), optimiser="obgd")
    s = Settings(4, 2, (1.0,) * 4, (20, 20), "obgd", 1.0, γ, λ, H, 1, 4.0, 75.0)
    for which, flat in agent.init(0).shared["newborn"]["weights"].items():
        net = shaped(s.net(which))(flat)
        for name in ("weight_0", "weight_1", "weight_2"):
            heard = np.asarray(net[name] != 0).sum(0)
            assert set(heard) == {max(1, round(0.1 * net[name].shape[0]))}


@pytest.mark.theory
def test_sarsa_learns_what_follows_an_action():
    agent = swift_actor(inputs=2, tiles=3, rate=0.1, decay=0.0, curious=1.0, discount=0.0)
    state, out = tick(agent, agent.init(0), [0.5, 0.5], first=True)
    chosen = int(np.argmax(out["action"]))
    state, _ = tick(agent, state, [0.5, 0.5], reward=1.0)
    w = np.asarray(state.shared["weights"]["input>value"]).reshape(2, -1)
    assert w[chosen].sum() == pytest.approx(0.1) and not w[1 - chosen].any()
