"""The audit passes what is local by construction and catches what is not, as mathematics says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sodachi.combinators import hold, minibatch, replicate
from sodachi.core.audit import audit, audit_update
from sodachi.core.connections import Convolution, Dense, Local, Sparse
from sodachi.core.rule import Context, Drive, Rule, initial_weights, plastic, step_size
from sodachi.errors import SpecError
from sodachi.observation import observe
from sodachi.system import Spec, State, Variable, system

RNG = np.random.default_rng(5)
PRE, POST = RNG.normal(size=5), RNG.normal(size=5)
WEIGHT = RNG.normal(size=(5, 5))


def oja_update(w, x, y):
    return w + 0.1 * (np.outer(x, y) - y**2 * w)


def sanger_update(w, x, y):
    """dw_ij = y_j (x_i − Σ_{k ≤ j} w_ik y_k)."""
    upto = np.cumsum(w * y, axis=1)
    return w + 0.1 * (x[:, None] - upto) * y


def infomax_update(w, x, y):
    """Bell and Sejnowski (1995): dW = W⁻ᵀ + x (1 − 2y)."""
    return w + 0.1 * (np.linalg.inv(w).T + np.outer(x, 1 - 2 * y))


# --- raw updates ---------------------------------------------------------------------------------


def test_oja_is_local_everywhere():
    report = audit_update(oja_update, WEIGHT, PRE, POST, samples=20)
    assert report.local
    assert report.checked == {"update": 20}


def test_sanger_is_caught_at_every_synapse_but_the_first_units():
    report = audit_update(sanger_update, WEIGHT, PRE, POST, samples=25)
    # Unit j sees the weights and outputs of the units k < j: unit 0 sees none, all others do.
    expected = {(i, j) for i in range(5) for j in range(1, 5)}
    assert {finding.synapse for finding in report.findings} == expected
    for finding in report.findings:
        assert finding.saw == ("other weights", "other postsynaptic cells")


def test_a_matrix_inverse_is_caught_at_every_synapse():
    report = audit_update(infomax_update, WEIGHT, PRE, POST, samples=20)
    assert len(report.findings) == 20
    assert {finding.saw for finding in report.findings} == {("other weights",)}


def test_each_kind_of_leak_is_named():
    def pre(w, x, y):
        return w + x.sum()

    def post(w, x, y):
        return w + y.max()

    for update, saw in ((pre, "other presynaptic cells"), (post, "other postsynaptic cells")):
        report = audit_update(update, WEIGHT, PRE, POST, samples=5)
        assert [f.saw for f in report.findings] == [(saw,)] * 5


def test_a_leak_only_through_nan_is_caught():
    def update(w, x, y):
        return w + 0 * y.sum()  # no finite number shows it

    report = audit_update(update, WEIGHT, PRE, POST, samples=4)
    assert [f.saw for f in report.findings] == [("other postsynaptic cells",)] * 4


def test_cells_follow_from_the_connection():
    sparse = Sparse((4,), (3,), ((0, 2), (1, -1), (3, 0)))
    index = np.array(sparse.indices)
    pre, post, w = RNG.normal(size=4), RNG.normal(size=3), RNG.normal(size=(3, 2))

    def own(w, x, y):
        return w + y[:, None] * x[index]

    def neighbour(w, x, y):
        return w + y[:, None] * x[(index + 1) % 4]

    report = audit_update(own, w, pre, post, connection=sparse, samples=10)
    assert report.local
    assert report.checked == {"update": 5}  # the padding is no synapse
    report = audit_update(neighbour, w, pre, post, connection=sparse, samples=10)
    assert [f.saw for f in report.findings] == [("other presynaptic cells",)] * 5


def test_sampling_is_deterministic_and_misfits_are_refused():
    a, b = (audit_update(sanger_update, WEIGHT, PRE, POST, samples=6) for _ in range(2))
    assert a == b
    with pytest.raises(SpecError, match="weight: expected shape"):
        audit_update(oja_update, WEIGHT, PRE[:4], POST)


# --- systems -------------------------------------------------------------------------------------


def change_by_first(w, s, d, context: Context):
    return d[0]


def oja_rule(drives=None, sums=(), change=None):
    def own(post, pre):
        return Drive(post["y"], pre["x"]), Drive(post["y"] ** 2, None)

    def oja(w, s, d, context):
        return d[0] - d[1] * w

    return Rule("oja", drives or own, change or oja, step_size(0.1), sums=sums)


def unit(rule, connection=None, exceptions=(), also=lambda w, post, pre: w):
    """A linear layer whose weights a rule moves; ``also`` moves them by other means."""
    connection = connection or Dense((5,), (4,))
    spec = Spec(
        "unit",
        observed=(Variable("x", connection.source),),
        capabilities=frozenset({"local", "learns"}),
        exceptions=exceptions,
    )

    def init(key):
        return State({"weights": {"w": initial_weights(connection, key)}}, {})

    def step(state, observation):
        w = state.shared["weights"]["w"]
        x = observation.evidence["x"].value
        y = connection.apply(w, x)
        new, _ = plastic(
            rule,
            connection,
            w,
            {},
            {"y": y},
            {"x": x},
            learn=observation.learn,
            clock=0.0,
            name="x>y",
        )
        new = also(new, y, x)
        return State({"weights": {"w": new}}, state.lane), {"energy": jnp.sum(y), "y": y}

    return system(spec, init, step)


def report_of(net, **kwargs):
    lead = net.spec.lanes + net.spec.observed[0].shape
    seen = observe(net.spec, x=np.random.default_rng(1).normal(size=lead))
    return audit(net, net.init(0), seen, **kwargs)


def test_a_rule_is_local_by_construction():
    report = report_of(unit(oja_rule()))
    assert report.local
    assert report.checked == {"x>y": 20}
    assert str(report) == "local: 20 synapses checked"


@pytest.mark.parametrize(
    "connection", [Local((4, 4, 1), 2, 2), Sparse.random((6,), (4,), 3), Dense((5,), (5,), False)]
)
def test_every_untied_connection_passes(connection):
    assert report_of(unit(oja_rule(), connection)).local


def test_lifted_systems_pass_and_every_life_is_audited():
    assert report_of(minibatch(unit(oja_rule()), 3), samples=5).local
    lives = report_of(replicate(unit(oja_rule()), 3), samples=5)
    assert lives.local
    assert lives.checked == {"x>y": 15}
    assert report_of(hold(unit(oja_rule()), 2), samples=5).local


@pytest.mark.parametrize("mix", [jax.nn.softmax, lambda y: y - y.mean(), lambda y: y / y.max()])
def test_drives_that_mix_the_layer_are_caught(mix):
    def mixing(post, pre):
        return Drive(mix(post["y"]), pre["x"]), Drive()

    report = report_of(unit(oja_rule(mixing)))
    assert len(report.findings) == 20
    assert {f.saw for f in report.findings} == {("other postsynaptic cells",)}
    assert not report_of(minibatch(unit(oja_rule(mixing)), 2), samples=3).local


def test_drives_that_mix_the_inputs_are_caught_even_when_the_layer_is_silent():
    def mixing(post, pre):
        return Drive(post["y"], pre["x"] - pre["x"].mean()), Drive()

    net = unit(oja_rule(mixing))
    silent = audit(net, net.init(0), observe(net.spec, x=np.zeros(5)))
    assert {f.saw for f in silent.findings} == {("other presynaptic cells",)}


def test_declared_sums_allow_the_cells_own_synapses():
    def scaled(w, s, d, context):
        return d[0] * context.sums[0]

    assert report_of(unit(oja_rule(change=scaled, sums=(lambda w, s: w**2,)))).local


def test_weights_written_without_a_rule_are_caught():
    def sanger(w, y, x):
        return w + 0.1 * (x[:, None] - jnp.cumsum(w * y, axis=1)) * y

    for net in (
        unit(oja_rule(), also=sanger),
        minibatch(unit(oja_rule(), also=lambda w, y, x: w * 0.5), 2),
    ):
        report = report_of(net, samples=2)
        assert [(f.synapse, f.saw) for f in report.findings] == [(None, ("moved outside a rule",))]
        assert "weights" in report.findings[0].connection


def test_an_array_smuggled_into_a_rule_is_caught():
    def also(w, y, x):
        def smuggled(post, pre):
            return (Drive(post["y"] * y.sum() + y, pre["x"]),)

        rule = Rule("smuggler", smuggled, change_by_first, step_size(0.1))
        return plastic(
            rule, Dense((5,), (4,)), w, {}, {"y": y}, {"x": x}, learn=True, clock=0.0, name="second"
        )[0]

    findings = report_of(unit(oja_rule(), also=also), samples=2).findings
    assert [(f.connection, f.saw) for f in findings] == [
        ("second", ("an array (4,) held by its rule",))
    ]


def test_a_step_size_may_be_worked_out_within_the_step():
    def also(w, y, x):
        rule = Rule(
            "scheduled",
            lambda post, pre: (Drive(post["y"], pre["x"]),),
            change_by_first,
            step_size(jnp.full((), 0.1)),
        )
        return plastic(
            rule, Dense((5,), (4,)), w, {}, {"y": y}, {"x": x}, learn=True, clock=0.0, name="second"
        )[0]

    report = report_of(unit(oja_rule(), also=also), samples=2)
    assert report.local, str(report)
    assert report.checked["second"] == 2


def test_what_is_not_one_per_cell_is_nobodys_own():
    def also(w, y, x):
        rule = Rule(
            "r",
            lambda post, pre: (Drive(post["y"] * post["all"]),),
            change_by_first,
            step_size(0.1),
        )
        cells = {"y": y, "all": y.sum()}
        return plastic(rule, Dense((5,), (4,)), w, {}, cells, {}, learn=True, clock=0.0)[0]

    findings = report_of(unit(oja_rule(), also=also), samples=2).findings
    assert [f.saw for f in findings] == [("post['all'] of shape (), not one per cell",)]


def test_tied_weights_are_an_exception_not_a_pass():
    net = unit(oja_rule(), Convolution((4, 4, 1), 2, 3), exceptions=("convolutions are tied",))
    report = report_of(net)
    assert not report.findings
    assert not report.local
    assert report.ties == ("x>y: one weight for 16 cells",)
    assert "declared: convolutions are tied" in str(report)
