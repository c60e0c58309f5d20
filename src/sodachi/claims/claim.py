"""What a claim is: where it was said, how it is tested, what would refute it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sodachi.claims.statistics import Check
from sodachi.errors import ClaimError

FORMS = ("quick", "full")

Figures = dict[str, float]
"""What one row measured on one seed, by metric."""


class Measured:
    """All figures of a claim's rows: ``measured(row, metric)`` is one number for each seed.

    Examples
    --------
    >>> measured = Measured({0: {"ours": {"accuracy": 0.9}}, 1: {"ours": {"accuracy": 0.8}}})
    >>> measured("ours", "accuracy")
    {0: 0.9, 1: 0.8}
    """

    def __init__(self, by_seed: Mapping[int, Mapping[str, Figures]]):
        self.by_seed = {seed: dict(rows) for seed, rows in sorted(by_seed.items())}

    def __call__(self, row: str, metric: str) -> dict[int, float]:
        """Return the figure by seed; `ClaimError` for a row or metric that no seed measured."""
        found = {
            seed: rows[row][metric]
            for seed, rows in self.by_seed.items()
            if row in rows and metric in rows[row]
        }
        if not found:
            raise ClaimError("measured", "a row and metric that was measured", f"{row}, {metric}")
        return found

    def rows(self) -> dict[str, list[str]]:
        """Return the metrics of every row, in the order in which they were measured."""
        found: dict[str, dict[str, None]] = {}
        for rows in self.by_seed.values():
            for row, figures in rows.items():
                found.setdefault(row, {}).update(dict.fromkeys(figures))
        return {row: list(metrics) for row, metrics in found.items()}


@dataclass(frozen=True)
class Protocol:
    """One form of a test: the seeds it declares, its target in words, and its checks.

    ``check`` gets everything measured and returns the parts of the target; all must hold.
    """

    words: str
    seeds: tuple[int, ...]
    target: str
    check: Callable[[Measured], list[Check]]

    def __post_init__(self):
        if len(set(self.seeds)) != len(self.seeds) or len(self.seeds) < 2:
            raise ClaimError("seeds", "two or more different seeds", self.seeds)


@dataclass(frozen=True)
class Claim:
    """A claim of the source documents, or of this project, and its test.

    ``rows(seed, form)`` returns what is to be measured: by row, a function without arguments that
    measures it. A row is measured, kept and resumed as a whole. ``rivals`` and ``lesion`` say in
    words what the rows of those names are.
    """

    name: str
    source: Mapping[str, str]
    rows: Callable[[int, str], dict[str, Callable[[], Figures]]]
    rivals: Mapping[str, str]
    lesion: Mapping[str, str]
    quick: Protocol
    full: Protocol
    module: str
    tuning_seeds: tuple[int, ...] = ()
    shown: tuple[str, ...] = field(default=())
    """Metrics that the tables in the documentation show."""

    def __post_init__(self):
        if set(self.source) != {"document", "sentence"}:
            raise ClaimError("source", "a document and its sentence", sorted(self.source))
        both = set(self.tuning_seeds) & {*self.full.seeds, *self.quick.seeds}
        if both:
            raise ClaimError("tuning seeds", "none that is reported", sorted(both))

    def protocol(self, form: str) -> Protocol:
        """Return the protocol of that form; `ClaimError` for an unknown one."""
        if form not in FORMS:
            raise ClaimError("form", f"one of {FORMS}", form)
        return self.quick if form == "quick" else self.full

    def run(self, seed: int, form: str) -> dict[str, Figures]:
        """Measure every row for one seed, in this process."""
        return {row: measure() for row, measure in self.rows(seed, form).items()}
