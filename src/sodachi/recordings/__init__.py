"""Recordings of living (or simulated) cultures, read as canonical networks.

Six steps, six objects that can be looked at: `activity`, `circuit`, `cost`, `generative_model` with
`free_energy`, `plasticity`, and `fit` with its `forecast`. `reverse` takes all of them.
"""

from sodachi.recordings.activity import Activity, activity
from sodachi.recordings.circuit import Circuit, circuit
from sodachi.recordings.cost import Cost, cost
from sodachi.recordings.drugs import PriorChange, prior_change
from sodachi.recordings.ensembles import Criteria, Ensembles, find_ensembles
from sodachi.recordings.fitting import Fit, fit
from sodachi.recordings.forecasting import Forecast, forecast, nulls, squared_error, weight_error
from sodachi.recordings.generative import GenerativeModel, free_energy, generative_model
from sodachi.recordings.intervals import Estimates, estimates, unidentified
from sodachi.recordings.invitro import load_invitro
from sodachi.recordings.neo_files import from_neo
from sodachi.recordings.plasticity import Plasticity, plasticity
from sodachi.recordings.published import Published, common_baseline, published
from sodachi.recordings.quality import Quality, clean, examine
from sodachi.recordings.reading import read_recording, read_recordings
from sodachi.recordings.receptive_fields import (
    Gabor,
    Tuning,
    effective_area,
    fit_gabor,
    grating_responses,
    orientation_tuning,
)
from sodachi.recordings.recording import Recording
from sodachi.recordings.reverse import Reversal, reverse
from sodachi.recordings.simulate import Truth, simulate_culture
from sodachi.recordings.sources import infer_sources

__all__ = [
    "Activity",
    "Circuit",
    "Cost",
    "Criteria",
    "Ensembles",
    "Estimates",
    "Fit",
    "Forecast",
    "Gabor",
    "GenerativeModel",
    "Plasticity",
    "PriorChange",
    "Published",
    "Quality",
    "Recording",
    "Reversal",
    "Truth",
    "Tuning",
    "activity",
    "circuit",
    "clean",
    "common_baseline",
    "cost",
    "effective_area",
    "estimates",
    "examine",
    "find_ensembles",
    "fit",
    "fit_gabor",
    "forecast",
    "free_energy",
    "from_neo",
    "generative_model",
    "grating_responses",
    "infer_sources",
    "load_invitro",
    "nulls",
    "orientation_tuning",
    "plasticity",
    "prior_change",
    "published",
    "read_recording",
    "read_recordings",
    "reverse",
    "simulate_culture",
    "squared_error",
    "unidentified",
    "weight_error",
]
