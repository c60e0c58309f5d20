import numpy as np
import pytest

from sodachi.face.racing import ADAM, BUFFER, OURS, TWIN, Lived
from sodachi.face.springs import watch_settling
from sodachi.face.story import BIG, Clamped, Story
from sodachi.face.surviving import Survival
from sodachi.face.units import Unit, Units
from sodachi.worlds import WorldInfo


@pytest.fixture(scope="session")
def springs():
    """A small net settling from one pattern to another."""
    return watch_settling(seed=0, ticks=12)


@pytest.fixture
def story(springs):
    """A made-up demo of three worlds of ten digits, in which only the large buffer beats ours."""
    infos = [WorldInfo(0, False, 0, 0), WorldInfo(1, False, 1, 0), WorldInfo(2, True, 0, 1)]
    right = {OURS: 8, TWIN: 6, ADAM: 5, BUFFER: 8}
    # Three units: one that was there from the first digits, one born in each later world.
    grown = [
        Units(
            born=np.array([[2, 11 if w else -1, -1], [25 if w == 2 else -1, -1, -1]]),
            utility=np.array([[3.0 + 20 * w, 5.0 * w, 0.0], [1.0, 0.0, 0.0]]),
        )
        for w in range(3)
    ]
    lived = {
        name: [
            Lived(
                np.arange(10) < n,
                np.linspace(3, 1, 10),
                np.arange(10) if n == 8 else None,
                grown[w] if n == 8 else None,
            )
            for w in range(len(infos))
        ]
        for name, n in right.items()
    }
    random = np.random.default_rng(0)
    clamped = Clamped(
        digits=random.random((10, 64)),
        completed={OURS: random.random((10, 64)), "the mean image": random.random((10, 64))},
        errors={OURS: 0.2, "the mean image": 0.3},
        unseen=20,
        dreams=random.random((10, 2, 64)),
        dream_right=0.5,
        energy=np.linspace(2, 1, 30).reshape(2, 15),
        belief=np.linspace(0, 1, 30).reshape(2, 15),
        shown=np.array([3, 7]),
    )
    return Story(
        seed=5,
        infos=infos,
        lived=lived,
        big_buffer=[np.arange(10) < 9 for _ in infos],
        floats={name: 100 for name in right} | {BIG: 1000},
        permuted_labels={OURS: 0.9, TWIN: 0.8, ADAM: 0.9, BUFFER: 0.7},
        clamped=clamped,
        survival=Survival(600, 300, 256, "a" * 64, "a" * 64),
        springs=springs,
        units=[
            Unit(0, 0, 2, 0, 7, random.random(64), np.array([3.0, 23.0, 43.0])),
            Unit(0, 1, 11, 1, 4, random.random(64), np.array([np.nan, 5.0, 10.0])),
            Unit(1, 0, 25, 2, 4, random.random(64), np.array([np.nan, np.nan, 1.0])),
        ],
    )
