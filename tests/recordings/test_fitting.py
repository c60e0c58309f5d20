"""The fit's slopes are exact, noise is followed through the counts, and truth comes back."""

from dataclasses import replace

import numpy as np
import pytest

from sodachi.errors import DataError
from sodachi.recordings import (
    activity,
    estimates,
    fit,
    forecast,
    prior_change,
    simulate_culture,
    unidentified,
)
from sodachi.recordings.cell import answer, common_slopes, look, remembered, slopes
from sodachi.recordings.influence import influences

THETA = np.r_[np.log(250.0), 0.2, 1.1, 3.5, 0.02 * np.arange(-6, 6)]


@pytest.fixture
def seen(raw):
    return look(raw.stimuli, raw.values[0], 16)


@pytest.mark.theory
@pytest.mark.parametrize("tilts", [True, False])
def test_slopes_are_those_of_finite_differences(seen, tilts):
    theta = THETA if tilts else THETA[:4]
    _, _, J = slopes(theta, seen, tilts)
    for place in range(len(theta)):
        step = np.zeros(len(theta))
        step[place] = 1e-6
        up, down = (answer(theta + s, seen, tilts)[0] for s in (step, -step))
        np.testing.assert_allclose(J[:, place], (up - down) / 2e-6, atol=1e-7)


@pytest.mark.theory
def test_what_tilts_both_alike_moves_answers_as_finite_differences_say(seen, monkeypatch):
    found = common_slopes(THETA, seen)
    half = np.exp(THETA[0]) / 2

    def moved(place, c):
        def counts(*given):
            m = remembered(*given)
            add = np.zeros_like(m.on_1)
            add[:, place] = half * c
            return m._replace(on_1=m.on_1 + add, on_0=m.on_0 + add)

        monkeypatch.setattr("sodachi.recordings.cell.remembered", counts)
        return answer(THETA, seen)[0]

    for place in (0, 7):
        numeric = (moved(place, 1e-5) - moved(place, -1e-5)) / 2e-5
        np.testing.assert_allclose(found[:, place], numeric, atol=1e-7)


@pytest.mark.theory
def test_one_answers_noise_is_followed_through_all_later_counts(raw, seen):
    y = raw.values[0]
    weight = np.linspace(0.5, 2.0, len(y))
    _, _, J = slopes(THETA, seen, True)
    found = influences(THETA, seen, weight, np.eye(len(THETA)))

    def score(answers):
        mean, _ = answer(THETA, look(raw.stimuli, answers, 16), True)
        return J.T @ (weight * (answers - mean))

    for trial in (0, 5, 200, 700):
        step = np.zeros(len(y))
        step[trial] = 1e-4
        numeric = (score(y + step) - score(y - step)) / 2e-4
        np.testing.assert_allclose(found[trial], numeric, rtol=1e-5, atol=1e-6)


@pytest.mark.unit
def test_parameters_and_likelihoods_of_a_culture_are_recovered():
    culture, truth = simulate_culture(11, sources=3, units=48, sessions=40, prior_count=600.0)
    done = activity(culture, normalisation="none")
    found = fit(done)
    said = estimates(found)
    assert np.abs(np.log(found.prior_count / 600.0)).max() < 0.2
    assert np.abs(found.prior - truth.prior).max() < 0.03
    for estimate, true in zip((said.A1, said.A0), truth.memory.at(-1).likelihood, strict=True):
        assert np.abs(estimate.value - true).max() < 0.02
        assert ((estimate.low < true) & (true < estimate.high)).mean() > 0.8
    assert (said.prior.low < said.prior.value).all() and (said.prior.value < said.prior.high).all()
    assert not unidentified(found)


@pytest.mark.unit
def test_a_wider_level_is_a_wider_interval(raw):
    found = fit(raw)
    narrow, wide = estimates(found, 0.5), estimates(found, 0.99)
    assert (wide.gain.high - wide.gain.low > narrow.gain.high - narrow.gain.low).all()


@pytest.mark.unit
def test_what_cannot_be_identified_is_named_and_not_forecast():
    culture, _ = simulate_culture(0, units=32, inputs=6, sessions=12, trials=64)
    rng = np.random.default_rng(0)
    noise = replace(culture, responses=rng.poisson(2.0 + 0.6 * culture.sources[:, [0, 1] * 16]))
    done = activity(noise, calibration=6)
    done = replace(done, values=rng.random(done.values.shape))
    vague = fit(done, sessions=6)
    names = unidentified(vague)
    assert set(names) == {0, 1} and all(names.values())
    with pytest.raises(DataError) as error:
        forecast(vague)
    assert f"cell 0: {', '.join(names[0])}" in str(error.value)
    assert np.isfinite(forecast(vague, strict=False).responses).all()


@pytest.mark.unit
def test_a_drug_is_a_change_of_prior_with_an_interval():
    sides = {}
    for prior, seeds in ((0.65, (1, 2)), (0.45, (3, 4, 5, 6))):
        sides[prior] = []
        for seed in seeds:
            culture, _ = simulate_culture(seed, units=32, sessions=16, prior=prior)
            sides[prior].append(fit(activity(culture, normalisation="none")))
    found = prior_change(sides[0.65], sides[0.45])
    true = np.log(0.65 / 0.35) - np.log(0.45 / 0.55)
    assert found.low < true < found.high and found.low > 0
    assert found.treated == pytest.approx(0.65, abs=0.03)
    none = prior_change(sides[0.45][:2], sides[0.45][2:])
    assert none.low < 0 < none.high


@pytest.mark.unit
@pytest.mark.parametrize(
    ("wrong", "said"), [({"sessions": 1}, "sessions"), ({"block": 7}, "block")]
)
def test_wrong_arguments_are_refused(raw, wrong, said):
    with pytest.raises(DataError, match=said):
        fit(raw, **wrong)
