"""The survey: what a table's columns are, decided before the first row is lived."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import islice

from sodachi.errors import CommandError, DataError
from sodachi.face.tables import RowSource, entry, is_missing, number

#: Rows at the head of the file from which the kinds and categories of inputs are read.
HEAD_ROWS = 1_000
#: Most categories of one input column that get a place of their own (the commonest).
MOST_CATEGORIES = 64
#: Letters beyond which an entry is free text and no category.
LONGEST_CATEGORY = 64
#: Most classes a target may have.
MOST_CLASSES = 256
#: An all-integer target with at most so many different values is taken as classes.
FEW_VALUES = 20

TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Column:
    """One input column: numeric (no categories), or categorical with one place per category."""

    name: str
    index: int
    categories: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Survey:
    """What a table is: its inputs, its target, the task, and (for classification) the classes."""

    columns: tuple[Column, ...]
    target: str
    target_index: int
    task: str
    classes: tuple[str, ...]

    def to_json(self) -> str:
        """Write the survey as JSON; `Survey.from_json` reads it back."""
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Survey:
        """Read a survey from JSON as `to_json` writes it; `DataError` when it is not that."""
        try:
            d = json.loads(text)
            columns = tuple(
                Column(c["name"], c["index"], c["categories"] and tuple(c["categories"]))
                for c in d.pop("columns")
            )
            return Survey(columns, classes=tuple(d.pop("classes")), **d)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError("survey", "JSON as Survey.to_json writes it", str(error)) from error


def survey(source: RowSource, target: str, task: str | None = None) -> Survey:
    """Return what the table's columns mean.

    *Inputs* are judged by the first 1,000 rows: a column whose known entries are all numbers is
    numeric, any other categorical, with a place for each of its 64 commonest categories. Columns
    that first come later are not in it: they emerge.
    *The target* alone is read to the end of the file, so that the set of classes is known at
    birth. The task is classification if any target is not a number, or if all are integers of at
    most 20 different values; otherwise regression. ``task`` overrules it.

    Raises
    ------
    CommandError
        If the target column is missing or the task unknown.
    DataError
        If there are no rows or no inputs, one class only, too many classes, or (for regression) a
        target that is not a number or never varies.
    """
    if not source.knows(target):
        raise CommandError("--target", f"one of {', '.join(source.names)}", target)
    if task not in (None, *TASKS):
        raise CommandError("--task", " or ".join(TASKS), task)
    stream, values, rows, place = source.again(), Counter(), 0, -1
    for row in stream:
        rows += 1
        if place < 0 and target in stream.names:
            place = stream.names.index(target)
        if row.fields is not None and place >= 0:
            field = entry(row.fields, place)
            if not is_missing(field):
                _count(values, field, task, source)
    if len(stream.names) < 2:
        raise DataError(str(source.path), "at least one column beside the target", "none")
    if not rows:
        raise DataError(str(source.path), "rows under the header", "none")
    if not values:
        raise DataError(f"column {target}", "a known value in some row", "none")
    task = task or _task(values)
    classes = _classes(target, values, task)
    return Survey(_columns(source, place), target, place, task, classes)


def _count(values: Counter, field: str, task: str | None, source: RowSource) -> None:
    """Count the different values, keeping no more of them than a decision needs."""
    if len(values) <= MOST_CLASSES or field in values:
        values[field] += 1
    elif number(field) is None:  # too many for classes, and no number: neither task is possible
        raise DataError(f"{source.path} target", f"at most {MOST_CLASSES} classes", "more")
    elif task == "classification":
        raise DataError(f"{source.path} target", f"at most {MOST_CLASSES} classes", "more")


def _task(values: Counter) -> str:
    numbers = [number(value) for value in values]
    if any(n is None for n in numbers):
        return "classification"
    whole = all(n is not None and n.is_integer() for n in numbers)
    few = len(set(numbers)) <= FEW_VALUES
    return "classification" if whole and few else "regression"


def _classes(target: str, values: Counter, task: str) -> tuple[str, ...]:
    if task == "regression":
        words = [value for value in values if number(value) is None]
        if words:
            raise DataError(f"column {target}", "numbers (regression)", repr(words[0]))
        if len({number(value) for value in values}) < 2:
            raise DataError(f"column {target}", "values that differ", "one value only")
        return ()
    if len(values) < 2:
        raise DataError(f"column {target}", "two classes or more", f"only {next(iter(values))!r}")
    if len(values) > MOST_CLASSES:
        raise DataError(f"column {target}", f"at most {MOST_CLASSES} classes", "more")
    return tuple(sorted(values, key=_numeric_first))


def _numeric_first(text: str):
    value = number(text)
    return (value is None, value or 0.0, text)


def _columns(source: RowSource, place: int) -> tuple[Column, ...]:
    stream = source.again()
    head = [r.fields for r in islice(stream, HEAD_ROWS) if r.fields is not None]
    columns = []
    for index, name in enumerate(stream.names):
        if index == place:
            continue
        entries = (entry(row, index) for row in head)
        known = Counter(field for field in entries if not is_missing(field))
        if all(number(value) is not None for value in known):
            columns.append(Column(name, index))
        else:
            words = Counter({v: n for v, n in known.items() if len(v) <= LONGEST_CATEGORY})
            common = [value for value, _ in words.most_common(MOST_CATEGORIES)]
            columns.append(Column(name, index, tuple(sorted(common))))
    return tuple(columns)
