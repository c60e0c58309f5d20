"""The authors' own results, digit for digit, where the data are."""

import numpy as np
import pytest

from sodachi.claims.golden_culture import LIMITS, by_loops, differences
from sodachi.errors import DataError
from sodachi.recordings import activity, load_invitro, published, simulate_culture
from sodachi.recordings.invitro import invitro_present, load_results, solve_baseline

needs_data = pytest.mark.skipif(
    not invitro_present(), reason="no folder invitro with recordings in SODACHI_DATA"
)


@pytest.mark.theory
def test_the_published_analysis_is_what_plain_loops_make_of_its_equations():
    culture, _ = simulate_culture(7, units=16, inputs=4, sessions=12, trials=32)
    found = published(culture)
    off = differences(found, by_loops(found.activity))
    assert all(off[key] <= limit for key, limit in LIMITS.items()), off


@needs_data
@pytest.mark.theory
@pytest.mark.parametrize("kind", ["mix0", "bic"])
def test_the_authors_results_come_out(kind):
    golden = load_results(kind)
    cultures = load_invitro(kind)
    from sodachi.recordings import common_baseline

    base = common_baseline(cultures) if kind == "mix0" else solve_baseline(cultures[0], golden["x"])
    off = differences(published(cultures[0], base), golden)
    assert all(off[key] <= limit for key, limit in LIMITS.items()), off


@needs_data
@pytest.mark.unit
def test_every_session_shows_the_same_stimuli():
    for culture in load_invitro("mix0"):
        o = culture.stimuli.reshape(100, 256, 32)
        assert (o == o[0]).all()
        assert np.array_equal(o[0, :, :16].mean(1), culture.sources[:256, 0])


@needs_data
@pytest.mark.unit
def test_sources_of_a_recording_need_not_be_told():
    from dataclasses import replace

    culture = load_invitro("bic")[0]
    done = activity(replace(culture, sources=None))
    assert done.inferred and (done.sources == culture.sources).mean() > 0.99


@pytest.mark.unit
def test_without_the_data_it_says_where_it_was_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("SODACHI_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert not invitro_present()
    with pytest.raises(DataError, match="the folder invitro of SODACHI_DATA"):
        load_invitro("mix0")
