"""The pictures of membranes and machines draw what was computed: places are read back from SVG."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sodachi.claims.machine_runs import simulated, task
from sodachi.claims.membrane_to_canon import rates
from sodachi.claims.stdp_window import BI_POO, closed_form, counts_for
from sodachi.face.machine_drawing import draw_learning, draw_run, shares
from sodachi.face.membrane_drawing import draw_averaging, draw_ladder, draw_window
from sodachi.models.turing_programs import BUSY_BEAVER_4

SVG = "{http://www.w3.org/2000/svg}"


def marked(drawing, tag, kind):
    return [e for e in ET.fromstring(drawing.svg()).iter(SVG + tag) if e.get("class") == kind]


def test_rates_are_drawn_where_they_are():
    drawing = draw_ladder(3)
    dots = marked(drawing, "circle", "rate")
    assert len(dots) == 9 and len(marked(drawing, "polyline", "voltage")) == 3
    found = rates("four variables", np.linspace(0, 100, 3))
    heights = [float(dot.get("cy")) for dot in dots[:3]]
    assert heights == pytest.approx(432 - 160 * found / 300, abs=0.01)


def test_the_window_is_drawn_as_it_was_lived():
    drawing = draw_window("quick")
    lived = marked(drawing, "circle", "lived")
    lags = np.array([200 * (float(e.get("cx")) - 70) / 480 - 100 for e in lived])
    drawn = np.array([0.8 - 1.2 * (float(e.get("cy")) - 40) / 290 for e in lived])
    derived = closed_form(counts_for(BI_POO), lags, BI_POO.tau_plus_ms, BI_POO.tau_minus_ms)
    assert drawn == pytest.approx(derived, abs=2e-3)
    silent = marked(drawing, "circle", "never")
    heights = [float(e.get("cy")) for e in silent if float(e.get("cx")) < 310]
    assert heights == pytest.approx(8 * [40 + 290 * 0.8 / 1.2], abs=0.01)


@pytest.mark.slow
def test_both_populations_are_drawn_with_their_fits():
    drawing = draw_averaging(100, "quick")
    assert len(marked(drawing, "polyline", "fit")) == 6
    assert len(marked(drawing, "polyline", "course")) == 8
    assert len(marked(drawing, "circle", "point")) == 62
    assert len(marked(drawing, "text", "residual")) == 2


def test_the_head_goes_where_the_machine_goes():
    drawing = draw_run()
    truth = simulated(BUSY_BEAVER_4, [], 0, 200, 0)
    places = np.array([float(e.get("cx")) for e in marked(drawing, "circle", "head")])
    assert len(places) == 108
    heads = np.array(truth.heads)
    square = np.ptp(places) / np.ptp(heads)
    assert (places - places[0]) / square == pytest.approx(heads - heads[0], abs=1e-3)
    said = [e.text for e in marked(drawing, "text", "said")]
    assert said[0] == "107 steps, 13 ones, then it halts"
    assert said[1] is not None and said[1].endswith("at every step")


def test_what_was_learned_is_what_was_shown():
    wanted = task(0, 0, asked=5)
    ours, known = shares(wanted, (1, 20))
    assert ours == known and ours[1] == 1.0
    drawing = draw_learning(0, (1, 20), 5)
    assert len(marked(drawing, "circle", "ours")) == 2
    assert len(marked(drawing, "rect", "entry")) > 20
