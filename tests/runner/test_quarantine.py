"""Bad rows are named, counted and kept out: 10,000 nasty rows leave not one non-finite weight."""

import json
import math

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sodachi.errors import SpecError
from sodachi.models import settling_net
from sodachi.runner import Life, Quarantine
from sodachi.runner.health import not_finite
from sodachi.runner.journal import Journal
from sodachi.runner.quarantine import REASONS
from sodachi.system import Spec, Variable

INPUTS, CLASSES, LIMIT = 3, 4, 1e6
SPEC = Spec(
    "example",
    observed=(Variable("input", (INPUTS,)), Variable("label", (CLASSES,), "categorical")),
)
REAL = Spec("example", observed=(Variable("input", (2,)), Variable("label", (2,))))
NAN, INF = math.nan, math.inf


class Refusing:
    """An object that converts to nothing and cannot even be shown."""

    def __array__(self, *_, **__):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")


CASES = [
    (([1, 2, 3], 0), None),
    ((np.array([1, 2, 3], np.int8), np.int64(3)), None),
    (([5e-324, 1e-45, -0.0], 1), None),
    (([1e6, -1e6, 0], 1), None),
    (([True, False, True], 1), None),
    (None, "no row"),
    ("ab", "no row"),
    (([1, 2, 3],), "no row"),
    ((None, 0), "no input"),
    ((["1", "2", "3"], 0), "input not numbers"),
    (([1, None, 3], 0), "input not numbers"),
    (([1, [2, 3]], 0), "input not numbers"),
    (([1j, 0, 0], 0), "input not numbers"),
    (([10**400, 0, 0], 0), "input not numbers"),
    ((Refusing(), 0), "input not numbers"),
    (([1, 2], 0), "input of another shape"),
    (([[1, 2, 3]], 0), "input of another shape"),
    ((3.0, 0), "input of another shape"),
    (([1, NAN, 3], 0), "input NaN"),
    (([1, INF, 3], 0), "input infinite"),
    (([1, -INF, 3], 0), "input infinite"),
    (([1, 1e300, 3], 0), "input infinite"),  # too large for a float32
    (([1, 1e30, 3], 0), "input beyond the limit"),
    (([1, 2, 3], None), "no label"),
    (([1, 2, 3], "1"), "label of another kind"),
    (([1, 2, 3], 1.0), "label of another kind"),
    (([1, 2, 3], NAN), "label of another kind"),
    (([1, 2, 3], True), "label of another kind"),
    (([1, 2, 3], [1]), "label of another kind"),
    (([1, 2, 3], 4), "label unseen"),
    (([1, 2, 3], -1), "label unseen"),
    (([1, 2, 3], 2**62), "label unseen"),
]
REAL_CASES = [
    (([1, 2], [3, 4]), None),
    (([1, 2], [3]), "label of another shape"),
    (([1, 2], 3), "label of another shape"),
    (([1, 2], [3, "4"]), "label of another kind"),
    (([1, 2], [3, NAN]), "label NaN"),
    (([1, 2], [3, INF]), "label infinite"),
    (([1, 2], [3, 1e7]), "label beyond the limit"),
]


@pytest.mark.parametrize(
    ("spec", "row", "reason"),
    [(SPEC, *case) for case in CASES] + [(REAL, *case) for case in REAL_CASES],
)
def test_each_bad_row_has_its_reason(spec, row, reason):
    quarantine = Quarantine(spec)
    good = quarantine.sort([row], 5)
    assert dict(quarantine.counts) == ({reason: 1} if reason else {})
    assert good.places.tolist() == ([] if reason else [5])
    assert reason is None or reason in REASONS


def test_good_rows_keep_their_values_places_and_order():
    rows = [([i, 0, 0], i % CLASSES) if i % 3 else None for i in range(9)]
    good = Quarantine(SPEC).sort(rows, 100)
    assert good.places.tolist() == [101, 102, 104, 105, 107, 108]
    assert good.inputs[:, 0].tolist() == [1, 2, 4, 5, 7, 8]
    assert good.labels.tolist() == [1, 2, 0, 1, 3, 0]
    assert good.inputs.dtype == np.float32


def test_incomplete_rows_may_be_lived_as_absent():
    quarantine = Quarantine(SPEC, incomplete=True)
    good = quarantine.sort([([NAN, 1, 2], 1), ([0, 1, 2], None), ([INF, 1, 2], 0)], 0)
    assert good.known().tolist() == [True, False]
    assert np.isnan(good.inputs).tolist() == [[True, False, False], [False] * 3]
    values = good.label_values(SPEC.variable("label"))
    assert values[0].tolist() == [0, 1, 0, 0] and np.isnan(values[1]).all()
    assert dict(quarantine.counts) == {"input infinite": 1}


def test_bad_rows_are_written_down_up_to_a_size(tmp_path):
    journal = Journal(tmp_path / "bad.jsonl")
    quarantine = Quarantine(SPEC, journal=journal, limit=1000)
    quarantine.sort([(["x" * 1000], 0), None, (Refusing(), 0), *[None] * 500], 7)
    journal.sync()
    journal.close()
    lines = (tmp_path / "bad.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["reason"] == "input not numbers"
    assert len(json.loads(lines[0])["content"]) == 200
    assert json.loads(lines[1]) == {"row": 8, "reason": "no row", "content": "None"}
    assert 500 < (tmp_path / "bad.jsonl").stat().st_size <= 1000
    assert sum(quarantine.counts.values()) == 503


def test_an_unknown_variable_is_refused():
    with pytest.raises(SpecError, match="variable"):
        Quarantine(SPEC, label="other")


# --- nasty rows through a living network ---------------------------------------------------------

ROWS_EACH, EXAMPLES = 50, 200  # 10,000 rows: each is one case, drawn by itself

number = st.one_of(
    st.floats(-3, 3),
    st.sampled_from([NAN, INF, -INF, 1e30, -1e30, 1e300, 1e6, 5e-324, 1e-45, -0.0, 2**40, True]),
)
nasty_input = st.one_of(
    st.lists(number, min_size=INPUTS, max_size=INPUTS),
    st.lists(number, max_size=INPUTS + 2),
    st.sampled_from([None, "abc", ["1", "2", "3"], [1, None, 3], b"xyz", {}, 7, Refusing()]),
)
nasty_label = st.one_of(
    st.integers(0, CLASSES - 1),
    st.sampled_from([-1, CLASSES, 2**70, None, "0", NAN, 1.5, [0], False]),
)
nasty_row = st.one_of(
    st.tuples(nasty_input, nasty_label),
    st.tuples(st.lists(st.floats(-3, 3), min_size=INPUTS, max_size=INPUTS), st.just(1)),
    st.sampled_from([None, (), "row", 5, (1, 2, 3)]),
)


def is_good(row):
    """The rule in plain Python, apart from the code under test."""
    if not (isinstance(row, tuple) and len(row) == 2):
        return False
    x, y = row
    return (
        isinstance(x, list)
        and len(x) == INPUTS
        and all(isinstance(v, int | float) and abs(v) <= LIMIT for v in x)
        and type(y) is int
        and 0 <= y < CLASSES
    )


class Queue:
    """A source of rows that are put into it."""

    def __init__(self):
        self.rows, self.given = [], 0

    def __iter__(self):
        return self

    def __next__(self):
        if not self.rows:
            raise StopIteration
        self.given += 1
        return self.rows.pop(0)

    def offset(self):
        return self.given

    def seek(self, offset):
        assert offset == self.given


NET = settling_net(layers=(INPUTS, 5, CLASSES))


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    """A life that nasty rows are fed to, one that gets the good ones only, and how many came."""
    queues = Queue(), Queue()
    lives = [
        Life(tmp_path_factory.mktemp("fed"), NET, queue, chunk=ROWS_EACH, every_rows=None,
             every_seconds=3600.0)
        for queue in queues
    ]  # fmt: skip
    tally = {"rows": 0, "good": 0}
    yield lives, queues, tally
    for life in lives:
        life.close()


def test_nasty_rows_never_reach_a_weight(fed):
    """One test, not two: what was lived is counted where it was lived, whatever ran before."""
    (nasty, clean), queues, tally = fed

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(rows=st.lists(nasty_row, min_size=ROWS_EACH, max_size=ROWS_EACH))
    def live(rows):
        good = [row for row in rows if is_good(row)]
        queues[0].rows, queues[1].rows = list(rows), list(good)
        while queues[0].rows:
            nasty._chunk(len(queues[0].rows))
        while queues[1].rows:
            clean._chunk(len(queues[1].rows))
        tally["rows"] += len(rows)
        tally["good"] += len(good)
        assert not_finite(nasty.state) == 0
        assert nasty.summary()["learned"] == clean.summary()["learned"] == tally["good"]
        assert sum(nasty.quarantine.values()) == tally["rows"] - tally["good"]
        same(nasty.state, clean.state)

    live()
    assert tally["rows"] >= 10_000
    assert tally["good"] >= 1_000
    assert len(nasty.quarantine) >= 8  # of the reasons


def same(one, other):
    """Every array of two states is the same to the bit."""
    for mine, yours in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert np.asarray(mine).tobytes() == np.asarray(yours).tobytes()
