"""One self-contained report: every figure with a few words for a newcomer, and where ours loses.

The page asks the network for nothing: the drawing code stands in it, and its content policy
forbids every request.
"""

from __future__ import annotations

import html
import os
from pathlib import Path

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

import sodachi
from sodachi.face import figures
from sodachi.face.animation import animate
from sodachi.face.clamping import TICKS
from sodachi.face.growing_figures import examples_figure, growing_figure, utility_figure
from sodachi.face.racing import BUFFER, OURS
from sodachi.face.story import EDGE, HEAD, Story, ledger_losses, losses

#: Scripts and styles of the page itself, pictures made on it, and nothing from anywhere else.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
STYLE = """
body{font:16px/1.55 system-ui,sans-serif;color:#1f2933;background:#fff;max-width:980px;
margin:0 auto;padding:24px}
h1{font-size:1.9em;margin-bottom:.1em}h2{margin-top:2.2em;border-bottom:1px solid #d9dee5}
table{border-collapse:collapse;font-size:.92em;width:100%}
td,th{padding:5px 9px;border-bottom:1px solid #e5e8ec;text-align:right;vertical-align:bottom}
td:first-child,th:first-child{text-align:left}tr.ours{font-weight:700}
.lead{font-size:1.1em}.box{background:#f3f6f9;border-left:4px solid #0072B2;padding:10px 16px}
.loss{border-left-color:#D55E00}code{background:#f3f6f9;padding:1px 4px}
"""


def write_report(story: Story, path: Path) -> Path:
    """Write the report, whole or not at all; return its path."""
    return write_page(page(story), path)


def write_page(text: str, path: Path) -> Path:
    """Write a page, whole or not at all; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)
    return path


def page(story: Story) -> str:
    """Return the report as one HTML document."""
    sections = "".join(
        f"<h2>{title}</h2>{body}"
        for title, body in (
            ("How often it was right", _accuracy(story)),
            ("Posts, springs and platforms: how it thinks", _springs(story)),
            ("Energy falling: from one digit to the next", _settling(story)),
            ("A life: energy and growth", _life(story)),
            ("Backbone and fringe: why does this unit exist?", _units(story)),
            ("kill -9 in the middle", _survival(story)),
            ("The other half of a digit", _completion(story)),
            ("Dreams", _dreams(story)),
            ("Where ours loses", _losses(story)),
        )
    )
    new, back = _counts(story)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>sodachi: one life</title><style>{STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>"
        "<h1>sodachi: one life</h1>"
        '<p class="lead">A network was born without a single unit and read '
        f"{_lived(story):,} handwritten digits, one at a time, learning all the while. It was "
        "never told when the world changed: every so often all 64 pixels of its eye were wired to "
        f"other places ({new} new worlds), and sometimes an old wiring came back ({back} times)."
        f"</p><p>Seed {story.seed}; sodachi {sodachi.__version__}. Every answer was read "
        "<em>before</em> its label was shown.</p>"
        f"{sections}</body></html>"
    )


def embedded(figure: go.Figure) -> str:
    """Return a figure as a part of a page, drawing code not included."""
    return figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        include_mathjax=False,
        auto_play=False,
        config={"displayModeBar": False, "responsive": True},
    )


def _accuracy(story: Story) -> str:
    return (
        "<p>Each point is the share of right answers in one world. After each rewiring, all that "
        "was learned about pixels is useless until learned anew; a shaded world is one that came "
        "back. The <b>tuned twin</b> is a network with nearly as many weights as ours has "
        "for one world, and learns by backpropagation, with settings tuned on this kind of "
        "stream; <b>plain Adam</b> is the usual recipe, untuned; the <b>buffers</b> learn "
        "nothing and look up the most similar of the last images they keep.</p>"
        + embedded(figures.accuracy_figure(story))
        + _table(story)
        + f"<p>First and last: means over the first and last {EDGE} new worlds (in a short life "
        f"the two overlap). Returning worlds: at their first visit → when they came back; then the "
        f"same for their first {HEAD} digits alone. Numbers kept: all that outlasts a digit, "
        "initial weights and the optimiser's memory included. A world that returns shows the same "
        "digits again, which helps every learner that remembers.</p>"
    )


def _table(story: Story) -> str:
    head = ("", "first worlds", "last worlds", "returning worlds", f"their first {HEAD}",
            "numbers kept")  # fmt: skip
    rows = []
    for name, f in story.figures().items():
        cells = [
            name,
            _share(f["new_first"]),
            _share(f["new_last"]),
            f"{_share(f['return_whole_first_visit'])} → {_share(f['return_whole'])}",
            f"{_share(f['return_200_first_visit'])} → {_share(f['return_200'])}",
            f"{story.floats[name]:,}",
        ]
        kind = ' class="ours"' if name == OURS else ""
        rows.append(f"<tr{kind}>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + "</tr>")
    titles = "".join(f"<th>{t}</th>" for t in head)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _springs(story: Story) -> str:
    energy = story.springs.energy
    return (
        "<p>A small relative of the network (4 pixels, 3 hidden neurons, 2 label cells) drawn as a "
        "machine. Every neuron is a <b>bead</b> on a vertical <b>post</b>; its height is the "
        "neuron's activity. The layer above carries a <b>platform</b> to where it expects the "
        "bead, and a <b>spring</b> joins the two: a stretched spring is a wrong prediction. Pixel "
        "beads are <b>pinned</b> where the world puts them. Press play: at tick 1 the pattern "
        "changes, the springs jerk, and then every free bead slides wherever its own springs pull "
        "it. Nobody computes the answer; the label cells on top change places because that is "
        f"where the machine is least tense. The tension fell from {energy[1]:.2f} to "
        f"{energy[-1]:.4f} and is the network's energy.</p>" + embedded(animate(story.springs))
    )


def _settling(story: Story) -> str:
    return (
        "<p>The network that lived this life, shown some digits in a row. Nothing is reset in "
        f"between: each digit meets the activity that the last one left. In {TICKS} ticks the "
        "energy falls to the least that this picture allows, and belief moves to the digit. The "
        "answer can be read at every tick.</p>" + embedded(figures.settling_figure(story))
    )


def _life(story: Story) -> str:
    _, alive = story.alive()
    return (
        "<p>Above: the energy, read after each label; it jumps when the pixels are rewired and "
        "falls as the new world is learned. Below: the units alive. A unit is born from the very "
        "digit that went wrong, when the network is <em>hungry</em> (surprised by a label). Each "
        "world it opens has places of its own, and once they are taken the least useful unit makes "
        f"room; {int(alive.max()):,} units were alive at the end. In a world that returns the old "
        "ones are found again, so hardly any is born.</p>" + embedded(figures.life_figure(story))
    )


def _units(story: Story) -> str:
    head = ("unit", "born of digit", "in world", "master", "shadow weight", "utility at last",
            "backbone after world")  # fmt: skip
    rows = []
    for number, unit in enumerate(story.units, start=1):
        promoted = "never" if unit.promoted is None else f"{unit.promoted + 1}"
        cells = (f"{number}", f"no. {unit.born + 1:,}", f"{unit.world + 1}",
                 f"the answer {unit.digit}", "+1", f"{unit.utility[-1]:.0f}", promoted)  # fmt: skip
        rows.append("<tr>" + "".join(f"<td>{c}</td>" for c in cells) + "</tr>")
    titles = "".join(f"<th>{t}</th>" for t in head)
    return (
        "<p>Every place is a unit, every row a world that the network opened for itself. Press "
        "play: a newborn is light; it darkens as it goes on being right more often than wrong "
        "(its <b>utility</b>), and it keeps its place. Light ones are the <b>fringe</b>: they are "
        "the first to make room. A row that is not lived in does not fade.</p>"
        + embedded(growing_figure(story))
        + "<p>Each unit has a reason. It was imprinted on one digit, because an answer, its "
        "<b>master</b>, was hungry: it should have been higher (shadow weight +1). These are the "
        "most useful units at the end, one for each digit first; below, the digit each was born "
        "of, as it looked before the pixels were rewired, and its utility at the end of each world "
        "(which moves only while its own world is there).</p>"
        + f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        + embedded(examples_figure(story))
        + embedded(utility_figure(story))
    )


def _survival(story: Story) -> str:
    return (
        f'<p class="box">A second life, in a process of its own, was {story.survival.words}.</p>'
        "<p>The checkpoint holds everything that the rest of a life depends on: weights, activity, "
        "random keys, the place in the stream. So a power cut costs some seconds of work and not "
        "one bit of what comes after.</p>"
    )


def _completion(story: Story) -> str:
    errors = "; ".join(f"{name} {e:.3f}" for name, e in story.clamped.errors.items())
    best = min(story.clamped.errors, key=lambda name: story.clamped.errors[name])
    return (
        "<p>The same weights, other clamps: only the upper half of a digit is shown and the "
        "network settles to the rest. It was never trained to do this. These digits were held out "
        "of the whole life.</p>"
        + embedded(figures.completion_figure(story))
        + f"<p>Error per hidden pixel (root mean square, {story.clamped.unseen} unseen digits, "
        f"pixels from 0 to 1; 0 is perfect): {errors}. Best here: <b>{best}</b>. The backprop "
        "twins cannot be asked this at all.</p>"
    )


def _dreams(story: Story) -> str:
    return (
        "<p>Now the label is clamped and no pixel is shown. A random current makes other units "
        "win in each dream. At this stage a dream is close to what one or two units remember, the "
        "running mean of the digits that each has won, not an invention; a picture like noise is "
        "one remembered from an earlier wiring of the eye. Shown the finished "
        f"picture, the network itself reads the intended digit in {story.clamped.dream_right:.0%} "
        "of them.</p>" + embedded(figures.dream_figure(story))
    )


def _losses(story: Story) -> str:
    here = losses(story) or ["in this run, nowhere that was measured"]
    items = "".join(f"<li>{html.escape(words)}</li>" for words in here)
    kept = ledger_losses()
    more = "".join(f"<li>{html.escape(words)}</li>" for words in kept)
    permuted = "; ".join(f"{n} {_share(a)}" for n, a in story.permuted_labels.items())
    return (
        f'<div class="box loss"><p>Measured in this run:</p><ul>{items}</ul>'
        + (f"<p>In the committed claim results:</p><ul>{more}</ul>" if kept else "")
        + f"</div><p>With labels permuted instead of pixels: {permuted}. A {BUFFER.split()[0]} "
        "that may keep many more images is hard to beat here: digits are few and alike, and it "
        "keeps them all. One run with one seed proves little; <code>sodachi claims</code> lists "
        "what was measured with many.</p>"
    )


def _counts(story: Story) -> tuple[int, int]:
    back = sum(info.returning for info in story.infos)
    return len(story.infos) - back, back


def _lived(story: Story) -> int:
    return sum(len(one.correct) for one in story.lived[OURS])


def _share(value: float | None) -> str:
    """Return a share as a percentage.

    Examples
    --------
    >>> _share(0.9571), _share(None)
    ('95.7%', '--')
    """
    return "--" if value is None else f"{value:.1%}"
