"""The pictures of dynamic machines draw what was computed: places are read back from the SVG."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sodachi.face.dynamic_drawing import (
    CUE,
    LAGS,
    Recall,
    draw_dynamic,
    draw_letters,
    draw_window,
    letters,
    recall,
)

SVG = "{http://www.w3.org/2000/svg}"


def marked(drawing, tag, kind):
    return [e for e in ET.fromstring(drawing.svg()).iter(SVG + tag) if e.get("class") == kind]


@pytest.mark.theory
def test_the_window_is_drawn_where_the_decays_say():
    made = draw_window()
    heights = {
        name: np.array([1.1 - 2.2 * (float(e.get("cy")) - 60) / 250
                        for e in marked(made, "circle", f"rule {name}")])
        for name in ("u", "v")
    }  # fmt: skip
    u = [0.8 ** (lag - d) for d in (1, 5) for lag in LAGS[d <= LAGS]]
    v = [-(0.7 ** float(d - lag)) for d in (1, 5) for lag in LAGS[d > LAGS]]
    np.testing.assert_allclose(heights["u"], u, atol=2e-3)
    np.testing.assert_allclose(heights["v"], v, atol=2e-3)


@pytest.mark.unit
def test_a_cell_is_red_where_it_is_wrong():
    taught = letters()
    wrong = taught.copy()
    wrong[CUE + 1] = 1 - wrong[CUE + 1]
    made = draw_letters(Recall(taught, (1,), [wrong], [2.0]))
    ones, all_ones = int(taught[CUE + 1].sum()), int(taught.sum())
    assert len(marked(made, "rect", "wrong")) == 7 - ones
    assert len(marked(made, "circle", "missed")) == ones
    assert len(marked(made, "rect", "spike")) == 2 * all_ones - ones


@pytest.mark.unit
def test_letters_are_remembered_better_after_more_passes(tmp_path):
    seen = recall(0, (2, 60))
    assert seen.nats[1] < 0.5 * seen.nats[0]
    right = [(columns == seen.taught)[CUE:].mean() for columns in seen.recalled]
    assert right[1] > 0.9 and all(np.array_equal(c[:CUE], seen.taught[:CUE]) for c in seen.recalled)
    paths = draw_dynamic(tmp_path / "new", 0, (1,))
    assert [path.name for path in paths] == ["dynamic-window.svg", "dynamic-letters.svg"]
    assert all(path.stat().st_size < 100_000 for path in paths)
