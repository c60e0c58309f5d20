"""Every remedy against its published equations, once more in plain NumPy float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi import minibatch, observe
from sodachi.core.lanes import common_key
from sodachi.core.names import named_key
from sodachi.errors import SpecError
from sodachi.models.backprop import backprop_net
from sodachi.models.continual import continual_net
from sodachi.models.continual_remedies import normal_like
from sodachi.models.layered import newborn_weight
from sodachi.system import build

LAYERS = (3, 6, 5, 4)
STEPS = 12
RNG = np.random.default_rng(0)
X = RNG.uniform(size=(STEPS, 3))
Y = RNG.integers(0, 4, STEPS)
RATE = 0.05


class Reference:
    """The net and all remedies in NumPy: leaky ReLU .1, squared error, one sample an update."""

    def __init__(self, weights, layer_norm=False, **given):
        self.w = {n: np.array(a) for n, a in weights.items()}
        self.start = {n: a.copy() for n, a in self.w.items()}
        self.layer_norm, self.given = layer_norm, given
        blank = {n: np.zeros_like(a) for n, a in self.w.items()}
        self.first, self.second = ({n: a.copy() for n, a in blank.items()} for _ in range(2))
        self.age = {n: a.copy() for n, a in blank.items()}  # of every single synapse
        self.utility = {n: a.copy() for n, a in blank.items()}
        self.cells = [np.zeros((3, n)) for n in LAYERS[1:-1]]  # age, mean, utility
        self.due = [0.0, 0.0]
        self.renewed = []

    def pass_up(self, x):
        h, layers = x, []
        for i in range(3):
            z = h @ self.w[f"weight_{i}"] + self.w[f"bias_{i}"]
            if i < 2:
                if self.layer_norm:
                    z = (z - z.mean()) / np.sqrt(z.var() + 1e-5)
                z = np.where(z > 0, z, 0.1 * z)
            h = z
            layers.append(h)
        return layers

    def loss(self, x, t):
        return 0.5 * ((t - self.pass_up(x)[-1]) ** 2).sum()

    def slope(self, x, t, step=1e-6):
        gradient = {}
        for name, array in self.w.items():
            gradient[name] = np.zeros_like(array)
            for place in np.ndindex(array.shape):
                kept = array[place]
                array[place] = kept + step
                high = self.loss(x, t)
                array[place] = kept - step
                low = self.loss(x, t)
                array[place] = kept
                gradient[name][place] = (high - low) / (2 * step)
        return gradient

    def learn(self, x, t, key):
        get, layers, g = self.given.get, self.pass_up(x), self.slope(x, t)
        step = {}
        for n, w in self.w.items():
            full = g[n] + get("l2", 0.0) * w
            if get("optimiser") == "sgd":
                step[n] = -RATE * full
                continue
            self.age[n] += 1
            self.first[n] = 0.9 * self.first[n] + 0.1 * full
            self.second[n] = 0.999 * self.second[n] + 0.001 * full**2
            mean = self.first[n] / (1 - 0.9 ** self.age[n])
            power = self.second[n] / (1 - 0.999 ** self.age[n])
            step[n] = -RATE * mean / (np.sqrt(power) + 1e-8)
        if get("upgd"):
            trace = get("upgd_trace", 0.999)
            for n, w in self.w.items():
                self.utility[n] = trace * self.utility[n] - (1 - trace) * g[n] * w
            most = max(u.max() for u in self.utility.values())
            for n in self.w:
                drawn = normal(key, "upgd", n, self.w[n]) * get("upgd_noise", 0.0)
                useful = self.utility[n] / most if most > 0 else 0.0
                protected = 1 / (1 + np.exp(-useful))
                step[n] = 2 * (1 - protected) * (step[n] - RATE * drawn)
        for n, w in self.w.items():
            back = get("decay_to_initial", 0.0) * (w - self.start[n]) + get("decay", 0.0) * w
            moved = (1 - get("shrink", 0.0)) * (w + step[n] - RATE * back)
            self.w[n] = moved + get("noise", 0.0) * normal(key, "perturb", n, w)
        if get("replacement_rate"):
            self.generate_and_test(layers, key)

    def generate_and_test(self, layers, key):
        get, rho = self.given.get, self.given["utility_decay"]
        chosen = []
        for i, cells in enumerate(self.cells):
            h = layers[i]
            cells[0] += 1
            begun = 1 - rho ** cells[0]
            cells[1] = rho * cells[1] + (1 - rho) * h
            worth = np.abs(self.w[f"weight_{i + 1}"]).mean(1)
            if get("utility") == "contribution":
                worth = worth * np.abs(h)
            else:
                worth = worth * np.abs(h - cells[1] / begun)
                worth = worth / np.abs(self.w[f"weight_{i}"]).mean(0)
            cells[2] = rho * cells[2] + (1 - rho) * worth
            mature = np.flatnonzero(cells[0] > get("maturity"))
            self.due[i] += get("replacement_rate") * len(mature)
            count = int(self.due[i])
            self.due[i] -= count
            order = np.argsort((cells[2] / begun)[mature], kind="stable")
            chosen.append((mature[order[:count]], begun))
        for i, (units, begun) in enumerate(chosen):
            below, bias, above = f"weight_{i}", f"bias_{i}", f"weight_{i + 1}"
            fresh = np.array(newborn_weight(SETTINGS, i, named_key(key, f"renew_{i}")))
            for u in units:
                self.renewed.append((i, int(u)))
                self.w[f"bias_{i + 1}"] += self.w[above][u] * self.cells[i][1, u] / begun[u]
                self.w[below][:, u] = self.start[below][:, u] = fresh[:, u]
                for tree in (self.w, self.start, self.first, self.second, self.age, self.utility):
                    if tree is not self.w and tree is not self.start:
                        tree[below][:, u] = 0
                    tree[bias][u] = 0
                    tree[above][u] = 0
                self.cells[i][:, u] = 0


class SETTINGS:
    """What the newborn weights of a layer depend on."""

    layers, activation, dtype = LAYERS, "leaky_relu", "float64"


def normal(key, use, name, like):
    if key is None:
        return 0.0
    return np.array(jax.random.normal(named_key(named_key(key, use), name), like.shape, "float64"))


def lived(steps=STEPS, **given):
    """Return the net's state and the reference after some steps, both in float64."""
    net = continual_net(layers=LAYERS, rate=RATE, dtype="float64", **given)
    state, step = net.init(5), jax.jit(net.step)
    reference = Reference(state.shared["weights"], **given)
    for i in range(steps):
        key = None
        if "stochastic" in net.spec.capabilities:
            key = common_key(state.lane["key"], jnp.array(True), state.shared["clock"])
        state, _ = step(state, observe(net.spec, input=X[i], label=int(Y[i])))
        reference.learn(X[i], np.eye(4)[Y[i]], key)
    return state, reference


def require_equal(state, reference, atol=1e-6):
    for name, array in reference.w.items():
        assert np.allclose(state.shared["weights"][name], array, atol=atol), name


SGD = {"optimiser": "sgd"}
UPGD = {"upgd": True, "upgd_noise": 0.3, "upgd_trace": 0.9}
RENEWED = {"replacement_rate": 0.08, "maturity": 2, "utility_decay": 0.9}


@pytest.mark.theory
@pytest.mark.parametrize(
    "given",
    [
        {"l2": 0.3},
        {"l2": 0.3, "decay": 0.2, "decay_to_initial": 0.4, **SGD},
        {"layer_norm": True},
        {"shrink": 0.1, "noise": 0.05, **SGD},
        {**UPGD, "decay": 0.1, **SGD},
        UPGD,
    ],
    ids=str,
)
def test_a_remedy_follows_its_equations(given):
    with jax.enable_x64(True):
        state, reference = lived(**given)
        # Adam divides by the size of a slope, which finite differences know to some 1e-9 only.
        require_equal(state, reference, atol=1e-7 if "optimiser" in given else 1e-4)


@pytest.mark.theory
@pytest.mark.parametrize("utility", ["adaptable", "contribution"])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_the_least_useful_mature_units_are_renewed_with_all_they_had(utility, optimiser):
    given = {**RENEWED, "utility": utility, "optimiser": optimiser, "decay_to_initial": 0.1}
    with jax.enable_x64(True):
        state, reference = lived(**given)
        assert len(reference.renewed) > 4 and {i for i, _ in reference.renewed} == {0, 1}
        require_equal(state, reference, atol=1e-7 if optimiser == "sgd" else 1e-4)
        for i, cells in enumerate(reference.cells):
            own = state.shared["cells"][f"hidden_{i}"]
            assert np.array_equal(own.age, cells[0])
            assert np.allclose(own.mean, cells[1], atol=1e-5)
            assert np.allclose(own.utility, cells[2], atol=1e-5)
            assert float(own.due) == pytest.approx(reference.due[i])
        for name, array in reference.start.items():
            assert np.allclose(state.shared["synapses"]["initial"][name], array), name


@pytest.mark.theory
def test_all_remedies_together_follow_their_order():
    given = {**RENEWED, **UPGD, **SGD, "l2": 0.1, "decay": 0.1, "decay_to_initial": 0.1}
    given |= {"shrink": 0.02, "noise": 0.01, "layer_norm": True}
    with jax.enable_x64(True):
        state, reference = lived(**given)
        assert reference.renewed
        require_equal(state, reference)


@pytest.mark.unit
def test_a_renewed_synapse_has_moments_of_its_own_age():
    """Its first step is Adam's first: rate in size, whatever the net's age."""
    net = continual_net(layers=LAYERS, rate=1e-3, **(RENEWED | {"replacement_rate": 0.05}))
    state, step = net.init(0), jax.jit(net.step)
    seen = False
    for i in range(40):
        told = observe(net.spec, input=X[i % STEPS], label=int(Y[i % STEPS]))
        young = np.array(state.shared["cells"]["hidden_1"].age) == 0
        before = state.shared["weights"]["weight_2"]
        state, _ = step(state, told)
        still = np.array(state.shared["cells"]["hidden_1"].age) == 1
        moved = np.array(state.shared["weights"]["weight_2"] - before)[young & still]
        if i > 0 and moved.size:
            assert np.allclose(np.abs(moved), 1e-3, rtol=1e-2)
            seen = True
    assert seen


@pytest.mark.theory
def test_without_remedies_it_is_the_twin():
    given = {"layers": LAYERS, "rate": 0.01, "decay_to_initial": 0.3, "decay": 0.1}
    one, two = backprop_net(**given), continual_net(**given)
    states = [one.init(1), two.init(1)]
    steps = [jax.jit(one.step), jax.jit(two.step)]
    for x, y in zip(X, Y, strict=True):
        told = observe(one.spec, input=x, label=int(y))
        states = [step(state, told)[0] for step, state in zip(steps, states, strict=True)]
    for a, b in zip(jax.tree.leaves(states[0]), jax.tree.leaves(states[1]), strict=True):
        assert np.allclose(a, b, atol=1e-7)
    assert "stochastic" not in two.spec.capabilities and two.spec.exceptions == one.spec.exceptions


ALL = {**RENEWED, **UPGD, "shrink": 0.1, "noise": 0.1, "l2": 0.1, "layer_norm": True}


@pytest.mark.unit
@pytest.mark.parametrize("given", [{"label": None}, {"label": 1, "learn": False}])
def test_without_a_label_or_without_learn_no_slow_bit_moves(given):
    net = continual_net(layers=LAYERS, **ALL)
    step = jax.jit(net.step)
    state, _ = step(net.init(0), observe(net.spec, input=X[0], label=2))
    after, _ = step(state, observe(net.spec, input=X[1], **given))
    for part in ("weights", "synapses", "cells"):
        old, new = jax.tree.leaves(state.shared[part]), jax.tree.leaves(after.shared[part])
        for a, b in zip(old, new, strict=True):
            assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


@pytest.mark.unit
def test_a_lane_that_is_not_finite_moves_no_weight():
    many = minibatch(continual_net(layers=LAYERS, **ALL), 2)
    step = jax.jit(many.step)
    good = observe(many.spec, input=X[:2], label=Y[:2], learn=[True, False])
    bad = observe(many.spec, input=X[:2], label=Y[:2])
    broken = bad.evidence["input"]._replace(value=jnp.array([X[0], [np.nan] * 3], jnp.float32))
    bad = bad._replace(evidence=bad.evidence | {"input": broken})
    one, two = many.init(0), many.init(0)
    for _ in range(5):
        one, two = step(one, good)[0], step(two, bad)[0]
    for a, b in zip(jax.tree.leaves(one.shared), jax.tree.leaves(two.shared), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.unit
def test_the_spec_builds_the_same_net_again_and_says_what_is_not_local():
    net = continual_net(layers=LAYERS, **ALL)
    assert build(net.spec).spec == net.spec
    assert len(net.spec.exceptions) == 4 and "stochastic" in net.spec.capabilities


@pytest.mark.theory
def test_a_table_of_noise_is_normal_and_starts_elsewhere_every_time():
    tree = {"a": jnp.zeros((30, 40)), "b": jnp.zeros(800)}
    keys = jax.random.split(jax.random.key(3), 50)
    drawn = [normal_like(tree, key, table=10_000) for key in keys]
    runs = np.array([np.concatenate([d["a"].ravel(), d["b"]]) for d in drawn])
    assert len(np.unique(runs[:, 0])) > 45  # 50 beginnings of 10,000
    assert abs(runs.mean()) < 0.02 and abs(runs.std() - 1) < 0.02
    assert not np.array_equal(drawn[0]["a"][0], drawn[0]["b"][:40])
    again = normal_like(tree, keys[0], table=10_000)
    assert np.array_equal(again["a"], drawn[0]["a"]) and again["a"].shape == (30, 40)


@pytest.mark.unit
@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": (3,)},
        {"l2": -1.0},
        {"replacement_rate": 1.0},
        {"maturity": 1.5},
        {"utility": "age"},
        {"upgd_noise": 0.1},
        {"noise_table": -1},
        {"shrink": -0.1},
        {"noise": float("inf")},
    ],
)
def test_a_wrong_argument_is_named(wrong):
    with pytest.raises(SpecError) as error:
        continual_net(**({"layers": LAYERS} | wrong))
    assert error.value.field == next(iter(wrong))
