"""The one door through which weights change: its lift, its gates, and what it never lets in."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Convolution, Dense, Local, Sparse, lift
from sodachi.core.rule import (
    Drive,
    Rule,
    count_weights,
    initial_weights,
    plastic,
    start_synapses,
    step_size,
)
from sodachi.rules import hebb, with_adam, with_decay
from sodachi.system import LANE

CONNECTIONS = {
    "dense": Dense((3,), (2,)),
    "dense, no loop": Dense((3,), (3,), loop=False),
    "convolution": Convolution((4, 5, 2), channels=3, size=3),
    "sparse": Sparse((4,), (3,), ((0, 3), (2, -1), (1, 2))),
    "local": Local((4, 5, 2), channels=3, size=2),
}
PAIR = Dense((2,), (2,))


def _random(shape, seed):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape))


def _lanes(rule, connection, w, y, x, learn=None, modulation=None, **options):
    """One tick with samples on lanes; the weights as the first lane sees them."""
    n = len(x)
    learn = jnp.ones(n, bool) if learn is None else jnp.asarray(learn)
    modulation = jnp.ones(n) if modulation is None else jnp.asarray(modulation)

    def one(y, x, learn, modulation):
        return plastic(
            rule,
            connection,
            w,
            start_synapses(rule, w),
            {"activity": y},
            {"activity": x},
            learn=learn,
            clock=0.0,
            modulation=modulation,
            **options,
        )[0]

    out = np.asarray(jax.jit(jax.vmap(one, axis_name=LANE))(y, x, learn, modulation))
    assert all(lane.tobytes() == out[0].tobytes() for lane in out)
    return out[0]


def _same_bits(a, b):
    return np.asarray(a).tobytes() == np.asarray(b).tobytes()


# --- the lift ------------------------------------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize("name", CONNECTIONS)
def test_lift_is_the_gradient_of_what_reaches_the_target(name):
    c = CONNECTIONS[name]
    with jax.enable_x64(True):
        w, x, y = _random(c.weights, 0), _random((2, *c.source), 1), _random((2, *c.target), 2)

        def reached(w):
            return sum(jnp.vdot(y[n], c.apply(w, x[n])) for n in range(2))

        gradient = jax.grad(reached)(w)
        np.testing.assert_allclose(lift(c, y, x), gradient, rtol=1e-12, atol=1e-13)
        moved = _lanes(hebb(), c, w, y, x, reduce="sum") - w
        np.testing.assert_allclose(moved, gradient, rtol=1e-10, atol=1e-12)


@pytest.mark.theory
def test_lift_of_a_dense_connection_is_the_outer_product():
    x, y = _random((4, 3), 0), _random((4, 2), 1)
    expected = sum(np.outer(x[n], y[n]) for n in range(4))
    np.testing.assert_allclose(lift(Dense((3,), (2,)), y, x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.theory
@pytest.mark.parametrize("name", ["dense", "convolution"])
def test_a_minibatch_is_the_mean_over_its_samples(name):
    c = CONNECTIONS[name]
    with jax.enable_x64(True):
        w, x, y = _random(c.weights, 0), _random((3, *c.source), 1), _random((3, *c.target), 2)
        alone = [_lanes(hebb(0.3), c, w, y[n : n + 1], x[n : n + 1]) for n in range(3)]
        np.testing.assert_allclose(
            _lanes(hebb(0.3), c, w, y, x), np.mean(alone, 0), rtol=1e-12, atol=1e-14
        )


# --- gates ---------------------------------------------------------------------------------------


def test_without_learning_no_bit_moves():
    rule = with_decay(with_adam(hebb()), l1=0.1, l2=0.1, initial=0.1)
    w = jnp.array([[-0.0, jnp.inf], [jnp.nan, 1e-40]])
    s = start_synapses(rule, w)
    cells = {"activity": jnp.array([jnp.nan, 3.0])}
    w_new, s_new = plastic(rule, PAIR, w, s, cells, cells, learn=False, clock=5.0)
    assert _same_bits(w, w_new)
    assert set(s_new) == {"first", "second", "start"}
    assert all(_same_bits(s[name], s_new[name]) for name in s)


@pytest.mark.theory
def test_a_lane_that_does_not_learn_adds_nothing_whatever_stands_in_it():
    w, x, y = _random((2, 2), 0), _random((3, 2), 1), _random((3, 2), 2)
    alone = _lanes(hebb(), PAIR, w, y[:2], x[:2])
    y, x = y.at[2].set(jnp.nan), x.at[2].set(jnp.inf)
    np.testing.assert_allclose(
        _lanes(hebb(), PAIR, w, y, x, learn=[True, True, False]), alone, rtol=1e-6
    )
    assert _same_bits(_lanes(hebb(), PAIR, w, y, x, learn=[False] * 3), w)


@pytest.mark.theory
def test_modulation_multiplies_with_its_sign():
    w, x, y = _random((2, 2), 0), _random((3, 2), 1), _random((3, 2), 2)
    signs = np.array([1.0, -1.0, 0.5])
    expected = w + sum(signs[n] * np.outer(x[n], y[n]) for n in range(3))
    got = _lanes(hebb(), PAIR, w, y, x, modulation=signs.astype(np.float32), reduce="sum")
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


# --- events --------------------------------------------------------------------------------------


def _spiking(event):
    def drives(post, pre):
        return (Drive(post["activity"], pre["activity"], event),)

    return Rule("spiking", drives, lambda w, s, d, context: d[0], step_size(0.5))


@pytest.mark.parametrize("loud", [True, False])
@pytest.mark.parametrize("side", ["post", "pre"])
def test_an_event_marked_drive_equals_the_plain_one(loud, side):
    w, spikes = _random((2, 2), 0), jnp.array([[float(loud), 0.0]])
    trace = jnp.array([[0.3, 0.7]])
    y, x = (spikes, trace) if side == "post" else (trace, spikes)
    marked = _lanes(_spiking(True), PAIR, w, y, x)
    assert _same_bits(marked, _lanes(_spiking(False), PAIR, w, y, x))
    assert _same_bits(marked, w) is not loud
    np.testing.assert_allclose(marked, w + 0.5 * np.outer(x[0], y[0]), rtol=1e-6)


# --- bad numbers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf, -jnp.inf])
def test_a_bad_drive_leaves_its_synapses_alone_and_moves_the_others(bad):
    rule, w = with_adam(hebb(), rate=0.1), _random((2, 2), 0)
    s = start_synapses(rule, w)
    post, pre = {"activity": jnp.array([bad, 1.0])}, {"activity": jnp.ones(2)}
    w_new, s_new = plastic(rule, PAIR, w, s, post, pre, learn=True, clock=0.0)
    for old, new in ((w, w_new), (s["first"], s_new["first"]), (s["second"], s_new["second"])):
        assert _same_bits(old[:, 0], new[:, 0])
        assert np.isfinite(new).all()
        assert (np.asarray(old[:, 1]) != np.asarray(new[:, 1])).all()


def test_a_weight_that_would_overflow_keeps_its_bits():
    w = jnp.array([[3e38, 1.0], [1.0, 1.0]])
    cells = {"activity": jnp.array([1.5e19, 1.0])}
    new, _ = plastic(hebb(), PAIR, w, {}, cells, cells, learn=True, clock=0.0)
    assert _same_bits(new[0, 0], w[0, 0])
    assert float(new[1, 1]) == 2.0


# --- what a cell knows of its own synapses -------------------------------------------------------


@pytest.mark.theory
@pytest.mark.parametrize("name", ["dense", "dense, no loop", "sparse", "local"])
def test_a_declared_sum_runs_over_the_cell_s_own_synapses(name):
    c = CONNECTIONS[name]
    rule = Rule(
        "total",
        lambda post, pre: (),
        lambda w, s, d, context: context.sums[0],
        lambda w, s, dw, context: (dw, s),
        sums=(lambda w, s: w**2,),
    )
    with jax.enable_x64(True):
        w = _random(c.weights, 3)
        new, _ = plastic(rule, c, w, {}, {}, {}, learn=True, clock=0.0)
        # With all sources at 1 a cell hears the sum of its synapses; each has that sum's gradient.
        total, heard_by = jax.vjp(lambda v: c.apply(v, jnp.ones(c.source)), w**2)
        expected = heard_by(total)[0]
    np.testing.assert_allclose(new, expected, rtol=1e-12)
    if name == "dense":
        squares = (np.asarray(w) ** 2).sum(0)
        np.testing.assert_allclose(new, np.tile(squares, (3, 1)), rtol=1e-12)


# --- beginnings ----------------------------------------------------------------------------------


def test_initial_weights_have_the_declared_spread():
    c = Dense((400,), (50,))
    w = np.asarray(initial_weights(c, jax.random.key(0), scale=2.0))
    # Standard error of the spread of 20,000 normal draws is σ/√40,000 = .5 %: ± 4 of them.
    assert w.std() == pytest.approx(2 / np.sqrt(400), rel=0.02)
    assert abs(w.mean()) < 4 * 0.1 / np.sqrt(w.size)


def test_weights_are_counted():
    assert count_weights([Dense((3,), (2,)), Convolution((4, 4, 2), 5, 3)]) == 6 + 90


def test_a_synapse_s_state_has_one_scalar_a_synapse():
    s = start_synapses(with_decay(with_adam(hebb()), initial=0.1), jnp.ones((2, 3)))
    assert {name: leaf.shape for name, leaf in s.items()} == dict.fromkeys(
        ("first", "second", "start"), (2, 3)
    )
