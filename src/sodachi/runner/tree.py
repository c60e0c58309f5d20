"""A state as named plain tensors plus its structure in JSON, and back: no pickle.

Structure nodes: ``{"dict": {name: node}}``, ``{"list": [...]}``, ``{"tuple": [...]}``,
``{"none": true}``, ``{"named": "module:Class", "fields": {...}}`` for named tuples, and leaves:
``{"array": tensor}``, ``{"key": tensor, "implementation": name}`` for random keys, and
``{"bytes": tensor, "dtype": name, "shape": [...]}`` for types the file format lacks.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import CheckpointError

#: Types that the file format holds as they are.
PLAIN = frozenset(
    np.dtype(name)
    for name in "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 "
    "float16 float32 float64".split()
)

#: Packages whose named tuples may be imported for a checkpoint; others must already be loaded.
TRUSTED = ("sodachi", "optax")


def flatten(tree: Any, place: str = "state") -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return ``(structure, tensors)`` of a tree; tensors are contiguous and named by their place.

    Raises
    ------
    CheckpointError
        For a node or leaf that cannot be written; names its place.

    Examples
    --------
    >>> structure, tensors = flatten({"w": np.ones(2), "n": None})
    >>> structure
    {'dict': {'n': {'none': True}, 'w': {'array': 'state/w'}}}
    """
    tensors: dict[str, np.ndarray] = {}
    return _flatten(tree, place, tensors), tensors


def unflatten(structure: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Any:
    """Return the tree that `flatten` took apart; `CheckpointError` where the parts do not fit.

    Leaves are NumPy arrays (so no type changes, whatever JAX is set to), random keys are keys.
    """
    used: set[str] = set()
    try:
        tree = _unflatten(structure, tensors, used)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError("tree", "a structure that fits the tensors", repr(error)) from error
    if used != set(tensors):
        raise CheckpointError("tree", "a use for every tensor", sorted(set(tensors) - used)[:3])
    return tree


def _flatten(node: Any, place: str, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    if node is None:
        return {"none": True}
    if type(node) is dict:
        wrong = [name for name in node if not isinstance(name, str)]
        if wrong:
            raise CheckpointError(place, "a dict whose names are strings", repr(wrong[0]))
        return {"dict": {n: _flatten(node[n], _at(place, n), tensors) for n in sorted(node)}}
    if type(node) in (list, tuple):
        parts = [_flatten(part, _at(place, str(i)), tensors) for i, part in enumerate(node)]
        return {type(node).__name__: parts}
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        kind, names = type(node), node._fields  # pyright: ignore[reportAttributeAccessIssue]
        parts = {n: _flatten(p, _at(place, n), tensors) for n, p in zip(names, node, strict=True)}
        return {"named": f"{kind.__module__}:{kind.__qualname__}", "fields": parts}
    return _leaf(node, place, tensors)


def _leaf(leaf: Any, place: str, tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        tensors[place] = _contiguous(jax.random.key_data(leaf))
        return {"key": place, "implementation": str(jax.random.key_impl(leaf))}
    if not isinstance(leaf, jax.Array | np.ndarray | np.generic | bool | int | float | complex):
        raise CheckpointError(place, "an array, key, dict, list or tuple", type(leaf).__name__)
    array = np.asarray(leaf)
    if array.dtype != bool and not jnp.issubdtype(array.dtype, jnp.number):
        raise CheckpointError(place, "an array of numbers", f"dtype {array.dtype}")
    if array.dtype in PLAIN and array.dtype.isnative:
        tensors[place] = _contiguous(array)
        return {"array": place}
    array = array.astype(array.dtype.newbyteorder("="))
    tensors[place] = np.frombuffer(array.tobytes(), np.uint8)
    return {"bytes": place, "dtype": array.dtype.name, "shape": list(array.shape)}


def _contiguous(array: Any) -> np.ndarray:
    """A copy in C order: the file format writes the raw buffer, whatever its strides."""
    array = np.asarray(array)
    return np.ascontiguousarray(array).reshape(array.shape)  # a 0-d array would come out 1-d


def _at(place: str, name: str) -> str:
    """The place of a part; a slash in a name is escaped (RFC 6901) so that no two places meet."""
    return f"{place}/{name.replace('~', '~0').replace('/', '~1')}"


def _unflatten(node: Mapping[str, Any], tensors: Mapping[str, np.ndarray], used: set[str]) -> Any:
    def tensor(name: str) -> np.ndarray:
        used.add(name)
        return tensors[name]

    if "array" in node:
        return tensor(node["array"])
    if "key" in node:
        return jax.random.wrap_key_data(
            jnp.asarray(tensor(node["key"])), impl=node["implementation"]
        )
    if "bytes" in node:
        raw = tensor(node["bytes"]).tobytes()
        return np.frombuffer(raw, np.dtype(node["dtype"])).reshape(node["shape"]).copy()
    if "none" in node:
        return None
    if "dict" in node:
        return {name: _unflatten(part, tensors, used) for name, part in node["dict"].items()}
    for kind in (list, tuple):
        if kind.__name__ in node:
            return kind(_unflatten(part, tensors, used) for part in node[kind.__name__])
    fields = {name: _unflatten(part, tensors, used) for name, part in node["fields"].items()}
    return _named_tuple(node["named"], tuple(fields))(**fields)


def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    """Find a named tuple by its name; anything else that stands there is refused."""
    module, _, path = name.partition(":")
    if module not in sys.modules and module.partition(".")[0] in TRUSTED:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise CheckpointError("tree", f"the class {name}", str(error)) from error
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, tuple)):
        raise CheckpointError("tree", f"the named tuple {name}, imported", "no such class")
    if set(getattr(found, "_fields", ())) != set(fields):
        raise CheckpointError(f"tree {name}", f"fields {fields}", getattr(found, "_fields", ()))
    return found
