"""The pictures of dreams draw what the machine did: clamps held, places read back from the SVG."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sodachi.face.dream_drawing import HALF, LOOKS, draw_dreaming, draw_looks, dreamer, sweeps

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def taught():
    d = dreamer(0, passes=3)
    return d._replace(X=d.X[:30], y=d.y[:30])


@pytest.mark.unit
def test_what_is_held_stays_and_what_is_free_moves(taught):
    known = np.arange(64) < HALF
    pixels, label = sweeps(taught, 0, 5, known, input=np.where(known, taught.X, 0.0))
    assert pixels.shape == (5, 30, 64) and label.shape == (5, 30, 10)
    assert np.array_equal(pixels[:, :, known], np.broadcast_to(taught.X[:, known], (5, 30, HALF)))
    assert pixels[:, :, ~known].std(0).max() > 0.01
    assert np.allclose(label.sum(-1), 1.0, atol=1e-5)
    told, _ = sweeps(taught, 0, 5, label=np.eye(10))
    free, _ = sweeps(taught, 0, 5)
    assert not np.allclose(told[-1], free[-1])


@pytest.mark.unit
def test_the_curve_of_a_belief_ends_where_the_machine_ended(taught):
    known = np.arange(64) < HALF
    _, label = sweeps(taught, 0, LOOKS, known, input=np.where(known, taught.X, 0.0))
    mean = label.mean(0)
    root = ET.fromstring(draw_looks(taught, 0).svg())
    lines = [e.get("points").split() for e in root.iter(SVG + "polyline")]
    curves = [points for points in lines if len(points) == LOOKS]
    assert len(curves) == 2
    ends = [(200 - float(points[-1].split(",")[1])) / 160 for points in curves]
    assert all(np.min(np.abs(mean - end)) < 2e-3 for end in ends)


@pytest.mark.unit
def test_all_pictures_are_written(tmp_path):
    paths = draw_dreaming(tmp_path, passes=1, many=4)
    assert [p.name for p in paths] == ["dreams-clamps.svg", "dreams-looks.svg", "dreams-memory.svg"]
    assert paths[0].read_text().count("<g") or paths[0].read_text().count("<rect") > 50
