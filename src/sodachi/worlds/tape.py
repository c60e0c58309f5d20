"""A tape with a head: the world in which a network is a Turing machine."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.evidence import observed_value
from sodachi.errors import SpecError
from sodachi.system import Spec, State, System, Variable, arguments, factory, system
from sodachi.worlds.checks import whole


@factory("tape")
def tape(*, symbols: int = 2, squares: int = 1001) -> System:
    r"""Return a tape of blanks whose head stands in the middle, moves by one square and writes.

    At a tick the head first writes, then moves, then reads. It does what is asked for by more than
    half, ``action_i > ½``; of an action that nothing stands out in nothing is done. At an end of
    the tape it stays, and `beyond` is 1 from then on: the tape was too short.

    Parameters
    ----------
    symbols
        How many; 0 is the blank.
    squares
        Length of the tape.

    Returns
    -------
    System
        Observes `action`, [symbols + 1 + 3]: a symbol to write or (the last) none, then left, stay,
        right. Outputs: read, one-hot [symbols], what stands under the head; head, its square, from
        0 on the left; beyond; energy and residual, 0.

    Raises
    ------
    SpecError
        For fewer than two symbols, or no square.

    References
    ----------
    Turing (1936).

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> world = tape(symbols=2, squares=5)
    >>> state, out = world.step(world.init(0), observe(world.spec, action=[0, 1, 0, 1, 0, 0]))
    >>> int(out["head"]), out["read"].tolist(), state.lane["squares"].tolist()
    (1, [1.0, 0.0], [0, 0, 1, 0, 0])
    """
    whole("symbols", symbols, 2)
    whole("squares", squares, 1)
    spec = Spec(
        factory="tape",
        arguments=arguments(symbols=symbols, squares=squares),
        observed=(Variable("action", (symbols + 1 + 3,), "binary"),),
    )

    def init(key):
        return State(
            {},
            {
                "squares": jnp.zeros(squares, jnp.int32),
                "head": jnp.int32(squares // 2),
                "beyond": jnp.zeros(()),
            },
        )

    return system(spec, init, lambda state, o: _step(symbols, squares, state, o))


def _step(symbols: int, squares: int, state: State, observation):
    told = observed_value(observation.evidence["action"])
    done = jnp.where(jnp.isfinite(told), told, 0.0) > 0.5
    lane, head = state.lane, state.lane["head"]
    writes = done[:symbols]
    symbol = jnp.where(jnp.any(writes), jnp.argmax(writes), lane["squares"][head])
    marks = lane["squares"].at[head].set(symbol.astype(jnp.int32))
    left, _, right = done[symbols + 1 :].astype(jnp.int32)
    wanted = head + right - left
    head = jnp.clip(wanted, 0, squares - 1)
    beyond = jnp.maximum(lane["beyond"], (wanted != head).astype(jnp.float32))
    output = {
        "energy": jnp.zeros(()),
        "residual": jnp.zeros(()),
        "read": jax.nn.one_hot(marks[head], symbols),
        "head": head,
        "beyond": beyond,
    }
    return State(state.shared, {"squares": marks, "head": head, "beyond": beyond}), output


def laid(state: State, marks: Sequence[int] | np.ndarray, head: int = 0) -> State:
    """Return a tape's state with ``marks`` on it from the middle on, and the head on one of them.

    Raises
    ------
    SpecError
        If the marks do not fit, or the head stands beside the tape.

    Examples
    --------
    >>> laid(tape(squares=5).init(0), [1, 1], head=1).lane["head"].tolist()
    3
    """
    squares = len(state.lane["squares"])
    middle = squares // 2
    given = np.asarray(marks, np.int32)
    if given.ndim != 1 or middle + len(given) > squares:
        raise SpecError("marks", f"at most {squares - middle} symbols", given.shape)
    if not 0 <= middle + head < squares:
        raise SpecError("head", "a square of the tape", head)
    written = np.zeros(squares, np.int32)
    written[middle : middle + len(given)] = given
    lane = state.lane | {"squares": jnp.asarray(written), "head": jnp.int32(middle + head)}
    return State(state.shared, lane)
