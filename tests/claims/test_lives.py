"""Lives: asked before told, learning gated, and counted right; on a system whose sums are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.datasets import load_digits

from sodachi.claims.contestants import CONTESTANTS, RIVALS_OF_LIFE
from sodachi.claims.lives import count_floats, count_weights, live, rest, tell
from sodachi.claims.never_stops_learning import one_life, shrink
from sodachi.errors import ClaimError
from sodachi.models.backprop import backprop_net
from sodachi.models.mixture import settling_mixture
from sodachi.models.nearest import nearest_neighbour
from sodachi.system import Spec, State, Variable, system
from sodachi.worlds import RewiredWorlds


def counter():
    """A system that counts its ticks of every kind, and answers the last label it was told."""
    observed = (Variable("input", (2,)), Variable("label", (3,), "categorical"))

    def init(key):
        names = ("ticks", "told", "learned", "first")
        return State({n: jnp.zeros((), jnp.int32) for n in names}, {"last": jnp.zeros(3)})

    def step(state, o):
        told = o.evidence["label"].precision.max() > 0
        seen = {"ticks": True, "told": told, "learned": o.learn, "first": o.first}
        shared = {n: state.shared[n] + jnp.asarray(v, jnp.int32) for n, v in seen.items()}
        last = jnp.where(told, o.evidence["label"].value, state.lane["last"])
        output = {"label": last, "energy": jnp.zeros(()), "residual": jnp.zeros(())}
        return State(shared, {"last": last}), output

    return system(Spec("counter", observed=observed), init, step)


WORLDS = [(np.zeros((4, 2), "f4"), np.array([2, 1, 1, 0]), None)] * 3


@pytest.mark.unit
@pytest.mark.parametrize(("always", "learned"), [(True, 60), (False, 24)])
def test_every_tick_is_lived_as_it_is_said(always, learned):
    life = live(counter(), WORLDS, 0, before=3, after=2, always=always)
    counts = {name: int(value) for name, value in life.state.shared.items()}
    # 12 samples of 3 + 2 ticks.
    assert counts == {"ticks": 60, "told": 24, "learned": learned, "first": 12}


@pytest.mark.unit
def test_an_answer_is_read_before_its_label_is_told():
    life = live(counter(), WORLDS, 0, before=2, after=1)
    told = np.concatenate([[0], np.tile([2, 1, 1, 0], 3)[:-1]]).reshape(3, 4)
    assert np.array_equal(life.answers, np.stack([told, told], -1))
    assert np.array_equal(life.correct, told == life.labels)


@pytest.mark.unit
def test_worlds_of_other_lengths_or_none_and_wrong_ticks_are_refused():
    short = (np.zeros((2, 2), "f4"), np.array([0, 1]), None)
    for call in (
        lambda: live(counter(), [WORLDS[0], short], 0),
        lambda: live(counter(), [], 0),
        lambda: tell(counter(), 0, 1),
    ):
        with pytest.raises(ClaimError):
            call()


@pytest.mark.unit
def test_nothing_clamped_moves_no_weight_of_ours_and_its_energy_is_minus_log_units():
    X, y = load_digits(return_X_y=True)
    stream = RewiredWorlds(X[:200].astype("f4") / 16, y[:200], worlds=1)
    net = settling_mixture(units=24)
    life = live(net, stream.worlds(), 0, 3, 1)
    rested, idle = rest(net, 200)(life.state)
    alive = int((life.state.shared["structure"]["owner"] >= 0).sum())
    assert alive > 10
    assert float(idle["energy"][-1]) == pytest.approx(-np.log(alive), abs=1e-4)
    for name, weight in life.state.shared["weights"].items():
        assert np.array_equal(weight, rested.shared["weights"][name])


@pytest.mark.unit
def test_sizes_are_counted_as_the_claims_state_them():
    # 64·100 + 100 + 100·100 + 100 + 100·10 + 10; Adam: two moments each and a count.
    state = backprop_net(decay_to_initial=0.3).init(0)
    assert count_weights(state) == 17610
    assert count_floats(state) == 4 * 17610 + 1
    # 270 samples of 64 pixels and a label.
    assert count_weights(nearest_neighbour(capacity=270).init(0)) == 270 * 65
    # 236 units of 64 + 10.
    assert count_weights(settling_mixture(units=236).init(0)) == 236 * 74


@pytest.mark.unit
def test_rivals_of_life_are_as_large_as_ours_but_where_their_names_say_more():
    ours = count_weights(CONTESTANTS["ours A"].make().init(0))
    sizes = {row: count_weights(c.make().init(0)) for row, c in RIVALS_OF_LIFE.items()}
    larger = {"replay of 270 on top": 2.02, "gated, 100 modules": 44.5}
    for row, size in sizes.items():
        assert size == pytest.approx(larger.get(row, 1.0) * ours, rel=0.02), row
    # 64·74 + 74 + 74·74 + 74 + 74·10 + 10, and 100 samples of 64 pixels and a label.
    assert sizes["replay at equal memory"] == 11110 + 6500


@pytest.mark.theory
def test_shrinking_keeps_the_mean_and_divides_exactly_where_it_can():
    images = np.random.default_rng(0).uniform(size=(3, 28 * 28))
    assert np.allclose(shrink(images).mean(1), images.mean(1), atol=1e-6)
    halves = images.reshape(3, 14, 2, 14, 2).mean((2, 4)).reshape(3, -1)
    assert np.allclose(shrink(images, 14), halves, atol=1e-6)


@pytest.mark.unit
def test_one_life_scores_what_its_contestant_answered():
    X, y = load_digits(return_X_y=True)

    def stream():
        return RewiredWorlds(X[:300].astype("f4") / 16, y[:300], worlds=6, every=3)

    figures = one_life("nearest of 270", stream, 0, "quick")
    life = live(nearest_neighbour(capacity=270), stream().worlds(), 0)
    accuracy = life.correct.mean(1)
    # Worlds 2 and 5 return; four are new, so both ends hold all of them.
    assert figures["new_first"] == pytest.approx(accuracy[[0, 1, 3, 4]].mean())
    assert figures["return_whole"] == pytest.approx(accuracy[[2, 5]].mean())
    assert figures["change"] == 0
    assert jax.tree.all(jax.tree.map(np.isfinite, figures))
