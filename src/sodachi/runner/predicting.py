"""Predict, then learn, as one step: the same network asked with the label absent, then told."""

from __future__ import annotations

import json
from functools import lru_cache

import jax.numpy as jnp

from sodachi.combinators import hold
from sodachi.errors import SpecError
from sodachi.running import run
from sodachi.system import Evidence, Spec, System, arguments, build, factory

#: Name under which the answer given before the label was seen stands in the output.
ANSWER = "answer"


def predict_then_learn(
    inner: System, before: int = 1, after: int = 1, label: str = "label"
) -> System:
    """Return the system that lives ``before`` ticks without the label, then ``after`` with it.

    ``answer`` is the estimate of the label at the last tick without it. The system learns at every
    tick, as ever: there is no phase, only a label that comes late. Equal, bit for bit, to a stream
    of ``before + after`` observations of ``inner``.

    Parameters
    ----------
    inner
        A system without lanes that observes ``label`` and puts out its estimate by that name.
    before, after
        Ticks, one or more each.

    Returns
    -------
    System
        Its output is the last tick's, and ``answer``. ``first`` is seen by the first tick alone.

    Raises
    ------
    SpecError
        If there is no such variable, no such output (when traced), lanes, or no positive ticks.

    Examples
    --------
    >>> from sodachi.models import backprop_net
    >>> from sodachi.observation import observe
    >>> life = predict_then_learn(backprop_net(layers=(2, 2)))
    >>> row = observe(life.spec, input=[1.0, 0.0], label=1)
    >>> state, output = life.step(life.init(0), row)
    >>> output["answer"].shape
    (2,)
    """
    inner.spec.variable(label)
    if inner.spec.lanes:
        raise SpecError("predict_then_learn lanes", "a system without lanes", inner.spec.lanes)
    asked, told = hold(inner, before), hold(inner, after)

    def step(state, observation):
        known = observation.evidence[label]
        absent = Evidence(*(jnp.zeros_like(part) for part in known))
        question = observation._replace(evidence=observation.evidence | {label: absent})
        state, guess = asked.step(state, question)
        if label not in guess:
            raise SpecError("output", f"an estimate named {label}", sorted(guess))
        first = jnp.zeros_like(observation.first)
        state, output = told.step(state, observation._replace(first=first))
        return state, {**output, ANSWER: guess[label]}

    inside = json.loads(inner.spec.to_json())
    spec = Spec(
        factory="predict_then_learn",
        arguments=arguments(inner=inside, before=before, after=after, label=label),
        observed=inner.spec.observed,
        modulated=inner.spec.modulated,
        capabilities=inner.spec.capabilities,
        exceptions=inner.spec.exceptions,
    )
    return System(spec, inner.init, step, inner.grow)


@lru_cache(maxsize=8)
def living_program(inner: System, before: int, after: int, keep: tuple[str, ...], chunk: int):
    """Return the system that predicts, then learns, and its compiled run.

    A life opened again in one process finds its program here, and compiles nothing.
    """
    system = predict_then_learn(inner, before, after)
    return system, run(system, emit=(ANSWER, *keep), chunk=chunk)


@factory("predict_then_learn")
def _again(inner, before, after, label) -> System:
    return predict_then_learn(build(Spec.from_json(json.dumps(inner))), before, after, label)
