"""One energy moves everything: activity, and synapses through their counts, to 1e-10."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.models.canonical import canonical_network
from sodachi.models.canonical_energy import helmholtz_energy, parts_of, tied_thresholds
from sodachi.models.factors import Factors, over_factor
from sodachi.observation import observe
from sodachi.system import Evidence, State

pytestmark = pytest.mark.theory
TO = {"rtol": 0, "atol": 1e-10}
RISK = 0.75  # modulations are float32: this one is exact
BINARY = {"states": 3, "observations": 5, "actions": 2, "transition": "state", "policy": "state"}
MIXED = {
    "states": [1, 3],
    "observations": [1, 4, 1],
    "actions": [3, 1],
    "transition": ["state", "state:1*action:0"],
    "policy": "state:0*state:1",
    "threshold_count": 7.0,
}


@cache
def lived(kind: str):
    """A network whose counts are random, one tick of it, and what it observed, in float64."""
    options = {"binary": BINARY, "mixed": MIXED}[kind]
    net = canonical_network(dtype="float64", rate=0.25, **options)
    rng = np.random.default_rng(3)
    step, state = jax.jit(net.step), net.init(0)
    counts = {n: jnp.asarray(rng.uniform(0.5, 9.0, w.shape))
              for n, w in state.shared["weights"].items()}  # fmt: skip
    state = State(state.shared | {"weights": counts}, state.lane)
    cells = net.spec.variable("input").shape
    seen = [(rng.random(cells) < 0.5).astype(float) for _ in range(3)]
    known = np.where(np.arange(cells[0]) == 1, 0.0, np.inf)
    for o in seen[:2]:
        state, _ = step(state, observe(net.spec, input=o))
    now = observe(
        net.spec,
        input=Evidence(seen[2], known, 0.0),
        modulation={"policy": 1.0 - 2.0 * RISK},
    )
    return net, state, now, step(state, now)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def slopes(net, state, now, x, y):
    """The energy's gradient in x, y, the strengths and the thresholds."""
    plan, strengths, thresholds, seen = parts_of(net, state, now)

    def energy(x, y, strengths, thresholds):
        return helmholtz_energy(plan, x, y, strengths, thresholds, seen, RISK)

    return jax.grad(energy, argnums=(0, 1, 2, 3))(x, y, strengths, thresholds)


def without_mean(factors: Factors, slope):
    """A slope within what beliefs may do: those of one factor add up to 1."""
    mean = over_factor(factors, slope) / np.array(factors.sizes)[factors.owner]
    return jnp.where(np.array(factors.sizes)[factors.owner] > 1, slope - mean, slope)


@pytest.mark.parametrize("kind", ["binary", "mixed"])
def test_states_and_actions_move_down_the_gradient_of_the_energy(kind):
    net, state, now, (after, _) = lived(kind)
    plan = parts_of(net, state, now)[0]
    before, later = state.lane["activity"], after.lane["activity"]
    x, y = (before[n] for n in ("state", "action"))
    own = slopes(net, state, now, x, y)
    for slope, factors, name in (
        (own[0], plan.state, "membrane"),
        (own[1], plan.action, "action_membrane"),
    ):
        velocity = (later[name] - before[name]) / 0.25
        assert np.abs(velocity).max() > 0.1
        moved = without_mean(factors, velocity)
        assert np.allclose(moved, -without_mean(factors, slope), **TO)


@pytest.mark.parametrize("kind", ["binary", "mixed"])
def test_the_energy_put_out_is_this_one_and_its_thresholds_are_tied_to_the_synapses(kind):
    net, state, now, (_, out) = lived(kind)
    plan, strengths, thresholds, seen = parts_of(net, state, now)
    x, y = out["state"], out["action"]
    for h in (thresholds, tied_thresholds(plan, strengths, seen, RISK)):
        total = helmholtz_energy(plan, x, y, strengths, h, seen, RISK)
        assert float(total) == pytest.approx(float(out["energy"]), abs=1e-10)


#: Each table: its field of `Strengths`, its counts' prefix, what it hears, and who hears it.
TABLES = (
    ("W", "", "input", "state", 1.0),
    ("K", "transition_", "transition", "state", 1.0),
    ("V", "policy_", "policy", "action", 1.0 - 2.0 * RISK),
)


def tied_slopes(net, state, now, x, y):
    """The gradient in the synapses alone, thresholds following them."""
    plan, strengths, _, seen = parts_of(net, state, now)

    def energy(strengths):
        h = tied_thresholds(plan, strengths, seen, RISK)
        return helmholtz_energy(plan, x, y, strengths, h, seen, RISK)

    return jax.grad(energy)(strengths)


@pytest.mark.parametrize(("field", "prefix", "what", "who", "worth"), TABLES)
def test_counting_descends_the_gradient_in_every_synapse(field, prefix, what, who, worth):
    """``n·p(1 − p)·dW/dt = −∂𝒜/∂W``: natural descent, its step 1/n, and nothing else moves W."""
    net, state, now, (after, out) = lived("binary")
    known, value = parts_of(net, state, now)[3][what].known, parts_of(net, state, now)[3][what]
    y = np.asarray(out[who])
    slope = getattr(tied_slopes(net, state, now, out["state"], out["action"]), field)
    for k, post in (("1", y), ("0", 1.0 - y)):
        old, new = (
            {name: s.shared["weights"][f"{prefix}{name}_given_{k}"] for name in ("on", "off")}
            for s in (state, after)
        )
        drives = {name: new[name] - old[name] for name in old}
        # What the tick added is the Hebbian product, to the last digits of the sum.
        expected = worth * np.outer(known * value.value, post)
        assert np.allclose(drives["on"], expected, rtol=0, atol=1e-12)

        def strength(n):
            return jnp.log(n["on"]) - jnp.log(n["off"])

        _, velocity = jax.jvp(strength, (old,), (drives,))
        n = old["on"] + old["off"]
        p = old["on"] / n
        moved = n * p * (1.0 - p) * velocity
        assert np.abs(moved).max() > 1e-2
        assert np.allclose(moved, -slope[0 if k == "1" else 1], **TO)


def test_counting_descends_in_the_synapses_of_factors_with_many_values():
    """``n·(diag p − p pᵀ)·du/dt = −∂𝒜/∂u`` with u = ln a, W = u − ln Σ eᵘ."""
    net, state, now, (after, out) = lived("mixed")
    plan, strengths, _, seen = parts_of(net, state, now)
    rows = plan.input.cells_of(1)
    old, new = (s.shared["weights"]["on_given_1"][rows] for s in (state, after))

    def energy(u):
        w = strengths.W[0].at[rows].set(jax.nn.log_softmax(u, 0))
        moved = strengths._replace(W=(w, strengths.W[1]))
        h = tied_thresholds(plan, moved, seen, RISK)
        return helmholtz_energy(plan, out["state"], out["action"], moved, h, seen, RISK)

    slope = jax.grad(energy)(jnp.log(old))
    velocity = (new - old) / old
    n, p = old.sum(0), old / old.sum(0)
    moved = n * (p * velocity - p * jnp.sum(p * velocity, 0))
    told = np.asarray(seen["input"].known[rows] * seen["input"].value[rows])
    assert np.allclose(new - old, told[:, None] * np.asarray(out["state"]), rtol=0, atol=1e-12)
    assert np.abs(moved).max() > 1e-2
    assert np.allclose(moved, -slope, **TO)


def test_thresholds_that_learn_descend_their_gradient():
    """``dd/dt = −∂𝒜/∂h``, so that ``n·p(1 − p)·dφ/dt`` of the log-odds φ of D is −∂𝒜/∂φ."""
    net, state, now, (after, out) = lived("mixed")
    plan, _, _, _ = parts_of(net, state, now)
    own = slopes(net, state, now, out["state"], out["action"])[3]
    weights = state.shared["weights"]
    b = plan.state.binary
    on, off = weights["prior_on"][0], weights["prior_off"][0]
    moved = [after.shared["weights"][f"prior_{o}"][0] for o in ("on", "off")]
    assert np.allclose(moved[0] - on, -own.x[0], **TO)  # −∂𝒜/∂h₁ = x, −∂𝒜/∂h₀ = 1 − x
    assert np.allclose(moved[1] - off, -own.x[1], **TO)
    n = on[b] + off
    p = on[b] / n
    velocity = (moved[0] - on)[b] / on[b] - (moved[1] - off) / off  # of the log-odds of D
    tied = -(own.x[0][b] * (1 - p) - own.x[1] * p)
    assert np.allclose(n * p * (1 - p) * velocity, tied, **TO)


def test_counts_are_where_the_energy_of_a_whole_life_is_flat():
    """The sum of the energies of all ticks, prior counts included, has slope 0 at W(counts)."""
    net = canonical_network(
        states=2, observations=4, prior_count=3.0, past_count=2.0, transition="state",
        actions=1, dtype="float64",
    )  # fmt: skip
    rng = np.random.default_rng(8)
    step, state, lived_through = jax.jit(net.step), net.init(1), []
    born = state.shared["weights"]
    for t in range(25):
        worth = float(rng.choice([1.0, 1.0, 0.5]))
        o = rng.integers(0, 2, 4)
        now = observe(net.spec, input=o, first=t == 0, modulation={"policy": worth})
        seen = parts_of(net, state, now)[3]
        state, out = step(state, now)
        lived_through.append((seen, out["state"], out["action"], (1.0 - worth) / 2.0))
    plan, strengths, _, _ = parts_of(net, state, now)

    def life(strengths):
        total = 0.0
        for seen, x, y, risk in lived_through:
            h = tied_thresholds(plan, strengths, seen, risk)
            total = total + helmholtz_energy(plan, x, y, strengths, h, seen, risk)
        for field, prefix, *_ in TABLES:
            for k, w in zip("10", getattr(strengths, field), strict=True):
                on, off = (born[f"{prefix}{o}_given_{k}"] for o in ("on", "off"))
                total = total - jnp.sum(on * w - (on + off) * jax.nn.softplus(w))
        return total

    slope = jax.grad(life)(strengths)
    for field, *_ in TABLES:
        for s in getattr(slope, field):
            assert np.allclose(s, 0.0, **TO)
