"""The denoising chain: its noise by formula, its steps and their slope by enumeration."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import minibatch
from sodachi.errors import ObservationError, SpecError
from sodachi.models.boltzmann_energy import fields
from sodachi.models.boltzmann_step import read_parameters
from sodachi.models.deep_boltzmann_layers import layered_graph
from sodachi.models.denoising_chain import denoising_chain, imagine, noised
from sodachi.observation import observe
from sodachi.system import Evidence

NOISE = (0.1, 0.3, 0.5)
EVERY = np.array(list(itertools.product([0.0, 1.0], repeat=3)), np.float32)


def born(lanes, **options):
    """A chain of random weights, centred anywhere."""
    chain = minibatch(denoising_chain(layers=(3, 2), noise=NOISE, **options), lanes)
    state, rng = chain.init(0), np.random.default_rng(0)
    weights = {
        name: jnp.asarray(rng.normal(0, 1.0, w.shape), w.dtype)
        for name, w in state.shared["weights"].items()
    }
    return chain, state._replace(shared=state.shared | {"weights": weights})


GRAPH = layered_graph({"layers": [3, 2], "labels": 0, "input": "binary"})


def log_way_back(weights, after, chance):
    """log p(x_{t−1} | x_t) of all eight x_{t−1}, hidden units summed out."""
    parameters = read_parameters(GRAPH, weights)
    x = {"input": jnp.asarray(EVERY).T, "hidden1": jnp.zeros((2, 8))}
    heard = fields(GRAPH, parameters, x)["hidden1"]
    log = EVERY @ parameters.bias["input"] + jax.nn.softplus(heard).sum(0)
    same = EVERY == after
    return jax.nn.log_softmax(log + jnp.where(same, jnp.log1p(-chance), jnp.log(chance)).sum(1))


@pytest.mark.theory
def test_the_noise_flips_as_its_law_says():
    keys = jax.random.split(jax.random.key(0), 20_000)
    x = jnp.array([1.0, 0.0, 0.7])
    trail = np.asarray(jax.vmap(lambda k: noised(x, NOISE, k))(keys))
    assert np.allclose(trail[:, 0].mean(0), x, atol=0.015)
    for t, chance in enumerate(NOISE):
        assert np.allclose((trail[:, t] != trail[:, t + 1]).mean(0), chance, atol=0.015)
    # After t steps: (1 − Π(1 − 2 noise))/2.
    after = [0.5 * (1 - np.prod([1 - 2 * p for p in NOISE[:t]])) for t in (1, 2, 3)]
    assert np.allclose((trail[:, 1:, 0] != trail[:, :1, 0]).mean(0), after, atol=0.015)


@pytest.mark.theory
def test_every_step_back_is_drawn_as_enumeration_says():
    _, state = born(1)
    nothing = Evidence(*[jnp.zeros(3)] * 3)

    def one(key):
        return imagine(GRAPH, state.shared, NOISE, 30, nothing, jnp.zeros((4, 3)), key)[0]

    trails = np.asarray(jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(1), 20_000)))
    assert np.allclose(trails[:, -1].mean(0), 0.5, atol=0.015)
    number = (trails @ [4, 2, 1]).astype(int)
    for t, chance in enumerate(NOISE):
        weights = jax.tree.map(lambda a, t=t: a[t], state.shared["weights"])
        for i, after in enumerate(EVERY):
            mine = number[number[:, t + 1] == i, t]
            if len(mine) > 500:
                known = np.exp(log_way_back(weights, after, chance))
                drawn = np.bincount(mine, minlength=8) / len(mine)
                assert np.abs(drawn - known).max() < 4 * (0.25 / len(mine)) ** 0.5


@pytest.mark.theory
def test_every_step_learns_the_slope_of_its_way_back():
    lanes = 4000
    chain, state = born(lanes, rate=1.0, centring=0.0, sweeps=30)
    # Far from even, or what comes after the noise would have the law of what was before it.
    shown = (np.random.default_rng(1).random((lanes, 3)) < [0.95, 0.5, 0.05]).astype(np.float32)
    new, out = chain.step(state, observe(chain.spec, input=shown))
    number = (np.asarray(out["trail"]) @ [4, 2, 1]).astype(int)
    for t, chance in enumerate(NOISE):
        pairs = np.zeros((8, 8))
        np.add.at(pairs, (number[:, t + 1], number[:, t]), 1.0 / lanes)
        before, after = (
            {name: w[t] for name, w in s.shared["weights"].items()} for s in (state, new)
        )

        def objective(weights, chance=chance, pairs=pairs):
            log = jnp.stack([log_way_back(weights, x, chance) for x in EVERY])
            return jnp.sum(pairs * log)

        for name, slope in jax.grad(objective)(before).items():
            assert np.allclose(after[name] - before[name], slope, atol=0.03), (t, name)


@pytest.mark.theory
def test_what_is_held_stays_and_without_it_nothing_is_learnt():
    chain, state = born(8)
    half = Evidence(np.tile([1.0, 0.0, 0.0], (8, 1)), np.tile([np.inf, np.inf, 0], (8, 1)), 0.0)
    new, out = chain.step(state, observe(chain.spec, input=half))
    assert np.all(np.asarray(out["input"])[:, :2] == [1.0, 0.0])
    assert not np.allclose(new.shared["weights"]["input-hidden1"],
                           state.shared["weights"]["input-hidden1"])  # fmt: skip
    new, _ = chain.step(state, observe(chain.spec))
    for name, w in state.shared["weights"].items():
        assert np.array_equal(new.shared["weights"][name], w), name


@pytest.mark.theory
def test_what_is_told_softly_moves_the_last_step_alone():
    chain, state = born(4000, imagining=30)
    weights = jax.tree.map(jnp.zeros_like, state.shared["weights"])
    state = state._replace(shared=state.shared | {"weights": weights})
    drive = np.tile([2.0, 0.0, -2.0], (4000, 1))
    told = Evidence(np.zeros((4000, 3)), 0.0, drive)
    _, out = chain.step(state, observe(chain.spec, learn=False, input=told))
    # Without weights x_1 is a fair coin, and x_0 hears it and the drive.
    hears = np.array([[1.0], [-1.0]]) * np.log(9.0) + drive[0]
    assert np.allclose(out["trail"][:, 1].mean(0), 0.5, atol=0.04)
    assert np.allclose(out["trail"][:, 0].mean(0), (1 / (1 + np.exp(-hears))).mean(0), atol=0.04)


@pytest.mark.unit
@pytest.mark.parametrize(
    "wrong", [{"noise": ()}, {"noise": (0.6,)}, {"noise": (0.0,)}, {"imagining": 0},
              {"layers": (3,)}, {"sweeps": 0}],
)  # fmt: skip
def test_what_makes_no_chain_is_refused(wrong):
    with pytest.raises(SpecError):
        denoising_chain(**({"layers": (3, 2)} | wrong))


@pytest.mark.unit
def test_data_that_are_no_bits_are_refused():
    chain = denoising_chain(layers=(3, 2))
    with pytest.raises(ObservationError):
        observe(chain.spec, input=[0.0, 2.0, 1.0])
