"""`sodachi reverse`: fit and forecast a recording, say what was found, write a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sodachi.errors import CommandError
from sodachi.face.culture_page import Story, brief, losses, page, tell
from sodachi.face.report import write_page
from sodachi.recordings.activity import NORMALISATIONS
from sodachi.recordings.reading import read_recording
from sodachi.recordings.reverse import reverse
from sodachi.recordings.simulate import simulate_culture


def reverse_file(
    file: Path | None,
    *,
    out: Path,
    culture: int = 1,
    sources: int | None = None,
    trials: int | None = None,
    early: int = 10,
    normalisation: str | None = None,
    rates: bool = False,
    seed: int = 0,
) -> int:
    """Read a file (or simulate a culture), take the six steps, print them, write ``out``.

    Raises
    ------
    CommandError
        An unknown normalisation.
    DataError
        What reading, cleaning, fitting and forecasting refuse.
    """
    if normalisation is not None and normalisation not in NORMALISATIONS:
        raise CommandError("--normalisation", f"one of {', '.join(NORMALISATIONS)}", normalisation)
    truth = None
    if file is None:
        count = 2 if sources is None else sources
        recording, truth = simulate_culture(seed, sources=count, units=32 * count)
        normalisation = normalisation or "none"  # nothing is evoked that is not believed
        print(f"no file given: a simulated culture, seed {seed}, whose truth is known")
    else:
        recording = read_recording(
            file, culture, trials=trials, kind="rates" if rates else "counts"
        )
    found = reverse(recording, normalisation=normalisation or "causal", early=early,
                    sources=sources)  # fmt: skip
    story = tell(found, truth if found.activity.normalisation == "none" else None)
    for line in lines(story):
        print(line)
    print(f"page: {write_page(page(story), out)}")
    return 0


def lines(story: Story) -> list[str]:
    """Return what a terminal shows of the six steps."""
    found, said = story.found, story.said
    done = found.activity
    sessions, length, units = done.recording.shape
    early = found.forecast.sessions
    said_of = ", ".join(f"{len(chosen)}" for chosen in done.ensembles.units)
    text = [f"{done.recording.name}: {sessions} sessions of {length} trials, {units} usable units"]
    text += [f"  note: {note}" for note in done.recording.notes]
    text += [
        f"1 activity    {len(done.values)} ensembles of {said_of} units "
        f"(sources {'inferred' if done.inferred else 'known'}; scale: {done.normalisation})",
        f"2 circuit     a cell an ensemble, {done.stimuli.shape[1]} synapses each",
        f"3 cost        {found.cost.value[0]:,.0f} nats in session 1, "
        f"{found.cost.value[-1]:,.0f} in session {sessions}",
        f"4 model       free energy equals that cost within "
        f"{np.abs(found.free_energy - found.cost.value).max():.0e} nats",
    ]
    for k in range(len(done.values)):
        text.append(
            f"              cell {k + 1}: prior count {_said(said.prior_count, k)}, "
            f"prior {_said(said.prior, k)}"
        )
    if found.plasticity is not None:
        rules = ", ".join(f"{r} {found.plasticity.agreement(r):.3f}"
                          for r in found.plasticity.predicted)  # fmt: skip
        text.append(f"5 rule        changes of synapses agree with: {rules}")
    text.append(f"6 forecast    from {early} sessions; squared error of the last ones:")
    text += [
        f"              {name:<11}{error:.4f}"
        for name, error in sorted(found.errors.items(), key=lambda item: item[1])
    ]
    text += [
        f"              not identified, cell {k + 1}: {', '.join(names)}"
        for k, names in found.vague.items()
    ]
    text += [f"it loses:     {words}" for words in losses(found)]
    return text


def _said(estimate, k: int) -> str:
    value, low, high = (float(ends[k]) for ends in estimate)
    return f"{brief(value)} (95 %: {brief(low)} to {brief(high)})"
