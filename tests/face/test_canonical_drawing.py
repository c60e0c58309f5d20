"""The pictures of the canonical page draw what was computed: numbers are read back from the SVG."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sodachi.claims.mechanics_world import exact_law, world
from sodachi.face.canonical_drawing import POWERS, draw_canonical, draw_gap, draw_sources, gaps
from sodachi.face.mechanics_drawing import path_of

SVG = "{http://www.w3.org/2000/svg}"


def marked(drawing, tag, kind):
    return [e for e in ET.fromstring(drawing.svg()).iter(SVG + tag) if e.get("class") == kind]


def corners(element):
    return np.array([p.split(",") for p in element.get("points").split()], float)


@pytest.mark.unit
def test_the_gap_is_drawn_where_it_is():
    dots = marked(draw_gap(), "circle", "gap")
    assert len(dots) == 2 * len(POWERS)
    heights = np.array([float(dot.get("cy")) for dot in dots]).reshape(2, -1)
    drawn = 1 - 6 * (heights - 50) / 270
    np.testing.assert_allclose(drawn.T, np.log10(gaps()), atol=1e-3)


@pytest.mark.unit
def test_beliefs_reach_the_sources_and_the_energy_falls():
    made = draw_sources(100, 6)
    belief, _ = (corners(e) for e in marked(made, "polyline", "belief"))
    assert 1 - (belief[-1, 1] - 50) / 270 > 0.95
    for curve in marked(made, "polyline", "energy"):
        assert corners(curve)[-1, 1] > corners(curve)[0, 1]  # lower on the page


@pytest.mark.unit
def test_the_energy_of_the_path_falls_and_ends_at_what_is_written():
    _, path, energies = path_of(world(100))
    assert np.all(np.diff(energies) <= 1e-12) and path.min() >= 0
    grid = path[-1].reshape(-1, 8).sum(1)
    np.testing.assert_allclose(grid, exact_law(world(100)), atol=5e-3)


@pytest.mark.unit
def test_four_small_files_are_written(tmp_path):
    paths = draw_canonical(tmp_path / "new", 100, sessions=4, flows=200)
    assert [p.name for p in paths] == [
        f"canonical-{name}.svg" for name in ("views", "gap", "sources", "mechanics")
    ]
    for path in paths:
        ET.parse(path)
        assert path.stat().st_size < 100_000
    text = paths[-1].read_text(encoding="utf-8")
    level, end = re.search(r"= ([\d.]+); at the end F is ([\d.]+)", text).groups()
    assert float(level) == pytest.approx(float(end), abs=2e-2)
