"""Evidence acts by its proximal step: exact where clamped, silent where absent, never unstable."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from sodachi.core.evidence import (
    evidence_energy,
    evidence_field,
    hold_evidence,
    movable_force,
    observed_value,
    share,
)
from sodachi.system import Evidence


def _evidence(value, precision, drive, dtype=jnp.float32):
    return Evidence(*(jnp.atleast_1d(jnp.asarray(v, dtype)) for v in (value, precision, drive)))


@pytest.mark.theory
@pytest.mark.parametrize("precision", [0.0, 0.3, 5.0])
@pytest.mark.parametrize("drive", [0.0, -1.2])
def test_it_is_the_proximal_step(precision, drive):
    """The minimum over y of ½p(y − v)² − d·y + (y − x)²/(2·dt), found numerically."""
    x, v, dt = 0.7, -2.0, 0.25

    def objective(y):
        return 0.5 * precision * (y - v) ** 2 - drive * y + (y - x) ** 2 / (2 * dt)

    with jax.enable_x64(True):
        got = float(
            hold_evidence(jnp.array([x]), _evidence(v, precision, drive, jnp.float64), dt)[0]
        )
    assert got == pytest.approx(minimize_scalar(objective, tol=1e-12).x, abs=1e-7)
    assert got == pytest.approx((x + dt * drive + dt * precision * v) / (1 + dt * precision))


@pytest.mark.theory
@settings(max_examples=200, deadline=None)
@given(
    x=st.floats(-1e6, 1e6, width=32),
    value=st.floats(-1e6, 1e6, width=32),
    precision=st.floats(0, 1e6, width=32),
    dt=st.sampled_from([0.0, 1e-3, 0.1, 1.0, 10.0]),
)
def test_it_never_overshoots(x, value, precision, dt):
    """For any precision the result lies between the activity and the value."""
    got = float(hold_evidence(jnp.array([x], jnp.float32), _evidence(value, precision, 0.0), dt)[0])
    slack = 1e-6 * max(abs(x), abs(value), 1e-30)
    assert min(x, value) - slack <= got <= max(x, value) + slack


@pytest.mark.unit
@pytest.mark.parametrize("precision", [1e6, 1e30, np.finfo(np.float32).max])
def test_a_huge_precision_is_as_good_as_a_clamp_and_finite(precision):
    for dt in (1e-3, 1.0, 100.0):
        got = float(hold_evidence(jnp.array([5.0]), _evidence(2.0, precision, 1.0), dt)[0])
        assert got == pytest.approx(2.0, abs=4e-3)
        slowed = movable_force(
            jnp.array([1.0]), jnp.array([5.0]), _evidence(2.0, precision, 1.0), dt
        )
        assert np.isfinite(slowed).all()


@pytest.mark.unit
def test_a_clamp_is_exact_whatever_stood_there():
    x = jnp.array([np.nan, np.inf, -np.inf, 3.0, -0.0], jnp.float32)
    value = np.array([1.1, -2.2, 3.3, 1e6, -0.0], np.float32)
    for dt in (0.0, 0.1):
        got = hold_evidence(x, _evidence(value, [np.inf] * 5, [7.0] * 5), dt)
        assert np.asarray(got).tobytes() == value.tobytes()
    at_rest = movable_force(jnp.full(5, jnp.nan), x, _evidence(value, [np.inf] * 5, [7.0] * 5), 0.1)
    assert np.asarray(at_rest).tolist() == [0.0] * 5


@pytest.mark.unit
@pytest.mark.parametrize("dt", [0.0, 0.1, 3.0])
def test_absence_changes_no_bit(dt):
    x = np.array([-0.0, 0.0, 1e-45, -3.4e38, np.inf, -np.inf, np.nan, 0.1], np.float32)
    nothing = np.zeros(8)
    for value in (nothing, np.full(8, 1e6), np.full(8, np.nan)):
        got = hold_evidence(jnp.asarray(x), _evidence(value, nothing, nothing), dt)
        assert np.asarray(got).tobytes() == x.tobytes()
        assert np.asarray(observed_value(_evidence(value, nothing, nothing))).tolist() == [0.0] * 8


@pytest.mark.theory
def test_the_force_is_minus_the_gradient_of_the_energy():
    with jax.enable_x64(True):
        e = _evidence([1.0, -2.0, 0.5], [0.0, 3.0, 7.0], [0.4, -0.2, 0.0], jnp.float64)
        x = jnp.array([0.3, 0.7, -1.0])
        gradient = jax.grad(lambda x: evidence_energy(x, e))(x)
        zero = jnp.zeros(3)
        np.testing.assert_allclose(movable_force(zero, x, e, 0.0), -gradient, rtol=1e-14)
        # With dt it is the speed at which the proximal step moves the cell.
        dt, push = 0.2, jnp.array([0.1, -0.3, 2.0])
        speed = (hold_evidence(x + dt * push, e, dt) - x) / dt
        np.testing.assert_allclose(movable_force(push, x, e, dt), speed, rtol=1e-12)


@pytest.mark.theory
def test_the_field_is_the_difference_of_the_energy_between_off_and_on():
    e = _evidence([1.0, 0.0, 0.25], [2.0, 5.0, 4.0], [0.0, 0.5, -1.0])
    off, on = (
        np.array([evidence_energy(jnp.float32(s), _at(e, i)) for i in range(3)]) for s in (0, 1)
    )
    np.testing.assert_allclose(evidence_field(e), off - on, rtol=1e-5)


def _at(e, i):
    return Evidence(*(part[i] for part in e))


@pytest.mark.unit
def test_share_runs_from_absence_to_clamp():
    got = share(_evidence([9.0] * 5, [0.0, 0.5, 1.0, 1e6, np.inf], [0.0] * 5))
    np.testing.assert_allclose(got, [0.0, 1 / 3, 0.5, 1.0, 1.0], atol=2e-6)
    assert float(got[0]) == 0.0 and float(got[4]) == 1.0
