"""Rate and canonical cells: where they rest, how fast, and that they lower the network's energy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sodachi.errors import SpecError
from sodachi.models.beliefs import helmholtz
from sodachi.neurons import CanonicalCell, RateCell

KINDS = {
    "rate": RateCell(tau_ms=20.0, threshold=1.0, width=0.5),
    "membrane": CanonicalCell(20.0, 1.0, 0.5),
    "activity": CanonicalCell(20.0, 1.0, 0.5, coordinate="activity"),
}


def logit(x):
    return np.log(x / (1 - x))


#: The three equations once more, in x.
SLOPES = {
    "rate": lambda x, field: (1 / (1 + np.exp(-field)) - x) / 20.0,
    "membrane": lambda x, field: x * (1 - x) * (field - logit(x)) / 20.0,
    "activity": lambda x, field: (field - logit(x)) / 80.0,
}


def course(cell, current, dt, ticks):
    with jax.enable_x64(True):
        start = cell.rest((), jnp.float64)
        _, x = jax.lax.scan(lambda s, _: cell.step(s, current, dt), start, None, ticks)
        return np.asarray(x)


@pytest.mark.theory
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("current", [0.0, 1.3, 2.5])
def test_the_time_course_is_that_of_the_equation(kind, current):
    first = 1 / (1 + np.exp(2.0))  # at rest without a current: σ((0 − 1)/.5)
    field, times = (current - 1.0) / 0.5, 0.5 * np.arange(1, 121)
    truth = solve_ivp(lambda t, x: SLOPES[kind](x, field), (0, times[-1]), [first], "LSODA",
                      t_eval=times, rtol=1e-10, atol=1e-12).y[0]  # fmt: skip
    ours = course(KINDS[kind], current, 0.5, 120)
    assert np.abs(ours - truth).max() < (1e-8 if kind != "activity" else 1e-3)


@pytest.mark.theory
def test_the_published_form_converges_with_the_square_of_dt():
    cell, times = KINDS["activity"], np.array([10.0])
    first = 1 / (1 + np.exp(2.0))
    truth = solve_ivp(lambda t, x: SLOPES["activity"](x, 2.0), (0, 10), [first], "LSODA",
                      t_eval=times, rtol=1e-11, atol=1e-13).y[0, 0]  # fmt: skip
    errors = [abs(course(cell, 2.0, dt, round(10 / dt))[-1] - truth) for dt in (2.0, 1.0)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.4)


@pytest.mark.theory
@pytest.mark.parametrize("kind", KINDS)
def test_all_rest_where_bayes_rule_puts_them(kind):
    with jax.enable_x64(True):
        one, zero = jnp.log(0.9 * 0.3), jnp.log(0.2 * 0.7)  # likelihood × prior of both states
        posterior = 0.9 * 0.3 / (0.9 * 0.3 + 0.2 * 0.7)
        field = float(one - zero)
    cell = KINDS[kind]
    rest = course(cell, field * cell.width + cell.threshold, 1.0, 4000)[-1]
    assert rest == pytest.approx(posterior, abs=1e-6)


@pytest.mark.theory
@pytest.mark.parametrize("kind", ["membrane", "activity"])
def test_the_canonical_cell_descends_the_helmholtz_energy(kind):
    cell = KINDS[kind]
    with jax.enable_x64(True):
        x = jnp.asarray(course(cell, 2.2, 0.5, 200))
        field = (2.2 - cell.threshold) / cell.width
        energy = np.array([float(helmholtz(v, field, 0.0, 0.0)) for v in x])
        # −∂F/∂x is the bracket of its equation.
        slope = jax.vmap(jax.grad(lambda v: helmholtz(v, field, 0.0, 0.0)))(x)
        assert np.asarray(-slope) == pytest.approx(field - logit(np.asarray(x)), abs=1e-9)
    assert np.all(np.diff(energy) < 1e-12)


@pytest.mark.theory
def test_both_coordinates_have_one_speed_at_a_half():
    still = jnp.zeros(())
    assert float(KINDS["membrane"].speed(still)) == pytest.approx(1 / 20)
    assert float(KINDS["activity"].speed(still)) == pytest.approx(1 / 20)
    assert float(KINDS["activity"].speed(still + 3.0)) > 1 / 20


@pytest.mark.parametrize("kind", KINDS)
def test_no_tick_leaves_what_is_possible(kind):
    cell = KINDS[kind]
    state = cell.rest((2,))
    for current in (1e3, -1e3, jnp.nan):
        state, x = cell.step(state, jnp.array([current, 1.0]), 1e3)
        assert np.all((np.asarray(x) >= 0) & (np.asarray(x) <= 1))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: RateCell(tau_ms=0.0),
        lambda: RateCell(width=-1.0),
        lambda: CanonicalCell(threshold=float("nan")),
        lambda: CanonicalCell(highest_Hz=0.0),
        lambda: CanonicalCell(coordinate="voltage"),
    ],
)
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(SpecError):
        wrong()
