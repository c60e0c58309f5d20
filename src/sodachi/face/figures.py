"""The report's figures, each made of one part of the story."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sodachi.face.clamping import TICKS
from sodachi.face.colours import BLUE, GREEN, GREY, LOOKS, styled
from sodachi.face.racing import OURS
from sodachi.face.story import Story

SIDE = 8  # pixels of a digit
EDGE = 1  # pixels between two pictures
PAPER = [[0.0, "#ffffff"], [1.0, "#111111"]]


def accuracy_figure(story: Story) -> go.Figure:
    """Return accuracy in every world, predicted before learned; returning worlds are shaded."""
    figure = go.Figure()
    worlds = np.arange(1, len(story.infos) + 1)
    correct = story.correct()
    for name, (colour, dash, symbol) in LOOKS.items():
        figure.add_trace(
            go.Scatter(
                x=worlds,
                y=correct[name].mean(1),
                mode="lines+markers",
                name=name,
                line={"color": colour, "dash": dash, "width": 3.5 if name == OURS else 1.8},
                marker={"symbol": symbol, "size": 7 if name == OURS else 6},
                hovertemplate="world %{x}: %{y:.1%}<extra>" + name + "</extra>",
            )
        )
    _mark_returns(figure, story)
    lowest = min(float(c.mean(1).min()) for c in correct.values())
    title = "world (the pixels are rewired at each new one)"
    figure.update_xaxes(title=title, range=[0.3, len(worlds) + 0.7])
    figure.update_yaxes(
        title="answers right", tickformat=".0%", range=[max(0.0, lowest - 0.04), 1.03]
    )
    return styled(figure, height=460)


def _mark_returns(figure: go.Figure, story: Story) -> None:
    for info in story.infos:
        if info.returning:
            figure.add_vrect(x0=info.index + 0.6, x1=info.index + 1.4, fillcolor=GREY, opacity=0.16,
                             line_width=0, layer="below")  # fmt: skip
            figure.add_annotation(x=info.index + 1, y=1.0, yref="paper", yanchor="bottom",
                                  text=f"world {info.original + 1}<br>returns", showarrow=False,
                                  font={"size": 10, "color": GREY})  # fmt: skip


def settling_figure(story: Story) -> go.Figure:
    """Return the energy at every tick as digits follow one another, and how sure the net is."""
    seen = story.clamped
    ticks = np.arange(seen.energy.size)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.09,
                           row_heights=[0.62, 0.38])  # fmt: skip
    for k, digit in enumerate(seen.shown.tolist()):
        part = slice(k * TICKS, (k + 1) * TICKS)
        line = {"color": BLUE, "width": 2.5}
        figure.add_trace(
            go.Scatter(x=ticks[part], y=seen.energy[k], mode="lines+markers", line=line,
                       marker={"size": 5}, showlegend=False, name="energy"),
            row=1, col=1,
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(x=ticks[part], y=seen.belief[k], mode="lines+markers", showlegend=False,
                       line={"color": GREEN, "width": 2, "dash": "dash"}, marker={"size": 5},
                       name="belief"),
            row=2, col=1,
        )  # fmt: skip
        figure.add_annotation(x=(k + 0.5) * TICKS, y=1.0, yref="paper", yanchor="bottom",
                              text=f"a {digit} is shown", showarrow=False)  # fmt: skip
        if k:
            figure.add_vline(x=k * TICKS - 0.5, line={"color": GREY, "width": 1, "dash": "dot"})
    figure.update_yaxes(title="energy", row=1, col=1)
    figure.update_yaxes(title="belief in<br>that digit", range=[-0.05, 1.08], row=2, col=1)
    figure.update_xaxes(title="tick", row=2, col=1)
    return styled(figure, height=430)


def life_figure(story: Story) -> go.Figure:
    """Return energy and living units over the whole life."""
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.1)
    rows = len(story.lived[OURS][0].correct)
    for row, (x, y), colour, name in (
        (1, story.energy(), BLUE, "energy"),
        (2, story.alive(), GREEN, "units"),
    ):
        figure.add_trace(
            go.Scatter(x=x, y=y, mode="lines", line={"color": colour, "width": 1.6}, name=name,
                       showlegend=False),
            row=row, col=1,
        )  # fmt: skip
    for info in story.infos[1:]:
        look = {"color": GREY, "width": 1, "dash": "solid" if info.returning else "dot"}
        figure.add_vline(x=info.index * rows, line=look, opacity=0.5)
    figure.update_yaxes(title="energy<br>(mean of 100)", row=1, col=1)
    figure.update_yaxes(title="units alive", rangemode="tozero", row=2, col=1)
    figure.update_xaxes(title="digits lived (vertical lines: the world changes)", row=2, col=1)
    return styled(figure, height=430)


def completion_figure(story: Story) -> go.Figure:
    """Return half-hidden digits: the truth, what was seen, and what each made of it."""
    seen = story.clamped
    half = seen.digits.copy()
    half[:, SIDE * SIDE // 2 :] = np.nan
    rows = {"the digit": seen.digits, "what is shown": half, **seen.completed}
    return mosaic(list(rows.values()), list(rows))


def dream_figure(story: Story) -> go.Figure:
    """Return dreams, a column for every digit."""
    dreams = story.clamped.dreams
    rows = [dreams[:, m] for m in range(dreams.shape[1])]
    figure = mosaic(rows, [f"dream {m + 1}" for m in range(len(rows))])
    step = SIDE + EDGE
    figure.update_xaxes(
        visible=True,
        showgrid=False,
        zeroline=False,
        side="top",
        tickvals=[k * step + (SIDE - 1) / 2 for k in range(dreams.shape[0])],
        ticktext=[f"<b>{k}</b>" for k in range(dreams.shape[0])],
    )
    return figure


def mosaic(rows: list[np.ndarray], names: list[str]) -> go.Figure:
    """Return pictures [k, 64] in named rows, as one picture; hidden pixels (NaN) are hatched grey.

    Examples
    --------
    >>> len(mosaic([np.zeros((3, 64))], ["nothing"]).data)
    1
    """
    step, columns = SIDE + EDGE, len(rows[0])
    canvas = np.full((len(rows) * step - EDGE, columns * step - EDGE), np.nan)
    for r, images in enumerate(rows):
        for c, image in enumerate(images):
            canvas[r * step : r * step + SIDE, c * step : c * step + SIDE] = image.reshape(SIDE, -1)
    figure = go.Figure(
        go.Heatmap(z=np.round(canvas, 3), colorscale=PAPER, zmin=0, zmax=1, showscale=False,
                   hoverinfo="skip")
    )  # fmt: skip
    places = [r * step + (SIDE - 1) / 2 for r in range(len(rows))]
    figure.update_yaxes(autorange="reversed", tickvals=places, ticktext=names, showgrid=False,
                        zeroline=False, ticks="")  # fmt: skip
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(scaleanchor="x", constrain="domain")
    styled(figure, height=88 * len(rows) + 60)
    return figure.update_layout(
        plot_bgcolor="#d9dee5", margin={"l": 130, "r": 20, "t": 30, "b": 10}
    )
