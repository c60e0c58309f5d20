"""Anatomy: what is dead, how many directions there are, and what of an earlier world is gone."""

from functools import partial

import jax
import numpy as np
import pytest

from sodachi.claims.anatomy import anatomy, dead_units, effective_rank, forgetting, importance
from sodachi.claims.anatomy_readers import read_hidden
from sodachi.claims.contestants import Contestant
from sodachi.claims.lives import live
from sodachi.claims.rewired import one_life
from sodachi.models import growing_grid
from sodachi.models.backprop import backprop_net
from sodachi.models.continual import continual_net
from sodachi.models.gated import gated_net
from sodachi.models.mixture import settling_mixture
from sodachi.models.nearest import nearest_neighbour
from sodachi.observation import observe
from sodachi.replaying import replay
from sodachi.system import State
from sodachi.worlds import RewiredWorlds

X = np.random.default_rng(0).random((60, 6)).astype("f4")
Y = (X[:, 0] > X[:, 1]).astype("i4")
SMALL = {"inputs": 6, "labels": 2}
NETS = {
    "backprop_net": backprop_net(layers=(6, 12, 9, 2)),
    "continual_net": continual_net(layers=(6, 12, 2), layer_norm=True),
    "gated_net": gated_net(layers=(6, 12, 2), contexts=3),
    "replay": replay(backprop_net(layers=(6, 12, 2)), capacity=4),
    "settling_mixture": settling_mixture(units=20, **SMALL),
    "pool": settling_mixture(units=20, contexts=3, pool=True, names=3, hunger=0.01, **SMALL),
    "growing_grid": growing_grid(
        units=12, label_kind="categorical", fan_in=4, patience=0, hunger=0.0, usual=0.0, **SMALL
    ),
}


def lived(system, seed=0):
    return live(system, [(X, Y, None)] * 3, seed).state


@pytest.mark.unit
@pytest.mark.parametrize("name", NETS)
def test_every_learner_with_hidden_units_has_the_whole_anatomy(name):
    state = lived(NETS[name])
    figures = anatomy(NETS[name], state, X)
    assert set(figures) == {
        "weights", "floats", "dead_units", "effective_rank", "mean_weight", "weight_norm",
    }  # fmt: skip
    assert 0 <= figures["dead_units"] < 1 and figures["weight_norm"] > figures["mean_weight"] > 0
    assert 1 <= figures["effective_rank"] <= len(X)
    same = forgetting(NETS[name], state, state, X)
    assert same and max(same.values()) < 1e-6


@pytest.mark.unit
def test_a_buffer_has_no_hidden_units_and_forgets_nothing_that_could_be_measured():
    buffer = nearest_neighbour(capacity=8, **SMALL)
    state = lived(buffer)
    assert set(anatomy(buffer, state, X)) == {"weights", "floats"}
    assert forgetting(buffer, state, state, X) == {}


@pytest.mark.unit
def test_the_hidden_units_read_are_those_that_answer():
    net = NETS["settling_mixture"]
    state = lived(net)
    hidden = read_hidden(net, state, X[:1])
    for _ in range(40):  # settled, from wherever it stood
        state, out = jax.jit(net.step)(state, observe(net.spec, input=X[0], learn=False))
    assert np.allclose(hidden.layers[0] @ hidden.out[0], out["label"], atol=1e-5)
    grid = NETS["growing_grid"]
    state = lived(grid)
    hidden = read_hidden(grid, state, X[:1])
    _, out = jax.jit(grid.step)(state, observe(grid.spec, input=X[0], learn=False))
    linear = np.concatenate([[1.0], X[0]]) @ state.shared["weights"]["output"][:7]
    said = hidden.layers[0] @ hidden.out[0][:, :2] + linear
    assert int(hidden.live.sum()) > 0 and np.allclose(said, out["label"], atol=1e-4)


@pytest.mark.unit
def test_units_that_no_bias_lets_answer_are_dead():
    net = backprop_net(layers=(6, 10, 2))
    state = net.init(0)
    weights = state.shared["weights"]
    silent = weights | {"bias_0": weights["bias_0"].at[:4].set(-1e3)}
    dead = State(state.shared | {"weights": silent}, state.lane)
    alive = dead_units(read_hidden(net, state, X))
    assert dead_units(read_hidden(net, dead, X)) == pytest.approx(0.4 + alive * 0.6, abs=0.11)
    saturating = backprop_net(layers=(6, 10, 2), activation="tanh")
    assert "dead_units" not in anatomy(saturating, saturating.init(0), X)


@pytest.mark.theory
def test_effective_rank_is_the_exponential_of_the_entropy_of_singular_values():
    q = np.linalg.qr(np.random.default_rng(1).normal(size=(8, 8)))[0]
    singular = np.array([4.0, 2.0, 1.0, 1.0])
    p = singular / 8
    expected = np.exp(-(p * np.log(p)).sum())
    assert effective_rank(q[:, :4] * singular) == pytest.approx(expected)
    assert effective_rank(np.zeros((4, 3))) == 0.0


@pytest.mark.unit
def test_what_is_overwritten_shows_in_the_tenth_that_it_belonged_to():
    net = backprop_net(layers=(6, 20, 2))
    born = net.init(0)
    order = np.argsort(importance(read_hidden(net, born, X)))
    weights = born.shared["weights"]
    for tenth in (1, 10):
        gone = order[2 * (tenth - 1) : 2 * tenth]
        changed = weights | {"weight_1": weights["weight_1"].at[gone].multiply(-1.0)}
        now = State(born.shared | {"weights": changed}, born.lane)
        figures = forgetting(net, born, now, X)
        assert figures[f"forgotten_{tenth}"] == pytest.approx(1.0)
        assert sum(figures.values()) == pytest.approx(1.0)


@pytest.mark.theory
def test_what_half_points_the_same_way_is_half_forgotten():
    net = backprop_net(layers=(6, 10, 2))
    born = net.init(0)
    weights = born.shared["weights"]
    for scale, gone in ((0.5, 0.5), (3.0, 0.0), (-1.0, 1.0)):
        now = weights | {"weight_1": weights["weight_1"] * scale}
        figures = forgetting(net, born, State(born.shared | {"weights": now}, born.lane), X)
        assert list(figures.values()) == pytest.approx([gone] * 10, abs=1e-6)


@pytest.mark.unit
def test_few_units_or_grown_capacity_have_no_tenths():
    few = backprop_net(layers=(6, 9, 2))
    assert forgetting(few, few.init(0), few.init(0), X) == {}
    net = NETS["growing_grid"]
    state = lived(net)
    grown = net.grow(state)
    assert grown is not state and forgetting(net, state, grown, X) == {}


@pytest.mark.unit
def test_a_life_tells_its_anatomy_and_its_cost():
    stream = partial(RewiredWorlds, X, Y, seed=0, worlds=5)
    contestant = Contestant(lambda: backprop_net(layers=(6, 20, 2), rate=0.05))
    figures = one_life(contestant, stream, 0, 2)
    assert figures["ticks"] == 2 and figures["microseconds"] > 0
    assert {"new_last", "return_200", "weights", "floats", "dead_units_early", "effective_rank",
            "forgotten_10"} <= set(figures)  # fmt: skip
    tenths = [value for name, value in figures.items() if name.startswith("forgotten")]
    assert 0 < max(tenths) <= 1 and min(tenths) >= 0
