"""A small settling net caught tick by tick: where every bead and platform is, and the tension."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sodachi.core.graph import predictions
from sodachi.models.settling import chain, settling_net
from sodachi.observation import observe
from sodachi.running import run

LAYERS = (4, 3, 2)
#: What the small net knows: four pixels, two patterns.
PATTERNS = np.array([[1.0, 1.0, -0.5, -0.5], [-0.5, -0.5, 1.0, 1.0]], np.float32)
#: Half of each: nothing that it knows predicts these pixels.
STRANGE = np.array([1.0, -0.5, 1.0, -0.5], np.float32)
LESSONS = 400  # samples lived before the picture begins
LESSON_TICKS = 4
TICKS = 30


class Settling(NamedTuple):
    """A net settling: frame 0 rests on one pattern, from frame 1 on another is clamped.

    ``beads`` and ``platforms`` hold, by layer, arrays [ticks + 1, n] of activity x and of what the
    layer above predicts, μ; the top layer has no platform. ``rods`` are the weights [above, below]
    by the layer below. ``energy`` [ticks + 1] is the net's own output.
    """

    beads: dict[str, np.ndarray]
    platforms: dict[str, np.ndarray]
    rods: dict[str, np.ndarray]
    energy: np.ndarray
    label: np.ndarray

    @property
    def tension(self) -> np.ndarray:
        """Σ ½·spring² of every frame, from the drawn positions alone."""
        parts = [0.5 * (self.beads[n] - mu) ** 2 for n, mu in self.platforms.items()]
        return sum(part.sum(axis=1) for part in parts)  # type: ignore[return-value]


def watch_settling(
    seed: int, ticks: int = TICKS, then: np.ndarray = PATTERNS[1], rate: float = 0.2
) -> Settling:
    """Teach a 4-3-2 net two patterns, let it rest on one, clamp ``then``, and watch it settle.

    ``rate`` is the time per tick of all that is watched.

    Examples
    --------
    >>> seen = watch_settling(seed=0, ticks=3)
    >>> seen.beads["input"].shape, seen.platforms["hidden1"].shape
    ((4, 4), (4, 3))
    """
    net = settling_net(layers=LAYERS, direction="down", weight_rate=5e-3, rate=rate)
    order = np.random.default_rng(seed).integers(2, size=LESSONS).repeat(LESSON_TICKS)
    lessons = observe(net.spec, steps=len(order), input=PATTERNS[order], label=order)
    live = run(net)
    state, _ = live(net.init(seed), lessons)
    rest = observe(net.spec, steps=200, learn=False, input=np.tile(PATTERNS[0], (200, 1)))
    state, _ = live(state, rest)

    states, energy = [], []
    step = net.step
    for tick in range(ticks + 1):
        shown = then if tick else PATTERNS[0]
        state, output = step(state, observe(net.spec, input=shown, learn=False))
        states.append(state.lane["activity"])
        energy.append(float(output["energy"]))
    beads = {n: np.stack([np.asarray(s[n], np.float64) for s in states]) for n in states[0]}
    weights = {n: np.asarray(w, np.float64) for n, w in state.shared["weights"].items()}
    graph = chain(LAYERS, "down", "tanh")
    bias = {p.name: weights[f"1>{p.name}"].reshape(p.shape) for p in graph.predicted}
    rows = [predictions(graph, weights, bias, s) for s in states]
    platforms = {n: np.stack([np.asarray(r[n], np.float64) for r in rows]) for n in bias}
    rods = {e.target: weights[e.name] for e in graph.edges}
    return Settling(beads, platforms, rods, np.array(energy), beads["label"])
