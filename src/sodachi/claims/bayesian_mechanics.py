"""Claim: a flow in imaginary time is Bayesian inference, and so is any noisy dynamics.

The flow's law, the energy that the Fokker-Planck equation lowers, and a dynamics that is no
gradient rewritten as prior and likelihood; each against quadrature or against simulation.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Claim, Figures, Measured, Protocol
from sodachi.claims.mechanics_world import LINE, exact_law, world
from sodachi.claims.statistics import Check, above, at_least, at_most, by_mean
from sodachi.models.complete_class import as_inference, implied_prior
from sodachi.models.decision_process import POMDP
from sodachi.models.fokker_planck import Grid, evolve, generator
from sodachi.models.free_energy import Moment, posterior
from sodachi.models.mechanics import (
    helmholtz_energy_of,
    imaginary_time_flow,
    total_variation,
    variational_free_energy_of,
)

PLANE = Grid((-3.5, -3.5), (3.5, 3.5), (42, 42))
FLOWS = {"quick": 4_000, "full": 20_000}
TICKS = {"quick": 1_500, "full": 12_000}
CHANCES = (0.2, 0.5, 0.3)
GRADIENT, TURNED = "Fokker-Planck", "Fokker-Planck, turned"
FLOW, MODEL = "imaginary-time flow", "any dynamics"
SILENT, LOUD, SWAPPED = "no noise", "half the noise", "likelihoods swapped"
CENTRAL = "central differences"
STEP, STEPS = 0.25, 400  # of imaginary time


def rows(seed: int, form: str):
    """Return what is measured: the flow, the equation, any dynamics, and what breaks each."""
    wanted = {row: partial(flow, row, seed, form) for row in (FLOW, SILENT, LOUD)}
    wanted |= {row: partial(equation, row, seed) for row in (GRADIENT, TURNED, CENTRAL)}
    wanted |= {row: partial(dynamics, row, seed, form) for row in (MODEL, SWAPPED)}
    wanted |= {"any canonical network": partial(network, seed)}
    if form == "quick":
        return {row: wanted[row] for row in (FLOW, SILENT, GRADIENT)}
    return wanted


def flow(row: str, seed: int, form: str) -> Figures:
    """Return the total variation between where flows are and e^{−H}, and that of fair draws."""
    here, rng = world(seed), np.random.default_rng([seed, 43])
    law = exact_law(here)
    start = jnp.asarray(rng.uniform(-2.0, 2.0, (FLOWS[form], 1)), jnp.float32)
    beta = {SILENT: np.inf, LOUD: 2.0}.get(row, 1.0)
    found = imaginary_time_flow(
        lambda p: here.hamiltonian(p[0], jnp), start, jax.random.key(seed), beta=beta,
        rate=0.005, ticks=TICKS[form] if row == FLOW else TICKS[form] // 4,
    )  # fmt: skip
    draws = rng.multinomial(FLOWS[form], law) / FLOWS[form]
    reached = np.bincount(LINE.locate(np.asarray(found)), minlength=len(law)) / FLOWS[form]
    return {"distance": total_variation(reached, law), "floor": total_variation(draws, law)}


def equation(row: str, seed: int) -> Figures:
    """Return what the equation does to mass, sign and the Helmholtz energy on its way to rest."""
    here, rng = world(seed), np.random.default_rng([seed, 47])
    turned = row == TURNED
    grid = PLANE if turned else Grid(LINE.low, LINE.high, (280,))

    def energy(points):
        flat = here.hamiltonian(points[:, 0])
        return flat + (2.0 * (points[:, 1] - 0.5 * points[:, 0]) ** 2 if turned else 0.0)

    H = energy(grid.points)
    matrix = generator(grid, energy=energy, rotation=float(rng.uniform(1, 3)) if turned else 0.0)
    start = rng.exponential(size=len(H)) ** 2
    start /= start.sum()
    if row == CENTRAL:
        path = central_differences(grid, H, start)
    else:
        path = evolve(matrix, start, STEP, STEPS)
    with np.errstate(all="ignore"):
        energies = np.array([helmholtz_energy_of(grid, np.maximum(p, 0), H) for p in path])
    found = {
        "rise": float(np.nan_to_num(np.diff(energies), nan=1e9, posinf=1e9).max()),
        "mass": float(np.nan_to_num(np.abs(path.sum(1) - 1.0), nan=1e9).max()),
        "negative": float(np.nan_to_num(-path, nan=1e9).max()),
    }
    if row == GRADIENT:
        t = grid.points[:, 0]
        free = [variational_free_energy_of(grid, p, here.log_prior(t), here.log_likelihood(t))[0]
                for p in path]  # fmt: skip
        found["equality"] = float(np.abs(np.array(free) - energies).max())
        fine = np.linspace(LINE.low[0], LINE.high[0], 200_001)
        surprise = -np.log(np.trapezoid(np.exp(-here.hamiltonian(fine)), fine))
        found["surprise"] = abs(free[-1] - float(surprise))
    return found


def central_differences(grid: Grid, H: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Return the path of the usual scheme: central differences, Crank and Nicolson's steps."""
    width, size = float(grid.widths[0]), len(H)
    slope = np.diff(H) / width
    up, down = (0.5 * sign * slope / width + 1.0 / width**2 for sign in (-1, 1))
    matrix = np.diag(up, -1) + np.diag(down, 1)
    matrix -= np.diag(matrix.sum(0))
    step, path = np.linalg.inv(np.eye(size) - 0.5 * STEP * matrix), [mass]
    for _ in range(STEPS):
        path.append(step @ (path[-1] + 0.5 * STEP * matrix @ path[-1]))
    return np.array(path)


def dynamics(row: str, seed: int, form: str) -> Figures:
    """Return how far what a random dynamics does is from the posterior of the model found in it."""
    rng = np.random.default_rng([seed, 53])
    turn, bend = rng.uniform(-2, 2), rng.uniform(-1.5, 1.5)
    toward, across = rng.uniform(-1.3, 1.3, (2, len(CHANCES)))
    beta = 2.0

    def drift(points, o: int):
        x, y = points[:, 0], points[:, 1]
        return np.stack(
            [x - x**3 + turn * y + across[o], toward[o] - y - turn * np.sin(x) + bend * np.tanh(x)],
            1,
        )

    made = as_inference(PLANE, drift, CHANCES, beta)
    if row == SWAPPED:
        made = made.__class__(made.grid, made.prior, np.roll(made.likelihood, 1, 0), made.evidence)
    distances, dt, flows = [], 0.01, FLOWS[form] // 10
    for o in range(len(CHANCES)):
        points, visits = rng.normal(size=(flows, 2)), np.zeros(len(PLANE.points))
        for tick in range(TICKS[form] // 6):
            noise = np.sqrt(2 * dt / beta) * rng.normal(size=points.shape)
            points = points + dt * drift(points, o) + noise
            if tick >= TICKS[form] // 18 and tick % 20 == 0:
                visits += np.bincount(PLANE.locate(points), minlength=len(visits))
        distances.append(total_variation(visits / visits.sum(), made.posterior(o)))
    return {"distance": float(np.mean(distances))}


def network(seed: int) -> Figures:
    """Return how far a canonical network of any thresholds is from Bayes with its implied prior."""
    rng = np.random.default_rng([seed, 59])
    w1, w0 = rng.normal(0, 1.5, (2, 6, 3))
    h1, h0 = rng.normal(0, 1.5, (2, 3))
    D = implied_prior((w1, w0), (h1, h0))
    p1, p0 = 1 / (1 + np.exp(-w1)), 1 / (1 + np.exp(-w0))
    tables = tuple(
        tuple(np.array([[1 - p0[j, i], 1 - p1[j, i]], [p0[j, i], p1[j, i]]]) for i in range(3))
        for j in range(6)
    )
    model, apart = POMDP(a=tables, log_D=tuple(np.log([1 - d, d]) for d in D)), 0.0
    for o in rng.integers(0, 2, (20, 6)):
        x = 1 / (1 + np.exp(-(o @ (w1 - w0) + h1 - h0)))
        exact = posterior(model, Moment([[0.5, 0.5]] * 3, [[1 - v, v] for v in o]))
        apart = max(apart, float(np.abs(x - [q[1] for q in exact]).max()))
    return {"distance": apart}


def check_full(m: Measured) -> list[Check]:
    """The target: the law, the fall, the equalities, the rewriting; and all that breaks them."""
    checks = [
        at_most("flow: distance to e^{−H} below .02", m(FLOW, "distance"), 0.02),
        at_most("Fokker-Planck: F equals the Helmholtz energy, 1e-10", m(GRADIENT, "equality"),
                1e-10),
        at_most("and ends at −ln p(o), 1e-3", m(GRADIENT, "surprise"), 1e-3),
        at_most("any dynamics: distance to its model's posterior below .05", m(MODEL, "distance"),
                0.05),
        at_most("any canonical network is Bayes with its implied prior, 1e-10",
                m("any canonical network", "distance"), 1e-10),
    ]  # fmt: skip
    for row in (GRADIENT, TURNED):
        checks += [
            at_most(f"{row}: the Helmholtz energy never rises, 1e-10", m(row, "rise"), 1e-10),
            at_most(f"{row}: mass is kept, 1e-9", m(row, "mass"), 1e-9),
            at_most(f"{row}: no mass is negative", m(row, "negative"), 1e-15),
        ]
    for row in (SILENT, LOUD):
        words = f"lesion, {row}: farther by .05"
        checks.append(above(words, m(row, "distance"), m(FLOW, "distance"), 0.05))
    words = "lesion, likelihoods swapped: farther by .1"
    checks.append(above(words, m(SWAPPED, "distance"), m(MODEL, "distance"), 0.1))
    words = "rival, central differences: masses fall below 0"
    return [*checks, at_least(words, m(CENTRAL, "negative"), 1e-6)]


def check_quick(m: Measured) -> list[Check]:
    """The weaker target of the quick form, judged on means."""
    near = {seed: 0.1 - value for seed, value in m(FLOW, "distance").items()}
    fall = {seed: 1e-10 - value for seed, value in m(GRADIENT, "rise").items()}
    return [
        by_mean("flow: distance to e^{−H} below .1", near, 0.0),
        by_mean("the Helmholtz energy never rises", fall, 0.0),
        by_mean("lesion, no noise: distance .2", m(SILENT, "distance"), 0.2),
    ]


CLAIM = Claim(
    name="bayesian-mechanics",
    source={
        "document": "T. Isomura, A unified theory of brain intelligence (talk, 2024)",
        "sentence": "Bayesian mechanics of self-organising systems: any dynamical system can be "
        "seen as Bayesian inference. Paths follow a gradient in imaginary time, whose Fokker-"
        "Planck equation minimises the Helmholtz energy; at β = 1 it is the variational free "
        "energy.",
    },
    rows=rows,
    rivals={
        CENTRAL: "the usual second-order scheme for the same equation at the same steps "
        "(Crank and Nicolson): what becomes of masses without care"
    },
    lesion={
        SILENT: "descent without ξ: minima in place of a law",
        LOUD: "half the noise's variance: the law of another temperature",
        SWAPPED: "the model that was found, its likelihoods handed to other observations",
    },
    quick=Protocol(
        words="4,000 flows of 1,500 ticks; judged on means of two seeds.",
        seeds=(0, 1),
        target="Flows within .1 of e^{−H}, the energy never rises, without noise .2 away.",
        check=check_quick,
    ),
    full=Protocol(
        words="Random models with two prior bumps and a Gaussian observation: 20,000 flows of "
        "12,000 ticks of .005 (lesions 3,000) against e^{−H} by quadrature in 35 cells (distance: "
        "total variation; floor: that of as many fair draws). The Fokker-Planck equation in 280 "
        "cells, and in 42 × 42 with a flow around H that is no gradient; 400 implicit steps of "
        ".25 from random masses; F from complexity and accuracy, −ln p(o) by quadrature. Any "
        "dynamics: random drifts over two axes that are no gradient, three observations held, at "
        "β = 2; prior and likelihood found from the drift alone, against 2,000 simulated paths. "
        "Any canonical network: random synapses and thresholds, 20 observations.",
        seeds=tuple(range(10)),
        target="Flows within .02 of e^{−H}; the energy never rises, with mass and sign kept, "
        "equals F to 1e-10 and ends at −ln p(o) within 1e-3; paths within .05 of the posterior of "
        "their model; any network Bayesian to 1e-10. Lesions farther by .05 and .1; the usual "
        "scheme makes masses negative.",
        check=check_full,
    ),
    module=__name__,
    shown=("distance", "floor", "rise", "mass", "negative", "equality", "surprise"),
)
