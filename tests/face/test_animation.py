"""The machine that is drawn is the net: its tension, read from the drawing, is the net's energy."""

import numpy as np
import pytest

from sodachi.face.animation import GAP, animate, layout, zigzag

pytestmark = pytest.mark.theory


def _drawn(frame):
    """Return heights of platforms and of beads by their place, read from one frame's traces."""
    traces = {trace.name.split(":")[0]: trace for trace in frame.data}
    boards = traces["platform"]
    x, y = np.array(boards.x, float), np.array(boards.y, float)
    board = {(round((x[i] + x[i + 1]) / 2, 6), y[i]) for i in range(0, len(x), 3)}
    beads = []
    for name in ("bead", "pinned bead"):
        beads += list(zip(traces[name].x, traces[name].y, strict=True))
    return board, beads


def _tension(frame):
    """Σ ½ (bead − platform)², each platform with the bead of its own post and layer."""
    board, beads = _drawn(frame)
    total, used = 0.0, 0
    for x, height in board:
        layer = min(beads, key=lambda bead: (abs(bead[0] - x) > 1e-6, abs(bead[1] - height)))
        total, used = total + 0.5 * (layer[1] - height) ** 2, used + 1
    return total, used


def test_tension_of_drawn_positions_is_the_energy_that_the_net_puts_out(springs):
    np.testing.assert_allclose(springs.tension, springs.energy, rtol=1e-5, atol=1e-7)


def test_every_frame_shows_springs_whose_tension_is_the_energy(springs):
    figure = animate(springs)
    assert len(figure.frames) == len(springs.energy) == 13
    for frame, energy in zip(figure.frames, springs.energy, strict=True):
        tension, count = _tension(frame)
        assert count == 4 + 3  # pixels and hidden cells are predicted, the label is not
        assert tension == pytest.approx(energy, rel=1e-5, abs=1e-7)
        assert frame.data[-1].y[0] == pytest.approx(energy)


def test_tension_never_rises_once_the_input_is_fixed(springs):
    after = springs.energy[1:]
    assert after[0] > 10 * springs.energy[0]  # the change of pattern stretches the springs
    assert np.all(np.diff(after) <= 1e-7)
    assert after[-1] < after[0] / 5


def test_energy_of_each_frame_follows_the_gradient_in_float64(springs):
    """One tick of ``x ← x + .2·(−ε + f′(x)·Wᵀε)`` from each drawn frame leads to the next."""
    rate, beads, boards = 0.2, springs.beads, springs.platforms
    for t in range(1, 12):
        error = {name: beads[name][t] - boards[name][t] for name in boards}
        hidden, label = beads["hidden1"][t], beads["label"][t]
        pull = (1 - np.tanh(hidden) ** 2) * (springs.rods["input"] @ error["input"])
        np.testing.assert_allclose(
            beads["hidden1"][t + 1], hidden + rate * (pull - error["hidden1"]), atol=1e-5
        )
        expected = label + rate * springs.rods["hidden1"] @ error["hidden1"]
        np.testing.assert_allclose(beads["label"][t + 1], expected, atol=1e-5)


def test_pinned_beads_stay_where_the_pattern_puts_them(springs):
    pixels = springs.beads["input"]
    np.testing.assert_allclose(pixels[0], [1, 1, -0.5, -0.5])
    np.testing.assert_allclose(pixels[1:], np.tile([-0.5, -0.5, 1, 1], (12, 1)))


def test_moving_traces_are_the_ones_that_frames_replace(springs):
    figure = animate(springs)
    for frame in figure.frames:
        names = [figure.data[place].name for place in frame.traces]
        assert names == [trace.name for trace in frame.data]
    slider = figure.layout.sliders[0]
    assert [step.label for step in slider.steps] == [frame.name for frame in figure.frames]


def test_layers_stand_above_one_another_with_the_label_on_top(springs):
    places = layout(springs)
    assert [places[n][1] for n in ("input", "hidden1", "label")] == [0, GAP, 2 * GAP]


def test_a_spring_reaches_from_platform_to_bead():
    across, heights = zigzag(2.0, -1.0, 3.0)
    assert (across[0], heights[0], across[-1], heights[-1]) == (2.0, -1.0, 2.0, 3.0)
    assert max(across) > 2.0 > min(across)
    assert heights == sorted(heights)
