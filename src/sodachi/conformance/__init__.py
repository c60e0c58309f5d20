"""Does a system keep the promises of the protocol? A public check, also for third parties.

Each promise is one small function in `CHECKS`; it passes, fails with field, expectation and what
was found, or does not apply because the spec declares nothing that it could be about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sodachi.conformance import bad_input, continuity, evidence, lanes, protocol
from sodachi.conformance.trees import BrokenPromise, NoSubject
from sodachi.conformance.trial import Trial
from sodachi.errors import ConformanceError
from sodachi.system import Observation, Spec, System

__all__ = ["CHECKS", "ConformanceReport", "Result", "Trial", "check_system", "examine"]

_log = logging.getLogger(__name__)

CHECKS: dict[str, Callable[[Trial], None]] = {
    "spec survives JSON": protocol.spec_survives_json,
    "init is deterministic": protocol.init_is_deterministic,
    "step keeps structure": protocol.step_keeps_structure,
    "nothing compiles twice": protocol.nothing_compiles_twice,
    "runs can be cut": continuity.runs_can_be_cut,
    "chunk sizes agree": continuity.chunk_sizes_agree,
    "resumes from NumPy": continuity.resumes_from_numpy,
    "keys decide chance": continuity.keys_decide_chance,
    "lanes never mix": lanes.lanes_never_mix,
    "lanes without learning add nothing": lanes.lanes_without_learning_add_nothing,
    "one lane equals none": lanes.one_lane_equals_none,
    "no learning moves no slow bit": evidence.no_learning_moves_no_slow_bit,
    "clamped stays clamped": evidence.clamped_stays_clamped,
    "absent is absent": evidence.absent_is_absent,
    "audit passes": evidence.audit_passes,
    "bad input is refused": bad_input.bad_input_is_refused,
    "poison never reaches a weight": bad_input.poison_never_reaches_a_weight,
    "poison does not persist": bad_input.poison_does_not_persist,
}


class Result(NamedTuple):
    """One promise: ``outcome`` is passed, failed or "not applicable", with the reason in words."""

    check: str
    outcome: str
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.outcome:>14}  {self.check}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True)
class ConformanceReport:
    """The results of all checks on one system; ``str(report)`` is one line a check."""

    spec: Spec
    results: tuple[Result, ...]

    @property
    def failures(self) -> tuple[Result, ...]:
        """The broken promises."""
        return tuple(r for r in self.results if r.outcome == "failed")

    @property
    def passed(self) -> bool:
        """True if no promise is broken."""
        return not self.failures

    def __str__(self) -> str:
        kept = sum(r.outcome == "passed" for r in self.results)
        head = f"{self.spec.factory}: {kept} kept, {len(self.failures)} broken"
        return "\n".join([head, *map(str, self.results)])


def check_system(
    system: System,
    *,
    observations: Observation | None = None,
    seed: int = 0,
    strict: bool = True,
) -> ConformanceReport:
    """Check that a system keeps every promise of the protocol.

    Bit for bit: runs can be cut and resumed, lanes never mix, ``learn=False`` moves nothing slow,
    an absent value is never read. To 1e-5: one lane of a minibatch lives as the plain system. And
    no recompilation, locality where declared, and no NaN in a weight.

    Parameters
    ----------
    system
        Any System, also a combinator's. Keep it small: some ten programs are compiled.
    observations
        Valid observations with a leading time axis (two or more); random ones by kind if None.
    seed
        Of the birth and of the random observations.
    strict
        Raise when a promise is broken; otherwise only report it.

    Raises
    ------
    ConformanceError
        If ``strict``, listing every broken promise with field, expectation and what was found.
    SpecError
        If ``observations`` has no time axis.
    ObservationError
        If ``observations`` does not fit the spec.

    Examples
    --------
    >>> from sodachi.models import settling_net
    >>> check_system(settling_net(layers=(4, 3, 2))).passed
    True
    """
    trial = Trial(system, observations, seed)
    report = ConformanceReport(system.spec, tuple(examine(trial, name) for name in CHECKS))
    if strict and not report.passed:
        broken = "; ".join(f"[{r.check}] {r.reason}" for r in report.failures)
        raise ConformanceError(system.spec.factory, "all promises kept", broken)
    return report


def examine(trial: Trial, check: str) -> Result:
    """Return the result of one check by name; an error inside a system is a broken promise."""
    try:
        CHECKS[check](trial)
    except NoSubject as reason:
        return Result(check, "not applicable", str(reason))
    except BrokenPromise as broken:
        return Result(check, "failed", str(broken))
    except Exception as error:  # whatever a stranger's system raises is its result
        _log.debug("check %r raised", check, exc_info=True)
        return Result(check, "failed", f"{type(error).__name__}: {' '.join(str(error).split())}")
    return Result(check, "passed")
