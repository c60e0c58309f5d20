"""Tables follow from the ledger: written, found current, found stale; a failure shows as one."""

import pytest

from sodachi.claims import Measured, list_claims
from sodachi.claims.record import make_result, write_result
from sodachi.claims.tables import BEGIN, END, between_markers, generate, main, summary
from sodachi.errors import ClaimError

DEAR = (
    "accuracy-cifar", "permuted-digits", "label-worlds", "gradual-drift", "settling-and-growing",
    "permuted-mnist", "label-permuted", "classification-rbm", "few-labels",
    "completion",
)  # fmt: skip
DEAREST = ("rbm-likelihood", "dbm-likelihood")
WRITTEN = ["README.md", "docs/claims.md", "docs/suite.md"]
CLAIMS = {claim.name: claim for claim in list_claims()}


def figures(rows, metrics):
    """Every row with the same figures on ten seeds: nothing is above anything else."""
    return Measured({s: {r: dict.fromkeys(metrics, 0.9) for r in rows} for s in range(10)})


def failing_result():
    claim = CLAIMS["never-stops-learning"]
    rows = ["ours A", "ours B", *claim.rivals, *claim.lesion]
    metrics = ("new_first", "new_last", "return_whole", "change")
    return make_result(claim, "full", figures(rows, metrics), [60.0] * 10)


@pytest.mark.unit
def test_equal_rows_do_not_hold_because_nothing_is_above_the_twin():
    result = failing_result()
    assert result["holds"] is False
    by_words = {check["words"]: check["holds"] for check in result["target"]["checks"]}
    assert by_words["ours A: last 20 new worlds not below the first 20 by .01 or more"] is True
    assert by_words["ours B: returning worlds, above the tuned twin by more than .04"] is False


@pytest.mark.unit
def test_tables_are_written_found_current_and_found_stale(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"# title\n\n{BEGIN}\n{END}\nlast words\n")
    assert sorted(generate(tmp_path)) == WRITTEN
    text = readme.read_text()
    assert "not measured" in text and text.startswith("# title\n") and text.endswith("last words\n")
    assert generate(tmp_path, check=True) == []

    write_result(failing_result(), tmp_path / "results" / "claims" / "never-stops-learning.json")
    # No stream of the suite: its page stays.
    assert sorted(generate(tmp_path, check=True)) == WRITTEN[:2]
    assert readme.read_text() == text  # a check writes nothing
    generate(tmp_path)
    assert "**does not hold**" in readme.read_text()
    page = (tmp_path / "docs" / "claims.md").read_text()
    assert "never-stops-learning: **does not hold**" in page and "| 10 |" in page
    assert generate(tmp_path, check=True) == []


@pytest.mark.unit
def test_missing_markers_and_unknown_arguments_are_refused():
    for call in (
        lambda: between_markers("no markers", "table"),
        lambda: between_markers(f"{END} {BEGIN}", "table"),
        lambda: main(["--chek"]),
    ):
        with pytest.raises(ClaimError):
            call()


@pytest.mark.unit
def test_every_claim_is_in_the_summary():
    table = summary(list(CLAIMS.values()), {})
    assert all(f"`{name}`" in table for name in CLAIMS)
    assert len(table.splitlines()) == 2 + len(CLAIMS)


@pytest.mark.unit
@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_every_rival_and_lesion_is_a_row_that_is_measured(name):
    claim = CLAIMS[name]
    rows = set(claim.rows(0, "full"))
    assert set(claim.rivals) <= rows and set(claim.lesion) <= rows
    # Depth, quickly: nets of their own, of 8 layers; feedback: of 5; drift: a stream of its own.
    other_sizes = name in ("depth", "feedback-alignment", "real-drift")
    assert set(claim.rows(0, "quick")) <= rows or other_sizes
    # Five where a seed is dear, three where dearer (the claim says so); ten everywhere else.
    assert len(claim.full.seeds) == (3 if name in DEAREST else 5 if name in DEAR else 10)
