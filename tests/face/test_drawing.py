"""What the pictures draw is what the nets did: numbers are read back from the SVG."""

import re
import xml.etree.ElementTree as ET

import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.core.energy import energy, prediction_terms
from sodachi.face import drawing
from sodachi.face.circuit_drawing import draw_circuit, forces_of, signs
from sodachi.face.cli import run_command
from sodachi.face.drawing import FRAMES, LONG, UNIT, draw_settling, draw_springs
from sodachi.face.four_clamps import complete, familiar_and_novel, net_of, surprise, teach
from sodachi.face.springs import STRANGE, watch_settling
from sodachi.face.svg import Drawing
from sodachi.models.settling import settings_from
from sodachi.models.settling_learning import springs_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def seen():
    return watch_settling(0)


@pytest.fixture(scope="module")
def strange():
    return watch_settling(0, LONG, STRANGE, rate=0.1)


@pytest.fixture(scope="module")
def taught():
    """Weights after a few lessons, and sixty unseen digits."""
    taught = teach(0, samples=300, epochs=3)
    return taught._replace(X=taught.X[:60], y=taught.y[:60])


def elements(made, tag, of_class=None):
    found = ET.fromstring(made.svg()).iter(SVG + tag)
    return [e for e in found if of_class in (None, e.get("class"))]


def corners(element):
    return np.array([pair.split(",") for pair in element.get("points").split()], float)


@pytest.mark.theory
def test_the_tension_written_is_that_of_the_springs_drawn_and_the_energy_of_the_net(seen):
    made = draw_springs(seen)
    boards = [corners(e) for e in elements(made, "polyline", "platform")]
    beads = [(float(e.get("cx")), float(e.get("cy"))) for e in elements(made, "circle", "bead")]
    beads += [
        (float(e.get("x")) + 5, float(e.get("y")) + 5) for e in elements(made, "rect", "pinned")
    ]
    assert len(boards) == len(FRAMES) * 7 and len(beads) == len(FRAMES) * 9
    drawn = np.zeros(len(FRAMES))
    for board in boards:
        x, y = board.mean(0)
        own = min(beads, key=lambda bead: (abs(bead[0] - x) > 0.01, abs(bead[1] - y)))
        drawn[int((x - 72) // 196)] += 0.5 * ((own[1] - y) / UNIT) ** 2
    written = [float(e.text.split()[1]) for e in elements(made, "text", "tension")]
    np.testing.assert_allclose(drawn, seen.energy[list(FRAMES)], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(written, seen.energy[list(FRAMES)], atol=6e-4)


@pytest.mark.theory
def test_signs_are_those_that_the_source_derives():
    assert signs() == {
        ("ε", "x"): -1,  # inhibited by its own error
        ("ε below", "x"): 1,  # excited by the errors of what it predicts
        ("x", "ε"): 1,  # an error is excited by its own cell
        ("x above", "ε"): -1,  # and inhibited by the prediction
    }


@pytest.mark.theory
def test_two_forces_move_the_cell_and_end_opposed(strange):
    forces = forces_of(strange)
    total = forces.spring + forces.feedback
    cell = strange.beads["hidden1"][1:, forces.cell]
    np.testing.assert_allclose(np.diff(cell), 0.1 * total[:-1], atol=1e-5)
    assert abs(total[-1]) < 0.1 * abs(total[0])
    assert abs(forces.spring[-1]) > 3 * abs(total[-1])


@pytest.mark.unit
def test_the_circuit_draws_the_signs_and_both_forces(strange):
    made = draw_circuit(strange)
    kinds = [e.get("class") for e in elements(made, "polyline")]
    assert kinds.count("excites") == kinds.count("inhibits") == 2
    feedback, spring, total = (corners(e) for e in elements(made, "polyline", "force"))
    zero = np.mean(feedback[:, 1] + spring[:, 1] - total[:, 1])
    np.testing.assert_allclose(feedback[:, 1] + spring[:, 1] - total[:, 1], zero, atol=0.01)
    forces = forces_of(strange)
    slope = np.ptp(total[:, 1]) / np.ptp(forces.spring + forces.feedback)
    np.testing.assert_allclose(zero - feedback[:, 1], slope * forces.feedback, atol=0.02)


@pytest.mark.theory
def test_error_activity_is_the_energy_and_higher_for_shuffled_pixels(taught):
    familiar, novel = familiar_and_novel(taught, 0)
    known, strange = np.split(surprise(taught, np.concatenate([familiar, novel])), 2, axis=1)
    assert np.all(np.diff(known[:10].mean(1)) < 0) and np.all(known.mean(1) < strange.mean(1))
    # Pixels alone, by the definition of the energy: tick 1 finds the net still at rest.
    settings = settings_from(net_of().spec)
    springs = springs_of(settings, taught.shared)
    terms = prediction_terms(settings.graph, springs.weights, springs.bias, springs.precision)
    rest = {p.name: jnp.zeros(p.shape) for p in settings.graph.populations}
    bound = [float(energy(terms, rest | {"input": jnp.asarray(x)})) for x in familiar]
    assert np.all(known[0] < np.array(bound))


@pytest.mark.unit
def test_what_is_clamped_stays_and_the_rest_is_completed(taught):
    X = taught.X
    made = complete(taught, X)
    assert np.array_equal(made[:, :32], X[:, :32])
    assert made[:, 32:].std() > 0.01


@pytest.mark.unit
def test_an_image_is_drawn_pixel_by_pixel():
    made = Drawing(10, 10, "an image")
    made.image(np.array([[0.0, 1.0], [np.nan, 0.5]]), 0, 0, 10)
    marks = {e.get("stroke"): e.get("d") for e in elements(made, "path")}
    assert marks == {"#000000": "M1 0h1", "#cfe3f2": "M0 1h1", "#7f7f7f": "M1 1h1"}


@pytest.mark.unit
def test_words_are_escaped():
    made = Drawing(10, 10, "a < b")
    made.text(0, 0, "x & y", fill_opacity="0.5")
    assert re.search("a &lt; b.*x &amp; y", made.svg(), re.S)
    assert elements(made, "text")[0].get("fill-opacity") == "0.5"


@pytest.mark.unit
def test_four_small_files_are_written(tmp_path, monkeypatch, seen, taught):
    monkeypatch.setattr(drawing, "watch_settling", lambda *_, **__: seen)
    monkeypatch.setattr(drawing, "teach", lambda *_: taught)
    paths = draw_settling(tmp_path / "new", 0, wander=5)
    names = ("springs", "circuit", "clamps", "errors")
    assert [path.name for path in paths] == [f"settling-{name}.svg" for name in names]
    for path in paths:
        ET.parse(path)
        assert path.stat().st_size < 100_000
    images = ET.parse(paths[2]).iter(SVG + "g")
    assert len(list(images)) == 10 * (1 + 2 + 2 + 3)


@pytest.mark.unit
def test_an_unknown_set_of_pictures_is_refused(capsys):
    assert run_command(["draw", "nonsense"]) == 2
    assert (
        "WHAT: expected one of settling, backbone, canonical, membrane, machine, dynamic, "
        "dreams, filters, got nonsense" in capsys.readouterr().err
    )
