"""A forecast is the network left to itself; nulls are what they are called."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sodachi.recordings import fit, forecast, nulls, squared_error, weight_error
from sodachi.recordings.canon import Memory
from sodachi.recordings.cell import ODDS, remembered

EARLY = 8


@pytest.fixture(scope="module")
def ahead(raw):
    return forecast(fit(raw, sessions=EARLY), strict=False)


@pytest.mark.theory
def test_after_the_early_sessions_it_counts_what_it_believes(raw, ahead):
    found = ahead.fit
    for k, cell in enumerate(found.cells):
        m = remembered(cell.theta, cell.seen, True).at(-1)
        on = {1: m.on_1.copy(), 0: m.on_0.copy()}
        every = {1: m.all_1.copy(), 0: m.all_0.copy()}
        for first in range(EARLY * 64, raw.values.shape[1], found.block):
            o = raw.stimuli[first : first + found.block]
            A = {s: on[s] / every[s] for s in (1, 0)}
            like = {s: (o * np.log(A[s]) + (1 - o) * np.log(1 - A[s])).sum(1) for s in (1, 0)}
            x = 1 / (1 + np.exp(like[0] - like[1] - cell.theta[ODDS]))
            expected = found.base[k] + found.gain[k] * x
            part = ahead.responses[k, first : first + found.block]
            np.testing.assert_allclose(part, expected, rtol=1e-9)
            for s, y in ((1, x), (0, 1 - x)):
                on[s], every[s] = on[s] + y @ o, every[s] + y.sum()
        np.testing.assert_allclose(ahead.memory.at(-1).on_1[k], on[1])


@pytest.mark.unit
def test_no_later_answer_moves_a_forecast(raw, ahead):
    from dataclasses import replace

    later = raw.values.copy()
    later[:, EARLY * 64 :] = 0.0
    other = forecast(fit(replace(raw, values=later), sessions=EARLY), strict=False)
    assert np.array_equal(other.responses, ahead.responses)
    assert np.array_equal(other.memory.on_1, ahead.memory.on_1)


@pytest.mark.unit
def test_it_learns_where_frozen_does_not(raw, ahead, simulated):
    true = simulated[1].memory.at(-1)
    begun = weight_error(ahead.memory.at(EARLY), true)
    assert weight_error(ahead.memory.at(-1), true) < 0.2 * begun
    late = EARLY * 64
    assert not np.array_equal(ahead.responses[:, late:], ahead.frozen[:, late:])
    assert np.array_equal(ahead.responses[:, :late], ahead.frozen[:, :late])


@pytest.mark.theory
def test_nulls_are_what_they_are_called(raw):
    found = nulls(raw, EARLY)
    o, y = raw.stimuli[: EARLY * 64], raw.values[:, : EARLY * 64]
    ridge = Ridge(alpha=10.0).fit(o, y.T).predict(raw.stimuli).T
    np.testing.assert_allclose(found["ridge"], ridge, rtol=1e-9)
    np.testing.assert_allclose(found["constant"][:, 0], y.mean(1))
    assert "same trial" not in found  # each session has stimuli of its own


@pytest.mark.unit
def test_where_sessions_repeat_the_same_trial_is_remembered(raw):
    from dataclasses import replace

    again = replace(raw, stimuli=np.tile(raw.stimuli[:64], (16, 1)))
    found = nulls(again, EARLY)["same trial"]
    mean = raw.values[:, : EARLY * 64].reshape(2, EARLY, 64).mean(1)
    np.testing.assert_allclose(found[:, -64:], mean)


@pytest.mark.unit
def test_errors_are_means_of_squares_and_shares_of_squares(raw):
    off = squared_error(raw, raw.values + 0.5, 3, 5)
    np.testing.assert_allclose(off, 0.25)
    assert off.shape == (2, 2)
    one = Memory(np.full((1, 2), 3.0), np.full((1, 1), 4.0), np.ones((1, 2)), np.full((1, 1), 4.0))
    two = one._replace(on_1=np.full((1, 2), 2.0))
    assert float(weight_error(two, one)) == pytest.approx(2 * 0.25**2 / (2 * 0.75**2 + 2 * 0.25**2))
