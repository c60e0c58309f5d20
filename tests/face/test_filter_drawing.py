"""The pictures of filters draw what was learned: curves and figures are read back from the SVG."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sodachi.claims import common_filters, concept_cell, natural_patches
from sodachi.claims.boltzmann_training import Schooling
from sodachi.face.filter_drawing import draw_filters, draw_sets, draw_tuning, grey, mean_curve
from sodachi.recordings.receptive_fields import effective_area, fit_gabor

SVG = "{http://www.w3.org/2000/svg}"


def waves(count, side=12):
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    angles = np.arange(count) * np.pi / count
    return np.stack(
        [
            np.exp(-(x**2 + y**2) / 12) * np.cos(1.3 * (x * np.cos(a) + y * np.sin(a)))
            for a in angles
        ]
    )


@pytest.mark.unit
def test_the_curve_drawn_is_the_cells_tuning():
    sets = {"waves": waves(6), "noise": np.random.default_rng(0).normal(size=(6, 12, 12))}
    root = ET.fromstring(draw_tuning(sets).svg())
    lines = [e for e in root.iter(SVG + "polyline") if e.get("class") == "tuning"]
    assert len(lines) == 2
    for line, fields in zip(lines, sets.values(), strict=True):
        up = [float(p.split(",")[1]) for p in line.get("points").split()]
        np.testing.assert_allclose((260 - np.array(up)) / 210, mean_curve(fields), atol=1e-4)
    sharp, flat = (mean_curve(fields) for fields in sets.values())
    assert sharp[18] == flat[18] == 1.0 and sharp.mean() < flat.mean()


@pytest.mark.unit
def test_the_figures_written_are_those_of_the_filters():
    fields = waves(5)
    words = [e.text for e in ET.fromstring(draw_sets({"a": fields}, "t").svg()).iter(SVG + "text")]
    explained = np.mean([fit_gabor(x).explained for x in fields])
    assert words[0] == "a" and words[1] == f"Gabor explains {explained:.2f}"
    assert words[3] == f"area {effective_area(fields).mean():.2f}"
    assert grey(fields[0]).min() >= 0 and grey(fields[0]).max() == 1


@pytest.mark.slow
def test_four_small_files_are_written(tmp_path, monkeypatch):
    short = Schooling(passes=1, batch=50, drawn=False)
    monkeypatch.setitem(natural_patches.SCHOOLING, "quick", short)
    monkeypatch.setitem(natural_patches.COUNT, "quick", 300)
    monkeypatch.setitem(common_filters.FIRST, "quick", short)
    monkeypatch.setitem(common_filters.SEEN, "quick", 300)
    monkeypatch.setitem(concept_cell.SCHOOLING, "quick", (Schooling(passes=2, batch=50),))
    for cached in (natural_patches.world, common_filters.first, concept_cell.stacked):
        cached.cache_clear()
    paths = draw_filters(tmp_path, 0, "quick")
    for cached in (natural_patches.world, common_filters.first, concept_cell.stacked):
        cached.cache_clear()
    names = ("photographs", "tuning", "domains", "concepts")
    assert [p.name for p in paths] == [f"filters-{name}.svg" for name in names]
    images = [len(list(ET.parse(p).iter(SVG + "g"))) for p in paths]
    assert images == [4 * 24, 0, 2 * 24, 10 * 6]
