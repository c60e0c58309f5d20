"""Bayesian mechanics against quadrature, closed forms, and dynamics that were simulated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from sodachi.errors import SpecError
from sodachi.models.complete_class import as_inference, implied_prior
from sodachi.models.decision_process import POMDP
from sodachi.models.fokker_planck import Grid, at_rest, evolve, generator
from sodachi.models.free_energy import Moment, posterior
from sodachi.models.mechanics import (
    gibbs,
    helmholtz_energy_of,
    imaginary_time_flow,
    total_variation,
    variational_free_energy_of,
)

pytestmark = pytest.mark.theory
LINE = Grid((-3.0,), (3.0,), (120,))
PLANE = Grid((-3.0, -3.0), (3.0, 3.0), (36, 36))


def wells(x):
    """A tilted double well."""
    return (x**2 - 1.0) ** 2 + 0.4 * x


def bowl(points):
    """A bent bowl over two axes."""
    x, y = points[..., 0], points[..., 1]
    return 0.5 * (x**2 - 1.0) ** 2 + 0.8 * (y - 0.5 * x) ** 2


@pytest.mark.parametrize("beta", [0.7, 2.0])
@pytest.mark.parametrize("adjusted", [False, True])
def test_the_flow_reaches_the_gibbs_law(beta, adjusted):
    start = jnp.asarray(np.random.default_rng(0).uniform(-1.5, 1.5, (4000, 1)))
    x = imaginary_time_flow(
        lambda p: wells(p[0]), start, jax.random.key(1), beta=beta, rate=0.01, ticks=1500,
        adjusted=adjusted,
    )  # fmt: skip
    x = np.asarray(x)[:, 0]
    Z = quad(lambda t: np.exp(-beta * wells(t)), -4, 4)[0]
    for power in (1, 2):
        exact = quad(lambda t, n=power: t**n * np.exp(-beta * wells(t)) / Z, -4, 4)[0]
        spread = (x**power).std() / np.sqrt(len(x))
        assert abs((x**power).mean() - exact) < 4 * spread + 0.015
    right = quad(lambda t: np.exp(-beta * wells(t)) / Z, 0, 4)[0]
    assert abs((x > 0).mean() - right) < 4 * np.sqrt(0.25 / len(x)) + 0.01


def test_without_noise_the_flow_only_finds_a_minimum():
    flow = imaginary_time_flow(
        lambda p: wells(p[0]), jnp.full((50, 1), 0.2), jax.random.key(0), beta=np.inf, ticks=3000
    )
    assert float(flow.std()) < 1e-6


@pytest.mark.parametrize("rotation", [0.0, 2.0, -5.0])
def test_the_equation_keeps_mass_and_sign_and_lowers_the_helmholtz_energy(rotation):
    beta, H = 1.3, bowl(PLANE.points)
    matrix = generator(PLANE, energy=bowl, beta=beta, rotation=rotation)
    dense = matrix.toarray()
    off = dense - np.diag(np.diag(dense))
    rest = gibbs(PLANE, H, beta)
    assert off.min() >= 0.0 and np.abs(matrix.sum(0)).max() < 1e-9
    assert np.abs(matrix @ rest).max() < 1e-12
    start = np.random.default_rng(2).exponential(size=len(H)) ** 3
    path = evolve(matrix, start / start.sum(), 0.05, 200)
    A = np.array([helmholtz_energy_of(PLANE, p, H, beta) for p in path])
    assert path.min() >= 0.0 and np.abs(path.sum(1) - 1.0).max() < 1e-10
    assert np.all(np.diff(A) <= 1e-12) and A[0] - A[-1] > 0.3
    least = -np.log(np.sum(np.exp(-beta * H)) * PLANE.volume) / beta
    assert A[-1] == pytest.approx(least, abs=1e-6) and np.all(A >= least - 1e-12)
    current = dense * rest - (dense * rest).T  # what flows from cell to cell at rest
    assert (np.abs(current).max() > 1e-4) == bool(rotation)


def test_a_linear_flow_has_the_mean_and_variance_of_ornstein_and_uhlenbeck():
    grid, beta = Grid((-6.0,), (6.0,), (480,)), 2.0
    matrix = generator(grid, energy=lambda p: 0.5 * p[:, 0] ** 2, beta=beta)
    start = gibbs(grid, 8.0 * (grid.points[:, 0] - 2.0) ** 2)
    path = evolve(matrix, start, 0.002, 500)
    x, time = grid.points[:, 0], 1.0
    mean = path @ x
    variance = path @ x**2 - mean**2
    begun = (mean[0], variance[0])
    assert mean[-1] == pytest.approx(begun[0] * np.exp(-time), rel=3e-3)
    fades = np.exp(-2 * time)
    assert variance[-1] == pytest.approx(begun[1] * fades + (1 - fades) / beta, rel=5e-3)


def test_at_beta_one_it_is_the_variational_free_energy_and_ends_at_the_surprise():
    """H = −ln p(φ, o): A equals F all along, and F at rest is −ln p(o) by quadrature."""
    o = 0.7

    def log_prior(t):
        return (
            np.logaddexp(-2 * (t - 1) ** 2, -2 * (t + 1) ** 2) + 0.5 * np.log(2 / np.pi) - np.log(2)
        )

    def log_likelihood(t):
        return -0.5 * (o - t) ** 2 / 0.6 - 0.5 * np.log(2 * np.pi * 0.6)

    grid = Grid((-4.0,), (4.0,), (800,))
    t = grid.points[:, 0]
    H = -(log_prior(t) + log_likelihood(t))
    matrix = generator(grid, energy=lambda p: -(log_prior(p[:, 0]) + log_likelihood(p[:, 0])))
    path = evolve(matrix, np.full(len(t), 1.0 / len(t)), 0.1, 150)
    for q in path:
        F, complexity, accuracy = variational_free_energy_of(
            grid, q, log_prior(t), log_likelihood(t)
        )
        assert F == pytest.approx(helmholtz_energy_of(grid, q, H), abs=1e-10)
        assert complexity > -1e-12 and F == pytest.approx(complexity - accuracy)
    evidence = quad(lambda u: np.exp(log_prior(u) + log_likelihood(u)), -8, 8)[0]
    assert F == pytest.approx(-np.log(evidence), abs=1e-4)


def turning(points, o):
    """A linear drift to a centre that o chooses, turned by a part that is no gradient."""
    centre = np.array([[1.0, 0.0], [-1.0, 0.5]])[o]
    return -(points - centre) @ np.array([[1.0, -2.0], [2.0, 1.0]])


def test_a_turning_linear_dynamics_is_inference_with_gaussians():
    """Its law is N(centre, I/β) whatever the turning; the likelihood is their share."""
    grid, chances, beta = Grid((-4.0, -4.0), (4.0, 4.0), (64, 64)), [0.3, 0.7], 2.0
    made = as_inference(grid, turning, chances, beta)
    exact = []
    for centre in ([1.0, 0.0], [-1.0, 0.5]):
        distance = ((grid.points - centre) ** 2).sum(1)
        exact.append(gibbs(grid, 0.5 * distance, beta))
    joint = np.array(chances)[:, None] * np.array(exact)
    assert total_variation(made.prior, joint.sum(0)) < 0.02
    for o in (0, 1):
        assert total_variation(made.posterior(o), exact[o]) < 0.02
        weight = joint.sum(0)
        assert np.sum(weight * np.abs(made.likelihood[o] - joint[o] / weight)) < 0.02
    assert np.allclose(made.likelihood.sum(0), 1.0) and made.prior.sum() == pytest.approx(1.0)
    law = np.exp(-made.hamiltonian(1))
    assert np.allclose(law / law.sum(), made.posterior(1), atol=1e-12)


def bent(points, o):
    """A drift that is no gradient and no linear map."""
    x, y = points[:, 0], points[:, 1]
    toward = np.array([-1.0, 0.3, 1.2])[o]
    return np.stack([x - x**3 + 1.5 * y, toward - y - 1.2 * np.sin(x)], 1)


def test_a_bent_dynamics_does_what_the_posterior_of_its_model_says():
    grid, beta = Grid((-3.5, -3.5), (3.5, 3.5), (42, 42)), 2.0
    made = as_inference(grid, bent, [0.2, 0.5, 0.3], beta)
    rng, dt = np.random.default_rng(5), 0.01
    for o in (0, 2):
        points, visits = rng.normal(size=(2000, 2)), np.zeros(len(grid.points))
        for step in range(1500):
            noise = np.sqrt(2 * dt / beta) * rng.normal(size=points.shape)
            points = points + dt * bent(points, o) + noise
            if step >= 700 and step % 20 == 0:
                visits += np.bincount(grid.locate(points), minlength=len(visits))
        law = visits / visits.sum()
        assert total_variation(law, made.posterior(o)) < 0.05
        assert total_variation(law, made.posterior(1)) > 0.15


def test_any_thresholds_are_a_prior():
    rng = np.random.default_rng(7)
    w1, w0 = rng.normal(size=(2, 4, 3))
    h1, h0 = rng.normal(size=(2, 3))
    D = implied_prior((w1, w0), (h1, h0))
    o = np.array([1.0, 0.0, 1.0, 1.0])
    x = 1 / (1 + np.exp(-(o @ (w1 - w0) + h1 - h0)))
    p1, p0 = 1 / (1 + np.exp(-w1)), 1 / (1 + np.exp(-w0))
    tables = tuple(
        tuple(np.array([[1 - p0[j, i], 1 - p1[j, i]], [p0[j, i], p1[j, i]]]) for i in range(3))
        for j in range(4)
    )
    model = POMDP(a=tables, log_D=tuple(np.log([1 - d, d]) for d in D))
    exact = posterior(model, Moment([[0.5, 0.5]] * 3, [[1 - v, v] for v in o]))
    np.testing.assert_allclose(x, [q[1] for q in exact], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Grid((0.0,), (0.0,), (4,)),
        lambda: Grid((0.0,), (1.0, 2.0), (4,)),
        lambda: Grid((0.0,), (1.0,), (1,)),
        lambda: generator(LINE),
        lambda: generator(LINE, energy=lambda p: np.full(len(p), np.nan)),
        lambda: generator(LINE, energy=lambda p: p),
        lambda: generator(LINE, drift=lambda p: p, beta=0.0),
        lambda: generator(LINE, energy=lambda p: p[:, 0], rotation=1.0),
        lambda: evolve(generator(LINE, drift=lambda p: p), -np.ones(120), 0.1, 1),
        lambda: evolve(generator(LINE, drift=lambda p: p), np.ones(120), 0.0, 1),
        lambda: as_inference(LINE, lambda p, o: -p, [0.5, 0.6]),
        lambda: as_inference(LINE, lambda p, o: -p, [1.0, 0.0]),
        lambda: as_inference(LINE, lambda p, o: np.inf * p, [0.5, 0.5]),
    ],
)
def test_what_is_no_mechanics_is_refused(wrong):
    with pytest.raises(SpecError):
        wrong()


def test_what_rests_is_found_from_any_drift():
    law = at_rest(generator(LINE, drift=lambda p: -4 * p * (p**2 - 1) - 0.4, beta=1.5))
    assert total_variation(law, gibbs(LINE, wells(LINE.points[:, 0]), 1.5)) < 5e-3
