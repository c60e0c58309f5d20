"""A flow in imaginary time: where it is against e^{−H}, and the free energy it lowers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.mechanics_world import LINE, World, exact_law, world
from sodachi.face.colours import BLUE, GREY, INK, ORANGE, RED
from sodachi.face.svg import Chart, Drawing
from sodachi.models.fokker_planck import Grid, evolve, generator
from sodachi.models.mechanics import helmholtz_energy_of, imaginary_time_flow

RATE, TIME = 0.005, 60.0
STEP, STEPS, SHOWN = 0.02, 6000, 501  # of imaginary time, of the density's path
MOMENTS = (0.1, 1.0, 10.0)  # of imaginary time, at which the density is drawn
DASHES = ("2 3", "6 4", "10 3 2 3")


def draw_mechanics(seed: int, flows: int) -> Drawing:
    """Return flows beside the law they reach, densities on their way, and the energy that falls."""
    here = world(seed)
    drawing = Drawing(860, 420, "A flow in imaginary time is Bayesian inference")
    drawing.text(20, 28, "where the flow is", 15, font_weight="bold")
    _draw_laws(drawing, here, seed, flows)
    drawing.text(450, 28, "the Helmholtz energy on the way", 15, font_weight="bold")
    _draw_fall(drawing, here)
    return drawing


def path_of(here: World):
    """Return the grid, the densities [steps + 1, cells] and the energies of a narrow start."""
    grid = Grid(LINE.low, LINE.high, (280,))
    x = grid.points[:, 0]
    start = np.exp(-0.5 * ((x + 2.0) / 0.2) ** 2)
    matrix = generator(grid, energy=lambda p: here.hamiltonian(p[:, 0]))
    path = evolve(matrix, start / start.sum(), STEP, STEPS)
    H = here.hamiltonian(x)
    return grid, path, np.array([helmholtz_energy_of(grid, p, H) for p in path])


def _draw_laws(drawing: Drawing, here: World, seed: int, flows: int) -> None:
    law, width = exact_law(here), float(LINE.widths[0])
    start = jnp.full((flows, 1), -2.0)
    found = imaginary_time_flow(
        lambda p: here.hamiltonian(p[0], jnp), start, jax.random.key(seed), rate=RATE,
        ticks=int(TIME / RATE),
    )  # fmt: skip
    reached = np.bincount(LINE.locate(np.asarray(found)), minlength=len(law)) / flows / width
    top = float(np.ceil(4 * 1.25 * max(reached.max(), law.max() / width)) / 4)
    chart = Chart(drawing, (50, 50, 350, 270), (LINE.low[0], LINE.high[0]), (0, top))
    chart.axes(range(-3, 4), np.linspace(0, top, 5).tolist(), "φ, a cause that is not observed")
    for x, height in zip(LINE.points[:, 0], reached, strict=True):
        left, high = chart.at(x - width / 2, height)
        right, floor = chart.at(x + width / 2, 0.0)
        drawing.rect(left, high, right - left - 1, floor - high, "#c9dcec", class_="flows")
    _through(drawing, chart, LINE.points[:, 0], law / width, BLUE, "none")
    grid, path, _ = path_of(here)
    for moment, dash in zip(MOMENTS, DASHES, strict=True):
        density = np.minimum(path[round(moment / STEP)] / grid.volume, top)
        _through(drawing, chart, grid.points[:, 0], density, ORANGE, dash)
    drawing.rect(50, 366, 20, 10, "#c9dcec")
    drawing.text(78, 375, f"{flows:,} flows from φ = −2 after time {TIME:g}", 12)
    drawing.line([(50, 390), (70, 390)], BLUE, 2.5)
    drawing.text(78, 394, "e^{−H}/Z, the posterior, by quadrature", 12)
    drawing.line([(50, 408), (70, 408)], ORANGE, 1.5, stroke_dasharray=DASHES[1])
    drawing.text(78, 412, "their density at times .1, 1 and 10", 12)


def _through(drawing: Drawing, chart: Chart, x, y, colour: str, dash: str) -> None:
    points = [chart.at(a, b) for a, b in zip(x, y, strict=True)]
    width = 2.5 if dash == "none" else 1.5
    drawing.line(points, colour, width, stroke_dasharray=dash, class_="density")


def _draw_fall(drawing: Drawing, here: World) -> None:
    _, _, energies = path_of(here)
    fine = np.linspace(LINE.low[0], LINE.high[0], 20_001)
    surprise = float(-np.log(np.trapezoid(np.exp(-here.hamiltonian(fine)), fine)))
    shown = energies[:SHOWN]
    low, high = np.floor(surprise), np.ceil(shown.max())
    time = STEP * np.arange(len(shown))
    chart = Chart(drawing, (490, 50, 340, 270), (0.0, float(time[-1])), (low, high))
    ticks = np.linspace(low, high, int(high - low) + 1 if high - low < 8 else 6)
    chart.axes(range(0, int(time[-1]) + 1, 2), ticks.round(2).tolist(), "imaginary time")
    level = [chart.at(t, surprise) for t in time[[0, -1]]]
    drawing.line(level, RED, 1.5, stroke_dasharray="6 4")
    points = [chart.at(t, a) for t, a in zip(time, shown, strict=True)]
    drawing.line(points, INK, 2.5, class_="fall")
    drawing.line([(490, 371), (512, 371)], INK, 2.5)
    drawing.text(520, 375, "A[π] = ⟨H + ln π⟩, which is F[q] at β = 1", 12)
    drawing.line([(490, 390), (512, 390)], RED, 1.5, stroke_dasharray="6 4")
    drawing.text(520, 394, f"−ln p(o) = {surprise:.3f}; at the end F is {energies[-1]:.3f}", 12)
    drawing.text(490, 412, "it falls at every step", 12, GREY)
