"""The demo from its command to its report, and each of its parts against something independent."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sodachi.claims.contestants import Contestant
from sodachi.errors import CheckpointError
from sodachi.face import clamping
from sodachi.face.demo import PYTHON, tell
from sodachi.face.racing import Racer
from sodachi.face.remembering import LargeBuffer
from sodachi.face.screen import Screen
from sodachi.face.surviving import Survival, digest
from sodachi.models import settling_mixture
from sodachi.models.nearest import nearest_neighbour
from sodachi.runner.checkpoint import save
from sodachi.runner.life import CHECKPOINT
from sodachi.system import Spec
from sodachi.worlds import RewiredDigits

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The command run as a newcomer runs it, with two worlds; its folder and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    environment = os.environ | {
        "PYTHONPATH": str(SOURCE),
        "JAX_PLATFORMS": "cpu",
        "SODACHI_CACHE": str(folder / "cache"),
    }
    command = [sys.executable, "-m", "sodachi", "demo", "--worlds", "2", "--seed", "3"]
    done = subprocess.run(
        [*command, "--out", str(folder / "out")],
        env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return folder / "out", done


@pytest.mark.slow
def test_it_ends_well_and_leaves_one_file(demo):
    folder, done = demo
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    assert [p.name for p in folder.iterdir()] == ["report.html"]
    assert (folder / "report.html").stat().st_size < 8e6


@pytest.mark.slow
def test_it_says_seed_worlds_verdict_losses_and_what_is_next(demo):
    said = demo[1].stdout
    for words in ("seed 3", "pixels rewired", "identical", "where ours loses", "try next",
                  "sodachi learn your.csv --target COLUMN", "report.html"):  # fmt: skip
        assert words in said
    assert "DIFFERENT" not in said
    assert "\x1b" not in said  # plain where it is no terminal
    assert all(len(line) < 132 for line in said.splitlines() if line.startswith("  "))


@pytest.mark.slow
def test_ours_learned(demo):
    rows = [line.split() for line in demo[1].stdout.splitlines() if "pixels rewired" in line]
    (row,) = rows
    assert float(row[3].rstrip("%")) > 85
    assert int(row[-1]) > 100


def test_a_resumed_life_that_differs_fails(story, tmp_path, capsys):
    screen = Screen(plain=True)
    assert tell(screen, story, tmp_path) == 0
    assert "identical" in capsys.readouterr().out
    different = story.survival._replace(resumed="b" * 64)
    assert tell(screen, story._replace(survival=different), tmp_path) == 1
    assert "DIFFERENT" in capsys.readouterr().out


def test_one_changed_bit_of_the_state_is_seen(tmp_path):
    weights = np.ones(5, np.float32)
    for name in ("whole", "resumed", "tampered"):
        (tmp_path / name).mkdir()
        state = {"w": weights.copy()}
        if name == "tampered":
            state["w"][3] = np.nextafter(weights[3], np.float32(2))
        save(tmp_path / name / CHECKPOINT, state, Spec("example"), offset=7)
    whole, resumed, tampered = (digest(tmp_path / n) for n in ("whole", "resumed", "tampered"))
    assert Survival(9, 5, 4, whole, resumed).identical
    assert not Survival(9, 5, 4, whole, tampered).identical


def test_a_life_without_a_checkpoint_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="a checkpoint"):
        digest(tmp_path)


def test_the_large_buffer_answers_as_the_model_does():
    random = np.random.default_rng(0)
    X, y = random.normal(size=(2, 40, 5)).astype(np.float32), random.integers(3, size=(2, 40))
    model = Contestant(lambda: nearest_neighbour(inputs=5, labels=3, capacity=30))
    racer, buffer = Racer(model, seed=0, rows=40), LargeBuffer(30)
    for world in range(2):
        np.testing.assert_array_equal(
            buffer.live(X[world], y[world]), racer.live(X[world], y[world]).correct
        )


@pytest.fixture(scope="module")
def taught():
    """A small net that knows a picture of six pixels for each label; its state; the pictures."""
    net = Contestant(lambda: settling_mixture(inputs=6, labels=4, units=8, beta=30.0), 5, 2)
    pictures = np.eye(4, 6, dtype=np.float32) + np.eye(4, 6, 2, dtype=np.float32)
    racer = Racer(net, seed=0, rows=200)
    y = np.random.default_rng(0).integers(4, size=200)
    racer.live(pictures[y], y)
    return racer.system, racer.state, pictures


def test_a_half_hidden_picture_is_completed_to_the_one_that_was_learned(taught):
    system, state, pictures = taught
    known = np.array([True, True, True, True, False, False])
    made = clamping.complete(system, state, pictures, known)
    np.testing.assert_array_equal(made[:, known], pictures[:, known])
    np.testing.assert_allclose(made, pictures, atol=0.02)
    assert clamping.pixel_error(made, pictures, known) < 0.02


def test_a_dream_of_a_label_is_its_picture(taught):
    system, state, pictures = taught
    dreams = clamping.dream(system, state, [2, 0, 3, 1], seed=0)
    np.testing.assert_allclose(dreams, pictures[[2, 0, 3, 1]], atol=0.1)


def test_energy_never_rises_while_a_picture_is_shown(taught):
    system, state, pictures = taught
    seen = clamping.settle_on(system, state, pictures)
    assert seen["energy"].shape == (4, clamping.TICKS)
    assert np.all(np.diff(seen["energy"], axis=1) <= 1e-5)
    assert seen["label"][:, -1].argmax(-1).tolist() == [0, 1, 2, 3]


def test_pictures_come_back_from_a_rewired_world():
    stream = RewiredDigits(seed=4, worlds=6)
    wires = clamping.wiring(stream, 4, 64)
    first = clamping.wiring(stream, stream.infos[4].original, 64)
    np.testing.assert_array_equal(wires, first)  # world 4 returns
    from sodachi.data import load_digits

    seen = clamping.unwired(stream.world(4)[0], wires)
    key = lambda images: sorted(map(bytes, np.ascontiguousarray(images)))  # noqa: E731
    assert key(seen) == key(load_digits()[0])


def test_the_five_lines_of_python_run(capsys, tmp_path):
    assert len(PYTHON) == 5
    file = tmp_path / "five.py"
    file.write_text("\n".join(PYTHON))
    runpy.run_path(str(file))
    assert capsys.readouterr().out.startswith("[0.5")
