"""One life in about a minute: digits, rewired sensors, kill -9, other clamps, and a report."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sodachi.claims.lives import count_floats
from sodachi.data import load_digits
from sodachi.face import clamping
from sodachi.face.racing import ADAM, BUFFER, OURS, TWIN, Lived, Race
from sodachi.face.remembering import LargeBuffer
from sodachi.face.report import write_report
from sodachi.face.screen import Screen
from sodachi.face.springs import watch_settling
from sodachi.face.story import BIG, Clamped, Story, ledger_losses, losses
from sodachi.face.surviving import survive
from sodachi.face.units import biographies
from sodachi.worlds import RewiredWorlds

WORLDS = 25
HELD_OUT = 200  # digits that no world shows
LABEL_WORLDS = 5  # worlds of a life in which the labels are renamed instead
SHOWN, DREAMS = 10, 4  # digits completed in the picture, dreams of each digit
BIG_CAPACITY = 4500

#: Who lives beside whom, for a newcomer.
WHO = {
    OURS: "ours: settles to low energy, learns at every tick by local rules, grows",
    TWIN: "backpropagation with as many weights as ours for one world, tuned for this stream",
    ADAM: "backpropagation as most people would write it",
    BUFFER: "no learning: looks up the most similar of the last 270 digits",
}
PYTHON = (
    "from sodachi import observe",
    "from sodachi.models import settling_mixture",
    "net = settling_mixture(inputs=2, labels=2); state = net.init(0)",
    "state, out = net.step(state, observe(net.spec, input=[0.0, 1.0], label=1))",
    'print(out["label"])',
)


def run_demo(
    out: Path,
    seed: int = 0,
    worlds: int | None = None,
    plain: bool = True,
) -> int:
    """Live one life, tell of it, write ``out/report.html``; return the exit code.

    0, or 1 when the life resumed after kill -9 differs from the uninterrupted one in any bit.

    Parameters
    ----------
    out
        Folder of the report, made if there is none.
    worlds
        How many worlds to live in; `WORLDS` when None.
    plain
        Lines of text rather than a live table.
    """
    worlds = WORLDS if worlds is None else worlds
    out.mkdir(parents=True, exist_ok=True)
    screen = Screen(plain)
    digits, held_out = _digits(seed)
    rows = len(digits[1])
    screen.say(
        f"sodachi demo: one life on {rows:,} handwritten digits a world, {worlds} worlds, "
        f"seed {seed}; nothing is downloaded"
    )
    with (
        ThreadPoolExecutor(max_workers=1) as beside,
        tempfile.TemporaryDirectory(prefix="lives-", dir=out) as lives,
    ):
        survival = beside.submit(survive, Path(lives), seed)
        stream = RewiredWorlds(*digits, seed=seed, worlds=worlds)
        race = Race((OURS, TWIN, ADAM, BUFFER), seed, rows)
        lived, big = _live(screen, race, stream)
        clamped = _clamp(race, stream, held_out, seed)
        floats = _sizes(race, digits[0].shape[1])
        permuted = _permuted_labels(race, digits, seed, worlds)
        springs = watch_settling(seed)
        survived = survival.result()
    seen = [one.units for one in lived[OURS] if one.units is not None]
    units = biographies(stream, seen, SHOWN)
    story = Story(
        seed, stream.infos, lived, big, floats, permuted, clamped, survived, springs, units
    )
    return tell(screen, story, write_report(story, out / "report.html"))


def _digits(seed: int):
    """Return the digits to live on and those held out, each as images and labels."""
    X, y = load_digits()
    order = np.random.default_rng([seed, HELD_OUT]).permutation(len(y))
    seen, kept = np.sort(order[HELD_OUT:]), np.sort(order[:HELD_OUT])
    return (X[seen], y[seen]), (X[kept], y[kept])


def _live(screen: Screen, race: Race, stream):
    """Live all worlds side by side, showing each; return what came of it by learner."""
    screen.say("birth: no unit is alive; learners compile in a few seconds (once: it is kept)")
    for name, words in WHO.items():
        screen.more(f"{name:<15} {words}")
    screen.say("answers right in each world, every one read before its label was shown:")
    lived: dict[str, list[Lived]] = {name: [] for name in race.racers}
    big, buffer = [], LargeBuffer(BIG_CAPACITY)
    with screen.table(list(race.racers)) as add:
        for X, y, info in stream.worlds():
            results = race.world(X, y)
            for name, result in results.items():
                lived[name].append(result)
            big.append(buffer.live(X, y))
            alive = results[OURS].live
            came = f"world {info.original + 1} returns" if info.returning else "pixels rewired"
            came = "birth" if info.index == 0 else came
            add(
                f"{info.index + 1:>3}  {came}",
                {name: result.accuracy for name, result in results.items()},
                0 if alive is None else int(alive[-1]),
            )
    first = lived[OURS][0].live
    if first is not None:
        screen.say(
            f"it grew as it read: 0 units at birth, {first[min(99, len(first) - 1)]} after 100 "
            f"digits, {first[-1]} at the end of the first world"
        )
    return lived, big


def _clamp(race: Race, stream, held_out, seed: int) -> Clamped:
    """Ask the same weights other questions, in the world they live in now."""
    ours, buffer = race.racers[OURS], race.racers[BUFFER]
    X, y = held_out
    size = X.shape[1]
    world = len(stream.infos) - 1
    wires = clamping.wiring(stream, world, size)
    upper = np.arange(size) < size // 2
    seen, known = X[:, wires], upper[wires]
    mean = stream.world(world)[0].mean(0)
    completed = {
        OURS: clamping.complete(ours.system, ours.state, seen, known),
        "the nearest of 270": clamping.complete(buffer.system, buffer.state, seen, known, ticks=1),
        "the mean image": np.where(known, seen, mean),
    }
    errors = {n: clamping.pixel_error(made, seen, known) for n, made in completed.items()}
    one_each = np.array([int(np.argmax(y == digit)) for digit in range(SHOWN)])
    labels = np.repeat(np.arange(10), DREAMS)
    dreams = clamping.dream(ours.system, ours.state, labels, seed)
    read = clamping.settle_on(ours.system, ours.state, dreams)["label"][:, -1].argmax(-1)
    row = one_each[[3, 7, 0, 8, 4]]
    settled = clamping.settle_on(ours.system, ours.state, seen[row])
    return Clamped(
        digits=X[one_each],
        completed={n: clamping.unwired(made[one_each], wires) for n, made in completed.items()},
        errors=errors,
        unseen=len(y),
        dreams=clamping.unwired(dreams, wires).reshape(10, DREAMS, size),
        dream_right=float((read == labels).mean()),
        energy=settled["energy"],
        belief=np.stack([b[:, k] for b, k in zip(settled["label"], y[row], strict=True)]),
        shown=y[row],
    )


def _sizes(race: Race, inputs: int) -> dict[str, int]:
    """Return how many numbers each learner keeps from one digit to the next."""
    sizes = {name: count_floats(racer.state) for name, racer in race.racers.items()}
    return sizes | {BIG: BIG_CAPACITY * (inputs + 1)}


def _permuted_labels(race: Race, digits, seed: int, worlds: int) -> dict[str, float]:
    """Return mean accuracies of newborns in worlds that permute labels instead of pixels."""
    stream = RewiredWorlds(*digits, seed=seed, worlds=min(LABEL_WORLDS, worlds), mode="labels")
    race.start_again(seed)
    results = [race.world(X, y) for X, y, _ in stream.worlds()]
    return {name: float(np.mean([r[name].accuracy for r in results])) for name in race.racers}


def tell(screen: Screen, story: Story, report: Path) -> int:
    """Say what came of it, where ours loses, and what to try next; return the exit code."""
    errors = ", ".join(f"{name} {error:.3f}" for name, error in story.clamped.errors.items())
    screen.say(story.survival.words)
    screen.say(f"half-hidden digits completed, error per hidden pixel: {errors}")
    screen.say(
        f"dreams: {story.clamped.dreams.shape[0] * DREAMS} digits from labels alone; "
        f"{story.clamped.dream_right:.0%} of them read as meant"
    )
    screen.more()
    screen.more("where ours loses (all of it in the report)", indent=0)
    for words in [*losses(story), *ledger_losses()] or ["nowhere that this run measured"]:
        screen.more(f"- {words}", indent=2)
    screen.more()
    screen.more("try next", indent=0)
    screen.more("sodachi learn your.csv --target COLUMN    a life on your own table", indent=2)
    screen.more(
        "sodachi claims                            what was measured, with intervals", indent=2
    )
    screen.more("python, five lines:", indent=2)
    for line in PYTHON:
        screen.more(line, indent=6)
    screen.more()
    screen.say(f"report: {report}")
    return 0 if story.survival.identical else 1
