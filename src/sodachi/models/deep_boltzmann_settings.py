"""What a layered Boltzmann machine is made of: its layers, what joins them, and its numbers."""

from __future__ import annotations

import json
from math import prod
from typing import Any, NamedTuple

from sodachi.core.connections import Convolution, Dense, Local
from sodachi.errors import SpecError
from sodachi.models.deep_boltzmann_layers import Joint, Layer
from sodachi.system import Spec

DREAMS = ("persistent", "reconstruction")
SETTLING = ("sample", "mean_field")


class Settings(NamedTuple):
    """The factory's numbers and its layers (see `deep_boltzmann_machine`)."""

    layers: tuple[Layer, ...]
    joints: tuple[Joint, ...]
    dream: str
    chains: int
    sweeps: int
    settling: str
    iterations: int
    rate: float
    decay: float
    centring: float
    sparsity: float
    sparse_target: float
    scale: float
    generative: float
    discriminative: float

    @property
    def classifies(self) -> bool:
        """Whether there is a label above a single hidden layer, so that it is known exactly."""
        return len(self.layers) == 3 and self.layers[2].kind == "softmax"


def layers_of(spec: Spec) -> Settings:
    """Return the settings of a layered machine, as functions of its likelihood take them.

    Raises
    ------
    SpecError
        For the spec of anything else, a minibatch too.

    Examples
    --------
    >>> from sodachi.models.deep_boltzmann import deep_boltzmann_machine
    >>> [n.name for n in layers_of(deep_boltzmann_machine(labels=2).spec).layers]
    ['input', 'hidden1', 'label']
    """
    if spec.factory != "deep_boltzmann_machine":
        raise SpecError("factory", "deep_boltzmann_machine", spec.factory)
    return settings_of(json.loads(spec.arguments))


def settings_of(given: dict[str, Any]) -> Settings:
    """Return the layers and numbers that a factory's arguments describe."""
    layers, joints = [_input(given["layers"][0], given["input"])], []
    for i, size in enumerate(given["layers"][1:], 1):
        name, below = f"hidden{i}", layers[-1]
        joint = _joint(size, below, name)
        layers.append(Layer(name, prod(joint.target), "binary", i, joint.target))
        joints.append(Joint(below, layers[-1], joint))
    if labels := given["labels"]:
        layers.append(Layer("label", labels, "softmax", len(layers), (labels,)))
        below = layers[-2]
        joints.append(Joint(below, layers[-1], Dense(below.shape, (labels,))))
    numbers = {name: given[name] for name in Settings._fields[2:]}
    return Settings(tuple(layers), tuple(joints), **numbers)


def _input(size, kind: str) -> Layer:
    shape = tuple(size) if isinstance(size, list | tuple) else (size,)
    return Layer("input", prod(shape), kind, 0, shape)


def _joint(size: Any, below: Layer, name: str) -> Dense | Convolution | Local:
    """Return the connection of a layer to the one below: dense, or fields of an image."""
    if not isinstance(size, dict):
        return Dense(below.shape, (size,))
    kinds: dict[Any, Any] = {"convolution": Convolution, "local": Local}
    options = dict(size)
    kind = options.pop("kind", None)
    if kind not in kinds or len(below.shape) != 3:
        words = "a kind of convolution or local, above an image [rows, columns, channels]"
        raise SpecError(f"layers, {name}", words, kind if kind not in kinds else below.shape)
    try:
        return kinds[kind](below.shape, **options)
    except TypeError as error:
        raise SpecError(f"layers, {name}", f"options of {kind}", str(error)) from error


def check(given: dict[str, Any]) -> None:
    """Raise `SpecError` for arguments of which no machine can be made."""
    layers = given["layers"]
    first, rest = (layers[0], layers[1:]) if layers else (0, [])
    image = isinstance(first, list | tuple)
    sizes = [*(first if image else [first]), *(n for n in rest if not isinstance(n, dict))]
    if not rest or any(type(n) is not int or n < 1 for n in sizes) or (image and len(first) != 3):
        words = "two or more positive sizes, the first perhaps [rows, columns, channels]"
        raise SpecError("layers", words, layers)
    labels = given["labels"]
    if type(labels) is not int or labels < 0 or labels == 1:
        raise SpecError("labels", "0, or 2 or more", labels)
    known = {"input": ("binary", "gaussian"), "dream": DREAMS, "settling": SETTLING}
    for name, names in known.items():
        if given[name] not in names:
            raise SpecError(name, f"one of {names}", given[name])
    for name in ("chains", "sweeps", "iterations"):
        if type(given[name]) is not int or given[name] < 1:
            raise SpecError(name, "a positive integer", given[name])
    for name in ("rate", "decay", "sparsity", "scale", "generative", "discriminative"):
        if not 0 <= given[name] < float("inf"):
            raise SpecError(name, "0 or more, finite", given[name])
    if given["discriminative"] and not (labels and len(layers) == 2):
        words = "0 unless labels stand above a single hidden layer"
        raise SpecError("discriminative", words, given["discriminative"])
    for name in ("centring", "sparse_target"):
        if not 0 <= given[name] < 1:
            raise SpecError(name, "0 or more and below 1", given[name])
