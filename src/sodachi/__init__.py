"""sodachi: a young network lowers one energy and becomes intelligent.

Names are imported on first use, so that importing the package (and ``sodachi --help``) stays
quick: JAX is loaded only when a network is made.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "system": (
        "Evidence",
        "Observation",
        "Spec",
        "State",
        "System",
        "Variable",
        "build",
        "factory",
    ),
    "observation": ("check", "observe"),
    "combinators": ("hold", "loop", "minibatch", "pipe", "replicate"),
    "replaying": ("replay",),
    "running": ("run",),
    "conformance": ("check_system",),
    "core.audit": ("audit",),
    "runner": ("Life", "predict_then_learn"),
    "models": (
        "babble",
        "backprop_actor",
        "backprop_graph",
        "backprop_net",
        "continual_net",
        "gated_net",
        "growing_actor",
        "growing_grid",
        "moving_net",
        "settling_graph",
        "settling_mixture",
        "settling_net",
        "swift_actor",
        "swift_td",
    ),
    "face.estimators": ("SettlingClassifier", "SettlingRegressor"),
    "face.stream": ("StreamClassifier",),
}
_WHERE = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted([*_WHERE, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'sodachi' has no attribute {name!r}")
    return getattr(import_module(f"sodachi.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
