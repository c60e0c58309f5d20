"""All that a demo finds out, in one value: what the screen says and the report draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sodachi.face.racing import OURS, Lived
from sodachi.face.springs import Settling
from sodachi.face.surviving import Survival
from sodachi.face.units import Unit
from sodachi.worlds import WorldInfo, score

BIG = "buffer of 4,500"
EDGE = 5  # new worlds at either end of the life that are compared
HEAD = 200  # samples of a world that returns: is it known at once?


class Clamped(NamedTuple):
    """What the same weights made of other clamps; images as they were before rewiring.

    ``errors`` are pixel errors of the hidden half by who completed it, over ``unseen`` images that
    were never shown; ``digits``, ``completed`` [k, 64] by name, and ``dreams`` [10, m, 64].
    """

    digits: np.ndarray
    completed: dict[str, np.ndarray]
    errors: dict[str, float]
    unseen: int
    dreams: np.ndarray
    dream_right: float
    energy: np.ndarray
    belief: np.ndarray
    shown: np.ndarray


class Story(NamedTuple):
    """One demo: the worlds, what every learner made of them, and what else was tried.

    ``units`` are some of ours, and what is on record of them.
    """

    seed: int
    infos: Sequence[WorldInfo]
    lived: dict[str, list[Lived]]
    big_buffer: list[np.ndarray]
    floats: dict[str, int]
    permuted_labels: dict[str, float]
    clamped: Clamped
    survival: Survival
    springs: Settling
    units: list[Unit]

    def correct(self) -> dict[str, np.ndarray]:
        """Return whether each answer was right: bool [worlds, n] by learner."""
        rows = {name: np.stack([one.correct for one in all_]) for name, all_ in self.lived.items()}
        return rows | {BIG: np.stack(self.big_buffer)}

    def figures(self) -> dict[str, dict]:
        """Return `score` of every learner."""
        return {n: score(c, self.infos, EDGE, HEAD) for n, c in self.correct().items()}

    def energy(self, every: int = 100) -> tuple[np.ndarray, np.ndarray]:
        """Return our energy over life: samples lived, and means over ``every`` samples."""
        return _means(np.concatenate([one.energy for one in self.lived[OURS]]), every)

    def alive(self, every: int = 20) -> tuple[np.ndarray, np.ndarray]:
        """Return samples lived and how many of our units were alive then."""
        alive = [one.live for one in self.lived[OURS] if one.live is not None]
        whole = np.concatenate(alive)
        places = np.arange(0, len(whole), every)
        return places + 1, whole[places]


def losses(story: Story) -> list[str]:
    """Return in words, with what this run measured, every place where a rival was better.

    A row is a loss when the rival's figure is better at all: nothing is rounded in our favour.
    """
    found = []
    figures = story.figures()
    mean = {name: float(np.mean(f["per_world"])) for name, f in figures.items()}
    for name, accuracy in mean.items():
        if name != OURS and accuracy > mean[OURS]:
            more = story.floats[name] / story.floats[OURS]
            found.append(
                f"rewired pixels, mean of all worlds: the {name} is right on {accuracy:.1%}, ours "
                f"on {mean[OURS]:.1%} (it keeps {more:.3g} × as many numbers)"
            )
    gains = {n: _gain(f) for n, f in figures.items() if f["return_whole"] is not None}
    for name, gain in gains.items():
        if name != OURS and gain > gains[OURS]:
            found.append(
                f"what a return is worth: the {name} does {100 * gain:.1f} points better than at "
                f"its first visit, ours {100 * gains[OURS]:.1f}"
            )
    for name, accuracy in story.permuted_labels.items():
        if name != OURS and accuracy > story.permuted_labels[OURS]:
            found.append(
                f"labels permuted instead of pixels: the {name} is right on {accuracy:.1%}, ours "
                f"on {story.permuted_labels[OURS]:.1%}"
            )
    errors = story.clamped.errors
    for name, error in errors.items():
        if name != OURS and error < errors[OURS]:
            found.append(
                f"half-hidden digits: {name} misses the hidden pixels by {error:.3f}, ours by "
                f"{errors[OURS]:.3f}"
            )
    return found


def ledger_losses() -> list[str]:
    """Return where the committed results of the claims say that a rival was better."""
    from sodachi.claims import ledger

    result = ledger().get("never-stops-learning")
    if result is None:
        return []
    found, measured = [], result["measured"]
    for row, figures in measured.items():
        name, _, setting = row.partition("; ")
        ours = measured.get("ours A" + (f"; {setting}" if setting else ""), {}).get("new_last")
        theirs = figures.get("new_last")
        if name.startswith("ours") or ours is None or theirs is None or theirs <= ours:
            continue
        found.append(
            f"claim never-stops-learning ({len(result['seeds'])} seeds), {setting or 'main form'}, "
            f"last new worlds: {name} {theirs:.3f}, ours {ours:.3f}"
        )
    return found


def _gain(figures: dict) -> float:
    """Return how much better returning worlds went than at their first visit."""
    return figures["return_whole"] - figures["return_whole_first_visit"]


def _means(values: np.ndarray, every: int) -> tuple[np.ndarray, np.ndarray]:
    every = max(1, min(every, len(values)))
    whole = values[: len(values) // every * every].reshape(-1, every)
    return (np.arange(len(whole)) + 1) * every, whole.mean(1)
