"""Decay, bounds and scaling against closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.connections import Convolution, Dense, Sparse
from sodachi.core.rule import Rule, plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules import (
    delta,
    hebb,
    with_adam,
    with_annealing,
    with_bounds,
    with_decay,
    with_scaling,
)

W = np.array([[1.5, -0.7], [0.02, -1e-9], [0.0, 3.0]])


def _live(rule, w, ticks, error=None, connection=None):
    """Live some ticks with a constant drive (none by default) and return the weights of each."""
    connection = connection or Dense((3,), (2,))
    post = {"error": jnp.zeros(connection.target) if error is None else jnp.asarray(error)}
    pre = {"activity": jnp.ones(connection.source)}
    synapse = start_synapses(rule, w)

    def tick(carry, clock):
        new = plastic(rule, connection, *carry, post, pre, learn=True, clock=clock)
        return new, new[0]

    return np.asarray(jax.lax.scan(tick, (w, synapse), jnp.arange(ticks, dtype=w.dtype))[1])


@pytest.mark.theory
def test_l2_multiplies_by_one_minus_its_strength():
    rate, strength = 0.1, 0.3
    with jax.enable_x64(True):
        lived = _live(with_decay(delta(rate), l2=rate * strength), jnp.asarray(W), 5)
    for n, w in enumerate(lived, 1):
        np.testing.assert_allclose(w, (1 - rate * strength) ** n * W, rtol=1e-12)


@pytest.mark.theory
def test_l2_acts_beside_the_step_not_through_it():
    with jax.enable_x64(True):
        lived = _live(with_decay(delta(0.5), l2=0.1), jnp.asarray(W), 1, error=[1.0, -2.0])
    np.testing.assert_allclose(lived[0], 0.9 * W + 0.5 * np.array([1.0, -2.0]), rtol=1e-12)


@pytest.mark.theory
def test_l1_shrinks_by_steps_and_stops_at_zero():
    with jax.enable_x64(True):
        lived = _live(with_decay(delta(), l1=0.03), jnp.asarray(W), 40)
    for n, w in enumerate(lived, 1):
        expected = np.sign(W) * np.maximum(np.abs(W) - 0.03 * n, 0)
        np.testing.assert_allclose(w, expected, atol=1e-12)
    assert (lived * W >= 0).all()  # never beyond zero


@pytest.mark.theory
@pytest.mark.parametrize("p", [0.5, 0.7, 1.0])
def test_lp_is_the_gradient_of_its_penalty_and_safe_at_zero(p):
    # Far from 0 the step is −λ d/dw (|w| + δ)^p, by central differences; at 0 there is none.
    h, strength = 1e-6, 1e-3
    with jax.enable_x64(True):
        new = _live(with_decay(delta(), lp=strength, p=p), jnp.asarray(W), 1)[0]

    def penalty(w):
        return (np.abs(w) + 1e-3) ** p

    far = np.abs(W) > 0.5
    slope = (penalty(W + h) - penalty(W - h)) / (2 * h)
    np.testing.assert_allclose((new - W)[far], -strength * slope[far], rtol=1e-6)
    assert new[2, 0] == 0 and new[1, 1] == 0  # at zero, and too near it to survive a tick
    assert (new * W >= 0).all()


@pytest.mark.theory
def test_lp_prunes_small_weights_before_large_ones():
    with jax.enable_x64(True):
        moved = W - _live(with_decay(delta(), lp=1e-3, p=0.7), jnp.asarray(W), 1)[0]
    assert moved[1, 0] > 2 * moved[0, 0] > 0


@pytest.mark.theory
def test_decay_to_initial_weights_relaxes_geometrically():
    rule, initial = with_decay(delta(), initial=0.2), jnp.asarray(W, jnp.float32)
    connection, pre = Dense((3,), (2,)), {"activity": jnp.ones(3)}
    w, s = initial, start_synapses(rule, initial)
    away = {"error": jnp.array([1.0, -2.0])}
    w, s = plastic(rule, connection, w, s, away, pre, learn=True, clock=0.0)
    np.testing.assert_allclose(w, W + np.array([1.0, -2.0]), rtol=1e-6)
    rest = {"error": jnp.zeros(2)}
    for n in range(1, 6):
        w, s = plastic(rule, connection, w, s, rest, pre, learn=True, clock=float(n))
        np.testing.assert_allclose(w - W, 0.8**n * np.array([[1.0, -2.0]] * 3), rtol=1e-5)
    assert s["start"].tobytes() == initial.tobytes()


@pytest.mark.theory
def test_bounds_clip_the_step_and_nothing_else():
    with jax.enable_x64(True):
        rule = with_bounds(delta(), -1.0, 1.0)
        inside = jnp.asarray(np.clip(W, -0.9, 0.9))
        lived = _live(rule, inside, 3, error=[0.5, -0.5])
    expected = np.asarray(inside)
    for w in lived:
        expected = np.minimum(np.maximum(expected + np.array([0.5, -0.5]), -1), 1)
        np.testing.assert_allclose(w, expected, rtol=1e-12)


@pytest.mark.theory
def test_scaling_converges_to_the_total_and_keeps_proportions():
    # log S_n − log T = (1 − r)ⁿ (log S₀ − log T); proportions within a cell never move.
    rate, total = 0.25, 2.0
    with jax.enable_x64(True):
        lived = _live(with_scaling(delta(), total, rate), jnp.asarray(W), 100)
    start = np.abs(W).sum(0)
    for n in (1, 2, 10, 100):
        strength = np.abs(lived[n - 1]).sum(0)
        expected = total * (start / total) ** ((1 - rate) ** n)
        np.testing.assert_allclose(strength, expected, rtol=1e-11)
    np.testing.assert_allclose(lived[-1] / np.abs(lived[-1]).sum(0), W / start, rtol=1e-11)
    np.testing.assert_allclose(np.abs(lived[-1]).sum(0), total, rtol=1e-11)


@pytest.mark.theory
def test_scaling_sums_over_each_cell_of_a_sparse_connection_alone():
    connection = Sparse((4,), (2,), ((0, 1), (3, -1)))
    w = jnp.array([[1.0, 3.0], [5.0, 7.0]])  # the last is no synapse
    new = _live(with_scaling(delta(), 1.0, 1.0), w, 1, connection=connection)[0]
    np.testing.assert_allclose(new[0], [0.25, 0.75], rtol=1e-6)
    assert new[1, 0] == pytest.approx(1.0, rel=1e-6)


@pytest.mark.theory
def test_scaling_of_tied_weights_sums_over_a_site():
    connection = Convolution((4, 4, 1), channels=2, size=2, padding="VALID")
    w = np.arange(1.0, 9.0, dtype=np.float32).reshape(2, 2, 1, 2)
    new = _live(with_scaling(delta(), 1.0, 1.0), jnp.asarray(w), 1, connection=connection)[0]
    np.testing.assert_allclose(new, w / w.sum((0, 1, 2)), rtol=1e-5)


def test_a_cell_without_strength_has_nothing_to_scale():
    assert (_live(with_scaling(delta(), 1.0, 0.5), jnp.zeros((3, 2)), 2) == 0).all()


@pytest.mark.theory
def test_scaling_leaves_the_sums_of_the_rule_it_wraps_in_their_place():
    inner = Rule(  # a synapse that becomes its cell's sum, wrapped by the scaling
        "sum",
        lambda post, pre: (),
        lambda w, s, d, context: context.sums[0],
        lambda w, s, dw, context: (dw, s),
        sums=(lambda w, s: w,),
    )
    rule = with_scaling(inner, total=1.0, rate=1.0)
    w = jnp.array([[1.0], [-3.0]])
    new, _ = plastic(rule, Dense((2,), (1,)), w, {}, {}, {}, learn=True, clock=0.0)
    assert new.tolist() == [[-0.5], [-0.5]]  # Σw · total/Σ|w| = −2/4


def test_wrappers_compose_and_keep_each_other_s_state():
    rule = with_bounds(with_decay(with_adam(delta()), initial=0.1), -2.0, 2.0)
    assert rule.name == "delta+adam+decay+bounds"
    assert sorted(start_synapses(rule, jnp.zeros((1, 1)))) == ["first", "second", "start"]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: with_decay(hebb(), l1=-1.0), "l1"),
        (lambda: with_decay(hebb(), l2=-1.0), "l2"),
        (lambda: with_decay(hebb(), initial=-1.0), "initial"),
        (lambda: with_decay(hebb(), lp=0.1, p=0.0), "p"),
        (lambda: with_decay(hebb(), lp=0.1, p=1.5), "p"),
        (lambda: with_adam(hebb(), first_decay=1.0), "first_decay"),
        (lambda: with_adam(hebb(), second_decay=-0.1), "second_decay"),
        (lambda: with_bounds(hebb(), 1.0, 1.0), "bounds"),
        (lambda: with_bounds(hebb(), float("nan"), 1.0), "bounds"),
        (lambda: with_scaling(hebb(), total=0.0), "total"),
        (lambda: with_scaling(hebb(), total=float("inf")), "total"),
        (lambda: with_scaling(hebb(), rate=0.0), "rate"),
        (lambda: with_scaling(hebb(), rate=1.5), "rate"),
    ],
)
def test_wrong_arguments_are_refused(make, field):
    with pytest.raises(SpecError) as caught:
        make()
    assert caught.value.field == field


@pytest.mark.theory
def test_annealed_steps_add_up_to_half_the_ticks_and_then_stop():
    """A constant drive moves a weight by rate · Σ (1 − t/T) = rate · (T + 1)/2."""
    with jax.enable_x64(True):
        rule = with_annealing(delta(0.1), 9)
        lived = _live(rule, jnp.asarray(W), 12, error=np.array([1.0, -2.0]))
    np.testing.assert_allclose(lived[8] - W, 0.1 * 5 * np.array([[1.0, -2.0]] * 3), rtol=1e-9)
    assert np.array_equal(lived[11], lived[8])


@pytest.mark.unit
def test_annealing_over_no_time_is_refused():
    with pytest.raises(SpecError, match="ticks"):
        with_annealing(delta(), 0)
