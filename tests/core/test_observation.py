"""Observations are complete, copied and checked; nothing bad passes, and only one error type."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sodachi.errors import ObservationError, SpecError
from sodachi.observation import check, observe
from sodachi.system import Evidence, Observation, Spec, Variable

SPEC = Spec(
    "example",
    observed=(Variable("image", (2, 2), limit=100.0), Variable("label", (3,), "categorical")),
    modulated=("units",),
)
LANES = Spec("example", observed=SPEC.observed, modulated=("units",), lanes=(2,))
IMAGE = np.array([[0.0, 1.0], [2.0, 3.0]])


@pytest.mark.unit
def test_every_name_is_filled_and_every_dtype_strict():
    o = observe(SPEC, image=IMAGE)
    assert set(o.evidence) == {"image", "label"} and set(o.modulation) == {"units"}
    assert all(a.dtype == np.float32 for e in o.evidence.values() for a in e)
    assert np.isinf(o.evidence["image"].precision).all()
    assert not o.evidence["label"].precision.any() and not o.evidence["label"].drive.any()
    assert o.modulation["units"] == 1.0 and o.modulation["units"].dtype == np.float32
    assert o.learn.dtype == bool == o.first.dtype and bool(o.learn) and not o.first
    structure = jax.tree.structure(o)
    assert all(jax.tree.structure(observe(SPEC, **v)) == structure for v in ({}, {"label": 1}))


@pytest.mark.unit
def test_leading_axes_are_steps_then_lanes():
    o = observe(LANES, steps=3, image=np.ones((3, 2, 2, 2)), learn=[[True, False]] * 3)
    assert o.evidence["label"].value.shape == (3, 2, 3)
    assert o.modulation["units"].shape == o.first.shape == (3, 2)
    assert o.learn.tolist() == [[True, False]] * 3


@pytest.mark.unit
def test_labels_become_one_hot_and_precisions_broadcast():
    o = observe(LANES, label=np.array([2, 0]))
    assert o.evidence["label"].value.tolist() == [[0, 0, 1], [1, 0, 0]]
    per_lane = observe(LANES, image=Evidence(np.ones((2, 2, 2)), np.array([0.5, 2.0]), 0.0))
    assert per_lane.evidence["image"].precision[0].tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert per_lane.evidence["image"].precision[1].tolist() == [[2.0, 2.0], [2.0, 2.0]]
    # A probability vector is taken as it is.
    o = observe(SPEC, label=[0.2, 0.3, 0.5])
    np.testing.assert_allclose(o.evidence["label"].value, [0.2, 0.3, 0.5], rtol=1e-7)


@pytest.mark.unit
def test_missing_entries_are_absent_only_when_asked():
    half = np.array([[np.nan, 1.0], [2.0, np.nan]])
    o = observe(SPEC, image=half, missing="absent")
    assert o.evidence["image"].precision.tolist() == [[0, np.inf], [np.inf, 0]]
    assert o.evidence["image"].value.tolist() == [[0, 1], [2, 0]]
    with pytest.raises(ObservationError, match=r"image.value\[0, 0\]: expected finite"):
        observe(SPEC, image=half)


@pytest.mark.unit
def test_a_reused_buffer_does_not_alter_an_observation():
    image, precision, learn = (
        np.ones((2, 2), np.float32),
        np.ones((2, 2), np.float32),
        np.ones((), bool),
    )
    o = observe(SPEC, image=Evidence(image, precision, precision), learn=learn)
    again = check(SPEC, o)
    image[:], precision[:], learn[...] = 7, 7, False
    for seen in (o, again):
        assert all((a == 1).all() for a in seen.evidence["image"]) and bool(seen.learn)
    o.evidence["image"].value[:] = 9
    assert (again.evidence["image"].value == 1).all()


@pytest.mark.unit
def test_check_keeps_a_good_observation_bit_for_bit():
    o = observe(LANES, steps=2, image=np.full((2, 2, 2, 2), -0.0), label=[[0, 1], [2, 2]])
    for a, b in zip(jax.tree.leaves(o), jax.tree.leaves(check(LANES, o, steps=2)), strict=True):
        assert a.tobytes() == b.tobytes() and a.dtype == b.dtype and a.shape == b.shape


def _evidence(value=IMAGE, precision=1.0, drive=0.0):
    return {"image": Evidence(value, precision, drive)}


REFUSED = [
    ({"picture": IMAGE}, "name", "one of ['image', 'label']", "picture"),
    ({"image": np.ones((2, 3))}, "image.value", "shape (2, 2)", "shape (2, 3)"),
    ({"image": np.ones(())}, "image.value", "shape (2, 2)", "shape ()"),
    ({"image": np.array([["a", "b"]] * 2)}, "image.value", "real numbers", "dtype <U1"),
    ({"image": IMAGE.astype(complex)}, "image.value", "real numbers", "dtype complex128"),
    ({"image": [[1, 2], [3]]}, "image.value", "an array of numbers", "inhomogeneous"),
    ({"image": [[object()] * 2] * 2}, "image.value", "real numbers", "dtype object"),
    ({"image": [[0, np.nan], [0, 0]]}, "image.value[0, 1]", "finite numbers", "nan"),
    ({"image": [[0, 0], [-np.inf, 0]]}, "image.value[1, 0]", "finite numbers", "-inf"),
    ({"image": [[0, 0], [0, 1e300]]}, "image.value[1, 1]", "finite numbers", "inf"),
    ({"image": [[101, 0], [0, 0]]}, "image.value[0, 0]", "within ±100", "101.0"),
    ({"label": 3}, "label.value", "a label in 0..2", "3"),
    ({"label": -1}, "label.value", "a label in 0..2", "-1"),
    ({"label": 1.0}, "label.value", "shape (3,)", "shape ()"),
    ({"label": [[0], [1, 2]]}, "label.value", "an array of numbers", "inhomogeneous"),
    (_evidence(precision=-1.0), "image.precision[0, 0]", "0 or more", "-1.0"),
    (_evidence(precision=np.nan), "image.precision[0, 0]", "0 or more", "nan"),
    (_evidence(precision=np.ones(3)), "image.precision", "shape (2, 2)", "shape (3,)"),
    (_evidence(precision="much"), "image.precision", "real numbers", "dtype <U4"),
    (_evidence(precision=[[1], [1, 2]]), "image.precision", "an array of numbers", ""),
    (_evidence(drive=np.inf), "image.drive[0, 0]", "finite, within the limit", "inf"),
    (_evidence(drive=np.nan), "image.drive[0, 0]", "finite, within the limit", "nan"),
    (_evidence(drive=-101.0), "image.drive[0, 0]", "finite, within the limit", "-101.0"),
    (_evidence(drive=None), "image.drive", "real numbers", "dtype object"),
    ({"modulation": ["units"]}, "modulation", "a dictionary by name", "['units']"),
    ({"modulation": {"cells": 1.0}}, "modulation", "one of ['units']", "cells"),
    ({"modulation": {"units": np.nan}}, "modulation units[]", "finite numbers", "nan"),
    ({"modulation": {"units": [1.0, 2.0]}}, "modulation units", "shape ()", "shape (2,)"),
    ({"learn": 0.5}, "learn", "True or False", "0.5"),
    ({"learn": np.nan}, "learn", "True or False", "nan"),
    ({"first": "yes"}, "first", "real numbers", "dtype <U3"),
    ({"first": [True, False]}, "first", "shape ()", "shape (2,)"),
    ({"missing": "ignore"}, "missing", "'raise' or 'absent'", "ignore"),
    ({"steps": 0}, "steps", "None or a number of ticks", "0"),
    ({"steps": "many"}, "steps", "None or a number of ticks", "many"),
]


@pytest.mark.unit
@pytest.mark.parametrize(("given_", "field", "expected", "got"), REFUSED)
def test_every_refusal_names_field_expected_and_got(given_, field, expected, got):
    with pytest.raises(ObservationError) as caught:
        observe(SPEC, **given_)
    error = caught.value
    assert error.field.startswith(field) and expected in str(error.expected)
    assert got in str(error.got) and "\n" not in str(error)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda o: None, "observation"),
        (lambda o: tuple(o), "observation"),
        (lambda o: o._replace(evidence=None), "evidence"),
        (lambda o: o._replace(evidence={"image": o.evidence["image"]}), "evidence"),
        (lambda o: o._replace(evidence={**o.evidence, 3: None}), "evidence"),
        (lambda o: o._replace(modulation=1.0), "modulation"),
        (lambda o: o._replace(modulation={"cells": 1.0}), "modulation"),
        (lambda o: o._replace(learn=None), "learn"),
        (lambda o: o._replace(first=np.zeros(5)), "first"),
        (lambda o: o._replace(evidence=o.evidence | {"image": jax.random.key(0)}), "image.value"),
    ],
)
def test_what_was_put_together_wrongly_is_refused(change, field):
    with pytest.raises(ObservationError, match=re.escape(f"{field}: expected")):
        check(SPEC, change(observe(SPEC, image=IMAGE)))


@pytest.mark.unit
def test_variables_may_bear_any_name():
    spec = Spec("example", observed=tuple(Variable(n, (1,)) for n in ("missing", "spec", "learn")))
    e = Evidence(np.ones(1), 1.0, 0.0)
    o = Observation({"missing": e, "spec": e, "learn": e}, {}, True, False)
    assert check(spec, o).evidence["spec"].value.tolist() == [1.0]


@pytest.mark.unit
def test_half_precision_values_are_numbers_too():
    image = jnp.ones((2, 2), jnp.bfloat16)
    assert observe(SPEC, image=image).evidence["image"].value.dtype == np.float32


@pytest.mark.unit
@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Variable("x", (0,)), "x.shape"),
        (lambda: Variable("x", (2,), "colour"), "x.kind"),
        (lambda: Variable("x", (2,), dtype="int32"), "x.dtype"),
        (lambda: Variable("x", (2, 2, 2), "categorical"), "x.shape"),
        (lambda: Variable("x", (2,), limit=float("inf")), "x.limit"),
        (lambda: Spec("s", observed=(Variable("x", (1,)), Variable("x", (2,)))), "observed"),
        (lambda: Spec("s", capabilities=frozenset({"flies"})), "capabilities"),
        (lambda: SPEC.variable("picture"), "variable"),
        (lambda: Spec.from_json("{}"), "spec"),
        (lambda: Spec.from_json("no json"), "spec"),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused(make, field):
    with pytest.raises(SpecError, match=f"{field}: expected"):
        make()


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.integers(), st.booleans(), st.none()
)
ANYTHING = st.recursive(
    st.one_of(NUMBERS, st.text(max_size=3), st.binary(max_size=3), st.complex_numbers()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=2), inner, max_size=2),
        st.tuples(inner, inner, inner).map(lambda t: Evidence(*t)),
    ),
    max_leaves=8,
)
ARRAYS = st.builds(
    lambda shape, dtype, seed: (
        np.random.default_rng(seed).normal(scale=90, size=shape).astype(dtype)
    ),
    st.sampled_from([(), (2,), (3,), (2, 2), (2, 3), (0,)]),
    st.sampled_from(["float16", "float32", "float64", "int8", "int64", "bool", "complex64"]),
    st.integers(0, 5),
)
VALUES = st.one_of(ANYTHING, ARRAYS, st.builds(Evidence, ARRAYS, NUMBERS | ARRAYS, NUMBERS))


@pytest.mark.unit
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=300, deadline=None)
@given(
    image=VALUES,
    label=VALUES,
    modulation=st.one_of(VALUES, st.dictionaries(st.just("units"), VALUES, max_size=1)),
    learn=VALUES,
    missing=st.sampled_from(["raise", "absent", "x"]),
)
def test_any_input_is_either_finite_and_in_form_or_refused(
    image, label, modulation, learn, missing
):
    try:
        o = observe(
            SPEC, image=image, label=label, modulation=modulation, learn=learn, missing=missing
        )
    except ObservationError:
        return
    for variable in SPEC.observed:
        e = o.evidence[variable.name]
        assert all(a.shape == variable.shape and a.dtype == np.float32 for a in e)
        assert np.isfinite(e.value).all() and (np.abs(e.value) <= variable.limit).all()
        assert (e.precision >= 0).all() and (np.abs(e.drive) <= variable.limit).all()
    assert np.isfinite(o.modulation["units"]) and o.learn.dtype == bool


@pytest.mark.parametrize(
    ("kind", "value"),
    [("categorical", -5.0), ("categorical", 1.5), ("binary", 7.0), ("spike", -1.0), ("count", -1)],
)
def test_a_value_that_its_kind_cannot_have_is_refused(kind, value):
    spec = Spec("range", observed=(Variable("x", (2,), kind),))
    with pytest.raises(ObservationError, match=kind):
        observe(spec, x=[0.0, value])


def test_a_masked_array_does_not_lose_its_mask_in_silence():
    spec = Spec("masked", observed=(Variable("x", (2,)),))
    with pytest.raises(ObservationError, match="mask"):
        observe(spec, x=np.ma.masked_invalid([0.0, np.nan]))
