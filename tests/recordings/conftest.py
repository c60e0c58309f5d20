"""Small cultures that many tests share."""

import pytest

from sodachi.recordings import activity, simulate_culture


@pytest.fixture(scope="session")
def simulated():
    """A small simulated culture and its truth."""
    return simulate_culture(3, units=32, inputs=6, sessions=16, trials=64, prior_count=300.0)


@pytest.fixture(scope="session")
def raw(simulated):
    return activity(simulated[0], normalisation="none", calibration=6)


@pytest.fixture(scope="session")
def causal(simulated):
    return activity(simulated[0], calibration=6)
