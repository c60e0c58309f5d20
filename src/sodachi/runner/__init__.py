"""The runner: lives that survive kill -9, with their checkpoints, figures, health, quarantine."""

from sodachi.runner.checkpoint import Checkpoint, load, save
from sodachi.runner.health import health
from sodachi.runner.life import Chunk, Life
from sodachi.runner.lock import FolderLock
from sodachi.runner.metrics import Accuracy, SquaredError
from sodachi.runner.predicting import predict_then_learn
from sodachi.runner.quarantine import Quarantine

__all__ = [
    "Accuracy",
    "Checkpoint",
    "Chunk",
    "FolderLock",
    "Life",
    "Quarantine",
    "SquaredError",
    "health",
    "load",
    "predict_then_learn",
    "save",
]
