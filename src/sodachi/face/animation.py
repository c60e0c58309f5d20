"""Posts, springs and platforms: a settling net drawn as the mechanism it is, with a play button."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sodachi.face.colours import BLUE, GREEN, GREY, INK, ORANGE, RED, styled
from sodachi.face.playing import with_play_button
from sodachi.face.springs import Settling

GAP = 4.6  # between the middles of two layers' posts
HALF = 1.9  # half the length of a post
PLATFORM = 0.22  # half the width of a platform
START = 1  # the tick that is shown at first: springs at their longest
TURNS, SWING = 7, 0.09  # of a spring


def animate(seen: Settling) -> go.Figure:
    """Return the figure: beads on posts, platforms, springs between, rods above, and the tension.

    One plotly frame a tick. A bead sits at x, its platform at μ, both on the neuron's own post, so
    the spring between them is the error ε = x − μ, and the tension drawn is ``Σ ½ε²``.
    """
    places = layout(seen)
    figure = make_subplots(
        rows=1,
        cols=2,
        column_widths=[0.66, 0.34],
        horizontal_spacing=0.09,
        subplot_titles=("", "total tension Σ ½·spring²"),
    )
    still, machine = _posts(places), moving(seen, places, START)
    for trace in [*still, *machine]:
        figure.add_trace(trace, row=1, col=1)
    ticks = np.arange(len(seen.energy))
    figure.add_trace(
        go.Scatter(x=ticks, y=seen.energy, mode="lines", line={"color": BLUE}, showlegend=False,
                   name="tension"),
        row=1, col=2,
    )  # fmt: skip
    figure.add_trace(_point(seen, START), row=1, col=2)
    end = len(still) + len(machine)  # where the curve stands; the point comes after it
    changing = [*range(len(still), end), end + 1]
    figure.frames = [
        go.Frame(data=[*moving(seen, places, t), _point(seen, t)], traces=changing, name=str(t))
        for t in ticks.tolist()
    ]
    return _dressed(figure, seen, places)


def layout(seen: Settling) -> dict[str, tuple[np.ndarray, float]]:
    """Return where posts stand: by layer, their places from left to right and the middle's height.

    The layer with no platform, the label, is on top.
    """
    order = sorted(seen.beads, key=lambda name: seen.beads[name].shape[1], reverse=True)
    places = {}
    for level, name in enumerate(order):
        n = seen.beads[name].shape[1]
        places[name] = (1.5 * (np.arange(n) - (n - 1) / 2), GAP * level)
    return places


def moving(seen: Settling, places, tick: int) -> list[go.Scatter]:
    """Return what moves, at one tick: rods, springs, platforms, free beads, pinned beads."""
    rods: list[list] = [[], []]
    springs: list[list] = [[], []]
    platforms: list[list] = [[], []]
    above = None
    for name in sorted(places, key=lambda name: -places[name][1]):
        across, middle = places[name]
        bead = middle + seen.beads[name][tick]
        if name in seen.platforms:
            board = middle + seen.platforms[name][tick]
            for i, x in enumerate(across):
                _extend(springs, zigzag(x, board[i], bead[i]))
                _extend(platforms, ([x - PLATFORM, x + PLATFORM], [board[i]] * 2))
                assert above is not None
                for from_x, from_y in zip(*above, strict=True):
                    _extend(rods, ([from_x, x], [from_y, board[i]]))
        above = across, bead
    free = [name for name in places if name != "input"]
    return [
        _lines(rods, GREY, 0.8, "rod: prediction from above"),
        _lines(springs, RED, 1.8, "spring: error"),
        _lines(platforms, ORANGE, 5, "platform: prediction μ"),
        _beads(seen, places, free, tick, BLUE, "circle", "bead: activity x (free)"),
        _beads(seen, places, ["input"], tick, INK, "square", "pinned bead: a clamped pixel"),
    ]


def zigzag(x: float, low: float, high: float) -> tuple[list[float], list[float]]:
    """Return the corners of a spring on the post at ``x`` between two heights.

    Examples
    --------
    >>> across, heights = zigzag(0.0, 0.0, 1.0)
    >>> across[0], across[-1], heights[0], heights[-1]
    (0.0, 0.0, 0.0, 1.0)
    """
    side = [0.0, *[SWING * (-1) ** i for i in range(TURNS)], 0.0]
    return [x + s for s in side], np.linspace(low, high, TURNS + 2).tolist()


def _extend(lines: list[list], more) -> None:
    """Add a line to several drawn as one trace (None lifts the pen)."""
    for coordinates, added in zip(lines, more, strict=True):
        coordinates.extend([*map(float, added), None])


def _lines(lines: list[list], colour: str, width: float, name: str) -> go.Scatter:
    line = {"color": colour, "width": width}
    return go.Scatter(x=lines[0], y=lines[1], mode="lines", line=line, name=name, hoverinfo="skip")


def _beads(seen, places, names, tick, colour, symbol, title) -> go.Scatter:
    across = [float(x) for n in names for x in places[n][0]]
    heights = [float(places[n][1] + v) for n in names for v in seen.beads[n][tick]]
    marker = {"size": 13, "color": colour, "symbol": symbol, "line": {"color": "white", "width": 1}}
    values = [f"{float(v):.2f}" for n in names for v in seen.beads[n][tick]]
    return go.Scatter(x=across, y=heights, mode="markers", marker=marker, name=title, text=values,
                      hovertemplate="x = %{text}<extra></extra>")  # fmt: skip


def _posts(places) -> list[go.Scatter]:
    posts: list[list] = [[], []]
    zeros: list[list] = [[], []]
    for across, middle in places.values():
        for x in across:
            _extend(posts, ([x, x], [middle - HALF, middle + HALF]))
            _extend(zeros, ([x - 0.1, x + 0.1], [middle, middle]))
    marks = _lines(zeros, GREY, 1, "zero").update(showlegend=False)
    return [_lines(posts, "#cfd3d8", 3, "post: one neuron"), marks]


def _point(seen: Settling, tick: int) -> go.Scatter:
    value = float(seen.energy[tick])
    return go.Scatter(
        x=[tick], y=[value], mode="markers+text", text=[f"{value:.3f}"], showlegend=False,
        textposition="top right", marker={"size": 11, "color": GREEN}, name="now", cliponaxis=False,
    )  # fmt: skip


def _dressed(figure: go.Figure, seen: Settling, places) -> go.Figure:
    """Add names of layers, axes, the play button and the slider."""
    titles = {"input": "4 pixels", "hidden1": "3 hidden", "label": "2 label cells"}
    for name, (_, middle) in places.items():
        figure.add_annotation(x=-3.3, y=middle, text=titles.get(name, name), showarrow=False,
                              xanchor="right", row=1, col=1)  # fmt: skip
    figure.update_xaxes(visible=False, range=[-5, 3], row=1, col=1)
    top = GAP * (len(places) - 1) + HALF
    figure.update_yaxes(visible=False, range=[-HALF - 0.2, top + 0.2], row=1, col=1)
    last = len(seen.energy) - 1
    figure.update_xaxes(title="tick", range=[-1, last * 1.12], row=1, col=2)
    figure.update_yaxes(range=[0, float(seen.energy.max()) * 1.12], row=1, col=2)

    with_play_button(figure, [f"{t}" for t in range(last + 1)], 250, "tick ", START)
    return styled(figure, height=680, legend_y=-0.24)
