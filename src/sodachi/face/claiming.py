"""`sodachi claims` and `sodachi claim`: what was claimed, what was measured, whether it holds."""

from __future__ import annotations

import json
from typing import Any

from sodachi.claims import Claim, ledger, list_claims, run_claim

#: The exit code of a verdict: met, not met, not comparable.
CODES = {True: 0, False: 1, None: 2}
VERDICTS = {True: "met", False: "NOT MET", None: "not comparable"}


def show_claims(as_json: bool) -> int:
    """Print every claim with its full result from the ledger, if it has one; return 0."""
    measured = ledger()
    results = [measured.get(claim.name) or _unmeasured(claim) for claim in list_claims()]
    if as_json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
        return 0
    for result in results:
        verdict = VERDICTS[result["holds"]] if result["measured"] else "no full result yet"
        print(f"{result['name']}: {verdict}")
        print(f"    says     {result['source']['sentence']} ({result['source']['document']})")
        print(f"    target   {result['target']['words']}")
        if result["measured"]:
            seeds, cost = len(result["seeds"]), result["cost"]["core_seconds_per_seed"]
            print(f"    measured {seeds} seeds, {cost:g} core-seconds each")
    print("test one: sodachi claim NAME --quick")
    return 0


def judge_claim(name: str, form: str, seeds: int | None, as_json: bool) -> int:
    """Test a claim, print its result, and return 0 when met, 1 when not, 2 when not comparable."""
    result = run_claim(name, form, seeds)
    if as_json:
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_told(result)))
    return CODES[result["holds"]]


def _told(result: dict[str, Any]) -> list[str]:
    """Return a result in lines: the target, each part of it, every row with its interval."""
    lines = [
        f"{result['name']} ({result['form']}, {len(result['seeds'])} seeds): "
        f"{VERDICTS[result['holds']]}",
        f"target: {result['target']['words']}",
    ]
    for check in result["target"]["checks"]:
        holds, found = VERDICTS[check["holds"]], _figure(check["value"])
        lines.append(f"  {holds}: {check['words']}: {found} {_figure(check['interval'])}")
    for row, figures in result["measured"].items():
        shown = [
            f"{metric} {_figure(value)} {_figure(result['interval'][row].get(metric))}"
            for metric, value in figures.items()
            if metric != "seeds"
        ]
        lines.append(f"{row}: " + "; ".join(shown))
    lines.append(f"cost: {result['cost']['core_seconds']:g} core-seconds")
    return lines


def _figure(value: Any) -> str:
    """Return a number, an interval or a word briefly.

    Examples
    --------
    >>> _figure(0.95712), _figure([0.9, 0.95]), _figure(None), _figure(True)
    ('0.957', '[0.9, 0.95]', '--', 'True')
    """
    if value is None:
        return "--"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_figure, value)) + "]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _unmeasured(claim: Claim) -> dict[str, Any]:
    """Return the fields of a result for a claim that has no full one yet."""
    return {
        "name": claim.name,
        "source": dict(claim.source),
        "form": "full",
        "measured": {},
        "interval": {},
        "target": {"words": claim.full.target, "protocol": claim.full.words, "checks": []},
        "rivals": dict(claim.rivals),
        "lesion": dict(claim.lesion),
        "holds": None,
        "seeds": [],
        "cost": None,
        "commit": None,
        "machine": None,
    }
