"""The suite: rows from results, dashes where nothing was measured, a page that follows them."""

import pytest

from sodachi.claims.running import CLAIMS
from sodachi.claims.suite import COLUMNS, STREAMS, streams, suite_page, suite_rows

pytestmark = pytest.mark.unit
LIVED = {
    "new_last": 0.957, "return_200": 0.75, "dead_units": 0.25, "effective_rank": 71.94,
    "mean_weight": 0.28, "weights": 17464.0, "ticks": 7.0, "microseconds": 114.7, "seeds": 5,
} | {f"forgotten_{i}": i / 10 for i in range(1, 11)}  # fmt: skip


def result(measured, holds=True):
    return {"measured": measured, "holds": holds, "seeds": [0, 1], "cost": {"core_seconds": 600.0}}


def cells(row):
    return [column(row) for column in COLUMNS.values()]


def test_streams_are_claims_in_the_order_of_the_suite():
    assert set(streams()) == set(STREAMS) & set(CLAIMS)
    assert streams() == sorted(streams(), key=STREAMS.index)
    assert "gradual-drift" in streams()


def test_a_whole_row_has_every_column():
    row = next(suite_rows({"gradual-drift": result({"ours": LIVED})}))
    assert cells(row) == [
        "gradual-drift", "ours", "0.957", "0.250", "0.100", "1.000", "0.250", "71.9", "0.280",
        "17,464", "7", "115",
    ]  # fmt: skip


def test_what_was_not_measured_is_a_dash_and_an_error_says_so():
    measured = {"grid": {"last": 0.66, "weights": 131.0, "seeds": 10}, "other": {"seeds": 10}}
    grid, other = suite_rows({"bit-flipping": result(measured)})
    assert cells(grid)[2] == "0.660 (error)" and cells(grid)[9] == "131"
    assert set(cells(other)[2:]) == {"–"}


def test_an_accuracy_is_shown_before_an_error_and_a_return_error_as_it_is():
    figures = {"last": 0.2, "accuracy": 0.9, "return_error": 0.1, "return_200": 0.5}
    row = next(suite_rows({"label-worlds": result({"ours": figures})}))
    assert (row.late, row.errs, row.return_error) == (0.9, False, 0.1)


def test_the_page_has_every_row_every_stream_and_tells_failures():
    results = {
        "gradual-drift": result({"a | b": LIVED}, holds=False),
        "unheard-of": result({"nobody": LIVED}),
    }
    page = suite_page(results)
    assert "a \\| b" in page and "NOT MET" in page and "nobody" not in page
    assert "| 0.100 | 0.200 |" in page and "## Forgetting by importance" in page
    assert all(f"`{name}`" in page for name in streams())
    assert page.count("not measured") >= len(streams()) - 1
    assert "## Forgetting by importance" not in suite_page({})
