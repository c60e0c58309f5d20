"""Forecasts are made before what they foresee is seen, and windows of spikes are those derived."""

import numpy as np
import pytest

from sodachi.claims.forecast_rows import FROZEN, PERSISTENCE, Contest
from sodachi.claims.online_forecasts import (
    FOLDS,
    Machine,
    Series,
    against,
    error,
    forecasts,
    least_squares,
    losses,
    persistence,
    validated,
)
from sodachi.claims.recurrent_rival import Memory, recurrent_forecasts
from sodachi.claims.spike_pairs import Pair, rule_change, spikes, window

TRAIN, LENGTH = 30, 45
MACHINE = Machine(3, (0.5,), 0.1)


def made(seed=0, n=2):
    values = np.random.default_rng(seed).normal(size=(LENGTH, n)).astype(np.float32)
    return Series(values.astype(float), TRAIN, np.ones(n))


def made_series():
    return made()


LEARNERS = {
    "machine": lambda s: forecasts(MACHINE, s, 2),
    "reservoir": lambda s: forecasts(MACHINE._replace(reservoir=3), s, 2, seed=1),
    "recurrent": lambda s: recurrent_forecasts(Memory(3, 4, 0.01), s, 2),
    "least squares": lambda s: least_squares(s, 3),
    "persistence": persistence,
}


@pytest.mark.unit
@pytest.mark.parametrize("name", LEARNERS)
def test_no_forecast_knows_what_it_foresees(name):
    foresee, series = LEARNERS[name], made()
    changed = series.values.copy()
    changed[TRAIN + 7 :] += 5.0
    before, after = foresee(series), foresee(series._replace(values=changed))
    assert before.shape == (LENGTH - TRAIN, 2)
    np.testing.assert_array_equal(before[:8], after[:8])
    assert np.abs(before[8:] - after[8:]).max() > 1e-3


@pytest.mark.theory
def test_the_machine_lives_as_plain_numpy_does():
    """Two passes, each an episode, then the rest; AdaGrad; forecasts before learning."""
    series, machine = made(2, 1), Machine(2, (0.5,), 0.1)
    x = series.values[:, 0]
    w, driven, seen = np.zeros(3), np.zeros(3), []
    for p in range(3):
        ticks = range(TRAIN) if p < 2 else range(TRAIN, LENGTH)
        if p < 2:
            last, trace = 0.0, 0.0
        for t in ticks:
            known = np.array([1.0, last, trace])
            seen.append(w @ known)
            push = (x[t] - w @ known) * known
            driven += push**2
            w = w + 0.1 * push / np.sqrt(driven + 1e-8)
            last, trace = x[t], 0.5 * trace + 0.5 * x[t]
    found = forecasts(machine, series, 2)[:, 0]
    np.testing.assert_allclose(found, seen[-(LENGTH - TRAIN) :], rtol=2e-3, atol=2e-3)


@pytest.mark.unit
def test_without_learning_at_test_the_weights_of_the_training_part_foresee():
    series = made()
    frozen = forecasts(MACHINE, series, 1, learn_at_test=False)
    live = forecasts(MACHINE, series, 1)
    np.testing.assert_array_equal(frozen[0], live[0])
    assert np.abs(frozen[3:] - live[3:]).min(1).max() > 0


@pytest.mark.theory
def test_least_squares_finds_the_law_of_a_noiseless_series():
    x = np.zeros((60, 1))
    x[:2] = [[1.0], [0.5]]
    for t in range(2, 60):
        x[t] = 0.1 + 0.9 * x[t - 1] - 0.8 * x[t - 2]
    series = Series(x, 40, np.ones(1))
    np.testing.assert_allclose(least_squares(series, 2), x[40:], atol=1e-9)


@pytest.mark.unit
def test_settings_are_chosen_without_the_rest_of_the_series():
    seen = []

    def foresee(fold):
        seen.append((len(fold.values), fold.train))
        return persistence(fold)

    value = validated(foresee, made())
    assert seen == [(int(stop * TRAIN), int(start * TRAIN)) for start, stop in FOLDS]
    changed = made()
    changed.values[TRAIN:] += 100.0
    assert validated(foresee, changed) == value


@pytest.mark.unit
def test_errors_are_in_the_unit_and_losing_is_never_sure():
    series = made()
    double = series._replace(unit=np.full(2, 2.0))
    still = persistence(series)
    assert error(double, still) == pytest.approx(error(series, still) / 2)
    truth = series.values[TRAIN:]
    close, far = truth + 0.1, truth + 1.0 + 0.1 * np.arange(15)[:, None]
    assert losses(series, close) == pytest.approx(np.full(15, 0.01))
    assert against(series, close, {"far": far})["p, far"] < 1e-3
    assert against(series, far, {"close": close})["p, close"] == 1.0


@pytest.mark.unit
def test_a_contest_measures_every_row():
    contest = Contest(made_series, 1, {"ours": MACHINE, "VAR": Machine(2, (), 0.1)}, ("ours",),
                      ("VAR", "net"), {"net": Memory(2, 3, 0.01)}, {"AR": 2})  # fmt: skip
    found = {name: row() for name, row in contest.rows(0).items()}
    assert list(found) == [PERSISTENCE, "AR", "ours", "VAR", "net", "ours" + FROZEN]
    assert set(found["ours"]) == {"error", "p, VAR", "p, net"}
    assert all(np.isfinite(figures["error"]) for figures in found.values())


@pytest.mark.unit
def test_a_recurrent_net_counts_its_weights():
    assert Memory(2, 12, 0.1).weights(1) == 4 * 2 * (2 + 1 + 1) + 3
    assert Memory(20, 12, 0.1).weights(7) == 4 * 20 * 28 + 7 * 21


@pytest.mark.theory
@pytest.mark.parametrize("delay", [1, 3])
def test_the_window_is_exponential_from_the_arrival_on_both_sides(delay):
    pair, lags = Pair(delay, 0.8, 0.6, 0.1), np.array([-3, -1, 1, 2, 3, 5])
    seen = window(pair, lags, rule_change, 16)
    late = lags >= delay
    np.testing.assert_allclose(seen["u"], np.where(late, 0.8 ** (lags - delay + 0.0), 0.0),
                               atol=1e-12)  # fmt: skip
    np.testing.assert_allclose(seen["v"], np.where(late, 0.0, -(0.6 ** (delay - lags + 0.0))),
                               atol=1e-12)  # fmt: skip


@pytest.mark.unit
def test_trains_hold_one_spike_a_cell():
    trains = spikes([-2, 3], 10)
    assert np.argwhere(trains).tolist() == [[0, 3, 1], [0, 5, 0], [1, 5, 0], [1, 8, 1]]
    assert spikes([1], 10, (True, False)).sum() == 1
