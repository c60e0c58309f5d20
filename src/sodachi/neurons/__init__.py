"""Cells and populations: ``step(state, current) -> (state, signal)``, one kind of cell a file."""

from sodachi.neurons.lif import LeakyIntegrateAndFire, MembraneState

__all__ = ["LeakyIntegrateAndFire", "MembraneState"]
