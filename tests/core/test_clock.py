"""The clock counts past any life without overflow."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.core.clock import new_clock, tick, ticks


def _count(clock) -> int:
    high, low = (int(word) for word in clock)
    return high * 2**32 + low


@pytest.mark.theory
@settings(max_examples=50, deadline=None)
@given(n=st.integers(0, 2**64 - 2))
def test_a_tick_adds_one_with_carry(n):
    clock = jnp.array([n >> 32, n & (2**32 - 1)], jnp.uint32)
    assert _count(tick(clock)) == n + 1
    assert _count(tick(clock, False)) == n
    assert float(ticks(clock)) == pytest.approx(n, rel=1e-6)


@pytest.mark.unit
def test_the_carry_happens_exactly_once():
    clock = jnp.array([0, 2**32 - 2], jnp.uint32)
    counts = []
    for _ in range(4):
        counts.append(_count(clock))
        clock = tick(clock)
    assert counts == [2**32 - 2, 2**32 - 1, 2**32, 2**32 + 1]


@pytest.mark.unit
def test_a_new_clock_stands_at_zero_and_reads_exactly():
    clock = new_clock()
    assert _count(clock) == 0 and clock.dtype == np.uint32
    for n in (0, 1, 2**24):
        exact = ticks(jnp.array([0, n], jnp.uint32))
        assert float(exact) == n and exact.dtype == np.float32
