"""Counting by spikes against its closed forms: windows, strengths, and where it comes to rest."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.claims.stdp_shape import STEADY, log_odds, probability
from sodachi.claims.stdp_window import BI_POO, PAIR, Counts, closed_form, paired, unrelated
from sodachi.core.connections import Dense
from sodachi.core.rule import plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules import counting, timed_counting

ON, SILENT = jnp.ones(1), jnp.zeros(1)


def once(rule, weight, post, pre, learn=True, modulation=1.0):
    w = jnp.full((1, 1), weight, jnp.float32)
    s = start_synapses(rule, w)
    return plastic(rule, PAIR, w, s, post, pre, learn=learn, clock=0.0, modulation=modulation)


@pytest.mark.theory
@pytest.mark.parametrize("strength", [0.2, 0.5, 0.9])
def test_one_pair_of_spikes_is_one_count(strength):
    rule, trace = timed_counting(total=10.0), 0.3
    later = {"spike": ON, "trace": SILENT}, {"spike": SILENT, "trace": trace * ON}
    w, s = once(rule, log_odds(strength), *later)
    assert float(s["hebb"][0, 0]) == pytest.approx(10 * strength + 0.3, rel=1e-5)
    assert float(s["home"][0, 0]) == pytest.approx(10.3, rel=1e-6)
    assert probability(w)[0, 0] == pytest.approx((10 * strength + 0.3) / 10.3, rel=1e-5)
    earlier = {"spike": SILENT, "trace": trace * ON}, {"spike": ON, "trace": SILENT}
    w, s = once(rule, log_odds(strength), *earlier)
    assert float(s["hebb"][0, 0]) == pytest.approx(10 * strength, rel=1e-5)
    assert probability(w)[0, 0] == pytest.approx(10 * strength / 10.3, rel=1e-5)


@pytest.mark.theory
def test_sixty_pairs_give_the_closed_form_at_every_lag():
    counts = Counts(48.0, 187.0)
    lags = np.array([-80.0, -20.0, -3.0, -1.0, 1.0, 4.0, 15.0, 60.0])
    grown = paired(timed_counting(counts.home), log_odds(counts.strength), lags, BI_POO, 1.0)
    seen = probability(grown) / counts.strength - 1
    derived = closed_form(counts, lags, BI_POO.tau_plus_ms, BI_POO.tau_minus_ms)
    assert np.all(np.sign(derived) == np.sign(lags))
    assert seen == pytest.approx(derived, abs=2e-4)


@pytest.mark.theory
def test_potentiation_is_weaker_in_strong_synapses_and_depression_is_not():
    strengths = np.array([0.1, 0.3, 0.6])
    change = np.array([
        probability(paired(timed_counting(150.0), log_odds(p), [5.0, -5.0], BI_POO, 1.0)) / p - 1
        for p in strengths
    ])  # fmt: skip
    size = 60 * np.exp(-5 / BI_POO.tau_plus_ms)
    assert change[:, 0] == pytest.approx(
        (150 * strengths + size) / (150 + size) / strengths - 1, abs=1e-3
    )
    assert np.ptp(change[:, 1]) < 1e-4


@pytest.mark.theory
def test_synapses_of_unrelated_cells_come_to_rest_at_the_share_of_the_time_constants():
    rest = unrelated(timed_counting(4.0), np.zeros(60), BI_POO, seed=3, seconds=40.0)
    assert probability(rest).mean() == pytest.approx(STEADY, abs=0.03)
    assert probability(rest).std() < 0.1


@pytest.mark.theory
def test_with_whole_spikes_it_is_the_networks_own_counting():
    # A trace of 1 is a spike that has not faded: then the four counts of a canonical network and
    # Hebb and Home are the same numbers.
    pair, rule = Dense((1,), (1,)), counting()
    on, off = jnp.full((1, 1), 2.0), jnp.full((1, 1), 3.0)
    on, _ = plastic(rule, pair, on, start_synapses(rule, on), {"state": ON}, {"event": ON},
                    learn=True, clock=0.0)  # fmt: skip
    off, _ = plastic(rule, pair, off, start_synapses(rule, off), {"state": ON}, {"event": ON},
                     learn=True, clock=0.0)  # fmt: skip
    both = {"spike": ON, "trace": ON}
    w, s = once(timed_counting(5.0), log_odds(0.4), both, both)
    assert float(s["hebb"][0, 0]) == pytest.approx(float(on[0, 0]), rel=1e-6)
    assert float(s["home"][0, 0]) == pytest.approx(float((on + off)[0, 0]), rel=1e-6)
    assert float(w[0, 0]) == pytest.approx(float(jnp.log(on / off)[0, 0]), rel=1e-5)


def test_spikes_of_one_tick_do_not_pair_and_silence_moves_no_bit():
    rule = timed_counting(10.0)
    for spike in (ON, SILENT):
        cells = {"spike": spike, "trace": SILENT}
        w, s = once(rule, 0.3, cells, cells)
        assert np.asarray(w).tobytes() == np.full((1, 1), 0.3, np.float32).tobytes()
        assert float(s["home"][0, 0]) == 10.0


def test_without_learning_and_with_bad_numbers_nothing_moves():
    rule = timed_counting(10.0)
    post, pre = {"spike": ON, "trace": ON}, {"spike": ON, "trace": ON}
    w, _ = once(rule, 0.3, post, pre, learn=False)
    assert float(w[0, 0]) == np.float32(0.3)
    w, s = once(rule, 0.3, {"spike": jnp.full(1, jnp.nan), "trace": ON}, pre)
    assert np.isfinite(np.asarray(w)).all() and float(s["home"][0, 0]) == 10.0


def test_a_negative_modulation_never_takes_more_than_there_is():
    rule = timed_counting(0.5)
    both = {"spike": ON, "trace": ON}
    w, s = once(rule, 0.0, both, both, modulation=-1.0)
    assert np.isfinite(np.asarray(w)).all()
    assert 0 < float(s["hebb"][0, 0]) < float(s["home"][0, 0])


@pytest.mark.parametrize("wrong", [{"total": 0.0}, {"total": 1.0, "least": 0.0},
                                   {"total": float("inf")}])  # fmt: skip
def test_wrong_counts_are_refused(wrong):
    with pytest.raises(SpecError):
        timed_counting(**wrong)


def test_it_can_be_compiled_over_lanes():
    lifted = jax.jit(lambda t: once(timed_counting(10.0), 0.0, {"spike": ON, "trace": SILENT},
                                    {"spike": SILENT, "trace": t * ON})[0])  # fmt: skip
    assert float(lifted(0.5)[0, 0]) > 0
