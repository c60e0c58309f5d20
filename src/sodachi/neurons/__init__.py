"""Cells and populations: ``step(state, current) -> (state, signal)``, one kind of cell a file."""

from sodachi.neurons.canonical import CanonicalCell, CanonicalState, RateCell, RateState
from sodachi.neurons.hodgkin_huxley import ConductanceState, HodgkinHuxley
from sodachi.neurons.lif import LeakyIntegrateAndFire, MembraneState
from sodachi.neurons.population import Population, PopulationState, firing_rates
from sodachi.neurons.reduced import (
    FitzHughNagumo,
    PlaneState,
    ReducedHodgkinHuxley,
    ReducedState,
)

__all__ = [
    "CanonicalCell",
    "CanonicalState",
    "ConductanceState",
    "FitzHughNagumo",
    "HodgkinHuxley",
    "LeakyIntegrateAndFire",
    "MembraneState",
    "PlaneState",
    "Population",
    "PopulationState",
    "RateCell",
    "RateState",
    "ReducedHodgkinHuxley",
    "ReducedState",
    "firing_rates",
]
