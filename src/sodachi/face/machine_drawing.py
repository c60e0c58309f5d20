"""The pictures of the page "a network that is a machine": a run, and a table being learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sodachi.claims.machine_rivals import exact_lookup
from sodachi.claims.machine_runs import TAUGHT, Task, exact_on_unseen, simulated, task, taught
from sodachi.face.colours import BLUE, GREEN, GREY, INK, ORANGE, RED
from sodachi.face.svg import Chart, Drawing
from sodachi.models.turing import from_turing
from sodachi.models.turing_programs import BUSY_BEAVER_4
from sodachi.worlds.machine import run_machine

WIDE = 860
STATES = (BLUE, ORANGE, GREEN, RED, INK)
STEPS = 107  # of the busy beaver
TRACES = (1, 2, 5, 10, 15, 20, 30, 50)
MATRICES = (1, 5, 20)


def draw_machine(
    out: Path, seed: int = 0, traces: tuple[int, ...] = TRACES, asked: int = 100
) -> list[Path]:
    """Run the nets, draw ``out/machine-*.svg``, and return where the pictures are.

    A small form learns from fewer numbers of ``traces`` and is asked about fewer tapes.
    """
    out.mkdir(parents=True, exist_ok=True)
    pictures = {"run": draw_run(), "learning": draw_learning(seed, traces, asked)}
    return [drawing.write(out / f"machine-{name}.svg") for name, drawing in pictures.items()]


def draw_run() -> Drawing:
    """Return a busy beaver as a network runs it: the tape line by line and the head."""
    net, state = from_turing(BUSY_BEAVER_4)
    run = run_machine(net, state, [], steps=STEPS + 1, squares=61)
    truth = simulated(BUSY_BEAVER_4, [], 0, STEPS, 0)
    rows, middle = _tapes(), 30
    size, left, top = 4.0, 60.0, 46.0
    drawing = Drawing(WIDE, 520, "A canonical network runs a busy beaver")
    drawing.text(20, 24, "the tape, step by step", 15, font_weight="bold")
    squares = [s for s in range(61) if rows[:, s].any() or s - middle in truth.heads]
    first, last = min(squares), max(squares)
    across = 440 / (last - first + 1)
    drawing.rect(left, top, across * (last - first + 1), size * len(rows), "#f3f4f6")
    for step, marks in enumerate(rows):
        for square in np.flatnonzero(marks):
            drawing.rect(left + across * (square - first), top + size * step, across - 0.6,
                         size - 0.4, "#9aa1ab", class_="mark")  # fmt: skip
    for step, (head, cell) in enumerate(zip(run.heads, run.states, strict=True)):
        place = left + across * (head + middle - first + 0.5)
        drawing.circle(place, top + size * (step + 0.5), 2.6, STATES[cell], class_="head")
    for step in range(0, STEPS, 20):
        drawing.text(left - 8, top + size * step + 8, str(step), 11, GREY, text_anchor="end")
    for i, name in enumerate(("A", "B", "C", "D", "halt")):
        drawing.circle(556, 70 + 26 * i, 5, STATES[i])
        drawing.text(570, 74 + 26 * i, f"the head, in state {name}", 13)
    drawing.rect(550, 196, 12, 9, "#9aa1ab")
    drawing.text(570, 205, "a one", 13)
    right = np.array_equal(run.states, truth.states) and np.array_equal(run.heads, truth.heads)
    ones = int(run.marks.sum())
    for i, words in enumerate((
        f"{run.steps} steps, {ones} ones, then it halts",
        "the same as the machine's table: " + ("at every step" if right else "NO"),
        f"{2 * (run.steps + 1)} ticks of the network, look and act",
    )):  # fmt: skip
        drawing.text(550, 250 + 22 * i, words, 13, class_="said")
    return drawing


def _tapes() -> np.ndarray:
    """The tape before every step and at the end [steps + 1, 61], by the table."""
    rows = np.zeros((STEPS + 1, 61), int)
    for step in range(STEPS + 1):
        for square, symbol in simulated(BUSY_BEAVER_4, [], 0, step, 0).tape.items():
            rows[step, 30 + square] = symbol
    return rows


def shares(wanted: Task, traces: tuple[int, ...]) -> tuple[list[float], list[float]]:
    """Return the share of unseen tapes that is exact after so many traces: ours, and all known."""
    ours = [exact_on_unseen(wanted, taught(wanted, n)) for n in traces]
    return ours, [exact_lookup(wanted, n) for n in traces]


def draw_learning(seed: int, traces: tuple[int, ...], asked: int) -> Drawing:
    """Return the counts of K as traces are clamped, and on how many tapes the table is exact."""
    wanted = task(seed, 0, asked)
    drawing = Drawing(WIDE, 420, "A table written by counting")
    drawing.text(20, 24, "memory K: what was seen, and what came next", 15, font_weight="bold")
    side = 2 * TAUGHT.states
    for i, count in enumerate(MATRICES):
        K = np.asarray(taught(wanted, count).shared["weights"]["transition_on_given_1"], float)
        seen = K / K.sum(1, keepdims=True) * (K.sum(1, keepdims=True) > 0.5)
        left, top, cell = 40 + 150 * i, 70, 7.0
        drawing.text(left, 56, f"{count} trace" + ("s" if count > 1 else ""), 12, GREY)
        drawing.rect(left, top, cell * side, cell * len(K), "#f3f4f6")
        for past, now in np.argwhere(seen > 0.01):
            drawing.rect(left + cell * now, top + cell * past, cell - 1, cell - 1, BLUE,
                         opacity=float(seen[past, now]), class_="entry")  # fmt: skip
    drawing.text(40, 376, "rows: a state's cell and the symbol read; columns: the next cell", 12,
                 GREY)  # fmt: skip
    drawing.text(510, 24, "exact on unseen tapes", 15, font_weight="bold")
    ours, known = shares(wanted, traces)
    chart = Chart(drawing, (560, 60, 270, 270), (0, max(traces)), (0, 1))
    chart.axes(np.linspace(0, max(traces), 6).tolist(), (0, 0.25, 0.5, 0.75, 1), "traces clamped")
    for values, colour, width, kind in ((known, ORANGE, 6, "known"), (ours, BLUE, 2.5, "ours")):
        places = [chart.at(n, v) for n, v in zip(traces, values, strict=True)]
        drawing.line(places, colour, width, class_=kind)
        for place in places:
            drawing.circle(*place, width / 2 + 2, colour, class_=kind)
    drawing.text(560, 390, "thin: the network; thick: a dictionary of what was shown", 12, GREY)
    return drawing
