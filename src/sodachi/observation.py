"""`observe`: turn what a caller knows into an Observation, checked on the host.

Every observable name is always filled (absence is precision 0), so the structure of an
observation never varies and nothing recompiles. Values are copied: a caller may reuse its buffer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from sodachi.errors import ObservationError
from sodachi.system import Evidence, Observation, Spec, Variable


def observe(
    spec: Spec,
    *,
    steps: int | None = None,
    learn: Any = True,
    first: Any = False,
    modulation: dict[str, Any] | None = None,
    missing: str = "raise",
    **values: Any,
) -> Observation:
    r"""Return a checked observation of ``values`` by name; names not given are absent.

    The force of evidence on a free variable x is ``precision * (value - x) + drive``.

    Parameters
    ----------
    spec
        The system's spec. Leading axes of every array are ``(steps,)`` when given, then
        ``spec.lanes``; the rest is the variable's own shape.
    steps
        A leading time axis, for a run over many observations; None for a single tick.
    learn, first
        Booleans, per tick and lane or broadcast.
    modulation
        Signed factors by population name; 1 where not given.
    missing
        ``"raise"`` refuses NaN, ``"absent"`` takes a NaN entry as not observed.
    **values
        By variable name: an array (a clamp), an `Evidence`, or None (absent). A categorical
        variable also takes integer labels.

    Raises
    ------
    ObservationError
        For an unknown name, a wrong shape or dtype, a NaN or infinite value, a value beyond the
        variable's limit, an unseen label, a negative precision, a drive or modulation that is not
        finite, a flag that is not boolean, or a ``steps`` or ``missing`` that is not one.

    Examples
    --------
    >>> from sodachi.system import Spec, Variable
    >>> spec = Spec("example", observed=(Variable("image", (2,)), Variable("label", (3,))))
    >>> o = observe(spec, image=[0.5, 1.0])
    >>> o.evidence["image"].precision, o.evidence["label"].precision
    (array([inf, inf], dtype=float32), array([0., 0., 0.], dtype=float32))
    """
    return _checked(
        spec, values, {} if modulation is None else modulation, learn, first, steps, missing
    )


def _checked(
    spec: Spec, values: Mapping, modulation: Mapping, learn, first, steps, missing
) -> Observation:
    """`observe` with the values in a mapping, so that a variable may bear any name."""
    known = {variable.name for variable in spec.observed}
    for name in values:
        if name not in known:
            raise ObservationError("name", f"one of {sorted(known)}", name)
    if missing not in ("raise", "absent"):
        raise ObservationError("missing", "'raise' or 'absent'", missing)
    if steps is not None and not (_is_whole(steps) and steps >= 1):
        raise ObservationError("steps", "None or a number of ticks", steps)
    lead = (() if steps is None else (steps,)) + spec.lanes
    evidence = {v.name: _evidence(v, values.get(v.name), lead, missing) for v in spec.observed}
    if not isinstance(modulation, Mapping):
        raise ObservationError("modulation", "a dictionary by name", modulation)
    for name in modulation:
        if name not in spec.modulated:
            raise ObservationError("modulation", f"one of {sorted(spec.modulated)}", name)
    factors = {m: _factor(m, modulation.get(m, 1.0), lead) for m in spec.modulated}
    return Observation(evidence, factors, _flag("learn", learn, lead), _flag("first", first, lead))


def check(spec: Spec, observation: Observation, steps: int | None = None) -> Observation:
    """Return the observation as fresh NumPy arrays after the checks of `observe`.

    For observations that were put together by hand; raises `ObservationError`.
    """
    if not isinstance(observation, Observation):
        raise ObservationError("observation", "an Observation", type(observation).__name__)
    if not isinstance(observation.evidence, Mapping):
        raise ObservationError("evidence", "a dictionary by name", observation.evidence)
    names = {v.name for v in spec.observed}
    if set(observation.evidence) != names:
        raise ObservationError("evidence", f"exactly {sorted(names)}", list(observation.evidence))
    learn, first = observation.learn, observation.first
    return _checked(
        spec, observation.evidence, observation.modulation, learn, first, steps, "raise"
    )


#: What an observed value of each kind may be; a real one only has the variable's limit.
RANGES = {
    "categorical": (0, 1), "binary": (0, 1), "bit": (0, 1), "spin": (-1, 1), "spike": (0, 1),
    "count": (0, np.inf),
}  # fmt: skip


def _evidence(variable: Variable, given: Any, lead, missing: str) -> Evidence:
    shape, dtype = lead + variable.shape, np.dtype(variable.dtype)
    zeros = np.zeros(shape, dtype)
    if given is None:
        return Evidence(zeros, np.zeros(shape, dtype), np.zeros(shape, dtype))
    name = variable.name
    if not isinstance(given, Evidence):
        given = Evidence(given, np.inf, 0.0)
    value = _labels(variable, given.value, lead)
    value = _array(name, value, dtype)
    if value.shape != shape:
        raise ObservationError(f"{name}.value", f"shape {shape}", f"shape {value.shape}")
    precision = _broadcast(f"{name}.precision", given.precision, shape, lead, dtype)
    drive = _broadcast(f"{name}.drive", given.drive, shape, lead, dtype)
    if missing == "absent":
        absent = np.isnan(value)
        value = np.where(absent, 0, value).astype(dtype)
        precision = np.where(absent, 0, precision).astype(dtype)
    _refuse(f"{name}.value", value, ~np.isfinite(value), "finite numbers")
    _refuse(f"{name}.value", value, np.abs(value) > variable.limit, f"within ±{variable.limit:g}")
    low, high = RANGES.get(variable.kind, (-np.inf, np.inf))
    beyond = (precision > 0) & ((value < low) | (value > high))
    _refuse(f"{name}.value", value, beyond, f"{variable.kind}, {low:g} to {high:g}")
    _refuse(f"{name}.precision", precision, ~(precision >= 0), "0 or more")
    _possible(variable, value, np.isinf(precision))
    _refuse(f"{name}.drive", drive, ~(np.abs(drive) <= variable.limit), "finite, within the limit")
    return Evidence(value, precision, drive)


def _possible(variable: Variable, value: np.ndarray, clamped: np.ndarray) -> None:
    """Refuse clamps that no unit could be on: between two values, or in two states at once."""
    name = f"{variable.name}.value"
    if variable.kind in ("bit", "spin"):
        low, high = RANGES[variable.kind]
        between = clamped & (value != low) & (value != high)
        words = f"{low} or {high} where clamped (sodachi.models.binarise makes them of intensities)"
        _refuse(name, value, between, words)
    elif variable.kind == "categorical":
        held = np.where(clamped, value, 0).sum(-1)
        beyond = (held > 1 + 1e-3) | (clamped.all(-1) & (held < 1 - 1e-3))
        _refuse(f"{name}, sum", held, beyond, "1 over all states (clamps that agree)")


def _labels(variable: Variable, value: Any, lead) -> Any:
    """Integer labels of a categorical variable become one-hot rows; unseen labels are refused."""
    if variable.kind != "categorical":
        return value
    given = _numbers(f"{variable.name}.value", value)
    if not np.issubdtype(given.dtype, np.integer) or given.shape != lead + variable.shape[:-1]:
        return given
    size = variable.shape[-1]
    _refuse(
        f"{variable.name}.value", given, (given < 0) | (given >= size), f"a label in 0..{size - 1}"
    )
    return np.eye(size, dtype=variable.dtype)[given]


def _array(name: str, value: Any, dtype) -> np.ndarray:
    given = _numbers(f"{name}.value", value)
    with np.errstate(over="ignore"):  # what overflows becomes infinite and is refused below
        return np.array(given, dtype=dtype)


def _numbers(name: str, value: Any) -> np.ndarray:
    """Return an array of booleans, integers or real numbers, whatever their precision."""
    if isinstance(value, np.ma.MaskedArray):  # its mask would be lost without a word
        raise ObservationError(name, "an array without a mask (NaN and missing='absent')", "a mask")
    try:
        given = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:  # ragged lists, random keys
        raise ObservationError(name, "an array of numbers", str(error)) from error
    if given.dtype.kind not in "biuf" and not jnp.issubdtype(given.dtype, jnp.floating):
        raise ObservationError(name, "real numbers", f"dtype {given.dtype}")
    return given


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _broadcast(name: str, value: Any, shape, lead, dtype) -> np.ndarray:
    """Broadcast a scalar, one number per lane, or a full array to the variable's shape."""
    given = _numbers(name, value)
    if given.shape == lead and lead != shape:
        given = given.reshape(lead + (1,) * (len(shape) - len(lead)))
    try:
        with np.errstate(over="ignore"):
            return np.array(np.broadcast_to(given, shape), dtype=dtype)
    except ValueError as error:
        raise ObservationError(name, f"shape {shape}", f"shape {given.shape}") from error


def _factor(name: str, value: Any, lead) -> np.ndarray:
    factor = _broadcast(f"modulation {name}", value, lead, lead, np.float32)
    _refuse(f"modulation {name}", factor, ~np.isfinite(factor), "finite numbers")
    return factor


def _flag(name: str, value: Any, lead) -> np.ndarray:
    given = _numbers(name, value)
    if given.dtype != bool and not np.isin(given, (0, 1)).all():
        raise ObservationError(name, "True or False", value)
    try:
        return np.array(np.broadcast_to(given.astype(bool), lead))
    except ValueError as error:
        raise ObservationError(name, f"shape {lead}", f"shape {given.shape}") from error


def _refuse(name: str, array: np.ndarray, bad: np.ndarray, expected: str) -> None:
    """Raise an ObservationError that names the first bad place and what stands there."""
    if np.any(bad):
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ObservationError(f"{name}{list(place)}", expected, array[place].item())
