"""The picture of a grown net draws its units where the finders put them."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sodachi.claims.backbone_suffices import TRUTH, grown, kept_by
from sodachi.face.backbone_drawing import draw_backbone

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.unit
def test_two_small_files_show_each_unit_in_the_colour_of_its_kind(tmp_path):
    paths = draw_backbone(tmp_path / "new", 100, "quick")
    assert [path.name for path in paths] == ["backbone-grid.svg", "backbone-finders.svg"]
    keep = kept_by(TRUTH, 100, "quick")
    live = np.asarray(grown(100, "quick").net.wiring.live)
    for path, panels in zip(paths, (1, 2), strict=True):
        kinds = [c.get("class") for c in ET.parse(path).iter(SVG + "circle")]
        assert kinds.count("backbone") == panels * keep.sum() > 0
        assert kinds.count("fringe") == panels * (live & ~keep).sum() > 0
        assert path.stat().st_size < 200_000
