"""Every system in the table keeps every promise that its spec makes."""

from sodachi.conformance import examine

#: Systems whose settling cells are never observed: their inputs are signals, not cells.
ONLY_HIDDEN_CELLS = ("canonical_network", "moving_net")

#: What a spec must declare for a check to have no subject; all other checks always apply.
MAY_NOT_APPLY = {
    "keys decide chance": lambda spec: "stochastic" not in spec.capabilities,
    "audit passes": lambda spec: "local" not in spec.capabilities,
    "one lane equals none": lambda spec: bool(spec.lanes),
    "absent is absent": lambda spec: not spec.observed,
    "clamped stays clamped": lambda spec: (
        "settles" not in spec.capabilities or not spec.observed or spec.factory in ONLY_HIDDEN_CELLS
    ),
}


def test_promise(row, check, trial):
    result = examine(trial, check)
    if result.outcome == "not applicable":
        assert check in MAY_NOT_APPLY, str(result)
        assert MAY_NOT_APPLY[check](trial.spec), str(result)
    else:
        assert result.outcome == "passed", str(result)
