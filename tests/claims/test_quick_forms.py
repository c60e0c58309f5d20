"""Every claim's quick form meets its own target: the gate runs them all."""

import pytest

from sodachi.claims.running import CLAIMS, run_claim


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_the_quick_form_holds(name, tmp_path):
    # One seed after the other: the second finds the programs that the first compiled.
    out = tmp_path / "result.json"
    result = run_claim(name, "quick", workers=1, scratch=tmp_path, out=out)
    assert result["form"] == "quick"
    assert result["holds"] is True, result["target"]
