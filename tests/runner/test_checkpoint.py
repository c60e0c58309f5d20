"""Checkpoints come back bit for bit, or are refused, naming the field, expected and got."""

import json
import logging
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from runner_toy import toy
from safetensors import safe_open
from safetensors.numpy import save as save_tensors

from sodachi.errors import CheckpointError
from sodachi.models import backprop_net
from sodachi.runner import checkpoint as checkpoints
from sodachi.runner import load, save
from sodachi.runner.container import START, pack, unpack
from sodachi.runner.tree import flatten, unflatten
from sodachi.system import Spec, State

SPEC = Spec("example")


class Local(NamedTuple):
    """A named tuple of a module that is no part of the library."""

    a: object
    b: object


def bits(array):
    array = np.asarray(array)
    return array.dtype, array.shape, array.tobytes()


ARRAYS = {
    "bool": np.array([True, False, True]),
    "uint32": np.array([0, 2**32 - 1], np.uint32),
    "int8": np.array([-128, 127], np.int8),
    "int64": np.array([-(2**63), 2**63 - 1]),
    "float16": np.array([6e-8, -0.0], np.float16),
    "float32": np.array([-0.0, 1e-45, np.inf, -np.nan, 3.4e38], np.float32),
    "float64": np.array([5e-324, 1 / 3, -np.inf]),
    "complex64": np.array([1 - 2j], np.complex64),
    "bfloat16": np.asarray(jnp.arange(3, dtype=jnp.bfloat16) / 3),
    "big-endian": np.arange(3, dtype=">f4"),
    "scalar": np.array(2.5, np.float32),
    "empty": np.zeros((0, 3), np.float32),
    "empty bool": np.zeros((2, 0), bool),
    "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "strided": np.arange(10)[::-3],
    "read-only": np.broadcast_to(np.float32(1.5), (2, 2)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_bit_for_bit(tmp_path, name):
    given = ARRAYS[name]
    save(tmp_path / "c", {"x": given}, SPEC)
    native = given.astype(given.dtype.newbyteorder("="))
    assert bits(load(tmp_path / "c").state["x"]) == bits(native)


@pytest.mark.parametrize("implementation", ["threefry2x32", "rbg"])
def test_keys_come_back_with_their_implementation(tmp_path, implementation):
    key = jax.random.split(jax.random.key(5, impl=implementation), 3)
    save(tmp_path / "c", State({}, {"key": key}), SPEC)
    back = load(tmp_path / "c").state.lane["key"]
    assert back.dtype == key.dtype
    expected = jax.random.uniform(key[1], (4,))
    assert bits(jax.random.uniform(back[1], (4,))) == bits(expected)


def test_structure_comes_back_with_named_tuples_and_awkward_names(tmp_path):
    tree = {"a/b": 1, "a": {"b": (2, [None, {}], ())}, "~1": Local(3, Local(4, None)), "é\n": True}
    save(tmp_path / "c", tree, SPEC)
    back = load(tmp_path / "c").state
    assert jax.tree.structure(back) == jax.tree.structure(tree)
    assert jax.tree.map(int, back) == jax.tree.map(int, tree)


def test_an_optimisers_state_comes_back(tmp_path):
    weights = {"w": jnp.ones((2, 2))}
    state = optax.adam(1e-3).init(weights)
    save(tmp_path / "c", state, SPEC)
    back = load(tmp_path / "c").state
    assert jax.tree.structure(back) == jax.tree.structure(state)


def test_the_whole_life_comes_back_and_saves_the_same_bytes(tmp_path):
    net = toy()
    extra = {"journal": 3, "third": 1 / 3}
    save(tmp_path / "c", net.init(1), net.spec, 77, extra)
    back = load(tmp_path / "c", net.spec)
    assert (back.offset, back.extra, back.spec) == (77, extra, net.spec)
    assert checkpoints.to_bytes(back.state, back.spec, 77, extra) == (tmp_path / "c").read_bytes()


def test_it_is_a_safetensors_file_others_can_read(tmp_path):
    save(tmp_path / "c", {"w": np.float32([1, 2])}, SPEC)
    with safe_open(tmp_path / "c", "np") as file:
        assert file.get_tensor("state/w").tolist() == [1, 2]
        assert json.loads(file.metadata()["sodachi"])["format"] == 1


@pytest.mark.parametrize(
    ("leaf", "place"),
    [("text", "state/x"), (object(), "state/x"), (np.array(["a"]), "state/x"), ({3: 1}, "state/x")],
)
def test_what_cannot_be_written_is_refused_by_its_place(tmp_path, leaf, place):
    with pytest.raises(CheckpointError) as caught:
        save(tmp_path / "c", {"x": leaf}, SPEC)
    assert caught.value.field == place
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes"])
def test_extra_must_be_finite_json(tmp_path, value):
    with pytest.raises(CheckpointError, match="metadata"):
        save(tmp_path / "c", {}, SPEC, extra={"value": value})


def refusal(data, spec=None):
    with pytest.raises(CheckpointError) as caught:
        checkpoints.from_bytes(data, spec)
    return caught.value


def test_refusals_name_what_is_wrong(tmp_path):
    net, other = toy(), toy(rate=0.5)
    data = checkpoints.to_bytes(net.init(0), net.spec)
    changed = bytearray(data)
    changed[-1] ^= 1
    assert refusal(changed).field == "checkpoint sha256"
    assert "cut short" in str(refusal(data[:600]))
    assert refusal(b"").field == "checkpoint length"
    assert refusal(data[:40]).field == "checkpoint length"
    assert refusal(b"PK\x03\x04" * 100).field == "checkpoint format"
    foreign = save_tensors({"w": np.ones(3)}, {"made": "elsewhere"})
    assert "another kind of file" in str(refusal(foreign))
    wrong = refusal(data, other.spec)
    assert (wrong.field, wrong.expected, wrong.got) == ("checkpoint spec.arguments.rate", 0.5, 0.05)
    assert refusal(data, backprop_net(layers=(4, 3)).spec).field == "checkpoint spec.factory"
    with pytest.raises(CheckpointError, match="a readable file"):
        load(tmp_path / "missing")
    with pytest.raises(CheckpointError, match="a readable file"):
        load(tmp_path)


def test_a_newer_format_is_refused_as_newer():
    _, about = unpack(checkpoints.to_bytes({}, SPEC))
    error = refusal(pack({}, about | {"format": 2}))
    assert error.field == "checkpoint format"
    assert "newer" in str(error.got)
    assert refusal(pack({}, about | {"format": "1"})).field == "checkpoint format"


def test_headers_and_tensors_beyond_the_limits_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="tensors: expected at most 10000, got 10001"):
        save(tmp_path / "c", [np.zeros(0)] * 10_001, SPEC)
    with pytest.raises(CheckpointError, match="header bytes: expected at most 1000000"):
        save(tmp_path / "c", {}, SPEC, extra={"much": "x" * 1_000_000})
    claimed = (1_000_001).to_bytes(8, "little") + START + b"0" * 200
    assert refusal(claimed).field == "checkpoint header bytes"


@pytest.mark.parametrize("field", ["jaxlib", "xla_flags", "threads"])
def test_another_environment_warns_and_loads(caplog, field):
    tensors, about = unpack(checkpoints.to_bytes({"w": np.ones(2)}, SPEC))
    about["environment"][field] = "other"
    with caplog.at_level(logging.WARNING):
        back = checkpoints.from_bytes(pack(tensors, about))
    assert back.state["w"].tolist() == [1, 1]
    assert field in caplog.text and "other" in caplog.text


@pytest.mark.parametrize(
    "name", ["os:system", "builtins:tuple", "nowhere:Local", "sodachi.errors:SodachiError", ""]
)
def test_only_named_tuples_with_these_fields_are_built(name):
    structure, tensors = flatten({"w": np.ones(1)})
    with pytest.raises(CheckpointError):
        unflatten({"named": name, "fields": structure["dict"]}, tensors)


def test_a_tensor_without_a_place_is_refused():
    structure, tensors = flatten({"w": np.ones(1)})
    with pytest.raises(CheckpointError, match="a use for every tensor"):
        unflatten(structure, tensors | {"state/more": np.ones(1)})
