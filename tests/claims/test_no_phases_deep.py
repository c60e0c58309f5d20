"""The timetable of the stream without phases, and that only a phased life is told of it."""

import numpy as np
import pytest

from sodachi.claims.no_phases_deep import ALONE, LIVES, LONGEST, live, timetable
from sodachi.models.settling import settling_net

pytestmark = pytest.mark.unit


def test_every_sample_lies_alone_and_then_with_its_label():
    which, told = timetable(4, LIVES["ours, apical"], None)
    assert which.tolist() == np.repeat(range(4), 2 * ALONE).tolist()
    assert told.tolist() == ([False] * ALONE + [True] * ALONE) * 4


def test_irregular_times_are_drawn_between_their_bounds():
    life = LIVES["gated by settling, irregular"]
    which, told = timetable(300, life, np.random.default_rng(0))
    for part in (told, ~told):
        counts = np.bincount(which[part])
        assert counts.min() == ALONE and counts.max() == LONGEST
    starts = np.flatnonzero(np.diff(which)) + 1
    assert not told[starts].any() and told[starts - 1].all()


def test_a_life_without_phases_is_not_told_where_a_sample_begins():
    """A net that would start anew at `first` is carried on: its first answer is the old one."""
    net = settling_net(layers=(2, 3, 2), direction="up", start="feedforward", relaxation="wave",
                       weight_rate=1e-9)  # fmt: skip
    X = np.array([[9.0, 9.0], [-9.0, -9.0]], np.float32)
    which, told = np.array([0] * 6 + [1] * 6), np.zeros(12, bool)
    carried = live(net, 3, X, np.array([0, 0]), which, told, phased=False)
    reset = live(net, 3, X, np.array([0, 0]), which, told, phased=True)
    assert reset[6] == reset[11] != reset[5]
    assert carried[6] == carried[5] and carried[11] == reset[11]
