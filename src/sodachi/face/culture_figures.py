"""Figures of a culture read as a canonical network."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from sodachi.face.colours import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, styled
from sodachi.recordings.forecasting import squared_error
from sodachi.recordings.intervals import Estimates
from sodachi.recordings.reverse import Reversal
from sodachi.recordings.simulate import Truth

#: Colour, dash and marker of each forecast; lines differ by all three.
LOOKS = {
    "forecast": (BLUE, "solid", "circle"),
    "frozen": (GREEN, "dash", "square"),
    "constant": (GREY, "dot", "x"),
    "ridge": (RED, "dashdot", "triangle-up"),
    "same trial": (PURPLE, "longdash", "diamond"),
}
CELLS = (BLUE, RED, GREEN, ORANGE, PURPLE)
TRIALS = 60  # of one session that are shown


def energy_figure(found: Reversal) -> go.Figure:
    """Return the free energy of every session; the fitted sessions are shaded."""
    sessions = np.arange(1, len(found.free_energy) + 1)
    figure = go.Figure(
        go.Scatter(x=sessions, y=found.free_energy, mode="lines+markers", name="free energy",
                   line={"color": BLUE, "width": 2}, marker={"size": 4})
    )  # fmt: skip
    _shade(figure, found.forecast.sessions)
    figure.update_xaxes(title="session")
    figure.update_yaxes(title="free energy (nats a session)")
    figure.update_layout(showlegend=False)
    return styled(figure, height=340)


def belief_figure(found: Reversal, session: int, title: str) -> go.Figure:
    """Return what each cell believed in the trials of one session, and which source was on."""
    length, cells = found.activity.length, len(found.beliefs)
    part = slice(session * length, session * length + min(TRIALS, length))
    trials = np.arange(1, part.stop - part.start + 1)
    figure = make_subplots(rows=cells, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for k in range(cells):
        truth = found.activity.sources[part, k]
        figure.add_trace(
            go.Bar(x=trials, y=truth, width=1.0, marker={"color": "#d9dee5", "line": {"width": 0}},
                   name="source is on", showlegend=k == 0, hoverinfo="skip"),
            row=k + 1, col=1,
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(x=trials, y=np.round(found.beliefs[k, part], 3), mode="lines+markers",
                       line={"color": BLUE, "width": 1.5}, marker={"size": 4}, name="belief",
                       showlegend=k == 0),
            row=k + 1, col=1,
        )  # fmt: skip
        figure.update_yaxes(title=f"cell {k + 1}", range=[-0.05, 1.08], tickvals=[0, 1],
                            row=k + 1, col=1)  # fmt: skip
    figure.update_xaxes(title=f"trial of {title}", row=cells, col=1)
    styled(figure, height=90 + 105 * cells)
    return figure.update_layout(bargap=0, legend={"y": 1.0, "yanchor": "bottom"})


def likelihood_figure(found: Estimates, model: np.ndarray, truth: Truth | None) -> go.Figure:
    """Return A as estimated, with intervals, against the true A, or against what sources do.

    ``model`` (cells, inputs, 2) is how often each input was on with each source on and off: what
    an ideal learner would believe. It takes the place of the truth in a living culture.
    """
    ideal = truth is None
    figure = go.Figure()
    for state, (estimate, symbol, colour) in enumerate(
        ((found.A1, "circle", BLUE), (found.A0, "square", RED))
    ):
        true = model[..., state] if ideal else truth.memory.at(-1).likelihood[state]
        figure.add_trace(
            go.Scatter(
                x=np.round(true, 4).ravel(), y=np.round(estimate.value, 4).ravel(), mode="markers",
                name=f"source {'on' if state == 0 else 'off'}",
                marker={"symbol": symbol, "color": colour, "size": 7, "opacity": 0.6},
                error_y={"array": np.round(estimate.high - estimate.value, 4).ravel(),
                         "thickness": 1, "width": 0},
            )
        )  # fmt: skip
    figure.add_trace(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", showlegend=False,
                                line={"color": GREY, "dash": "dot"}, hoverinfo="skip"))  # fmt: skip
    name = "what an ideal learner would believe" if ideal else "true A"
    figure.update_xaxes(title=name, range=[-0.03, 1.03])
    figure.update_yaxes(title="estimated A", range=[-0.03, 1.03])
    return styled(figure, height=430)


def forecast_figure(found: Reversal, others: dict[str, np.ndarray]) -> go.Figure:
    """Return the squared error of each session for the forecast and its nulls."""
    sessions = found.activity.sessions
    begin = found.forecast.sessions
    figure = go.Figure()
    for name, predicted in others.items():
        colour, dash, symbol = LOOKS[name]
        error = squared_error(found.activity, predicted, begin, sessions).mean(0)
        figure.add_trace(
            go.Scatter(x=np.arange(begin + 1, sessions + 1), y=np.round(error, 6), name=name,
                       mode="lines+markers", marker={"symbol": symbol, "size": 5},
                       line={"color": colour, "dash": dash,
                             "width": 3 if name == "forecast" else 1.6})
        )  # fmt: skip
    figure.update_xaxes(title="session, none of them seen")
    figure.update_yaxes(title="mean squared error", rangemode="tozero")
    return styled(figure, height=400)


def state_figure(found: Reversal) -> go.Figure:
    """Return mean activity by session, recorded and forecast, with its source on and off."""
    done, length = found.activity, found.activity.length
    sessions = np.arange(1, done.sessions + 1)
    cells = len(done.values)
    figure = make_subplots(rows=1, cols=cells, shared_yaxes=True,
                           subplot_titles=[f"cell {k + 1}" for k in range(cells)])  # fmt: skip
    for k in range(cells):
        for on, colour in ((1, BLUE), (0, RED)):
            chosen = (done.sources[:, k] == on).reshape(-1, length)
            for name, values, dash in (
                ("recorded", done.values[k], "solid"),
                ("forecast", found.forecast.responses[k], "dash"),
            ):
                mean = (values.reshape(-1, length) * chosen).sum(1) / np.maximum(chosen.sum(1), 1)
                figure.add_trace(
                    go.Scatter(x=sessions, y=np.round(mean, 4), mode="lines",
                               line={"color": colour, "dash": dash, "width": 2},
                               name=f"{name}, source {'on' if on else 'off'}", showlegend=k == 0),
                    row=1, col=k + 1,
                )  # fmt: skip
        figure.add_shape(type="line", x0=found.forecast.sessions + 0.5, y0=0, y1=1,
                         x1=found.forecast.sessions + 0.5, yref="y domain",
                         line={"color": GREY, "dash": "dot"}, row=1, col=k + 1)  # fmt: skip
        figure.update_xaxes(title="session", row=1, col=k + 1)
    figure.update_yaxes(title="mean activity", col=1)
    return styled(figure, height=400, legend_y=-0.25)


def plasticity_figure(found: Reversal, permuted: np.ndarray) -> go.Figure:
    """Return how well each rule predicts changes of synapses, beside the gradient of others."""
    assert found.plasticity is not None
    agreements = {rule: found.plasticity.agreement(rule) for rule in found.plasticity.predicted}
    low, middle, high = np.quantile(permuted, [0.025, 0.5, 0.975])
    names = [*agreements, "gradient of other synapses"]
    figure = go.Figure(
        go.Bar(x=names, y=np.round([*agreements.values(), middle], 4),
               marker={"color": [BLUE, *[GREY] * (len(agreements) - 1), ORANGE]},
               error_y={"array": [*[0] * len(agreements), high - middle],
                        "arrayminus": [*[0] * len(agreements), middle - low]})
    )  # fmt: skip
    figure.update_yaxes(title="agreement (cosine)")
    figure.update_layout(showlegend=False)
    return styled(figure, height=340)


def _shade(figure: go.Figure, sessions: int) -> None:
    figure.add_vrect(x0=0.5, x1=sessions + 0.5, fillcolor=GREY, opacity=0.14, line_width=0,
                     layer="below", annotation_text="fitted",
                     annotation_position="top left")  # fmt: skip
