"""Claim: a predictive coding net reads MNIST at 98.3 %, trained by local rules only."""

from __future__ import annotations

from sodachi.claims.accuracy_dense import Task, claim
from sodachi.claims.accuracy_protocol import Dense, shifted
from sodachi.data import load_mnist

TASK = Task(
    name="accuracy-mnist",
    load=load_mnist,
    net=Dense((784, 256, 256, 10), precision=0.1),
    epochs=10,
    target=0.983,
    quick_images=20_000,
    quick_target=0.94,
    words="Every image is moved by −1, 0 or 1 pixel each way in every epoch.",
    twin="TWIN",
    module=__name__,
    move=shifted,
)
CLAIM = claim(TASK)
