"""What may be put into a Boltzmann machine: values of each kind, temperatures; and binarisation."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError
from sodachi.models.boltzmann_graph import BoltzmannGraph
from sodachi.system import Evidence


def check_values(graph: BoltzmannGraph, name: str, value) -> None:
    """Refuse values that units of that kind cannot take; the first is named.

    Raises
    ------
    SpecError
        With the place, what may stand there, and how to make binary data of intensities.
    """
    u, value = graph.population(name), np.asarray(value)
    if value.shape[1:] != u.shape:
        raise SpecError(name, f"rows of shape {u.shape}", f"shape {value.shape}")
    fine = np.isfinite(value)
    words = "finite numbers"
    if u.kind == "spin":
        fine, words = np.isin(value, (-1, 1)), "−1 or 1"
    elif u.kind != "gaussian":
        words = "0 or 1 (`sodachi.models.binarise` makes them of intensities)"
        fine = np.isin(value, (0, 1))
    if u.kind == "categorical":
        words = "one-hot rows"
        fine &= (value.sum(-1) == 1)[..., None]
    if not fine.all():
        place = tuple(int(i) for i in np.argwhere(~fine)[0])
        raise SpecError(f"{name}{list(place)}", words, value[place].item())


#: As a variable's limit.
LARGEST = 1e6


def possible(kind: str, evidence: Evidence) -> Evidence:
    """Return evidence whose value is 0 where no unit of this kind can have it (NaN, 3e38, −1).

    Examples
    --------
    >>> possible("binary", Evidence(np.array([-1.0, 1.0]), np.inf, 0.0)).value.tolist()
    [0.0, 1.0]
    """
    lowest, highest = {"gaussian": (-LARGEST, LARGEST), "spin": (-1.0, 1.0)}.get(kind, (0.0, 1.0))
    value = evidence.value
    return evidence._replace(value=jnp.where((value >= lowest) & (value <= highest), value, 0.0))


def check_temperature(temperature, name: str = "temperature") -> None:
    """Refuse a temperature that is not above 0 (traced ones pass); raises `SpecError`."""
    try:
        values = np.asarray(temperature)
    except jax.errors.TracerArrayConversionError:
        return
    if not np.all(values > 0):
        raise SpecError(name, "above 0", values.tolist())


def binarise(intensity, seed: int | None = None):
    r"""Return intensities in [0, 1] as numbers 0 and 1, in float32.

    With a seed 1 is drawn with the probability ``intensity`` (draw anew for each epoch of training,
    once for a test); without one it is where the intensity is ½ or more.

    Raises
    ------
    SpecError
        For a value outside [0, 1] or NaN; the first is named.

    References
    ----------
    Salakhutdinov and Murray (2008).

    Examples
    --------
    >>> binarise([0.2, 0.7]).tolist(), binarise([0.0, 1.0], seed=3).tolist()
    ([0.0, 1.0], [0.0, 1.0])
    """
    given = np.asarray(intensity)
    bad = ~((given >= 0) & (given <= 1))
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise SpecError(f"intensity{list(place)}", "0 to 1", given[place].item())
    if seed is None:
        return (given >= 0.5).astype(np.float32)
    return (np.random.default_rng(seed).random(given.shape) < given).astype(np.float32)
