"""The numbers of a Boltzmann machine, and the ways in which it may dream."""

from __future__ import annotations

from typing import NamedTuple

#: How a machine dreams (see `boltzmann_machine`).
DREAMS = (
    "persistent",
    "contrastive_divergence",
    "tempering",
    "mean_field",
    "local",
    "conditional",
)


#: Dreams that every lane has for itself, and that begin anew with every tick.
OWN_DREAMS = ("contrastive_divergence", "conditional")


class Settings(NamedTuple):
    """The factory's numbers (see `boltzmann_machine`)."""

    sweeps: int
    schedule: str
    wake: str
    dream: str
    dreams: int
    dream_sweeps: int
    ladder: tuple[float, ...]
    rate: float
    decay: float
    variance_rate: float
    centred: bool
    offset_rate: float
    sparse: float | None
    sparse_strength: float
    dream_rate: float
    anneal: int | None
    temperature: float
    scale: float
    generative: float = 1.0
    discriminative: float = 0.0
    mixing: float | None = None
    mixing_lag: int = 100
    reach: float = 0.05
    optimiser: str = "sgd"
    label: str | None = None
    """A label above a single hidden population, which is then known exactly."""
