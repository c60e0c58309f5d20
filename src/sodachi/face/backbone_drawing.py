"""The pictures of the page "backbone and fringe": a grown grid, and how its finders agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sodachi.claims.backbone_suffices import FINDERS, TRUTH, Grown, grown, kept_by, measure
from sodachi.face.colours import BLUE, GREY, INK
from sodachi.face.svg import Chart, Drawing
from sodachi.models.backbone import by_moving

LIGHT, WIDE = "#c9d3dd", 860
EDGE = (40, WIDE - 30)
#: Only the strongest terminals of a unit are drawn, and the output that hears it most.
TERMINALS = 3
SHOWN = ("squared gradient", "strongest path of weights")


def draw_backbone(out: Path, seed: int = 0, form: str = "full") -> list[Path]:
    """Grow the net of the claim "backbone-suffices", draw ``out/backbone-*.svg``, say where.

    The same arguments draw the same bytes on one machine.
    """
    out.mkdir(parents=True, exist_ok=True)
    pictures = {"grid": draw_grid(seed, form), "finders": draw_finders(seed, form)}
    return [drawing.write(out / f"backbone-{name}.svg") for name, drawing in pictures.items()]


def draw_grid(seed: int, form: str) -> Drawing:
    """Return the grown net by levels: its backbone dark, all that can be deleted light."""
    grid, keep = grown(seed, form), kept_by(TRUTH, seed, form)
    figures = measure(TRUTH, seed, form)
    live = np.asarray(grid.net.wiring.live)
    drawing = Drawing(WIDE, 470, "A grown net: its backbone dark, the rest light")
    places = _places(grid)
    for inside in (False, True):
        chosen = np.flatnonzero(live & (keep == inside))
        for u in chosen.tolist():
            _links(drawing, grid, places, u, inside)
    effect = np.asarray(by_moving(grid.net, grid.seen))
    first = grid.net.out.shape[0] - len(live)
    for node in range(1, first):
        x, y = places[node]
        drawing.rect(x - 3, y - 3, 6, 6, GREY)
    for u in np.flatnonzero(live):
        radius = 2.0 + 5.0 * np.sqrt(effect[u] / effect.max())
        kind = "backbone" if keep[u] else "fringe"
        x, y = places[first + u]
        drawing.circle(x, y, radius, BLUE if keep[u] else LIGHT, class_=kind)
    for label, (x, y) in enumerate(places[grid.net.out.shape[0] :]):
        drawing.circle(x, y, 11, "white", stroke=INK, stroke_width=1.5)
        drawing.text(x, y + 4, str(label), 12, text_anchor="middle")
    words = (
        f"{int(keep.sum())} of {int(live.sum())} units are enough: without the light ones the "
        f"answers move by {figures['moved']:.3f} of their spread, accuracy "
        f"{figures['accuracy_whole']:.3f} → {figures['accuracy']:.3f}"
    )
    drawing.text(16, 24, words, 14)
    below = "64 pixels, two levels of units, ten labels; a unit's size is how far the output moves "
    drawing.text(16, 456, below + "with it; every pixel speaks to every label besides", 12, GREY)
    return drawing


def _places(grid: Grown) -> list[tuple[float, float]]:
    """Where nodes are drawn, ``[constant | inputs | units | outputs]``."""
    net, (left, right) = grid.net, EDGE
    units, labels = net.wiring.live.shape[0], net.out.shape[1]
    inputs = net.out.shape[0] - units - 1
    rows = units // net.levels

    def along(i: int, n: int) -> float:
        return left + (right - left) * (i + 0.5) / n

    places = [(0.0, 0.0)] + [(along(i, inputs), 420.0) for i in range(inputs)]
    heights = np.linspace(310.0, 190.0, net.levels)
    places += [(along(u // net.levels, rows), float(heights[u % net.levels])) for u in range(units)]
    return places + [(along(o, labels), 75.0) for o in range(labels)]


def _links(drawing: Drawing, grid: Grown, places, u: int, inside: bool) -> None:
    net = grid.net
    first = net.out.shape[0] - net.wiring.live.shape[0]
    source, weight = np.asarray(net.wiring.source[u]), np.abs(np.asarray(net.units[u]))
    heard = [t for t in np.argsort(-weight) if source[t] > 0][:TERMINALS]
    colour, width = (INK, 0.8) if inside else (LIGHT, 0.5)
    here = places[first + u]
    for t in heard:
        drawing.line([places[source[t]], here], colour, width, opacity="0.55")
    most = int(np.argmax(np.abs(np.asarray(net.out[first + u]))))
    drawing.line([here, places[net.out.shape[0] + most]], colour, width, opacity="0.55")


def draw_finders(seed: int, form: str) -> Drawing:
    """Return every unit's place among the others, by moving it and by two other finders."""
    grid, keep = grown(seed, form), kept_by(TRUTH, seed, form)
    live = np.asarray(grid.net.wiring.live)
    truth = _ranks(np.asarray(by_moving(grid.net, grid.seen)), live)
    drawing = Drawing(WIDE, 440, "Three finders of the backbone")
    n = int(live.sum())
    ticks = range(0, n + 1, 32)
    for i, row in enumerate(SHOWN):
        figures = measure(row, seed, form)
        box = (60 + 420 * i, 60, 340, 310)
        chart = Chart(drawing, box, (0, n), (0, n))
        chart.axes(ticks, ticks, "rank by moving the unit")
        drawing.text(box[0], 28, f"rank by {row}", 14, font_weight="bold")
        words = f"rank correlation {figures['rank']:.2f}, same units {figures['overlap']:.2f}"
        drawing.text(box[0], 48, words, 12, GREY)
        found = _ranks(np.asarray(FINDERS[row](grid)), live)
        for u in np.flatnonzero(live):
            kind = "backbone" if keep[u] else "fringe"
            x, y = chart.at(truth[u], found[u])
            drawing.circle(x, y, 3.5, BLUE if keep[u] else LIGHT, class_=kind)
    drawing.text(16, 426, "a dot is a unit; dark: the backbone, by moving", 12, GREY)
    return drawing


def _ranks(values: np.ndarray, live: np.ndarray) -> np.ndarray:
    order = np.argsort(np.where(live, values, -np.inf), kind="stable")
    ranks = np.empty(len(values))
    ranks[order] = np.arange(len(values)) - (~live).sum() + 1
    return ranks
