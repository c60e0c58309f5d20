"""Scores of hand-made lives with known answers."""

import json

import numpy as np
import pytest

from sodachi.errors import SpecError
from sodachi.worlds import RewiredWorlds, WorldInfo, score


def test_each_figure_on_a_life_counted_by_hand():
    infos = [
        WorldInfo(0, False, 0, 0),
        WorldInfo(1, False, 1, 0),
        WorldInfo(2, True, 1, 1),
        WorldInfo(3, False, 3, 0),
        WorldInfo(4, True, 0, 1),
        WorldInfo(5, True, 1, 2),
    ]
    right = [  # of 4 samples
        [0, 0, 0, 1],  # 1/4, first two 0
        [0, 1, 0, 1],  # 2/4, first two 1/2
        [1, 1, 0, 0],  # 2/4, first two 1
        [1, 1, 1, 1],  # 4/4
        [0, 1, 1, 1],  # 3/4, first two 1/2
        [1, 1, 1, 1],  # 4/4, first two 1
    ]
    figures = score(np.array(right, bool), infos, edge=2, head=2)
    assert figures.pop("per_world") == [1 / 4, 2 / 4, 2 / 4, 1, 3 / 4, 1]
    assert figures == pytest.approx(
        {
            "new_first": (1 / 4 + 2 / 4) / 2,
            "new_last": (2 / 4 + 4 / 4) / 2,
            "return_whole": (2 / 4 + 3 / 4 + 4 / 4) / 3,
            "return_whole_first_visit": (2 / 4 + 1 / 4 + 2 / 4) / 3,
            "return_200": (1 + 1 / 2 + 1) / 3,
            "return_200_first_visit": (1 / 2 + 0 + 1 / 2) / 3,
        }
    )


def test_defaults_take_twenty_worlds_and_two_hundred_samples():
    stream = RewiredWorlds(np.zeros((400, 2)), np.zeros(400, int), worlds=125)
    right = np.zeros((125, 400))
    new = [info.index for info in stream.infos if not info.returning]
    back = [info.index for info in stream.infos if info.returning]
    right[new[:20]] = 1
    right[new[-21], :] = 1  # just outside the last twenty
    right[back, 150:250] = 1
    figures = score(right, stream.infos)
    assert (figures["new_first"], figures["new_last"]) == (1, 0)
    assert figures["return_whole"] == 100 / 400 and figures["return_200"] == 50 / 200


def test_without_returns_there_is_nothing_to_say_of_them():
    figures = score(np.ones((2, 3)), [WorldInfo(0, False, 0, 0), WorldInfo(1, False, 1, 0)])
    assert figures["new_first"] == figures["new_last"] == 1
    assert [name for name, value in figures.items() if value is None] == [
        "return_whole",
        "return_whole_first_visit",
        "return_200",
        "return_200_first_visit",
    ]
    assert json.loads(json.dumps(figures)) == figures


@pytest.mark.parametrize(
    "correct", [np.ones(2), np.ones((3, 4)), np.ones((2, 0)), [[1, 2]] * 2, [[1, np.nan]] * 2]
)
def test_what_is_no_record_of_this_life_is_refused(correct):
    with pytest.raises(SpecError, match="correct"):
        score(correct, [WorldInfo(0, False, 0, 0), WorldInfo(1, False, 1, 0)])
