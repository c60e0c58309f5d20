"""Pictures of what units learn to see: filters, their tuning, and what one unit answers most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sodachi.claims import common_filters, concept_cell, domains, natural_patches
from sodachi.claims.selectivity import areas
from sodachi.errors import DataError
from sodachi.face.colours import BLUE, GREEN, GREY, ORANGE, RED
from sodachi.face.svg import Chart, Drawing
from sodachi.recordings.receptive_fields import (
    effective_area,
    fit_gabor,
    grating_responses,
    orientation_tuning,
)

SHOWN, SIDE = 24, 30
"""Filters of each row that are drawn, evenly spread, 12 a line, and how wide each is."""
BEST = 6  # images that a concept cell answers most


def draw_filters(out: Path, seed: int = 0, form: str = "full") -> list[Path]:
    """Teach machines, draw ``out/filters-*.svg``, and return where the pictures are.

    The quick form needs no data set but scikit-learn's; the full one MNIST, KMNIST, Fashion-MNIST.
    """
    out.mkdir(parents=True, exist_ok=True)
    sets = fields_of(seed, form)
    pictures = {
        "photographs": draw_sets(sets, "What photographs teach"),
        "tuning": draw_tuning(sets),
        "domains": draw_sets(domains_of(seed, form), "What four kinds of images teach"),
        "concepts": draw_concepts(seed, form),
    }
    return [drawing.write(out / f"filters-{name}.svg") for name, drawing in pictures.items()]


def fields_of(seed: int, form: str) -> dict[str, np.ndarray]:
    """Return filters [n, 12, 12] of ours and its rivals, and those taught by scrambled phases."""
    claim = natural_patches
    seen, white, _ = claim.world(seed, form)
    _, ours = claim.learned(seed, form)
    _, mixed = claim.learned(seed, form, claim.SCRAMBLED)
    return {
        "Boltzmann machine": white.fields(ours),
        "independent components": white.fields(claim.independent(white.white(seen), seed)),
        "principal components": white.fields(np.eye(len(white.directions))),
        "the machine, phases scrambled": claim.world(seed, form, False)[1].fields(mixed),
    }


def domains_of(seed: int, form: str) -> dict[str, np.ndarray]:
    """Return the first layer's filters [32, 8, 8] of every domain."""
    names = domains.known_to(form)
    return {name: common_filters.first(name, seed, form).fields for name in names}


def grey(field: np.ndarray) -> np.ndarray:
    """Return a filter as ink in [0, 1]: its zero is the middle grey.

    Examples
    --------
    >>> grey(np.array([[-2.0, 0.0], [1.0, 2.0]])).tolist()
    [[0.0, 0.5], [0.75, 1.0]]
    """
    return 0.5 + 0.5 * field / np.abs(field).max()


def draw_sets(sets: dict[str, np.ndarray], title: str) -> Drawing:
    """Return filters of every set, with the means of what it is tuned to."""
    drawing = Drawing(860, 24 + 100 * len(sets), title)
    for row, (name, fields) in enumerate(sets.items()):
        top = 20 + 100 * row
        tuned = orientation_tuning(grating_responses(fields))
        spread = np.linspace(0, len(fields) - 1, min(SHOWN, len(fields))).round().astype(int)
        explained = np.mean([fit_gabor(x).explained for x in fields[spread]])
        drawing.text(16, top + 16, name, 14, font_weight="bold")
        drawing.text(16, top + 36, f"Gabor explains {explained:.2f}", 12, GREY)
        words = f"circular variance {tuned.circular_variance.mean():.2f}"
        drawing.text(16, top + 52, words, 12, GREY)
        drawing.text(16, top + 68, f"area {effective_area(fields).mean():.2f}", 12, GREY)
        for i, field in enumerate(fields[spread]):
            place = 270 + (SIDE + 14) * (i % 12), top + (SIDE + 10) * (i // 12)
            drawing.image(grey(field), *place, SIDE)
    return drawing


def draw_tuning(sets: dict[str, np.ndarray]) -> Drawing:
    """Return the mean tuning curve of every set; each cell's is turned to its peak, 1 there."""
    drawing = Drawing(860, 330, "Tuning to the orientation of gratings")
    drawing.text(16, 26, "response, share of the peak, mean of all cells", 15, font_weight="bold")
    chart = Chart(drawing, (60, 50, 500, 210), (-90, 90), (0.0, 1.0))
    chart.axes((-90, -45, 0, 45, 90), (0.0, 0.5, 1.0), "degrees from the preferred orientation")
    for i, ((name, fields), colour) in enumerate(
        zip(sets.items(), (BLUE, GREEN, ORANGE, RED), strict=False)
    ):
        mean = mean_curve(fields)
        angles = np.linspace(-90, 90, len(mean))
        points = [chart.at(a, v) for a, v in zip(angles, mean, strict=True)]
        drawing.line(points, colour, 2.5, class_="tuning")
        drawing.line([(590, 80 + 28 * i), (616, 80 + 28 * i)], colour, 2.5)
        drawing.text(624, 84 + 28 * i, name, 13)
    return drawing


def mean_curve(fields: np.ndarray) -> np.ndarray:
    """Return responses by orientation from −90 to 90 degrees about each cell's own, mean of cells.

    Examples
    --------
    >>> float(mean_curve(np.random.default_rng(0).normal(size=(3, 6, 6)))[18])
    1.0
    """
    curve = orientation_tuning(grating_responses(fields)).curve
    half = curve.shape[1] // 2
    turned = np.stack([np.roll(row, half - row.argmax()) / row.max() for row in curve]).mean(0)
    return np.append(turned, turned[0])  # −90 and 90 degrees are one orientation


def draw_concepts(seed: int, form: str) -> Drawing:
    """Return for every class the unseen images that its concept cell answers most."""
    claim = concept_cell
    (_, _, tests), (_, _, truth) = claim.images(form)
    activity: Any = claim.stacked(claim.OURS, seed, form)[2]
    cells = claim.cells_of(claim.OURS, seed, form)
    side = round(tests.shape[1] ** 0.5)
    if side**2 != tests.shape[1]:
        raise DataError("images", "squares", tests.shape)
    drawing = Drawing(860, 40 + 52 * claim.CLASSES, "Units that stand for a class, never told one")
    drawing.text(16, 26, "class, its unit, and the unseen images it answers most", 15,
                 font_weight="bold")  # fmt: skip
    for c, unit in enumerate(cells.unit.tolist()):
        top = 40 + 52 * c
        area = areas(activity[:, [unit]], truth, claim.CLASSES)[c, 0]
        drawing.text(16, top + 28, str(c), 20, BLUE, font_weight="bold")
        drawing.text(50, top + 20, f"unit {unit}", 12, GREY)
        drawing.text(50, top + 36, f"area {area:.2f}, F1 {cells.f1[c]:.2f}", 12, GREY)
        best = np.argsort(-activity[:, unit], kind="stable")[:BEST]
        for i, row in enumerate(best.tolist()):
            frame = GREY if truth[row] == c else RED
            image = tests[row].reshape(side, side)
            drawing.image(image, 220 + 54 * i, top, 44, frame)
    return drawing
