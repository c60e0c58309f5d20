"""Activity: nobody sees ahead unless told to; ensembles and sources are those that are there."""

from dataclasses import replace

import numpy as np
import pytest

from sodachi.errors import DataError
from sodachi.recordings import (
    Criteria,
    Recording,
    activity,
    find_ensembles,
    infer_sources,
    simulate_culture,
)
from sodachi.recordings.ensembles import preferences

pytestmark = pytest.mark.unit


def test_what_comes_later_moves_no_causal_activity(simulated):
    culture, _ = simulated
    later = culture.responses.copy()
    later[10 * 64 :] = later[10 * 64 :] * 3 + 2
    other = replace(culture, responses=later)
    for mode, same in (("causal", True), ("none", True), ("look-ahead", False)):
        a = activity(culture, normalisation=mode, calibration=6).values[:, : 10 * 64]
        b = activity(other, normalisation=mode, calibration=6).values[:, : 10 * 64]
        assert np.array_equal(a, b) == same, mode


def test_the_first_session_has_no_evoked_part_left(causal):
    first, s = causal.values[:, :64], causal.sources[:64] @ [2, 1]
    means = np.array([[row[s == k].mean() for k in range(4)] for row in first])
    assert np.ptp(means, axis=1).max() < 0.15  # clipping leaves a little
    assert causal.values.min() >= 0 and causal.values.max() <= 1


def test_look_ahead_is_the_published_formula(simulated):
    culture, _ = simulated
    done = activity(culture, normalisation="look-ahead", baseline=2.0)
    s = (culture.sources @ [2, 1]).astype(int)
    for k, units in enumerate(done.ensembles.units):
        r = culture.responses[:, units].mean(1)
        first = np.array([r[:64][s[:64] == state].mean() for state in range(4)])
        session = r.reshape(-1, 64).mean(1)
        x = r - first[s] - np.repeat(session - session[0], 64)
        x = (x - x.mean()) / x.std(ddof=1)
        x = np.clip(0.5 + x / 2 + (session[0] - 2.0) / 8.0, 0, 1)
        np.testing.assert_allclose(done.values[k], x, rtol=0, atol=1e-12)


def test_ensembles_are_those_of_the_truth_and_criteria_can_be_set(simulated):
    culture, truth = simulated
    found = find_ensembles(culture, culture.sources)
    for units, true in zip(found.units, truth.ensembles, strict=True):
        assert len(units) and set(units) <= set(true)
    few = find_ensembles(culture, culture.sources, Criteria(rate=3.0))
    assert sum(map(len, few.units)) < sum(map(len, found.units))
    assert few.left_out["mean response at most 3"] > 0
    with pytest.raises(DataError, match="units that prefer each source"):
        find_ensembles(culture, culture.sources, Criteria(preference=50.0))


def test_preference_is_the_contrast_of_sources_alone():
    rng = np.random.default_rng(0)
    s = rng.integers(0, 2, (600, 3))
    r = 2.0 + s @ np.array([[3.0, 0.0], [1.0, 0.5], [0.0, 2.0]])
    found = preferences(Recording(r, s, s, 100, kind="rates"), s)
    # Additive answers: β_k less the largest other β, but for what the third source adds by chance.
    np.testing.assert_allclose(found, [[2, -2, -3], [-2, -1.5, 1.5]], atol=0.35)


@pytest.mark.parametrize("sources", [2, 3, 5])
def test_sources_are_inferred_from_stimuli_alone(sources):
    culture, _ = simulate_culture(4, sources=sources, units=16, sessions=20)
    assert (infer_sources(culture.stimuli) == culture.sources).mean() > 0.99
    hidden = replace(culture, sources=None)
    done = activity(hidden, normalisation="none", criteria=Criteria(rate=0.5))
    assert done.inferred and done.sources.shape[1] == sources


def test_sources_that_cannot_be_told_apart_are_refused():
    culture, _ = simulate_culture(0, units=16, sessions=10, mixing=0.5)
    with pytest.raises(DataError, match="sources"):
        infer_sources(culture.stimuli, 2)
    with pytest.raises(DataError, match="sources"):
        infer_sources(np.random.default_rng(0).integers(0, 2, (500, 10)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"normalisation": "z"}, "normalisation"), ({"calibration": 99}, "calibration")],
)
def test_wrong_arguments_are_refused(simulated, wrong, said):
    with pytest.raises(DataError, match=said):
        activity(simulated[0], **wrong)


def test_an_ensemble_that_never_changes_is_refused(simulated):
    culture, _ = simulated
    flat = np.tile(culture.responses[:64], (16, 1))
    s = np.tile(culture.sources[:64], (16, 1))
    flat = 2.0 + 2.0 * s[:, [0, 1] * 16]  # nothing but what is evoked
    with pytest.raises(DataError, match="change from trial to trial"):
        activity(Recording(flat, s, s, 64), calibration=6)
