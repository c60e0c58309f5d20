import numpy as np
import pytest

from sodachi.face.racing import ADAM, BUFFER, OURS, TWIN, Lived
from sodachi.face.springs import watch_settling
from sodachi.face.story import BIG, Clamped, Story
from sodachi.face.surviving import Survival
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
    lived = {
        name: [
            Lived(np.arange(10) < n, np.linspace(3, 1, 10), np.arange(10) if n == 8 else None)
            for _ in infos
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
    )
