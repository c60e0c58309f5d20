"""What `clamp_anything` asks about, and what stands beside it: images, a judge, memories.

Images to learn, to ask about and for the judge never overlap; tuning seeds see no test image.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np

from sodachi.claims.asking import CLASSES
from sodachi.claims.claim import Figures
from sodachi.claims.training import answers, train
from sodachi.data import load_mnist
from sodachi.models import backprop_graph

NOISE = 0.5  # standard deviation of the noise to be taken away
TUNING = (100, 101, 102)
TASKS = ("top", "random", "noise")
#: By form: images learned, asked about, and learned by the judge.
IMAGES = {"quick": (4000, 50, 5000), "full": (10_000, 300, 20_000)}


@cache
def material(seed: int, form: str) -> dict[str, Any]:
    """Return images: to learn, to ask about (tuning seeds: never of the test set), and masks."""
    X, y = _flat("train")
    rng = np.random.default_rng(seed)
    n_train, n_test, n_judge = IMAGES[form]
    some = rng.permutation(30_000)
    judge = 30_000 + rng.permutation(20_000)[:n_judge]
    held = (X[50_000:], y[50_000:]) if seed in TUNING else _flat("test")
    asked_about = rng.permutation(len(held[0]))[:n_test]
    V = held[0][asked_about]
    inf = np.float32(np.inf)
    top = np.zeros(V.shape, bool)
    top[:, :392] = True
    half = rng.random(V.shape) < 0.5
    noisy = (V + NOISE * rng.standard_normal(V.shape)).astype(np.float32)
    return {
        "train": (X[some[:n_train]], y[some[:n_train]]),
        "judge": (X[judge], y[judge]),
        "held": held,
        "test": (V, held[1][asked_about]),
        # What is seen, how precisely, and which pixels the error is counted on.
        "top": (V * top, np.where(top, inf, 0.0), ~top),
        "random": (V * half, np.where(half, inf, 0.0), ~half),
        "noise": (noisy, np.full(V.shape, NOISE**-2), np.ones(V.shape, bool)),
    }


def _flat(subset: str):
    X, y = load_mnist(subset)
    X = np.asarray(X, np.float32).reshape(len(X), -1)
    return (X / 255.0 if X.max() > 1.5 else X), np.asarray(y)


def pixel_error(image, truth, counted) -> float:
    """Return the mean squared error of the counted pixels, images clipped to [0, 1]."""
    return float(((np.clip(image, 0, 1) - truth) ** 2)[counted].mean())


@cache
def judge_of(seed: int, form: str):
    """Return an independent reader, backprop 784-256-10 on other images: ``images -> labels``."""
    X, y = material(seed, form)["judge"]
    net = backprop_graph(layers=(784, 256, CLASSES), activation="relu", loss="softmax")
    state = train(net, X, y, epochs=4, batch=64, seed=seed)
    return partial(answers, net, state)


def judged(images, labels, seed: int, form: str) -> Figures:
    """Return how many digits are read as meant, how they vary, and how near they are to copies.

    ``diversity`` is the mean distance of two digits of one label, ``nearest`` the mean distance to
    the nearest image that was learned.
    """
    images = np.clip(images, 0, 1)
    within = []
    for k in range(CLASSES):
        some = images[labels == k]
        n = len(some)
        within.append(_distances(some, some).sum() / (n * (n - 1)))
    return {
        "read": float((judge_of(seed, form)(images) == labels).mean()),
        "diversity": float(np.mean(within)),
        "nearest": float(_distances(images, material(seed, form)["train"][0]).min(1).mean()),
    }


def _distances(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    square = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(square, 0.0))


def recalled(neighbours: int, seed: int, form: str) -> Figures:
    """Return the errors of learned images nearest on what is seen, averaged; of all for 0."""
    m = material(seed, form)
    (X, labels), (V, y) = m["train"], m["test"]
    figures = {}
    for task in TASKS:
        seen, precision, counted = m[task]
        visible = (precision > 0).astype(np.float32)
        far = visible @ (X**2).T - 2 * (seen * visible) @ X.T
        nearest = np.argsort(far, 1)[:, : neighbours or 1]
        image = X[nearest].mean(1) if neighbours else np.broadcast_to(X.mean(0), V.shape)
        figures[f"{task}_error"] = pixel_error(image, V, counted)
        if neighbours == 1:
            figures[f"{task}_accuracy"] = float((labels[nearest[:, 0]] == y).mean())
    return figures


def class_mean(seed: int, form: str) -> Figures:
    """Return what the mean image of each class would score as a drawing."""
    X, y = material(seed, form)["train"]
    means = np.stack([X[y == k].mean(0) for k in range(CLASSES)])
    labels = np.repeat(np.arange(CLASSES), 2)
    return judged(means[labels], labels, seed, form)


def real_digits(seed: int, form: str) -> Figures:
    """Return what images not learned score: ``read`` is the accuracy of the judge."""
    V, y = material(seed, form)["held"]
    return judged(V[:1000], y[:1000], seed, form)
