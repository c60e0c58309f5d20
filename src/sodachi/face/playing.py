"""A play button, a pause button and a slider below a figure that has frames."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go


def with_play_button(
    figure: go.Figure,
    names: Sequence[str],
    milliseconds: int,
    prefix: str,
    active: int = 0,
    redraw: bool = False,
    below: float = -0.02,
) -> go.Figure:
    """Return the figure with its controls: frames ``names``, each shown for some milliseconds.

    ``redraw`` is needed where a frame changes more than points and lines; ``below`` is how far
    under the figure they stand, as a part of its height.

    Examples
    --------
    >>> figure = with_play_button(go.Figure(), ["0", "1"], 250, "tick ")
    >>> [button.label for button in figure.layout.updatemenus[0].buttons]
    ['▶ Play', '❚❚ Pause']
    """
    still = {"duration": 0, "redraw": redraw}
    play = {"frame": {"duration": milliseconds, "redraw": redraw}, "fromcurrent": True,
            "transition": {"duration": 0}}  # fmt: skip
    now = {"mode": "immediate", "frame": still, "transition": {"duration": 0}}
    buttons = [
        {"label": "▶ Play", "method": "animate", "args": [None, play]},
        {"label": "❚❚ Pause", "method": "animate", "args": [[None], now]},
    ]
    steps = [{"label": name, "method": "animate", "args": [[name], now]} for name in names]
    return figure.update_layout(
        updatemenus=[{"type": "buttons", "direction": "left", "buttons": buttons, "x": 0.0,
                      "y": below - 0.02, "xanchor": "left", "yanchor": "top"}],
        sliders=[{"active": active, "steps": steps, "x": 0.27, "len": 0.73, "y": below,
                  "yanchor": "top", "currentvalue": {"prefix": prefix}, "pad": {"t": 10}}],
    )  # fmt: skip
