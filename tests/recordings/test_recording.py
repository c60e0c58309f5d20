"""Bad recordings are refused or set aside by name, and each reason is said."""

import numpy as np
import pytest

from sodachi.errors import DataError
from sodachi.recordings import Recording, clean, examine, reverse, simulate_culture

pytestmark = pytest.mark.unit
RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(3.0, (40, 5)).astype(float)
STIMULI = RNG.integers(0, 2, (40, 3))


def test_a_recording_keeps_its_own_copy():
    mine = COUNTS.copy()
    kept = Recording(mine, STIMULI, sessions=10)
    mine[:] = -1
    assert (kept.responses == COUNTS).all()
    assert kept.shape == (4, 10, 5) and kept.units == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"stimuli": STIMULI[:-1]}, "stimuli: expected a row for each of 40 trials, got 39 rows"),
        ({"stimuli": STIMULI + 0.5}, "stimuli: expected 0 or 1, got"),
        ({"sources": STIMULI[:5]}, "sources: expected a row for each of 40 trials, got 5 rows"),
        ({"responses": COUNTS[:, 0]}, "responses: expected numbers [trials, columns]"),
        ({"responses": "spikes"}, "responses: expected numbers"),
        ({"sessions": 7}, "sessions: expected a divisor of 40 trials, got 7"),
        ({"sessions": np.repeat([1, 0], 20)}, "one after another in time, got trial 20 goes back"),
        ({"sessions": np.zeros(3)}, "sessions: expected a number for each of 40 trials"),
        ({"units": ("a",)}, "units: expected 5 names, or none, got 1 names"),
        ({"kind": "volts"}, "kind: expected one of"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wrong, said):
    given = {"responses": COUNTS, "stimuli": STIMULI} | wrong
    with pytest.raises(DataError) as error:
        Recording(**given)
    assert said in str(error.value)


def test_each_bad_unit_is_set_aside_with_its_reason():
    r = np.tile(COUNTS, (1, 2))
    r[:, 1] = 0
    r[5, 2] = np.nan
    r[:, 3] = 255
    r[:, 4] = np.where(RNG.random(40) < 0.7, 255, r[:, 4])
    r[3, 6] = 1.5
    r[3, 7] = -1
    quality = examine(Recording(r, STIMULI, units=tuple("abcdefghij"), sessions=10))
    assert [quality.reasons[u].split(" (")[0] for u in "bcdegh"] == [
        "dead",
        "missing values",
        "saturated",
        "saturated",
        "counts that are not integers",
        "negative responses",
    ]
    assert quality.kept.tolist() == [0, 5, 8, 9]
    kept = clean(Recording(r, STIMULI, units=tuple("abcdefghij"), sessions=10))
    assert kept.units == ("a", "f", "i", "j")
    assert "units d, e set aside: saturated" in kept.notes
    assert np.array_equal(kept.responses, r[:, [0, 5, 8, 9]])


def test_rates_need_not_be_integers():
    rates = Recording(COUNTS + 0.5, STIMULI, kind="rates")
    assert len(examine(rates).kept) == 5


def test_a_recording_without_one_good_unit_is_refused():
    with pytest.raises(DataError, match="at least one that can be used, got units 0, 1 set aside"):
        clean(Recording(np.zeros((10, 2)), np.ones((10, 1))))


def test_ragged_sessions_are_set_aside_or_refused():
    sessions = np.repeat([0, 1, 2, 3], [12, 12, 4, 12])
    with pytest.raises(DataError, match="equally many trials in each, got from 4 to 12"):
        _ = Recording(COUNTS, STIMULI, sessions=sessions).shape
    kept = clean(Recording(COUNTS, STIMULI, sessions=sessions))
    assert kept.shape == (3, 12, 5)
    assert kept.notes == ("session 2 set aside: 4 trials, where 12 are usual",)
    assert np.array_equal(kept.stimuli, np.delete(STIMULI, np.s_[24:28], 0))
    with pytest.raises(DataError, match="mostly of one length"):
        clean(Recording(COUNTS, STIMULI, sessions=np.repeat([0, 1, 2], [10, 12, 18])))


def test_bad_electrodes_do_not_move_what_is_found():
    culture, _ = simulate_culture(1, units=32, inputs=6, sessions=14, trials=64)
    r = np.c_[culture.responses, np.zeros(len(culture.responses)), np.full(culture.trials, np.nan)]
    spoilt = Recording(r, culture.stimuli, culture.sources, 64)
    clean_one = reverse(culture, normalisation="none", early=6)
    found = reverse(spoilt, normalisation="none", early=6)
    assert found.errors == clean_one.errors
    assert [note.split(": ")[1] for note in found.activity.recording.notes] == [
        "dead",
        "missing values",
    ]


def test_too_few_sessions_are_refused():
    culture, _ = simulate_culture(1, units=8, inputs=4, sessions=4, trials=64)
    with pytest.raises(DataError, match="early sessions: expected 2 to 3"):
        reverse(culture, early=4)
