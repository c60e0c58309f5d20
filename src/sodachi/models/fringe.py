"""The fringe: newborn units that only one unit listens to, and hardly, until they have proved use.

A unit is born for a master, an output or a backbone unit that is hungry. Its real weight onto the
master begins at 0 with a tiny step size, and the master alone changes it: nothing known is
disturbed. The unit itself learns as if a shadow weight of ±1 were real, +1 where the master wants
to be higher. Once the master has learned to listen, the unit belongs to the backbone.

Masters are numbered ``[outputs | units]``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import ticks
from sodachi.core.lanes import any_lane, gather, of_elected
from sodachi.models.grid import NOBODY, Wiring
from sodachi.models.growth import Birth


class Fringe(NamedTuple):
    """Who belongs to the fringe and for whom; why every unit was born stays on record.

    ``member`` (U,), ``master`` (U,) and ``shadow`` (U,) as said above; ``usual`` (O + U,) the mean
    hunger of every possible master; ``example`` (U, D) the input a unit was imprinted on, ``born``
    and ``promoted`` (U,) in ticks of learning, −1 for never.
    """

    member: Any
    master: Any
    shadow: Any
    usual: Any
    example: Any
    born: Any
    promoted: Any


class Adoption(NamedTuple):
    """What a tick does to real synapses: ``output`` (O,) or ``terminal`` (U, T) takes the newborn.

    ``opened`` (U,) marks units that are promoted, to whom every output may listen from now on.
    """

    output: Any
    terminal: Any
    opened: Any


def no_fringe(inputs: int, outputs: int, units: int) -> Fringe:
    """Return the fringe of a network in which nobody was born yet."""
    return Fringe(
        member=jnp.zeros(units, bool),
        master=jnp.full(units, NOBODY, jnp.int32),
        shadow=jnp.zeros(units),
        usual=jnp.zeros(outputs + units),
        example=jnp.zeros((units, inputs)),
        born=jnp.full(units, -1.0),
        promoted=jnp.full(units, -1.0),
    )


def taught(fringe: Fringe, error, share, wants, gain):
    """Return every unit's hunger and squared slope: in the fringe, through the shadow weight.

    ``H_f = shadow_f H_master``; the ordinary hunger of a fringe unit, through its real weight, is
    nothing or next to it.
    """
    hungers, gains = jnp.concatenate([error, wants]), jnp.concatenate([share, gain])
    master = jnp.maximum(fringe.master, 0)
    return (
        jnp.where(fringe.member, fringe.shadow * hungers[master], wants),
        jnp.where(fringe.member, gains[master], gain),
    )


def real_synapses(fringe: Fringe, arrays: dict, wiring: Wiring):
    """Return of every fringe unit what belongs to its real synapse onto its master (U,).

    ``arrays`` holds one number for each synapse: ``units`` (U, T) and ``output`` (1 + D + U, O).
    """
    units, outputs = wiring.live.shape[0], arrays["output"].shape[1]
    first = arrays["output"].shape[0] - units
    node, u = first + jnp.arange(units), jnp.arange(units)
    onto_output = arrays["output"][node, jnp.clip(fringe.master, 0, outputs - 1)]
    row = jnp.clip(fringe.master - outputs, 0, units - 1)
    heard = wiring.source[row] == node[:, None]
    onto_unit = jnp.sum(jnp.where(heard, arrays["units"][row], 0.0), axis=1)
    found = jnp.where(fringe.master < outputs, onto_output, onto_unit)
    return jnp.where(fringe.member[u], found, 0.0)


def move_fringe(s, shared, wiring: Wiring, birth: Birth, signals, learning, key):
    """Return ``(fringe, wiring, adoption)`` after this tick's promotions and birth.

    A fringe unit whose real synapse has a step of at least ``s.proven`` of the usual rate and a
    weight beyond ``s.noticed`` is promoted. A newborn is given a master, drawn in proportion to
    usual hunger among those that are hungrier than usual, come later, and have room to listen.
    """
    fringe = Fringe(**shared["fringe"])
    outputs = shared["weights"]["output"].shape[1]
    units = wiring.live.shape[0]
    weight = real_synapses(fringe, shared["weights"], wiring)
    steps = {name: synapse["step"] for name, synapse in shared["synapses"].items()}
    step = real_synapses(fringe, steps, wiring)
    proven = (jnp.abs(weight) > s.noticed) & (step >= s.proven * s.rate)
    promoted = fringe.member & proven & ~birth.unit & learning

    hungers, x = (of_elected(birth.mine, signal) for signal in signals)
    slot = jnp.argmax(birth.unit)
    anyone = jnp.any(birth.unit)
    backbone = wiring.live & ~(fringe.member & ~promoted) & ~birth.unit
    level = jnp.arange(units) % s.levels
    room = jnp.any(wiring.source == NOBODY, axis=1)
    later = backbone & (level > slot % s.levels) & room
    room_for = jnp.concatenate([jnp.ones(outputs, bool), later])
    hungry = room_for & (jnp.abs(hungers) >= fringe.usual)
    able = jnp.where(jnp.any(hungry), hungry, room_for)
    lot = of_elected(birth.mine, jax.random.gumbel(key, able.shape))
    odds = jnp.log(fringe.usual + 1e-6)
    if s.lesion == "random-master":
        able, odds = room_for, jnp.zeros_like(odds)
    master = jnp.argmax(jnp.where(able, odds + lot, -jnp.inf))

    onto = (jnp.arange(units) == master - outputs) & anyone
    place = jnp.argmax(wiring.source == NOBODY, axis=1)
    terminal = onto[:, None] & (jnp.arange(wiring.source.shape[1]) == place[:, None])
    node = shared["weights"]["output"].shape[0] - units + slot
    source = jnp.where(terminal, node, wiring.source)

    def of_newborn(new, old):
        shape = (-1,) + (1,) * (old.ndim - 1)
        return jnp.where(birth.unit.reshape(shape), new, old)

    now = ticks(shared["clock"])
    fringe = fringe._replace(
        member=(fringe.member & ~promoted) | birth.unit,
        master=of_newborn(master, fringe.master).astype(jnp.int32),
        shadow=of_newborn(jnp.where(hungers[master] < 0, -1.0, 1.0), fringe.shadow),
        example=of_newborn(x[None], fringe.example),
        born=of_newborn(now, fringe.born),
        promoted=jnp.where(promoted, now, of_newborn(-1.0, fringe.promoted)),
    )
    adoption = Adoption((jnp.arange(outputs) == master) & anyone, terminal, promoted)
    return fringe, Wiring(source, wiring.live), adoption


def used_to(s, fringe: Fringe, hungers, fed) -> Fringe:
    """Return the fringe with the usual hunger of masters one tick on, the mean of lanes fed."""
    fed = fed & jnp.all(jnp.isfinite(hungers))
    every, size = gather(fed), gather(jnp.where(fed, jnp.abs(hungers), 0.0))
    mean = size.sum(0) / jnp.maximum(every.sum(), 1)
    usual = fringe.usual + s.usual * (mean - fringe.usual)
    return fringe._replace(usual=jnp.where(any_lane(fed), usual, fringe.usual))


def is_master(fringe: Fringe, wiring: Wiring, outputs: int):
    """Return which units some fringe unit is born for: they may not make room."""
    units = wiring.live.shape[0]
    serving = fringe.member & wiring.live & (fringe.master >= outputs)
    target = jnp.where(serving, fringe.master - outputs, units)
    return jnp.zeros(units + 1, bool).at[target].set(True)[:units]
