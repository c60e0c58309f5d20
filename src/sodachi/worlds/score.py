"""How well a life in returning worlds went: the new ones, the old ones, and each world's share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sodachi.errors import SpecError

if TYPE_CHECKING:
    from sodachi.worlds.source import WorldInfo


def score(correct, infos: Sequence[WorldInfo], edge: int = 20, head: int = 200) -> dict[str, Any]:
    r"""Return the accuracies of a stream of worlds, predicted before learning.

    With :math:`a_w = \frac1n \sum_t c_{wt}` the accuracy in world w, a first visit being that of
    the original of each returning world (counted as often as it returns):

    * ``new_first``, ``new_last``: mean of :math:`a_w` over the first and last ``edge`` new worlds;
    * ``return_whole``, ``return_whole_first_visit``: over returning worlds, and their originals;
    * ``return_200``, ``return_200_first_visit``: the same over the first ``head`` samples
      (the names keep the default's number);
    * ``per_world``: the list of all :math:`a_w`.

    What has no world to be measured on is None.

    Parameters
    ----------
    correct : bool or float [worlds, n]
        1 where the prediction was right, 0 where not.
    infos : sequence of WorldInfo
        One for each world, in order.

    Raises
    ------
    SpecError
        Another shape, or entries outside [0, 1].

    Examples
    --------
    >>> from sodachi.worlds import WorldInfo
    >>> infos = [WorldInfo(0, False, 0, 0), WorldInfo(1, False, 1, 0), WorldInfo(2, True, 1, 1)]
    >>> figures = score([[0, 0], [0, 1], [1, 1]], infos)
    >>> figures["new_first"], figures["return_whole"], figures["return_whole_first_visit"]
    (0.25, 1.0, 0.5)
    """
    correct = np.asarray(correct)
    if correct.ndim != 2 or correct.shape[1] == 0 or len(correct) != len(infos):
        raise SpecError("correct", f"[{len(infos)} worlds, n]", list(correct.shape))
    correct = correct.astype(np.float64)
    if not ((correct >= 0) & (correct <= 1)).all():
        raise SpecError("correct", "entries from 0 to 1", "others")
    whole, start = correct.mean(1), correct[:, :head].mean(1)
    new = [w for w, info in enumerate(infos) if not info.returning]
    back = [w for w, info in enumerate(infos) if info.returning]
    first = [infos[w].original for w in back]
    return {
        "new_first": _mean(whole, new[:edge]),
        "new_last": _mean(whole, new[-edge:]),
        "return_whole": _mean(whole, back),
        "return_whole_first_visit": _mean(whole, first),
        "return_200": _mean(start, back),
        "return_200_first_visit": _mean(start, first),
        "per_world": whole.tolist(),
    }


def _mean(values: np.ndarray, which: list[int]) -> float | None:
    return float(values[which].mean()) if which else None
