"""The pictures of the page "a series, foreseen": spike timing, and letters that are remembered."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.spike_pairs import Pair, rule_change, slope, window
from sodachi.face.colours import BLUE, GREY, INK, ORANGE, RED
from sodachi.face.svg import Chart, Drawing
from sodachi.models import dynamic_boltzmann_machine
from sodachi.system import Evidence, Observation

WIDE = 860
LAGS = np.array([*range(-15, 0), *range(1, 16)])
PAIRS = (Pair(1, 0.8, 0.7, 0.1), Pair(5, 0.8, 0.7, 0.1))
PASSES = (3, 30, 300)
CUE = 6  # columns that are clamped before the machine is let go: one letter and its gap
LETTERS = {
    "S": "01110 10001 10000 01110 00001 10001 01110",
    "O": "01110 10001 10001 10001 10001 10001 01110",
    "D": "11110 10001 10001 10001 10001 10001 11110",
}


class Recall(NamedTuple):
    """What was taught, and after each number of passes what came by itself: columns [T, 7]."""

    taught: np.ndarray
    passes: tuple[int, ...]
    recalled: list[np.ndarray]
    nats: list[float]


def draw_dynamic(out: Path, seed: int = 0, passes: tuple[int, ...] = PASSES) -> list[Path]:
    """Run the machines, draw ``out/dynamic-*.svg``, and return where the pictures are."""
    out.mkdir(parents=True, exist_ok=True)
    pictures = {"window": draw_window(), "letters": draw_letters(recall(seed, passes))}
    return [drawing.write(out / f"dynamic-{name}.svg") for name, drawing in pictures.items()]


def draw_window() -> Drawing:
    """Return what one pair of spikes changes at each lag: the rules' own, and the derivative."""
    drawing = Drawing(WIDE, 400, "Spike timing, read off the rules of a dynamic Boltzmann machine")
    for left, pair in zip((60, 480), PAIRS, strict=True):
        chart = Chart(drawing, (left, 60, 350, 250), (-16, 16), (-1.1, 1.1))
        title = "no spike on its way" if pair.delay == 1 else f"{pair.delay} ticks on the way"
        drawing.text(left, 28, f"delay {pair.delay}: {title}", 15, font_weight="bold")
        drawing.text(left, 46, "change by one pair of spikes, at rate 1", 12, GREY)
        chart.axes(range(-15, 16, 5), (-1, -0.5, 0, 0.5, 1), "post spike after pre spike, ticks")
        for x, colour, dash in ((0, GREY, "none"), (pair.delay, ORANGE, "5 4")):
            ends = [chart.at(x, -1.1), chart.at(x, 1.1)]
            drawing.line(ends, colour, 1.2, stroke_dasharray=dash)
        own, exact = (window(pair, LAGS, of, 34) for of in (rule_change, slope))
        for name, colour, side in (("u", BLUE, LAGS >= pair.delay), ("v", RED, LAGS < pair.delay)):
            for part in (side & (LAGS < 0), side & (LAGS > 0)):
                places = [chart.at(*p) for p in zip(LAGS[part], exact[name][part], strict=True)]
                if len(places) > 1:
                    drawing.line(places, colour, 1.5, class_=f"slope {name}")
            for lag, value in zip(LAGS[side], own[name][side], strict=True):
                drawing.circle(*chart.at(lag, value), 3.6, colour, class_=f"rule {name}")
    drawing.circle(70, 374, 3.6, BLUE)
    drawing.text(80, 378, "u, potentiation: λ per tick", 13)
    drawing.circle(280, 374, 3.6, RED)
    drawing.text(290, 378, "v, depression: μ per tick", 13)
    drawing.line([(470, 374), (494, 374)], INK, 1.5)
    drawing.text(502, 378, "derivative of the log-likelihood", 13)
    drawing.line([(726, 374), (750, 374)], ORANGE, 1.2, stroke_dasharray="5 4")
    drawing.text(758, 378, "arrival", 13)
    return drawing


def letters() -> np.ndarray:
    """Return seven cells over time [T, 7]: a column a tick, a gap after each letter."""
    rows = [[row + "0" for row in LETTERS[letter].split()] for letter in "SOD"]
    lines = ["".join(letter[r] for letter in rows) for r in range(7)]
    return np.array([[int(c) for c in line] for line in lines], np.float32).T


def recall(seed: int, passes: tuple[int, ...]) -> Recall:
    """Teach the letters pass by pass, and let the machine go after the first of them."""
    taught = letters()
    delays = np.random.default_rng([seed, 71]).integers(1, 10, (7, 7)).tolist()
    machine = dynamic_boltzmann_machine(
        units=7,
        delays=delays,
        trace_decays=(0.25, 0.5, 0.75),
        depression_decays=(0.3, 0.8),
        rate=1.0,
        optimiser="adagrad",
    )

    def tick(state, now):
        x, held, learn, first = now
        known = Evidence(x, jnp.where(held, jnp.inf, 0.0) * jnp.ones(7), jnp.zeros(7))
        seen = Observation({"units": known}, {"synapses": jnp.ones(())}, learn, first)
        state, output = machine.step(state, seen)
        return state, (output["units"], output["energy"])

    live = jax.jit(lambda state, stream: jax.lax.scan(tick, state, stream))
    always, never = np.ones(len(taught), bool), np.zeros(len(taught), bool)
    first = np.arange(len(taught)) == 0
    state, done, found, nats = machine.init(seed), 0, [], []
    for count in passes:
        energy = np.zeros(len(taught))
        for _ in range(count - done):
            state, (_, energy) = live(state, (taught, always, always, first))
        done = count
        cue = np.arange(len(taught)) < CUE
        _, (free, _) = live(state, (taught, cue, never, first))
        found.append(np.asarray(free))
        nats.append(float(np.asarray(energy)[CUE:].sum()))
    return Recall(taught, passes, found, nats)


def draw_letters(seen: Recall) -> Drawing:
    """Return the letters as taught and as they came by themselves; wrong cells are red."""
    drawing = Drawing(WIDE, 60 + 105 * (1 + len(seen.passes)), "Seven cells remember three letters")
    drawing.text(16, 26, "seven cells, a column a tick; shaded: clamped", 15, font_weight="bold")
    lines = [("taught", "", seen.taught)]
    for count, columns, nats in zip(seen.passes, seen.recalled, seen.nats, strict=True):
        right = (columns == seen.taught)[CUE:].mean()
        words = f"{right:.0%} of the cells right; {nats:.2g} nats"
        lines.append((f"{count} passes", words, columns))
    size, left = 11.0, 330.0
    for i, (name, words, columns) in enumerate(lines):
        top = 50 + 105 * i
        drawing.text(16, top + 36, name, 14)
        drawing.text(16, top + 54, words, 12, GREY)
        drawing.rect(left, top, size * len(columns), size * 7, "#f3f4f6")
        held = len(columns) if i == 0 else CUE
        drawing.rect(left, top, size * held, size * 7, "#dfe3e8")
        for t, row in np.argwhere((columns == 1) | (seen.taught == 1)):
            x, y = left + size * t + 1, top + size * row + 1
            wrong = columns[t, row] != seen.taught[t, row]
            if columns[t, row]:
                kind = "wrong" if wrong else "spike"
                drawing.rect(x, y, size - 2, size - 2, RED if wrong else INK, class_=kind)
            else:
                drawing.circle(x + size / 2 - 1, y + size / 2 - 1, 2.5, RED, class_="missed")
    return drawing
