"""How long layers on devices of their own wait for one another, counted, not clocked.

A schedule is a list of tasks, each on one device and of one unit of time: a task is one product of
a layer's weights with a vector (a prediction, what is sent back, or a weight update). A device
works on one task at a time, in the order of the list, as soon as what the task needs has arrived.
"""

from __future__ import annotations

from typing import NamedTuple

from sodachi.errors import ClaimError


class Task(NamedTuple):
    """One unit of work: its name, its device, and the tasks whose results it needs."""

    name: tuple
    device: int
    needs: tuple[tuple, ...] = ()


class Waiting(NamedTuple):
    """What came of a schedule: units of time until all is done, share idle, messages sent."""

    time: int
    idle: float
    messages: int


def play(tasks: list[Task]) -> Waiting:
    """Return how long it takes, ``idle = 1 − work / (devices · time)``, and what was sent.

    A result that several tasks of one other device need is sent there once.

    Raises
    ------
    ClaimError
        For a task that needs one not listed before it.

    Examples
    --------
    >>> play([Task(("a",), 0), Task(("b",), 1, (("a",),))])
    Waiting(time=2, idle=0.5, messages=1)
    """
    done: dict[tuple, int] = {}
    place = {task.name: task.device for task in tasks}
    free = dict.fromkeys(place.values(), 0)
    sent = set()
    for task in tasks:
        missing = [need for need in task.needs if need not in done]
        if missing:
            raise ClaimError(f"task {task.name}", "needs that are listed before it", missing)
        start = max([free[task.device], *(done[need] for need in task.needs)])
        free[task.device] = done[task.name] = start + 1
        sent |= {(n, task.device) for n in task.needs if place[n] != task.device}
    time = max(free.values())
    return Waiting(time, 1.0 - len(tasks) / (len(free) * time), len(sent))


def backprop_schedule(depth: int) -> list[Task]:
    """Return one training step of backpropagation with ``depth`` weight layers, one a device.

    Forward in order, back in order, every update as soon as its error is there.
    """
    tasks = [Task(("predict", n), n, (("predict", n - 1),) if n else ()) for n in range(depth)]
    for n in reversed(range(depth)):
        error = ("back", n + 1) if n + 1 < depth else ("predict", n)
        needs = (("predict", n), error)
        if n:  # below the first layer there is nothing to send back to
            tasks.append(Task(("back", n), n, needs))
        tasks.append(Task(("update", n), n, needs))
    return tasks


def settling_schedule(depth: int, ticks: int) -> list[Task]:
    """Return one training step of a settling net: so many ticks of every layer, then its update.

    In a tick each layer predicts its cells from what its neighbour said at the tick before,
    compares, and sends its error back; ends of the chain are clamped.
    """
    tasks: list[Task] = []

    def news(n, t):
        """What the cells of layer n at tick t stand on: their error and what came from above."""
        if t < 0:
            return ()
        return (("predict", n, t), ("back", n + 1, t)) if n + 1 < depth else (("predict", n, t),)

    for t in range(ticks):
        for n in range(depth):
            below = news(n - 1, t - 1) if n else ()
            tasks.append(Task(("predict", n, t), n, news(n, t - 1) + below))
        for n in range(1, depth):
            tasks.append(Task(("back", n, t), n, (("predict", n, t),)))
    last = ticks - 1
    tasks += [Task(("update", n), n, news(n, last)) for n in range(depth)]
    return tasks
