"""A tiny system that keeps every promise: an Oja unit with noise, the table's first row.

Breaking one line of it must fail the one check that watches over this line.
"""

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense, backward
from sodachi.core.evidence import hold_evidence
from sodachi.core.lanes import any_lane
from sodachi.core.rule import Drive, Rule, initial_weights, plastic, step_size
from sodachi.system import Spec, State, Variable, arguments, factory, system

LAYER = Dense((4,), (3,))
OJA = Rule(
    "oja",
    drives=lambda post, pre: (Drive(post["y"], pre["x"]), Drive(post["y"] ** 2)),
    change=lambda w, s, d, context: d[0] - d[1] * w,
    update=step_size(0.05),
)


@factory("noisy_oja")
def noisy_oja(noise: float = 0.01):
    """Return y = x W + noise, learning by Oja's rule (1982): dw_ij = y_j (x_i − y_j w_ij)."""
    spec = Spec(
        "noisy_oja",
        arguments(noise=noise),
        observed=(Variable("x", (4,)),),
        modulated=("y",),
        capabilities=frozenset({"learns", "local", "stochastic", "settles"}),
    )

    def init(key):
        weights = {"x>y": initial_weights(LAYER, jax.random.fold_in(key, 0))}
        lane = {"activity": {"x": jnp.zeros(4)}, "key": jax.random.fold_in(key, 1)}
        return State({"weights": weights, "clock": new_clock()}, lane)

    return system(spec, init, lambda state, seen: oja_step(state, seen, noise))


def oja_step(state, seen, noise, rule=OJA):
    shared, lane = state
    key, now = jax.random.split(lane["key"])
    x = hold_evidence(0.9 * lane["activity"]["x"], seen.evidence["x"], 1.0)
    x = jnp.where(jnp.isfinite(x), x, 0.0)
    w = shared["weights"]["x>y"]
    y = LAYER.apply(w, x) + noise * jax.random.normal(now, (3,))
    new, _ = plastic(
        rule,
        LAYER,
        w,
        {},
        {"y": y},
        {"x": x},
        learn=seen.learn,
        clock=ticks(shared["clock"]),
        modulation=seen.modulation["y"],
        name="x>y",
    )
    # One clock for all lanes: it runs while any lane learns.
    after = {"weights": {"x>y": new}, "clock": tick(shared["clock"], any_lane(seen.learn))}
    output = {"energy": 0.5 * jnp.sum((x - backward(LAYER, w, y)) ** 2), "x": x, "y": y}
    return State(after, {"activity": {"x": x}, "key": key}), output
