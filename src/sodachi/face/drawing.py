"""The pictures of the page "settling", each of a net that was run, as SVG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sodachi.face.animation import HALF, PLATFORM, layout, zigzag
from sodachi.face.circuit_drawing import draw_circuit
from sodachi.face.colours import BLUE, GREY, INK, ORANGE, RED
from sodachi.face.four_clamps import (
    EPOCHS,
    TRAINED,
    WANDER,
    Taught,
    familiar_and_novel,
    four_uses,
    scores,
    surprise,
    teach,
)
from sodachi.face.springs import STRANGE, Settling, watch_settling
from sodachi.face.svg import Chart, Drawing

UNIT = 25.0  # of one unit of activity, in the picture
FRAMES = {
    0: ("tick 0", "at rest on the old pixels"),
    1: ("tick 1", "new pixels clamped"),
    3: ("tick 3", "beads begin to give"),
    30: ("tick 30", "at rest again"),
}
LONG = 120  # ticks until two forces all but balance, with pixels that nothing predicts
SIDE = 44  # of an image of a digit


def draw_settling(
    out: Path,
    seed: int = 0,
    samples: int = TRAINED,
    epochs: int = EPOCHS,
    wander: int = WANDER,
) -> list[Path]:
    """Run the nets, draw ``out/settling-*.svg``, and return where the pictures are.

    The same arguments draw the same bytes on one machine. A small form takes fewer ``samples`` and
    ``epochs`` of lessons and ``wander`` ticks of generation.
    """
    out.mkdir(parents=True, exist_ok=True)
    taught = teach(seed, samples, epochs)
    pictures = {
        "springs": draw_springs(watch_settling(seed)),
        "circuit": draw_circuit(watch_settling(seed, LONG, STRANGE, rate=0.1)),
        "clamps": draw_clamps(taught, seed, wander),
        "errors": draw_surprise(taught, seed),
    }
    return [drawing.write(out / f"settling-{name}.svg") for name, drawing in pictures.items()]


def draw_springs(seen: Settling) -> Drawing:
    """Return posts, beads, platforms and springs side by side at some ticks, tension below."""
    drawing = Drawing(860, 500, "A small net settles: springs, beads and platforms")
    places = layout(seen)
    levels = {name: 70 + 9.2 * UNIT - UNIT * height for name, (_, height) in places.items()}
    titles = {"input": "4 pixels", "hidden1": "3 hidden", "label": "2 labels"}
    for name, height in levels.items():
        drawing.text(12, height + 4, titles[name], 13, GREY)
    for i, (tick, (when, words)) in enumerate(FRAMES.items()):
        middle = 170 + 196 * i
        _machine(drawing, seen, places, levels, middle, tick)
        drawing.text(middle, 376, when, 15, text_anchor="middle", font_weight="bold")
        drawing.text(middle, 394, words, 12, GREY, text_anchor="middle")
        tension = f"tension {seen.tension[tick]:.3f}"
        drawing.text(middle, 416, tension, 14, RED, text_anchor="middle", class_="tension")
        wide = 150 * seen.tension[tick] / seen.tension.max()
        drawing.rect(middle - 75, 424, wide, 7, RED)
    _legend(drawing, 474)
    return drawing


def _machine(drawing: Drawing, seen: Settling, places, levels, middle: float, tick: int) -> None:
    above = None
    for name in sorted(places, key=lambda n: levels[n]):
        across = middle + UNIT * places[name][0]
        bead = levels[name] - UNIT * seen.beads[name][tick]
        board = levels[name] - UNIT * seen.platforms[name][tick] if name in seen.platforms else None
        for x in across:
            ends = [(x, levels[name] - UNIT * HALF), (x, levels[name] + UNIT * HALF)]
            drawing.line(ends, "#d5d9de", 3)
        if above is not None and board is not None:
            for start in zip(*above, strict=True):
                for end in zip(across, board, strict=True):
                    drawing.line([start, end], "#9aa1ab", 0.7)
        above = across, bead
    for name, (across, _) in places.items():
        _cells(drawing, seen, name, middle + UNIT * across, levels[name], tick)


def _cells(drawing: Drawing, seen: Settling, name: str, across, level: float, tick: int) -> None:
    """Springs, platforms and beads of one layer, over all that was drawn before."""
    heights = level - UNIT * seen.beads[name][tick]
    for i, (x, y) in enumerate(zip(across, heights, strict=True)):
        if name in seen.platforms:
            board = level - UNIT * seen.platforms[name][tick][i]
            coils, ends = zigzag(0.0, board, y)
            turns = [(x + 1.6 * UNIT * c, end) for c, end in zip(coils, ends, strict=True)]
            drawing.line(turns, RED, 1.6)
            half = 1.4 * UNIT * PLATFORM
            drawing.line([(x - half, board), (x + half, board)], ORANGE, 4, class_="platform")
        if name == "input":
            drawing.rect(x - 5, y - 5, 10, 10, INK, class_="pinned")
        else:
            drawing.circle(x, y, 5.5, BLUE, class_="bead")


def _legend(drawing: Drawing, y: float) -> None:
    drawing.rect(60, y - 9, 10, 10, INK)
    drawing.text(76, y, "clamped pixel", 12)
    drawing.circle(196, y - 4, 5.5, BLUE)
    drawing.text(208, y, "bead: activity x", 12)
    drawing.line([(330, y - 4), (348, y - 4)], ORANGE, 4)
    drawing.text(356, y, "platform: prediction μ", 12)
    coils, ends = zigzag(0.0, 0.0, 24.0)
    drawing.line([(512 + e, y - 4 + 40 * c) for c, e in zip(coils, ends, strict=True)], RED, 1.6)
    drawing.text(544, y, "spring: error x − μ", 12)
    drawing.line([(684, y), (706, y - 8)], "#9aa1ab", 1.2)
    drawing.text(714, y, "rod: weight", 12)


def draw_clamps(taught: Taught, seed: int, wander: int = WANDER) -> Drawing:
    """Return one set of weights used four ways: ten columns of digits, a block a clamp."""
    uses = four_uses(taught, seed, wander)
    score = {name: f"{value:.3f}" for name, value in scores(taught, uses).items()}
    right = f"{(uses.answers == taught.y).mean():.0%} of {len(taught.y)} unseen digits right"
    one = [int(np.argmax(taught.y == digit)) for digit in range(10)]
    half = taught.X[one].copy()
    half[:, half.shape[1] // 2 :] = np.nan
    blocks = (
        ("pixels clamped → label", right, [taught.X[one]]),
        (
            "upper half clamped → the rest",
            f"error {score['completed']}, of the mean image {score['mean image']}",
            [half, uses.completed[one]],
        ),
        (
            "noisy pixels nudged → clean pixels",
            f"error {score['denoised']}, as given {score['noisy']}",
            [uses.noisy[one], uses.denoised[one]],
        ),
        (
            "label clamped → pixels",
            "three samples of each, with noise (Langevin)",
            list(uses.generated.swapaxes(0, 1)),
        ),
    )
    drawing, top = Drawing(860, 545, "One set of weights, four clamps"), 24
    for i, (title, words, rows) in enumerate(blocks):
        drawing.text(16, top + 18, title, 14, font_weight="bold")
        drawing.text(16, top + 36, words, 12, GREY)
        for row in rows:
            for column, pixels in enumerate(row):
                drawing.image(pixels.reshape(8, 8), _column(column), top, SIDE)
            top += SIDE + 6
        if i == 0:
            _labels(drawing, "the label read", uses.answers[one], top + 12)
            top += 22
        top += 22
    _labels(drawing, "the label clamped", np.arange(10), top - 8)
    return drawing


def _column(i: int) -> float:
    return 300 + (SIDE + 10) * i


def _labels(drawing: Drawing, words: str, labels: np.ndarray, y: float) -> None:
    """Write a label below each digit; the digits are 0 to 9 in order, and a wrong label is red."""
    drawing.text(16, y, words, 12, GREY)
    for digit, label in enumerate(labels.tolist()):
        colour = INK if label == digit else RED
        place = _column(digit) + SIDE / 2
        drawing.text(place, y, str(label), 14, colour, text_anchor="middle", font_weight="bold")


def draw_surprise(taught: Taught, seed: int) -> Drawing:
    """Return the activity of all error cells, tick by tick, for familiar and for novel images."""
    familiar, novel = familiar_and_novel(taught, seed)
    energy = surprise(taught, np.concatenate([familiar, novel]))
    known, strange = np.split(energy, 2, axis=1)
    drawing = Drawing(860, 400, "Error cells are quieter for what can be predicted")
    lives = (
        ("unseen digits", familiar, known, BLUE),
        ("the same, pixels shuffled", novel, strange, RED),
    )
    highest = np.ceil(max(e.mean(1).max() for _, _, e, _ in lives))
    ticks = len(energy)
    chart = Chart(drawing, (60, 50, 540, 280), (0, ticks), (0, highest))
    drawing.text(16, 28, "activity of the error cells, Σ ½ε², mean of the images", 15,
                 font_weight="bold")  # fmt: skip
    step = 1 if highest < 8 else 2
    chart.axes(
        range(0, ticks + 1, 10), np.arange(0, highest + step / 2, step), "tick since the clamp"
    )
    for i, (words, images, tension, colour) in enumerate(lives):
        mean = tension.mean(1)
        spread = 1.96 * tension.std(1, ddof=1) / np.sqrt(tension.shape[1])
        outline = [chart.at(1 + t, v) for t, v in enumerate(mean + spread)]
        outline += [chart.at(1 + t, v) for t, v in enumerate(mean - spread)][::-1]
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        drawing.add("polygon", points=corners, fill=colour, opacity=0.2)
        chart.curve(mean, colour, start=1, class_="errors")
        top = 70 + 130 * i
        drawing.line([(624, top - 4), (650, top - 4)], colour, 2.5)
        drawing.text(658, top, words, 13)
        drawing.text(658, top + 18, f"at rest: {mean[-1]:.2f}", 12, GREY)
        for j in range(3):
            drawing.image(images[j].reshape(8, 8), 658 + 56 * j, top + 32, SIDE)
    drawing.text(624, 346, f"band: 95 % interval of {len(familiar)} images", 12, GREY)
    return drawing
