"""Pictures of what a layered Boltzmann machine dreams: digits free, by label, and half seen."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.boltzmann_training import Schooling, schooled, shown
from sodachi.claims.loops_remember import CHANCE, lasting, remembered
from sodachi.combinators import minibatch
from sodachi.data import load_digits
from sodachi.face.colours import BLUE, GREY, ORANGE
from sodachi.face.svg import Chart, Drawing
from sodachi.models.deep_boltzmann import deep_boltzmann_machine
from sodachi.system import State, System

HIDDEN, TRAINED, PASSES = 200, 1500, 400
SWEEPS = 500  # of a dream before it is drawn
HALF = 32  # pixels of the upper half
LOOKS = 40  # sweeps of which the belief is drawn
REMEMBERED = 600  # sweeps after a digit is gone
SIDE = 44


def draw_dreaming(out: Path, seed: int = 0, passes: int = PASSES, many: int = SWEEPS) -> list[Path]:
    """Teach a machine, draw ``out/dreams-*.svg``, and return where the pictures are.

    A small form takes fewer ``passes`` over the digits and ``many`` sweeps.
    """
    out.mkdir(parents=True, exist_ok=True)
    taught = dreamer(seed, passes)
    pictures = {
        "clamps": draw_dreams(taught, seed, many),
        "looks": draw_looks(taught, seed),
        "memory": draw_memory(taught, seed),
    }
    return [drawing.write(out / f"dreams-{name}.svg") for name, drawing in pictures.items()]


class Dreamer(NamedTuple):
    """A machine that was taught digits with their labels, and digits that it has not seen."""

    system: System
    state: State
    X: np.ndarray
    y: np.ndarray


def dreamer(seed: int = 0, passes: int = PASSES) -> Dreamer:
    """Return a machine after its lessons on scikit-learn's digits."""
    X, y = load_digits()
    machine = deep_boltzmann_machine(
        layers=(64, HIDDEN), labels=10, chains=50, rate=0.3, generative=1.0, discriminative=0.2
    )
    how = Schooling(passes=passes, batch=50)
    state = schooled(machine, how, seed, X[:TRAINED], y[:TRAINED])
    return Dreamer(machine, state, X[TRAINED:], y[TRAINED:])


def sweeps(d: Dreamer, seed: int, many: int, known: np.ndarray | None = None, **layers):
    """Return (input, label), beliefs after every sweep [many, n, units], each layer as clamped.

    ``known`` (bool [64]) says which pixels of ``input`` are held; all of them without it.
    """
    count = len(next(iter(layers.values()))) if layers else 10
    lanes = minibatch(d.system, count)
    given = {name: jnp.asarray(value, jnp.float32) for name, value in layers.items()}
    seen = shown(d.system, count, learn=False, **given)
    if known is not None:
        held = seen.evidence["input"]
        precision = jnp.where(jnp.asarray(known), held.precision, 0.0)
        seen = seen._replace(evidence=seen.evidence | {"input": held._replace(precision=precision)})
    born = lanes.init(seed).lane

    def one(state, _):
        state, out = lanes.step(state, seen)
        return state, (out["input"], out["label"])

    start = State(d.state.shared, born)
    _, beliefs = jax.jit(lambda s: jax.lax.scan(one, s, None, many))(start)
    return tuple(np.asarray(b) for b in beliefs)


def draw_dreams(d: Dreamer, seed: int = 0, many: int = SWEEPS) -> Drawing:
    """Return dreams with nothing held, with a label held, and with half an image held."""
    free, _ = sweeps(d, seed, many)
    told, _ = sweeps(d, seed + 1, many, label=np.eye(10))
    again, _ = sweeps(d, seed + 2, many, label=np.eye(10))
    one = [int(np.argmax(d.y == digit)) for digit in range(10)]
    half = d.X[one].copy()
    half[:, HALF:] = np.nan
    known = np.arange(64) < HALF
    held = np.where(known, d.X[one], 0.0)
    completed, _ = sweeps(d, seed + 3, many, known, input=held)
    guess = completed[many // 2 :].mean(0)
    blocks = (
        ("nothing clamped", f"ten chains, {many} sweeps each", [free[-1]]),
        ("label clamped → pixels", "two dreams of each", [told[-1], again[-1]]),
        (
            "upper half clamped → the rest",
            f"the mean of {many - many // 2} sweeps, below",
            [half, guess],
        ),
    )
    drawing, top = Drawing(860, 330, "What a Boltzmann machine dreams"), 24
    for title, words, rows in blocks:
        drawing.text(16, top + 18, title, 14, font_weight="bold")
        drawing.text(16, top + 36, words, 12, GREY)
        for row in rows:
            for column, pixels in enumerate(row):
                drawing.image(pixels.reshape(8, 8), 300 + (SIDE + 10) * column, top, SIDE)
            top += SIDE + 6
        top += 22
    return drawing


def draw_looks(d: Dreamer, seed: int = 0) -> Drawing:
    """Return how the belief in the label moves over sweeps while half an image is held.

    Among unseen digits, the one whose belief changes most from the first sweeps to the last.
    """
    known = np.arange(64) < HALF
    _, label = sweeps(d, seed, LOOKS, known, input=np.where(known, d.X, 0.0))
    running = np.cumsum(label, 0) / np.arange(1, LOOKS + 1)[:, None, None]
    truth = np.arange(len(d.y))
    gain = running[-1, truth, d.y] - running[0, truth, d.y]
    which = int(np.argmax(gain))
    drawing = Drawing(860, 245, "Looking twice: a belief that settles over sweeps")
    half = d.X[which].copy()
    half[HALF:] = np.nan
    drawing.image(half.reshape(8, 8), 30, 60, 110)
    drawing.text(30, 46, f"what it sees of a {d.y[which]}", 13)
    wrong = int(np.argsort(running[0, which])[-1])
    chart = Chart(drawing, (230, 40, 560, 160), (1, LOOKS), (0.0, 1.0))
    chart.axes((1, 10, 20, 30, 40), (0.0, 0.5, 1.0), "mean belief, by sweep")
    for digit, colour in ((wrong, ORANGE), (int(d.y[which]), BLUE)):
        chart.curve(running[:, which, digit], colour, start=1)
        end = chart.at(LOOKS, float(running[-1, which, digit]))[1]
        drawing.text(800, end + 5, f"a {digit}", 14, colour)
    return drawing


def draw_memory(d: Dreamer, seed: int = 0) -> Drawing:
    """Return how many unseen digits are still believed, sweeps after nothing is seen any more."""
    drawing = Drawing(860, 245, "Remembering through loops")
    chart = Chart(drawing, (60, 40, 620, 160), (0, REMEMBERED), (0.0, 1.0))
    chart.axes(range(0, REMEMBERED + 1, 100), (0.0, 0.5, 1.0), "sweeps since the digit is gone")
    drawing.text(60, 26, "share of unseen digits whose label is still believed", 13)
    for cut, colour, words in ((False, BLUE, "with loops"), (True, ORANGE, "loops cut")):
        beliefs = remembered(d.system, d.state, d.X, seed, REMEMBERED, cut)
        shares = (beliefs.argmax(-1) == d.y).mean(1)
        chart.curve(shares, colour)
        n, end = lasting(shares), float(shares[-20:].mean())
        more = " or more" if n == REMEMBERED else ""
        height = chart.at(0, CHANCE if cut else max(end, CHANCE + 0.15))[1]
        drawing.text(690, height, f"{words}: {n}{more}", 14, colour)
    return drawing
