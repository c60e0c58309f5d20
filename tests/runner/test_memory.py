"""A life needs no more memory the longer it lasts, and never a second program."""

import gc

import jax.monitoring
import psutil
import pytest
from runner_toy import Rows, toy

from sodachi.runner import Life


@pytest.mark.slow
def test_memory_stays_flat_and_nothing_compiles_again(tmp_path):
    """Less than 5 MB over 100,000 rows after warm-up, in pieces of uneven length."""
    compiled = []

    def heard(event, duration, **_):
        if event.endswith("backend_compile_duration"):
            compiled.append(event)

    def resident():
        gc.collect()
        return psutil.Process().memory_info().rss

    pieces = [1, 255, 256, 257, 4000, 37]
    source = Rows(10**9, bad=50)
    jax.monitoring.register_event_duration_secs_listener(heard)
    try:
        with Life(
            tmp_path, toy(), source, predictions=tmp_path / "p.csv", quarantine=True,
            quarantine_bytes=100_000,
        ) as life:  # fmt: skip
            life.live(20_000)
            assert compiled  # the listener hears compilations
            compiled.clear()
            before, lived = resident(), life.rows
            while life.rows < lived + 100_000:
                life.live(pieces[life.rows % len(pieces)])
                life.live(10_000)
            grown = resident() - before
    finally:
        jax.monitoring.clear_event_listeners()
    assert compiled == []
    assert grown < 5e6
    assert (tmp_path / "quarantine.jsonl").stat().st_size <= 100_000
