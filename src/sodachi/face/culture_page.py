"""One self-contained page on a culture: six steps, a forecast, and where it loses."""

from __future__ import annotations

import html
from typing import NamedTuple

import numpy as np
from plotly.offline import get_plotlyjs

import sodachi
from sodachi.face import culture_figures as figures
from sodachi.face.report import POLICY, STYLE, embedded
from sodachi.recordings.forecasting import nulls
from sodachi.recordings.intervals import Estimates, estimates
from sodachi.recordings.reverse import Reversal
from sodachi.recordings.simulate import Truth

#: What the forecasts are, for a newcomer.
WHO = {
    "forecast": "the canonical network, fitted on the first sessions, then left to itself",
    "frozen": "the same network, its synapses kept as they were after those sessions",
    "constant": "the mean of those sessions",
    "ridge": "a linear regression on the stimuli, fitted on those sessions: no theory",
    "same trial": "the mean of what was answered to this very trial in those sessions",
}


class Story(NamedTuple):
    """What a page tells: a reversal, what was estimated, and the truth where there is one."""

    found: Reversal
    said: Estimates
    truth: Truth | None


def tell(found: Reversal, truth: Truth | None = None) -> Story:
    """Return the story of a reversal."""
    return Story(found, estimates(found.whole), truth)


def page(story: Story) -> str:
    """Return the page as one HTML document that asks the network for nothing."""
    found = story.found
    name = html.escape(found.activity.recording.name)
    body = "".join(
        f"<h2>{title}</h2>{text}"
        for title, text in (
            ("1. Activity: what was recorded", _activity(story)),
            ("2 and 3. Circuit and cost: free energy falling", _energy(story)),
            ("4. Generative model: what the culture believes", _beliefs(story)),
            ("5. Learning rule: do synapses follow the gradient?", _plasticity(story)),
            ("6. Predicted learning: the forecast and its nulls", _forecast(story)),
            ("Where it loses", _losses(story)),
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>sodachi: {name}</title><style>{STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>"
        f"<h1>sodachi: {name}, read backwards</h1>"
        '<p class="lead">A network of neurons that settles and learns can be read as one that '
        "infers hidden causes and lowers its free energy. Here a recording is read so, from "
        "activity back to beliefs, and its later learning is forecast from its first "
        f"{found.forecast.sessions} sessions.</p><p>sodachi {sodachi.__version__}.</p>"
        f"{body}</body></html>"
    )


def _activity(story: Story) -> str:
    done = story.found.activity
    sessions, length, units = done.recording.shape
    ensembles = "; ".join(
        f"cell {k + 1}: {len(chosen)} units" for k, chosen in enumerate(done.ensembles.units)
    )
    left = "; ".join(f"{why}: {count}" for why, count in done.ensembles.left_out.items() if count)
    aside = "".join(f"<li>{html.escape(note)}</li>" for note in done.recording.notes)
    scale = {
        "causal": "scaled by what was seen until then",
        "look-ahead": "scaled by the whole recording, as published: forecasts have seen ahead",
        "none": "mean responses as they are",
    }[done.normalisation]
    origin = "inferred from the stimuli" if done.inferred else "known to the experimenter"
    return (
        f"<p>{sessions} sessions of {length} trials, {done.stimuli.shape[1]} inputs, {units} units "
        f"that can be used. Each unit that prefers one of the {len(done.values)} hidden sources "
        f"({origin}) joins that source's ensemble, which stands for one cell. {ensembles}. "
        f"Activity is {scale}.</p>"
        + (f"<p>Units in no ensemble: {html.escape(left)}.</p>" if left else "")
        + (f'<div class="box"><p>Set aside or noted:</p><ul>{aside}</ul></div>' if aside else "")
    )


def _energy(story: Story) -> str:
    F = story.found.free_energy
    gap = float(np.abs(F - story.found.cost.value).max())
    way = "fell" if F[-1] < F[0] else "rose"
    return (
        "<p>Cells with synapses that count and thresholds that are priors have a cost whose slopes "
        "are their own motion. It is the variational free energy of a world of hidden binary "
        f"sources: computed both ways, the two differ by at most {gap:.0e} nats here. It {way} "
        f"from {F[0]:,.0f} to {F[-1]:,.0f} nats a session.</p>"
        + embedded(figures.energy_figure(story.found))
    )


def _beliefs(story: Story) -> str:
    found, said = story.found, story.said
    rows = "".join(
        "<tr>" + f"<td>cell {k + 1}</td>" + "".join(
            f"<td>{_interval(e, k)}{_true(t, k)}</td>"
            for e, t in (
                (said.prior_count, story.truth and story.truth.prior_count),
                (said.prior, story.truth and story.truth.prior),
                (said.base, None),
                (said.gain, None),
            )
        ) + "</tr>"
        for k in range(len(found.beliefs))
    )  # fmt: skip
    against = (
        "against the truth of the simulator"
        if story.truth
        else "against how often each input is on with its source on and off"
    )
    last = found.activity.sessions - 1
    return (
        "<p>Fitted on all sessions, with 95 % intervals: the prior count (how many trials a "
        "newborn synapse seems to have seen: the larger, the slower it learns), the prior (how "
        "likely a source is before anything is seen), and the scale on which the cell answers.</p>"
        "<table><thead><tr><th></th><th>prior count</th><th>prior D</th><th>base</th><th>gain</th>"
        f"</tr></thead><tbody>{rows}</tbody></table>"
        "<p>Below, beliefs (line) and hidden sources (bars) in the first and in the last session; "
        "the culture was never told the sources.</p>"
        + embedded(figures.belief_figure(found, 0, "session 1"))
        + embedded(figures.belief_figure(found, last, f"session {last + 1}"))
        + f"<p>What it believes of each input at the end (A), {against}.</p>"
        + embedded(figures.likelihood_figure(said, ideal(found), story.truth))
    )


def ideal(found: Reversal) -> np.ndarray:
    """Return how often each input was on with each source on and off (cells, inputs, 2)."""
    s, o = found.activity.sources, found.activity.stimuli
    on = s.T @ o / np.maximum(s.sum(0), 1)[:, None]
    off = (1 - s).T @ o / np.maximum((1 - s).sum(0), 1)[:, None]
    return np.stack([on, off], -1)


def _plasticity(story: Story) -> str:
    changes = story.found.plasticity
    if changes is None:
        return "<p>Too few sessions to compare changes of synapses.</p>"
    null = changes.permuted()["synapses"]
    ours = changes.agreement()
    share = float((null >= ours).mean())
    best = max(changes.predicted, key=changes.agreement)
    verdict = (
        f"The free-energy gradient agrees by {ours:.3f}; the gradient of other synapses of the "
        f"same cell does as well in {share:.1%} of {len(null):,} permutations. The best rule here "
        f"is <b>{html.escape(best)}</b>."
    )
    return (
        "<p>Effective synapses are measured by regression on half of the trials, and their changes "
        "compared with what each rule predicts from the other half. Most of a measured change is "
        f"noise, so agreement is far below 1 even where a rule is exact.</p><p>{verdict}</p>"
        + embedded(figures.plasticity_figure(story.found, null))
    )


def _forecast(story: Story) -> str:
    found = story.found
    early = found.forecast.sessions
    others = {"forecast": found.forecast.responses, "frozen": found.forecast.frozen}
    others |= nulls(found.activity, early)
    rows = "".join(
        f"<tr{' class=ours' if name == 'forecast' else ''}><td>{name}</td><td>{error:.4f}</td>"
        f"<td>{html.escape(WHO[name])}</td></tr>"
        for name, error in sorted(found.errors.items(), key=lambda item: item[1])
    )
    warning = "".join(
        f"<li>cell {k + 1}: {', '.join(names)}</li>" for k, names in found.vague.items()
    )
    return (
        f"<p>Everything after session {early} is predicted without seeing it: the network believes "
        "what its own synapses say and counts what it itself believes.</p>"
        + (
            '<div class="box loss"><p>Not identified by the first sessions, so the forecast is '
            f"partly a guess:</p><ul>{warning}</ul></div>"
            if warning
            else ""
        )
        + embedded(figures.state_figure(found))
        + embedded(figures.forecast_figure(found, others))
        + "<table><thead><tr><th></th><th>squared error, last sessions</th><th>what it is</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
    )


def losses(found: Reversal) -> list[str]:
    """Return each null that forecasts better, in words."""
    ours = found.errors["forecast"]
    return [
        f"{name} errs less: {error:.4f} against {ours:.4f} ({WHO[name]})"
        for name, error in found.errors.items()
        if name != "forecast" and error < ours
    ]


def _losses(story: Story) -> str:
    items = losses(story.found) or ["nowhere among these nulls"]
    said = "".join(f"<li>{html.escape(words)}</li>" for words in items)
    return (
        f'<div class="box loss"><ul>{said}</ul></div><p>One recording proves little; '
        "<code>sodachi claims</code> lists what was measured with several.</p>"
    )


def brief(value: float) -> str:
    """Return a number with three digits that say something, or whole from a hundred on.

    Examples
    --------
    >>> brief(0.12345), brief(5301.9)
    ('0.123', '5,302')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _interval(estimate, k: int) -> str:
    value, low, high = (brief(float(ends[k])) for ends in estimate)
    return f"{value} ({low} to {high})"


def _true(truth, k: int) -> str:
    return "" if truth is None else f", true {brief(float(truth[k]))}"
