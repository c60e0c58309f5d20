"""Each promise has a watchman: a system broken in one line fails the check for that line."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from reference_unit import OJA, noisy_oja, oja_step

from sodachi.conformance import CHECKS, Trial, check_system, examine
from sodachi.core.lanes import gather, in_lanes
from sodachi.core.rule import Drive
from sodachi.errors import ConformanceError, SpecError
from sodachi.observation import observe
from sodachi.system import Spec, State, System, Variable, system

WHOLE = noisy_oja()
NOISE = 0.01


def with_step(step, spec=WHOLE.spec):
    return system(spec, WHOLE.init, step)


def with_activity(change):
    """The reference unit whose new activity is ``change(x, state, seen)``."""
    return with_step(activity_step(change))


def activity_step(change):
    """Its step, not compiled yet."""

    def step(state, seen):
        (shared, lane), output = oja_step(state, seen, NOISE)
        x = change(lane["activity"]["x"], state, seen)
        return State(shared, {**lane, "activity": {"x": x}}), {**output, "x": x}

    return step


def with_weights(change):
    """The reference unit whose new weights are ``change(w, seen)``, by no rule."""

    def step(state, seen):
        (shared, lane), output = oja_step(state, seen, NOISE)
        return State(
            {**shared, "weights": {"x>y": change(shared["weights"]["x>y"], seen)}}, lane
        ), output

    return with_step(step)


def leaks_between_lanes():
    return with_activity(lambda x, state, seen: x + 1e-3 * gather(x).mean(0))


def leaks_only_nan_between_lanes():
    return with_activity(lambda x, state, seen: x + 0 * gather(seen.evidence["x"].value).sum(0))


def learns_without_learn():
    return with_step(lambda s, o: oja_step(s, o._replace(learn=jnp.ones_like(o.learn)), NOISE))


def clock_runs_without_learn():
    def step(state, seen):
        (shared, lane), output = oja_step(state, seen, NOISE)
        return State({**shared, "clock": state.shared["clock"] + jnp.uint32(1)}, lane), output

    return with_step(step)


def adds_lanes_that_do_not_learn():
    return with_weights(lambda w, o: w + 1e-3 * gather(o.evidence["x"].value).sum())


def drops_its_key():
    def step(state, seen):
        key = state.lane["key"]
        lane = {**state.lane, "key": jax.random.key(0)}
        (shared, lane), output = oja_step(State(state.shared, lane), seen, NOISE)
        return State(shared, {**lane, "key": key}), output

    return with_step(step)


def writes_nan():
    return with_weights(lambda w, o: w + o.learn * 1e-3 * o.evidence["x"].value[:, None])


def keeps_nan():
    return with_activity(lambda x, s, o: 0.5 * s.lane["activity"]["x"] + o.evidence["x"].value)


def reads_what_is_absent():
    return with_activity(lambda x, s, o: x + 1e-3 * o.evidence["x"].value)


def lets_go_of_clamps():
    return with_activity(lambda x, state, seen: 0.99 * x)


def behaves_otherwise_in_lanes():
    return with_activity(lambda x, state, seen: x + (1e-3 if in_lanes() else 0.0))


def mixes_its_layer():
    def drives(post, pre):
        return Drive(post["y"] - post["y"].mean(), pre["x"]), Drive(post["y"] ** 2)

    rule = OJA._replace(drives=drives)
    return with_step(lambda s, o: oja_step(s, o, NOISE, rule))


def moves_weights_by_no_rule():
    return with_weights(lambda w, o: jnp.where(o.learn, 0.99 * w, w))


def tells_no_rule():
    return with_step(lambda s, o: (s, {"energy": jnp.zeros(())}))


def has_weak_types():
    def init(key):
        state = WHOLE.init(key)
        return State(state.shared, {**state.lane, "gain": jnp.asarray(1.0)})

    def step(state, seen):
        inner = State(state.shared, {n: v for n, v in state.lane.items() if n != "gain"})
        new, output = oja_step(inner, seen, NOISE)
        return State(new.shared, {**new.lane, "gain": state.lane["gain"]}), output

    return System(WHOLE.spec, init, step)


def changes_dtype():
    return with_activity(lambda x, state, seen: x.astype(jnp.float16))


def grows_at_every_step():
    def step(state, seen):
        return State(state.shared, jnp.zeros(len(state.lane) + 1)), {"energy": jnp.zeros(())}

    return System(WHOLE.spec, lambda key: State({}, jnp.zeros(1)), step)


def born_differently_each_time():
    births = itertools.count()

    def init(key):
        state = WHOLE.init(key)
        return State(
            state.shared, {**state.lane, "activity": {"x": jnp.full(4, next(births), float)}}
        )

    return System(WHOLE.spec, init, WHOLE.step)


def remembers_outside_its_state():
    calls = itertools.count()

    def count(x):
        return np.float32(next(calls))

    def change(x, state, seen):
        return x + jax.pure_callback(count, jax.ShapeDtypeStruct((), np.float32), x)

    return with_activity(change)


def compiled_differently_each_time():
    traces = itertools.count()
    step = activity_step(lambda x, state, seen: x + float(next(traces)))
    return System(WHOLE.spec, WHOLE.init, step)  # `system` would trace it once for all programs


def not_what_its_spec_builds():
    return with_step(WHOLE.step, Spec("nobody", observed=WHOLE.spec.observed, modulated=("y",)))


def takes_anything():
    spec = Spec("noisy_oja", observed=(Variable("x", (4,), limit=3e38),), modulated=("y",))
    return with_step(WHOLE.step, spec)


BROKEN = [
    (leaks_between_lanes, "lanes never mix", "never move"),
    (leaks_only_nan_between_lanes, "lanes never mix", "never move"),
    (learns_without_learn, "no learning moves no slow bit", "without learn"),
    (learns_without_learn, "lanes without learning add nothing", "weights"),
    (clock_runs_without_learn, "no learning moves no slow bit", "clock"),
    (adds_lanes_that_do_not_learn, "lanes without learning add nothing", "weights"),
    (drops_its_key, "keys decide chance", "another life"),
    (writes_nan, "poison never reaches a weight", "finite after value nan"),
    (keeps_nan, "poison does not persist", "NaN"),
    (reads_what_is_absent, "absent is absent", "never read"),
    (lets_go_of_clamps, "clamped stays clamped", "activity x"),
    (behaves_otherwise_in_lanes, "one lane equals none", "minibatch"),
    (mixes_its_layer, "audit passes", "other postsynaptic cells"),
    (moves_weights_by_no_rule, "audit passes", "moved outside a rule"),
    (tells_no_rule, "audit passes", "none heard"),
    (has_weak_types, "step keeps structure", "weak type"),
    (changes_dtype, "step keeps structure", "float16"),
    (grows_at_every_step, "nothing compiles twice", "compilations"),
    (born_differently_each_time, "init is deterministic", "one key"),
    (remembers_outside_its_state, "runs can be cut", "run(a + b)"),
    (remembers_outside_its_state, "resumes from NumPy", "after resuming"),
    (compiled_differently_each_time, "chunk sizes agree", "for all chunks"),
    (not_what_its_spec_builds, "spec survives JSON", "nobody"),
    (takes_anything, "bad input is refused", "x huge"),
]


@pytest.mark.parametrize(
    ("make", "check", "reason"), BROKEN, ids=lambda v: getattr(v, "__name__", None)
)
def test_a_broken_system_fails_the_right_check(make, check, reason):
    result = examine(Trial(make()), check)
    assert result.outcome == "failed", str(result)
    assert reason in result.reason


def test_every_check_has_a_system_that_fails_it():
    assert {check for _, check, _ in BROKEN} == set(CHECKS)


def test_strict_raises_one_error_that_lists_all_that_is_broken():
    with pytest.raises(ConformanceError) as caught:
        check_system(tells_no_rule())
    text = str(caught.value)
    assert text.startswith("noisy_oja: expected all promises kept, got [")
    assert "[audit passes]" in text
    assert "[clamped stays clamped]" in text
    assert "[keys decide chance]" in text


def test_the_report_of_a_whole_system_reads_line_by_line():
    stream = observe(WHOLE.spec, steps=3, x=np.linspace(-1, 1, 12).reshape(3, 4))
    report = check_system(WHOLE, observations=stream)
    assert report.passed
    lines = str(report).splitlines()
    assert lines[0] == f"noisy_oja: {len(CHECKS)} kept, 0 broken"
    assert len(lines) == 1 + len(CHECKS)


def test_observations_need_a_time_axis():
    with pytest.raises(SpecError, match="leading time axis"):
        check_system(WHOLE, observations=observe(WHOLE.spec, x=np.zeros(4)))
