"""One representation cell and its error cell: who excites whom, and the two forces that settle."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.graph import errors, feedback_forces, spring_forces
from sodachi.face.colours import BLUE, GREEN, GREY, INK, ORANGE, RED
from sodachi.face.springs import LAYERS, Settling
from sodachi.face.svg import Chart, Drawing
from sodachi.models.graphs import chain

CELL = "hidden1"  # the layer whose cell is drawn
RADIUS = 24
#: Places of the cells drawn, and what they are called.
PLACES = {
    "x above": (120, 80),
    "x": (120, 210),
    "ε": (290, 210),
    "ε below": (290, 340),
}


class Forces(NamedTuple):
    """What pulls on one cell at each tick since the clamp: its own spring, and feedback."""

    spring: np.ndarray
    feedback: np.ndarray
    cell: int


def signs() -> dict[tuple[str, str], int]:
    r"""Return the sign of each connection (from, to) of the circuit, by the Jacobian.

    Of ``ẋ = −ε + f′(x)·W·ε_below`` in both error cells, and of ``ε = x − W f(x_above)`` in both
    representation cells, for positive weights.

    Examples
    --------
    >>> signs()[("ε", "x")], signs()[("ε below", "x")]
    (-1, 1)
    """
    graph = chain((1, 1, 1), "down", "tanh")
    weights = {e.name: jnp.full((1, 1), 0.5) for e in graph.edges}
    bias = {p.name: jnp.zeros(1) for p in graph.platforms}
    activity = {p.name: jnp.full(1, 0.1) for p in graph.populations}

    def push(error):
        return (
            spring_forces(graph, error)[CELL]
            + feedback_forces(graph, weights, error, activity)[CELL]
        )

    def compare(activity):
        return errors(graph, weights, bias, activity)[CELL]

    moved = jax.jacobian(push)(errors(graph, weights, bias, activity))
    driven = jax.jacobian(compare)(activity)

    def sign(slope) -> int:
        return int(np.sign(np.asarray(slope).item()))

    return {
        ("ε", "x"): sign(moved[CELL]),
        ("ε below", "x"): sign(moved["input"]),
        ("x", "ε"): sign(driven[CELL]),
        ("x above", "ε"): sign(driven["label"]),
    }


def forces_of(seen: Settling) -> Forces:
    """Return both forces on the hidden cell that the new clamp pulls hardest, tick by tick."""
    graph = chain(LAYERS, "down", "tanh")
    weights = {e.name: jnp.asarray(seen.rods[e.target]) for e in graph.edges}
    activity = {n: jnp.asarray(v[1:]) for n, v in seen.beads.items()}
    error = {n: activity[n] - jnp.asarray(mu[1:]) for n, mu in seen.platforms.items()}

    def back(error, activity):
        return feedback_forces(graph, weights, error, activity)[CELL]

    feedback = np.asarray(jax.vmap(back)(error, activity))
    spring = np.asarray(spring_forces(graph, error)[CELL])
    cell = int(np.abs(feedback[0]).argmax())
    return Forces(spring[:, cell], feedback[:, cell], cell)


def draw_circuit(seen: Settling) -> Drawing:
    """Return the circuit on the left and, on the right, its two forces until they balance."""
    drawing = Drawing(860, 450, "A cell, its error cell, and the two forces on it")
    drawing.text(20, 28, "the circuit", 15, font_weight="bold")
    _draw_cells(drawing)
    drawing.text(450, 28, "the two forces on one hidden cell", 15, font_weight="bold")
    _draw_forces(drawing, forces_of(seen))
    return drawing


def _draw_cells(drawing: Drawing) -> None:
    sign = signs()
    (x, middle), (side, below) = PLACES["x"], PLACES["ε below"]
    top = PLACES["x above"][1]
    for words, height in (("layer above", top), ("this layer", middle), ("layer below", below)):
        drawing.text(14, height + 4, words, 12, GREY)
    _joint(drawing, (x, middle - 9), (side, middle - 9), sign["x", "ε"])
    _joint(drawing, (side, middle + 9), (x, middle + 9), sign["ε", "x"])
    _joint(drawing, (x, top), (side, middle), sign["x above", "ε"])
    _joint(drawing, (side, below), (x, middle), sign["ε below", "x"])
    for words, place, height in (
        ("x, as it is", ((x + side) / 2, middle - 18), "middle"),
        ("its own error", ((x + side) / 2, middle + 27), "middle"),
        ("the prediction W f(x)", ((x + side) / 2 + 18, (top + middle) / 2 - 12), "start"),
        ("errors of what x predicts", ((x + side) / 2 - 22, (below + middle) / 2 + 26), "end"),
    ):
        drawing.text(*place, words, 12, text_anchor=height)
    for name, place in PLACES.items():
        drawing.circle(*place, RADIUS, ORANGE if "ε" in name else BLUE)
        colour = INK if "ε" in name else "white"
        drawing.text(
            place[0], place[1] + 6, name[0], 18, colour, text_anchor="middle", font_weight="bold"
        )
    drawing.line([(30, 400), (62, 400)], GREEN, 2.5)
    _arrowhead(drawing, (62, 400), (1.0, 0.0))
    drawing.text(74, 404, "excites", 12)
    drawing.line([(150, 400), (182, 400)], RED, 2.5)
    drawing.line([(182, 392), (182, 408)], RED, 4)
    drawing.text(194, 404, "inhibits", 12)
    drawing.text(262, 404, "(for a positive weight)", 12, GREY)


def _joint(drawing: Drawing, start, end, sign: int) -> None:
    """Draw a connection between two cells: an arrow that excites, or a bar that inhibits."""
    a, b = np.array(start, float), np.array(end, float)
    along = (b - a) / np.linalg.norm(b - a)
    a, b = a + along * RADIUS, b - along * (RADIUS + 4)
    colour = GREEN if sign > 0 else RED
    drawing.line([a, b], colour, 2.5, class_="excites" if sign > 0 else "inhibits")
    if sign > 0:
        _arrowhead(drawing, b, along)
    else:
        across = np.array([-along[1], along[0]]) * 8
        drawing.line([b - across, b + across], colour, 4)


def _arrowhead(drawing: Drawing, tip, along) -> None:
    tip, along = np.array(tip, float), np.array(along, float)
    across = np.array([-along[1], along[0]])
    base = tip - 9 * along
    drawing.line([base + 6 * across, tip, base - 6 * across], GREEN, 2.5)


def _draw_forces(drawing: Drawing, forces: Forces) -> None:
    total = forces.spring + forces.feedback
    every = np.concatenate([forces.spring, forces.feedback, total])
    step = 0.25 if np.ptp(every) < 2 else 0.5
    low, high = np.floor(every.min() / step) * step, np.ceil(every.max() / step) * step
    chart = Chart(drawing, (500, 50, 330, 290), (0, len(total)), (low, high))
    chart.axes(
        range(0, len(total) + 1, 30),
        np.arange(low, high + step / 2, step).tolist(),
        "tick since strange pixels were clamped",
    )
    curves = (
        ("feedback: predict better what is below", forces.feedback, BLUE, "none"),
        ("spring: be what is predicted of you, −ε", forces.spring, RED, "none"),
        ("their sum, which moves the cell", total, INK, "5 4"),
    )
    for i, (words, values, colour, dash) in enumerate(curves):
        chart.curve(values, colour, start=1, stroke_dasharray=dash, class_="force")
        height = 402 + 18 * i
        drawing.line([(500, height - 4), (530, height - 4)], colour, 2.5, stroke_dasharray=dash)
        drawing.text(538, height, words, 12)
