"""The pictures of the page "from membrane to canon", each from cells that were run for it."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np

from sodachi.claims.membrane_populations import KINDS, constant_rates, courses, fitted, residual
from sodachi.claims.membrane_to_canon import RUNGS, rates
from sodachi.claims.stdp_shape import change
from sodachi.claims.stdp_window import BI_POO, closed_form, counts_for
from sodachi.face.colours import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED
from sodachi.face.svg import Chart, Drawing

WIDE = 860
LOOKS = {
    "canonical": (BLUE, "none"),
    "threshold-linear": (ORANGE, "6 4"),
    "integrate-and-fire": (GREEN, "2 3"),
    "as published": (RED, "8 3 2 3"),
}
#: By rung: the constant current of its trace, its length, and how currents and rates are drawn.
TRACES = {
    "four variables": (10.0, 60.0, (0, 100), (0, 300)),
    "two variables": (10.0, 60.0, (0, 100), (0, 300)),
    "FitzHugh-Nagumo": (0.7, 200.0, (0.0, 1.6), (0, 30)),
}


def draw_membrane(out: Path, seed: int = 0, form: str = "full") -> list[Path]:
    """Run the cells, draw ``out/membrane-*.svg``, and return where the pictures are.

    The same arguments draw the same bytes on one machine; the form "quick" has fewer cells.
    """
    out.mkdir(parents=True, exist_ok=True)
    pictures = {
        "ladder": draw_ladder(17 if form == "full" else 5),
        "averaging": draw_averaging(seed, form),
        "stdp": draw_window(form),
    }
    return [drawing.write(out / f"membrane-{name}.svg") for name, drawing in pictures.items()]


def trace(name: str) -> np.ndarray:
    """Return the voltage of a rung from rest under its current, at 300 times."""
    current, length, _, _ = TRACES[name]
    cell, _, dt = RUNGS[name]
    every = round(length / 300 / dt)

    def some(state, _):
        state, _ = jax.lax.scan(lambda s, _: (cell.step(s, current, dt)[0], None), state, None,
                                every)  # fmt: skip
        return state, state[0]

    _, voltage = jax.jit(lambda: jax.lax.scan(some, cell.rest(()), None, 300))()
    return np.asarray(voltage)


def draw_ladder(points: int) -> Drawing:
    """Return each rung's voltage above, and its rate against the current below."""
    drawing = Drawing(WIDE, 500, "Three membranes under a constant current")
    for i, (name, (current, length, across, up)) in enumerate(TRACES.items()):
        left = 60 + 275 * i
        plane = name == "FitzHugh-Nagumo"
        unit = "" if plane else " µA/cm²"
        drawing.text(left, 28, name, 15, font_weight="bold")
        drawing.text(left, 46, f"voltage, I = {current:g}{unit}", 12, GREY)
        seen = trace(name)
        ends = (-2.5, 2.5) if plane else (-85, 50)
        chart = Chart(drawing, (left, 56, 220, 130), (0, length), ends)
        chart.axes((0, length / 2, length), (-2, 0, 2) if plane else (-80, -40, 0, 40),
                   "time" if plane else "ms")  # fmt: skip
        places = [chart.at(length * (k + 1) / len(seen), v) for k, v in enumerate(seen)]
        drawing.line(places, BLUE, 1.6, class_="voltage")
        drawing.text(left, 262, "rate" + (" (per 1,000)" if plane else ", Hz"), 12, GREY)
        chart = Chart(drawing, (left, 272, 220, 160), across, up)
        step = (across[1] - across[0]) / 4
        chart.axes(
            np.arange(across[0], across[1] + step / 2, step).tolist(),
            np.linspace(up[0], up[1], 4).tolist(),
            "current" + (", µA/cm²" if unit else ""),
        )
        currents = np.linspace(across[0], across[1], points)
        found = rates(name, currents)
        places = [chart.at(c, r) for c, r in zip(currents, found, strict=True)]
        drawing.line(places, "#b9c2cf", 1.2)
        for x, y in places:
            drawing.circle(x, y, 3, RED, class_="rate")
    drawing.text(60, 490, "four variables fall silent under strong currents; two never do; "
                 "FitzHugh's cell jumps at both ends", 12, GREY)  # fmt: skip
    return drawing


def draw_averaging(seed: int, form: str) -> Drawing:
    """Return, for both populations, f-I points with their fits, and an unseen time course."""
    drawing = Drawing(WIDE, 620, "Populations behind a slow synapse, and what predicts them")
    for i, (name, kind) in enumerate(KINDS.items()):
        top, plane = 50 + 290 * i, name == "FitzHugh-Nagumo"
        currents, seen = constant_rates(kind, seed, form)
        fits = fitted(kind, currents, seen)
        found = courses(kind, seed, form)
        highest = 30 if plane else 120
        drawing.text(60, top - 14, name, 15, font_weight="bold")
        chart = Chart(drawing, (60, top, 240, 190), (kind.low, kind.high), (0, highest))
        chart.axes(np.linspace(kind.low, kind.high, 4).round(1).tolist(),
                   np.linspace(0, highest, 4).tolist(), "constant current")  # fmt: skip
        fine = np.linspace(kind.low, kind.high, 120)
        for curve, fit in fits.items():
            colour, dash = LOOKS[curve]
            places = [chart.at(c, r) for c, r in zip(fine, fit(fine), strict=True)]
            drawing.line(places, colour, 2, stroke_dasharray=dash, class_="fit")
        for c, r in zip(currents, seen, strict=True):
            drawing.circle(*chart.at(c, r), 2.5, INK, class_="point")
        bins = min(200, len(found["population"]))
        chart = Chart(drawing, (360, top, 470, 190), (0, bins), (0, highest))
        chart.axes(np.linspace(0, bins, 5).tolist(), np.linspace(0, highest, 4).tolist(),
                   f"bins of {kind.bin:g}" + ("" if plane else " ms"))  # fmt: skip
        chart.curve(found["population"][:bins], "#b9c2cf", 2.5, class_="population")
        for curve in ("threshold-linear", "integrate-and-fire", "as published", "canonical"):
            colour, dash = LOOKS[curve]
            chart.curve(found[curve][:bins], colour, 1.5, stroke_dasharray=dash, class_="course")
        words = [
            f"{curve} {residual(found[curve], found['population']):.2f}"
            for curve in (*LOOKS, "own curve")
        ]
        drawing.text(230, top - 14, "residual: " + ", ".join(words), 11, GREY, class_="residual")
    for i, (curve, (colour, dash)) in enumerate(LOOKS.items()):
        drawing.line([(60 + 200 * i, 604), (90 + 200 * i, 604)], colour, 2.5, stroke_dasharray=dash)
        drawing.text(98 + 200 * i, 608, curve, 12)
    return drawing


def draw_window(form: str) -> Drawing:
    """Return the window of counting: lived, derived, beside the fit to Bi and Poo's data."""
    drawing = Drawing(WIDE, 400, "The window of spike timing that follows from Hebb and Home")
    chart = Chart(drawing, (70, 40, 480, 290), (-100, 100), (-0.4, 0.8))
    chart.axes((-100, -50, 0, 50, 100), (-0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8),
               "post spike after pre spike, ms")  # fmt: skip
    drawing.text(20, 24, "change of a synapse's strength after 60 pairs, relative", 15,
                 font_weight="bold")  # fmt: skip
    counts = counts_for(BI_POO)
    lags = np.array([-90, -70, -50, -35, -25, -15, -8, -3, 3, 8, 15, 25, 35, 50, 70, 90], float)
    for side in (-1, 1):
        fine = side * np.linspace(0.2, 100, 80)
        for values, colour, dash, kind in (
            (BI_POO(fine), ORANGE, "7 4", "data"),
            (closed_form(counts, fine, BI_POO.tau_plus_ms, BI_POO.tau_minus_ms), BLUE, "none",
             "derived"),
        ):  # fmt: skip
            places = [chart.at(x, y) for x, y in zip(fine, values, strict=True)]
            drawing.line(places, colour, 2.2, stroke_dasharray=dash, class_=kind)
    for home, colour, kind in (
        ("always", RED, "always"), ("never", PURPLE, "never"), ("traced", INK, "lived")
    ):  # fmt: skip
        seen = change("counting", counts.strength, lags, BI_POO, form, home)
        for x, y in zip(lags, seen, strict=True):
            drawing.circle(*chart.at(x, y), 4 if kind == "lived" else 2.8, colour, class_=kind)
    for i, (words, more, colour) in enumerate((
        ("lived, pair by pair", "by the counting rule", INK),
        ("derived", f"Hebb {counts.hebb:.0f}, Home {counts.home:.0f} at birth", BLUE),
        ("fit to Bi and Poo's data", ".777, −.273, 16.8 and 33.7 ms", ORANGE),
        ("lesion: no Home", "no depression", PURPLE),
        ("Home at every post spike", "depression at any lag", RED),
    )):  # fmt: skip
        drawing.circle(586, 70 + 50 * i, 5, colour)
        drawing.text(600, 74 + 50 * i, words, 13)
        drawing.text(600, 92 + 50 * i, more, 12, GREY)
    return drawing
