"""Boards: none repeats a digit, none of the test was learned from; readings; twins' sizes."""

import numpy as np
import pytest

from sodachi.claims.board_rivals import Forward, born, forward_beliefs, through
from sodachi.claims.boards import Board, boards, pictured, readings, right
from sodachi.claims.loops_pay import BOARD, CLAIM, OURS, RIVALS, one_look, rows
from sodachi.models import boltzmann_machine

SMALL = Board(4, 2, 2)


@pytest.mark.unit
def test_no_row_column_or_box_repeats_a_digit_and_no_test_board_was_learned_from():
    learn, test = boards(BOARD, 3, 20, 5)
    for full in (*learn, *test):
        grid = full.reshape(6, 6)
        boxes = grid.reshape(3, 2, 2, 3).transpose(0, 2, 1, 3).reshape(6, 6)
        for lines in (grid, grid.T, boxes):
            assert (np.sort(lines, 1) == np.arange(6)).all()
    assert not {b.tobytes() for b in learn} & {b.tobytes() for b in test}


@pytest.mark.unit
def test_covered_places_say_nothing_and_others_show_a_picture_of_their_digit():
    _, test = readings(4)
    full = boards(SMALL, 0, 100, 1)[0]
    heard = pictured(full, test, np.random.default_rng(0))
    covered = (heard == 0).all(-1)
    assert 0.4 < covered.mean() < 0.5
    seen = right(heard[~covered][None], full[~covered][None])["accuracy"]
    assert seen > 0.85
    of_two = {row.tobytes() for row in test.log[test.digit == 2]}
    assert {row.tobytes() for row in heard[(full == 2) & ~covered]} <= of_two


@pytest.mark.unit
def test_the_twin_has_as_many_weights_as_the_machine_and_one_of_them_for_two_directions():
    units = BOARD.cells * BOARD.size
    assert RIVALS["twin"].weights(units) == units * (units - 1) // 2 + units == 23_436
    assert abs(RIVALS["hidden layer"].weights(units) / 23_436 - 1) < 0.01
    net = Forward((), 0.01, 1, tied=True)
    weights, x = born(net, 8, 0), np.zeros((8, 2, 4), np.float32)
    x.reshape(8, 8)[np.arange(8), np.arange(8)] = 40.0  # each reads one digit, surely
    heard = np.asarray(through(net, weights, x) - x).reshape(8, 8)
    surely = (np.exp(x) / np.exp(x).sum(-1, keepdims=True) - 0.25).reshape(8, 8)
    w = np.asarray(weights[0][0])
    both = (w + w.T) / 2 * (1 - np.eye(8))
    assert np.allclose(heard, surely @ both, atol=1e-5)


@pytest.mark.unit
def test_one_look_hears_readings_and_nothing_that_comes_back():
    machine = boltzmann_machine(units=8)
    state = machine.init(0)
    w = np.asarray(state.shared["weights"]["units-units"])
    heard = np.log(np.array([[[2.8, 0.4, 0.4, 0.4], [1.0, 1.0, 1.0, 1.0]]]))
    field = one_look(machine, state, heard)
    likely = np.exp(heard).reshape(1, 8) / 4
    assert np.allclose(field.reshape(1, 8), heard.reshape(1, 8) + likely @ w, atol=1e-6)


@pytest.mark.unit
def test_a_feedforward_net_learns_to_read_covered_places():
    learn, test = readings(4)
    full, tests = boards(SMALL, 1, 200, 40)
    heard = pictured(tests, test, np.random.default_rng(2))
    net = Forward((), 0.01, 500, tied=True)
    read = right(forward_beliefs(net, full, learn, heard, 0), tests)["accuracy"]
    chance = right(heard + np.random.default_rng(0).uniform(0, 1e-3, heard.shape), tests)
    assert read > chance["accuracy"] + 0.1


@pytest.mark.unit
def test_every_rival_and_lesion_is_measured():
    assert set(rows(1, "full")) == {OURS, *CLAIM.rivals, *CLAIM.lesion}
