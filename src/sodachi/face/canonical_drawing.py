"""The pictures of the page "a network, a Bayesian brain": two views, and what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sodachi.claims.source_separation import (
    OURS,
    PAIR,
    TRIALS,
    believed,
    score,
    world,
)
from sodachi.face.colours import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED
from sodachi.face.mechanics_drawing import draw_mechanics
from sodachi.face.svg import Chart, Drawing
from sodachi.models.free_energy import mean_logarithm

WIDE = 860
SHOWN = 40  # sessions
POWERS = (0, 1, 2, 3, 4)  # of ten: counts at which logarithms are compared
#: Where the cells of both views stand: state, earlier state, what is observed, action.
NETWORK = {"o": (90, 330), "x": (210, 200), "xₜ₋₁": (90, 90), "y": (330, 90)}
PROCESS = {"oₜ": (690, 330), "sₜ": (690, 200), "sₜ₋₁": (540, 200), "δₜ": (690, 85)}
RADIUS = 24


def draw_canonical(
    out: Path, seed: int = 0, sessions: int = SHOWN, flows: int = 20_000
) -> list[Path]:
    """Run the nets, draw ``out/canonical-*.svg``, and return where the pictures are.

    The same arguments draw the same bytes on one machine; small forms take fewer ``sessions`` and
    ``flows``.
    """
    out.mkdir(parents=True, exist_ok=True)
    pictures = {
        "views": draw_views(),
        "gap": draw_gap(),
        "sources": draw_sources(seed, sessions),
        "mechanics": draw_mechanics(seed, flows),
    }
    return [drawing.write(out / f"canonical-{name}.svg") for name, drawing in pictures.items()]


def draw_views() -> Drawing:
    """Return the network and the decision process side by side, equal parts in equal colours."""
    drawing = Drawing(WIDE, 400, "One object seen twice: a canonical network, and a POMDP")
    drawing.text(20, 28, "a network", 15, font_weight="bold")
    drawing.text(460, 28, "a belief about the world", 15, font_weight="bold")
    for start, end, words, colour, place in (
        ("o", "x", "W", GREEN, (128, 258)),
        ("xₜ₋₁", "x", "K", RED, (158, 136)),
        ("xₜ₋₁", "y", "(1 − 2Γ) V", PURPLE, (178, 80)),
    ):
        _arrow(drawing, NETWORK[start], NETWORK[end], colour)
        drawing.text(*place, words, 14, colour, font_weight="bold")
    for start, end, words, colour, place in (
        ("sₜ", "oₜ", "A: P(o | s)", GREEN, (702, 270)),
        ("sₜ₋₁", "sₜ", "B", RED, (610, 190)),
        ("sₜ₋₁", "δₜ", "C", PURPLE, (604, 132)),
    ):
        _arrow(drawing, PROCESS[start], PROCESS[end], colour)
        drawing.text(*place, words, 14, colour, font_weight="bold")
    for name, (x, y) in {**NETWORK, **PROCESS}.items():
        observed = name.startswith("o")
        drawing.circle(x, y, RADIUS, "#d5d9de" if observed else BLUE, class_="cell")
        colour = INK if observed else "white"
        drawing.text(x, y + 6, name, 16, colour, text_anchor="middle", font_weight="bold")
    drawing.text(244, 206, "threshold h: ln D inside", 12, ORANGE)
    drawing.text(364, 96, "ln E", 12, ORANGE)
    drawing.text(724, 206, "prior D", 12, ORANGE)
    drawing.text(724, 91, "habit E", 12, ORANGE)
    drawing.text(20, 384, "activity x is the belief Q(s = 1); synapses are log-odds of counts", 12,
                 GREY)  # fmt: skip
    drawing.text(460, 384, "the counts are Dirichlet counts a, b, c of these tables", 12, GREY)
    return drawing


def _arrow(drawing: Drawing, start, end, colour: str) -> None:
    a, b = np.array(start, float), np.array(end, float)
    along = (b - a) / np.linalg.norm(b - a)
    a, b = a + along * RADIUS, b - along * (RADIUS + 3)
    across = np.array([-along[1], along[0]])
    drawing.line([a, b], colour, 2.5, class_="synapse")
    drawing.line([b - 9 * along + 6 * across, b, b - 9 * along - 6 * across], colour, 2.5)


def gaps(powers=POWERS) -> np.ndarray:
    """Return the largest and the smallest gap of a column (.2, .8) at 10ⁿ counts.

    Examples
    --------
    >>> gaps((0, 1)).shape
    (2, 2)
    """
    found = []
    for power in powers:
        n = 10.0**power * np.array([[0.2], [0.8]])
        found.append((mean_logarithm(n, "log") - mean_logarithm(n, "digamma"))[:, 0])
    return np.array(found)


def draw_gap() -> Drawing:
    """Return by how much the canonical logarithm exceeds the variational one, by count."""
    drawing = Drawing(WIDE, 370, "The gap between canonical and exact variational Bayes")
    drawing.text(20, 28, "ln of the mean, less the mean ln, of a probability known by n counts", 15,
                 font_weight="bold")  # fmt: skip
    chart = Chart(drawing, (90, 50, 420, 270), (POWERS[0], POWERS[-1]), (-5, 1))
    chart.axes(POWERS, range(-5, 2), "counts n, powers of ten")
    drawing.text(30, 190, "gap,", 12, GREY)
    drawing.text(30, 206, "power", 12, GREY)
    drawing.text(30, 222, "of ten", 12, GREY)
    measured = np.log10(gaps())
    leading = [np.log10(0.5 * (1 / p - 1)) - np.array(POWERS) for p in (0.2, 0.8)]
    for column, (p, colour) in enumerate(((".2", RED), (".8", BLUE))):
        chart.curve(leading[column], GREY, 1.2, stroke_dasharray="5 4")
        for power, value in zip(POWERS, measured[:, column], strict=True):
            drawing.circle(*chart.at(power, value), 5, colour, class_="gap")
        drawing.circle(550, 90 + 24 * column, 5, colour)
        drawing.text(566, 94 + 24 * column, f"a probability of {p}", 12)
    drawing.line([(540, 138), (562, 138)], GREY, 1.2, stroke_dasharray="5 4")
    drawing.text(570, 142, "(1/a − 1/a₀)/2, its leading term", 12)
    few, many = gaps((1,))[0], gaps((3,))[0]
    for i, words in enumerate((
        "At ten counts a synapse is off by",
        f"{few[0]:.2f} or {few[1]:.3f}; at a thousand by",
        f"{many[0]:.4f} or {many[1]:.5f}.",
    )):  # fmt: skip
        drawing.text(540, 190 + 16 * i, words, 12, GREY)
    return drawing


def draw_sources(seed: int, sessions: int) -> Drawing:
    """Return how beliefs come to follow two sources, and the free energy that falls meanwhile."""
    drawing = Drawing(WIDE, 420, "A network finds the sources of what it observes")
    s, o = world(seed, sessions)
    curves, falls = {}, {}
    for form in (OURS, PAIR):
        x, energy = believed(form, seed, o)
        cut = [slice(i * TRIALS, (i + 1) * TRIALS) for i in range(sessions)]
        curves[form] = np.array([score(x, s, each, each) for each in cut])
        falls[form] = np.array([energy[each].mean() for each in cut])
    looks = {OURS: (BLUE, "none"), PAIR: (RED, "6 4")}
    every = sorted({0, *range(0, sessions + 1, max(1, sessions // 4))})
    drawing.text(20, 28, "correlation of beliefs with sources", 15, font_weight="bold")
    left = Chart(drawing, (50, 50, 350, 270), (0, sessions), (0, 1))
    left.axes(every, (0, 0.25, 0.5, 0.75, 1), f"session of {TRIALS} trials")
    top = float(np.ceil(falls[OURS].max() / 10) * 10)
    high = float(np.ceil(max(f.max() for f in falls.values()) / 10) * 10)
    drawing.text(450, 28, "free energy of a trial", 15, font_weight="bold")
    right = Chart(drawing, (480, 50, 350, 270), (0, sessions), (0, max(top, high)))
    right.axes(every, np.linspace(0, max(top, high), 5).tolist(), f"session of {TRIALS} trials")
    for i, form in enumerate((OURS, PAIR)):
        colour, dash = looks[form]
        left.curve(curves[form], colour, start=1, stroke_dasharray=dash, class_="belief")
        right.curve(falls[form], colour, start=1, stroke_dasharray=dash, class_="energy")
        drawing.line([(50, 376 + 20 * i), (82, 376 + 20 * i)], colour, 2.5, stroke_dasharray=dash)
        last = f"{form}: {curves[form][-1]:.3f} in the last session"
        drawing.text(92, 380 + 20 * i, last, 12)
    drawing.text(450, 380, "two cells each explain every trial, so their energies add up", 12, GREY)
    return drawing
