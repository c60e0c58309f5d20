"""One look for every figure: a palette that colour-blind readers can tell apart, and margins.

The colours are Okabe and Ito's (2008); lines differ by dash and marker too.
"""

from __future__ import annotations

import plotly.graph_objects as go

BLUE, ORANGE, GREEN, RED, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#AA4499"
GREY, INK = "#6b7280", "#1f2933"

#: Colour, dash and marker of every learner, in the order of legends.
LOOKS = {
    "sodachi": (BLUE, "solid", "circle"),
    "buffer of 270": (GREEN, "dash", "square"),
    "buffer of 4,500": (PURPLE, "dot", "diamond"),
    "tuned twin": (RED, "dashdot", "triangle-up"),
    "plain Adam": (ORANGE, "longdash", "x"),
}


def styled(figure: go.Figure, height: int, legend_y: float = -0.2) -> go.Figure:
    """Give a figure the report's fonts, margins, and a legend below that hides nothing.

    Examples
    --------
    >>> styled(go.Figure(), height=300).layout.height
    300
    """
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 60, "r": 25, "t": 40, "b": 40},
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        legend={"orientation": "h", "y": legend_y, "x": 0, "yanchor": "top"},
        hoverlabel={"font": {"size": 12}},
    )
    return figure
