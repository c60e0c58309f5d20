"""The network's life, drawn: its backbone darkens, its fringe is light, why some units exist."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from sodachi.face.colours import BLUE, GREY, styled
from sodachi.face.figures import mosaic
from sodachi.face.playing import with_play_button
from sodachi.face.racing import OURS
from sodachi.face.story import Story
from sodachi.face.units import BACKBONE, Units

#: Light for a newborn, dark for what has long been useful; nobody is paper.
SHADES = [[0.0, "#dbe7f3"], [0.35, "#86b3d9"], [0.7, "#0072B2"], [1.0, "#08263d"]]
MOST = 100.0  # utility of the darkest


def growing_figure(story: Story) -> go.Figure:
    """Return the animation: a row for each world that was opened, a place for each unit in it.

    One frame for each world lived; shade is ``log(1 + utility)``.
    """
    seen = [one.units for one in story.lived[OURS] if one.units is not None]
    shades = [_shade(units) for units in seen]
    rows = int(max(np.flatnonzero((u.born >= 0).any(1)).max(initial=0) for u in seen)) + 1
    places = int(max(np.flatnonzero((u.born >= 0).any(0)).max(initial=0) for u in seen)) + 1
    height = 150 + 24 * rows
    frames = [_framed(shade[:, :places], rows) for shade in shades]
    figure = go.Figure(
        go.Heatmap(z=frames[-1], colorscale=SHADES, zmin=0, zmax=100, xgap=1, ygap=2,
                   hovertemplate="context %{y}, unit %{x}<extra></extra>",
                   colorbar={"title": "utility", "tickvals": [0, _of(BACKBONE), 100],
                             "ticktext": ["0: fringe", f"{BACKBONE:g}: backbone", f"{MOST:g}"]})
    )  # fmt: skip
    names = [str(index + 1) for index in range(len(frames))]
    figure.frames = [
        go.Frame(data=[{"type": "heatmap", "z": z}], name=name)
        for name, z in zip(names, frames, strict=True)
    ]
    figure.update_xaxes(title="place of a unit, filled from the left", showgrid=False)
    figure.update_yaxes(title="context, in order of opening", autorange="reversed", dtick=5,
                        showgrid=False)  # fmt: skip
    styled(figure, height=height + 120).update_layout(margin={"t": 20, "b": 130})
    below = -70 / height  # the axis stands above the button
    return with_play_button(
        figure, names, 500, "after world ", len(names) - 1, redraw=True, below=below
    )


def examples_figure(story: Story) -> go.Figure:
    """Return the digits of which some units were born, in the order of `utility_figure`."""
    return mosaic([np.stack([unit.example for unit in story.units])], ["born of"])


def utility_figure(story: Story) -> go.Figure:
    """Return the utility of the same units over the life, a line each."""
    figure = go.Figure()
    worlds = np.arange(1, len(story.infos) + 1)
    for number, unit in enumerate(story.units, start=1):
        figure.add_trace(
            go.Scatter(x=worlds, y=unit.utility, mode="lines+markers", line={"width": 1.6},
                       marker={"size": 4}, name=f"unit {number} ({unit.digit})")
        )  # fmt: skip
    figure.add_hline(y=BACKBONE, line={"color": GREY, "dash": "dash", "width": 1},
                     annotation_text="backbone", annotation_font_color=BLUE)  # fmt: skip
    figure.update_xaxes(title="world", range=[0.5, len(worlds) + 0.5])
    figure.update_yaxes(title="utility", rangemode="tozero")
    return styled(figure, height=340)


def _shade(units: Units) -> np.ndarray:
    """Return shades 0 to 100, NaN where nobody is."""
    shade = np.round(100 * np.log1p(np.clip(units.utility, 0.0, MOST)) / np.log1p(MOST))
    return np.where(units.born >= 0, shade, np.nan)


def _of(utility: float) -> float:
    return float(100 * np.log1p(utility) / np.log1p(MOST))


def _framed(shade: np.ndarray, rows: int) -> list[list[int | None]]:
    """Return the rows that are drawn as small integers, None where nobody is."""
    shade = np.pad(shade, ((0, max(0, rows - len(shade))), (0, 0)), constant_values=np.nan)[:rows]
    return [[None if np.isnan(v) else int(v) for v in row] for row in shade.tolist()]
