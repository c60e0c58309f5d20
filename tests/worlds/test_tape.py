"""The tape does what is asked for by more than half, says where it ends, and bears bad input."""

import jax
import numpy as np
import pytest

from sodachi.errors import SpecError
from sodachi.observation import observe
from sodachi.system import Evidence
from sodachi.worlds.tape import laid, tape


def do(world, state, action):
    return jax.jit(world.step)(state, observe(world.spec, action=action))


def test_it_writes_then_moves_then_reads():
    world = tape(symbols=3, squares=5)
    state = laid(world.init(0), [1, 2], head=0)
    state, out = do(world, state, [0, 0, 1, 0, 0, 0, 1])  # write 2, go right
    assert state.lane["squares"].tolist() == [0, 0, 2, 2, 0]
    assert int(out["head"]) == 3 and out["read"].tolist() == [0, 0, 1]
    state, out = do(world, state, [0, 0, 0, 1, 1, 0, 0])  # write none, go left
    assert state.lane["squares"].tolist() == [0, 0, 2, 2, 0]
    assert int(out["head"]) == 2 and float(out["beyond"]) == 0


@pytest.mark.parametrize("action", [[0.5] * 6, [0.4, 0.3, 0.3, 0.4, 0.3, 0.3], [0.0] * 6])
def test_what_is_not_believed_by_more_than_half_is_not_done(action):
    world = tape(symbols=2, squares=5)
    state, out = do(world, laid(world.init(0), [1]), action)
    assert int(out["head"]) == 2 and state.lane["squares"].tolist() == [0, 0, 1, 0, 0]


def test_at_its_end_it_stays_and_says_so():
    world = tape(symbols=2, squares=3)
    state = world.init(0)
    for beyond in (0, 1, 1):
        state, out = do(world, state, [0, 0, 1, 0, 0, 1])
        assert int(out["head"]) == 2 and float(out["beyond"]) == beyond
    state, out = do(world, state, [0, 0, 1, 1, 0, 0])
    assert int(out["head"]) == 1 and float(out["beyond"]) == 1


def test_bad_numbers_do_nothing():
    world = tape(symbols=2, squares=3)
    told = observe(world.spec, action=[0, 1, 0, 0, 0, 1])
    bad = Evidence(np.full(6, np.nan, np.float32), *told.evidence["action"][1:])
    state, out = jax.jit(world.step)(world.init(0), told._replace(evidence={"action": bad}))
    assert int(out["head"]) == 1 and state.lane["squares"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: tape(symbols=1),
        lambda: tape(squares=0),
        lambda: laid(tape(squares=3).init(0), [1, 1, 1]),
        lambda: laid(tape(squares=3).init(0), [1], head=2),
    ],
)
def test_wrong_tapes_are_refused(wrong):
    with pytest.raises(SpecError):
        wrong()
