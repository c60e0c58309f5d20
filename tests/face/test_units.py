"""Why a unit exists: the record leads back to the very digit; the drawing shows who is there."""

import numpy as np
import pytest

from sodachi.claims.contestants import Contestant
from sodachi.data import load_digits
from sodachi.face.growing_figures import examples_figure, growing_figure, utility_figure
from sodachi.face.racing import Racer
from sodachi.face.report import page
from sodachi.face.units import BACKBONE, biographies, units_of
from sodachi.models import backprop_net, settling_mixture
from sodachi.worlds import RewiredWorlds

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def lived():
    """A small network in three worlds, the first of which returns."""
    X, y = load_digits()
    stream = RewiredWorlds(X[:120], y[:120], seed=3, worlds=3, every=3)
    net = Contestant(lambda: settling_mixture(units=40, contexts=4, pool=True), 5, 2)
    racer = Racer(net, 0, 120)
    seen = []
    for images, labels, _ in stream.worlds():
        units = racer.live(images, labels).units
        assert units is not None
        seen.append(units)
    return stream, seen, racer.state


def test_the_record_leads_back_to_the_digit_that_a_unit_was_imprinted_on(lived):
    stream, seen, _ = lived
    X, y = load_digits()
    born = seen[0].born[0]
    assert born.max() < 120 and (born >= 0).sum() > 10
    told = biographies(stream, seen, 40)
    for unit in told:
        assert seen[-1].born[unit.context, unit.place] == unit.born
        rows = np.flatnonzero((X[:120] == unit.example).all(1))  # as it looked before rewiring
        assert unit.digit in y[rows]
    assert len({unit.digit for unit in told[:10]}) == 10  # one for each digit first


def test_a_newborn_is_the_image_it_is_said_to_be_born_of():
    net = settling_mixture(inputs=64, units=40)
    X, y = load_digits()
    racer, born = Racer(Contestant(lambda: net, 5, 2), 0, 1), 0
    for n in range(12):
        units = racer.live(X[n : n + 1], y[n : n + 1]).units
        assert units is not None
        for place in np.flatnonzero(units.born[0] == n):
            born += 1
            assert np.allclose(racer.state.shared["weights"]["input"][:, place], X[n], atol=1e-6)
    assert born > 5


def test_what_has_no_units_has_no_record():
    assert units_of(backprop_net(layers=(4, 3, 2)).init(0), 2) is None


def test_promotion_is_the_first_world_at_whose_end_it_is_useful(story):
    assert [unit.promoted for unit in story.units] == [1, 2, None]
    assert story.units[1].utility[2] == BACKBONE


def test_the_animation_has_a_frame_for_each_world_and_darkens(story):
    figure = growing_figure(story)
    assert [frame.name for frame in figure.frames] == ["1", "2", "3"]
    shades = [np.array(frame.data[0].z, float) for frame in figure.frames]
    assert all(shade.shape == (2, 2) for shade in shades)  # as far as anybody ever was
    assert shades[0][0, 0] < shades[1][0, 0] < shades[2][0, 0]
    assert np.isnan(shades[0][0, 1]) and shades[1][0, 1] > 0
    assert [int(np.isfinite(shade).sum()) for shade in shades] == [1, 2, 3]


def test_the_report_tells_why_each_of_them_exists(story):
    text = page(story)
    assert "why does this unit exist?" in text
    assert "<td>no. 3</td><td>1</td><td>the answer 7</td><td>+1</td><td>43</td><td>2</td>" in text
    assert "<td>never</td>" in text
    names = [trace["name"] for trace in utility_figure(story).to_dict()["data"]]
    assert names == ["unit 1 (7)", "unit 2 (4)", "unit 3 (4)"]
    assert "born of" in str(examples_figure(story).layout.yaxis.ticktext)
