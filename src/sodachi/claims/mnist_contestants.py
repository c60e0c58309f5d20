"""Who lives in permuted MNIST: ours, what is removed from it, and its rivals at their best."""

from __future__ import annotations

from typing import Any

from sodachi.claims.contestants import Contestant
from sodachi.models.continual import continual_net
from sodachi.models.mixture import settling_mixture
from sodachi.models.nearest import nearest_neighbour

UNITS = 250
#: The same in both streams; one tick to see, one to hear.
OURS: dict[str, Any] = {
    "inputs": 784,
    "units": UNITS,
    "contexts": 2,
    "names": 32,
    "beta": 0.6,
    "rate": 1.0,
    "hunger": 0.8,
    "contrast": 0.7,
    "forget": 0.99997,
    "unlabelled": 0.0,
}
#: About as many weights as ours has: 205,000.
LAYERS = (784, 230, 100, 10)
OURS_ROW, NEAREST = "ours", "nearest of 261"
TWIN, CONTINUAL, UPGD, NORMED = "twin", "continual backprop", "UPGD, Adam", "layer norm"
_UPGD: dict[str, Any] = {"upgd": True, "upgd_noise": 0.01, "noise_table": 2**20}
#: Tuned on the first 20 tasks of either stream, seed 100, by accuracy on tasks 11 to 20: steps of
#: .0002 to .001 (layer norm to .002), replacement of 1e-5 to 1e-3, UPGD's noise .001 and .01, pulls
#: to the initial weights of .02 to .3. A pull helps where pixels are permuted (twin .861 to .865,
#: layer norm .855 to .868) and hurts where labels are (twin .954 to .926).
RIVALS: dict[str, dict[str, dict[str, Any]]] = {
    "pixels": {
        TWIN: {"rate": 0.0005, "decay_to_initial": 0.02},
        CONTINUAL: {"rate": 0.0005, "decay_to_initial": 0.1, "replacement_rate": 1e-5},
        UPGD: {"rate": 0.0005, "decay_to_initial": 0.1} | _UPGD,
        NORMED: {"rate": 0.0005, "decay_to_initial": 0.1, "layer_norm": True},
    },
    "labels": {
        TWIN: {"rate": 0.0005},
        CONTINUAL: {"rate": 0.0005, "replacement_rate": 1e-5},
        UPGD: {"rate": 0.0005} | _UPGD,
        NORMED: {"rate": 0.001, "layer_norm": True},
    },
}
_PULLED = {"pixels": ", pulled to its initial weights", "labels": ""}


def rival_words(mode: str) -> dict[str, str]:
    """Return what the rivals of a stream are, by row."""
    pulled = _PULLED[mode]
    return {
        TWIN: f"backprop 784-230-100-10, leaky ReLU .1, squared error, Adam{pulled}",
        CONTINUAL: "the same, its least useful hidden units replaced (rate 1e-5), optimiser state "
        "too; 40 tasks",
        UPGD: "the same, weights protected by utility and perturbed (noise .01); 40 tasks",
        NORMED: "the twin with layer normalisation, tuned on its own; 40 tasks",
        NEAREST: "1-nearest neighbour over the last 261 images; 40 tasks, not part of the target",
    }


#: What the claims credit, removed; births at random are as many as hunger's in trial lives.
LESIONS: dict[str, dict[str, dict[str, Any]]] = {
    "pixels": {
        "no recycling": {"lesion": "no-recycling", "contexts": 1},
        "births at random": {"lesion": "random-time", "birth_rate": 0.05},
    },
    "labels": {"one naming": {"names": 1}, "no trust": {"lesion": "no-trust"}},
}
#: These live through all tasks; all others through the first of them.
LONG = (OURS_ROW, TWIN)


def contestants(mode: str) -> dict[str, Contestant]:
    """Return who lives in this stream, by row; ``mode`` as in `RewiredWorlds`."""
    ours = {OURS_ROW: {}} | LESIONS[mode]
    return {
        **{row: _ours(settings) for row, settings in ours.items()},
        **{row: _net(settings) for row, settings in RIVALS[mode].items()},
        NEAREST: Contestant(lambda: nearest_neighbour(inputs=784, capacity=261)),
    }


def _ours(settings: dict[str, Any]) -> Contestant:
    return Contestant(lambda: settling_mixture(**(OURS | settings)))


def _net(settings: dict[str, Any]) -> Contestant:
    usual: dict[str, Any] = {"layers": LAYERS}
    return Contestant(lambda: continual_net(**(usual | settings)))
