"""The audit proves locality from outside: no knowledge of a rule is trusted.

Everything a synapse may not see is changed, also to NaN; its update must not move by one bit. And
every weight that moved during a step must have moved through a rule. Tied weights are reported as
exceptions: no single synapse could sum over sites.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.xla_metadata import set_xla_metadata

from sodachi.core.connections import Connection, Dense
from sodachi.core.given import known
from sodachi.core.movement import moved_outside
from sodachi.core.probing import Inputs, captured, misplaced, random_inputs, seen, touches
from sodachi.core.rule import Change, listen, plastic
from sodachi.errors import SpecError
from sodachi.system import LANE, Observation, State, System


class Finding(NamedTuple):
    """One proof against locality: a synapse (None: all of the connection) and what it saw."""

    connection: str
    synapse: tuple[int, ...] | None
    saw: tuple[str, ...]

    def __str__(self) -> str:
        place = "" if self.synapse is None else f" synapse {self.synapse}"
        return f"{self.connection}{place}: {', '.join(self.saw)}"


@dataclass(frozen=True)
class AuditReport:
    """What an audit found; ``str(report)`` is one line a finding.

    ``checked`` counts synapses by connection, ``ties`` names connections with tied weights and
    ``exceptions`` is what the spec itself declares.
    """

    findings: tuple[Finding, ...] = ()
    ties: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def local(self) -> bool:
        """True if nothing was found and no weights are tied (ties are an exception, not a pass)."""
        return not self.findings and not self.ties

    def __str__(self) -> str:
        count = sum(self.checked.values())
        head = f"{'local' if self.local else 'not local'}: {count} synapses checked"
        lines = [head, *(f"  found: {f}" for f in self.findings)]
        lines += [f"  tied weights: {t}" for t in self.ties]
        return "\n".join([*lines, *(f"  declared: {e}" for e in self.exceptions)])


def audit_update(
    update: Callable[[Any, Any, Any], Any],
    weight,
    pre,
    post,
    *,
    connection: Connection | None = None,
    samples: int = 20,
    seed: int = 0,
) -> AuditReport:
    r"""Audit a raw update ``update(weight, pre, post) -> weight`` at sampled synapses.

    Local means ``∂w'_ij/∂(anything but w_ij, pre_i, post_j) = 0``, tested in bits: all other
    weights and cells become random, then NaN.

    Parameters
    ----------
    weight, pre, post
        Values to start from; silent cells hide what an update would do, so give lively ones.
    connection
        Which cells a weight touches; `Dense` of the shapes of ``pre`` and ``post`` if None.
    samples, seed
        How many synapses, and which.

    Raises
    ------
    SpecError
        If the weight has not the connection's shape.

    Examples
    --------
    >>> import numpy as np
    >>> w, x, y = np.full((3, 2), 0.5), np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0])
    >>> audit_update(lambda w, pre, post: w + np.outer(pre, post) - post**2 * w, w, x, y).local
    True
    >>> print(audit_update(lambda w, pre, post: w / w.sum(), w, x, y, samples=1))
    not local: 1 synapses checked
      found: update synapse (1, 1): other weights
    """
    connection = connection or Dense(tuple(np.shape(pre)), tuple(np.shape(post)))
    if np.shape(weight) != connection.weights:
        raise SpecError("weight", f"shape {connection.weights}", f"shape {np.shape(weight)}")
    rng = np.random.default_rng(seed)
    inputs = Inputs(weight, {}, np.asarray(post)[None], np.asarray(pre)[None])

    def outcome(i: Inputs):
        return update(i.weight, i.pre[0], i.post[0])

    tried = touches(connection, samples, rng, own_cell=False)
    saw = [(touch.place, seen(outcome, inputs, touch, rng)) for touch in tried]
    findings = tuple(Finding("update", index, what) for index, what in saw if what)
    return AuditReport(findings, _ties("update", tried), (), {"update": len(tried)})


def audit(
    system: System, state: State, observation: Observation, *, samples: int = 20, seed: int = 0
) -> AuditReport:
    """Audit one step of a system: every rule it passes through, and every weight that moved.

    The step is traced anew while the audit listens to `plastic`; each change is then lived again
    with other inputs, from the values of this step and from random ones (silence hides). A synapse
    may see its own weight and state, its own two cells, and, if its rule declares ``sums``, the
    synapses of its own postsynaptic cell. Any array under ``weights`` or ``synapses`` of the
    shared state that moved must be the outcome of such changes.

    Parameters
    ----------
    state, observation
        A state of the system and one tick's observation.
    samples, seed
        How many synapses of each change, and which.

    Examples
    --------
    >>> from sodachi.models import settling_net
    >>> from sodachi.observation import observe
    >>> net = settling_net(layers=(4, 3, 2))
    >>> report = audit(net, net.init(0), observe(net.spec, input=[1, 0, 1, 0], label=1))
    >>> report.local
    True
    """
    observation = jax.tree.map(jnp.asarray, observation)
    after, changes = _overheard(system, state, observation)
    findings: dict[Finding, None] = {}
    ties: dict[str, None] = {}
    checked: dict[str, int] = {}
    relived: dict[Any, Callable] = {}
    for change in changes:
        name = _name(change)
        found, tied, number = _audit_change(change, name, samples, seed, relived)
        findings |= dict.fromkeys(found)
        ties |= dict.fromkeys(tied)
        checked[name] = checked.get(name, 0) + number
    moved = moved_outside(state.shared, after.shared, changes)
    findings |= dict.fromkeys(Finding(name, None, ("moved outside a rule",)) for name in moved)
    return AuditReport(tuple(findings), tuple(ties), system.spec.exceptions, checked)


_audits = count()


def _overheard(system: System, state: State, observation: Observation):
    """Return the state after one step, and every change on the way."""
    # What was traced before is silent; under a mark of its own the whole step is traced again.
    with listen() as changes, set_xla_metadata(audit=next(_audits)):
        after, _ = jax.jit(lambda *now: system.step(*now))(state, observation)
        jax.effects_barrier()
    if not all(known(array) for change in changes for array in _held(change)):
        # Such a rule cannot be lived again outside its trace: here there is none.
        with listen() as changes, jax.disable_jit():
            after, _ = system.step(state, observation)
            jax.effects_barrier()
    return after, sorted(changes, key=_name)  # compiled, they are heard in no order


def _held(change: Change) -> list[jax.Array]:
    rule = change.rule
    return captured([rule.drives, rule.change, rule.update, rule.sums])


def _name(change: Change) -> str:
    return change.name or change.rule.name


def _audit_change(change: Change, name: str, samples: int, seed: int, relived: dict):
    rng = np.random.default_rng(seed)
    post, pre, *setting = change.cells
    setting = [np.asarray(leaf) for leaf in (*setting, change.clock)]  # one type: one compilation
    lived = Inputs(*change.before, post, pre)
    findings = [Finding(name, None, (wrong,)) for wrong in misplaced(lived, change.connection)]
    findings += [
        Finding(name, None, (f"an array {array.shape} held by its rule",))
        for array in _held(change)
        if array.size > 1
    ]
    again = relived.setdefault(_key(change), _relive(change))
    learning = [np.ones_like(setting[0], bool), np.ones_like(setting[1]), setting[2]]
    cases = ((lived, setting), (random_inputs(lived, rng), learning))
    tried = touches(change.connection, samples, rng, own_cell=bool(change.rule.sums))
    for touch in tried:
        for inputs, setting in cases:
            what = seen(lambda i, s=setting: again(i, *s), inputs, touch, rng)
            if what:
                findings.append(Finding(name, touch.place, what))
                break
    return findings, _ties(name, tried), len(tried)


def _relive(change: Change):
    """The change as one compiled function of everything that an audit may alter."""

    @jax.jit
    def again(inputs: Inputs, learn, modulation, clock):
        def lane(post, pre, learn, modulation):
            return plastic(
                change.rule,
                change.connection,
                inputs.weight,
                inputs.synapse,
                post,
                pre,
                learn=learn,
                clock=clock,
                modulation=modulation,
                reduce=change.reduce,
            )

        lanes = jax.vmap(lane, out_axes=None, axis_name=LANE)
        return lanes(inputs.post, inputs.pre, learn, modulation)

    return again


def _key(change: Change):
    key = (change.rule, change.connection, change.reduce)
    try:
        hash(key)
    except TypeError:
        return tuple(id(part) for part in key)
    return key


def _ties(name: str, tried) -> tuple[str, ...]:
    sites = max((touch.sites for touch in tried), default=0)
    return (f"{name}: one weight for {sites} cells",) if sites > 1 else ()
