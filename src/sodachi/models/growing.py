"""The growing grid: ReLU units by levels that are born of hunger and recycled by utility.

It begins as a linear map of its inputs. Where the error stays high a unit is imprinted on the input
that hurt; every synapse then learns with a step size of its own.
"""

from __future__ import annotations

from typing import NamedTuple

from sodachi.errors import SpecError
from sodachi.models.growing_step import begin_grid, grow_grid, step_grid
from sodachi.system import Spec, System, Variable, arguments, factory, system

EXCEPTIONS = (
    "hunger: passed backward through the forward weights by an exact sweep",
    "structure: which unit is recycled is a minimum over the layer",
)
LESIONS = ("", "random-newborn", "random-utility", "random-time", "random-master")
MASTERS = "structure: whose fringe a newborn joins is drawn over the network"


class Settings(NamedTuple):
    """The factory's numbers (see `growing_grid`)."""

    units: int
    levels: int
    inputs: int
    labels: int
    label_kind: str
    fan_in: int
    rate: float
    meta_rate: float
    hunger: float
    patience: int
    maturity: int
    idle: float
    passed: float
    negligible: float
    margin: float
    usual: float
    fringe: bool
    spare: int
    shy: float
    proven: float
    noticed: float
    zeros: float
    swing: float
    emerging: bool
    lesion: str


@factory("growing_grid")
def growing_grid(
    *,
    units: int = 20,
    levels: int = 2,
    inputs: int = 4,
    labels: int = 1,
    label_kind: str = "real",
    fan_in: int = 6,
    rate: float = 0.01,
    meta_rate: float = 0.01,
    hunger: float = 0.01,
    patience: int = 50,
    maturity: int = 500,
    idle: float = 0.5,
    passed: float = 0.5,
    negligible: float = 1e-3,
    margin: float = 0.5,
    usual: float = 0.01,
    fringe: bool = False,
    spare: int = 0,
    shy: float = 0.01,
    proven: float = 0.1,
    noticed: float = 0.01,
    zeros: float = 0.0,
    swing: float = 0.0,
    emerging: bool = False,
    lesion: str = "",
) -> System:
    r"""Return a grid of ReLU units that grows inside its capacity while it learns.

    ``x_u = relu(Σ_t w_ut x_source(u,t))``, ``y = Vᵀ [1 | input | x]``, and the energy is
    ``E = ½ Σ share·(label − y)² − drive·y``. Hunger ``H_u = −∂E/∂x_u`` comes by a backward sweep;
    ``Δw_ut = α_ut H_u 1[x_u > 0] x_source`` with a step of its own (`autostep`). When E exceeds
    ``hunger`` and what is usual, a unit is imprinted on the input of that moment; its outgoing
    weights are 0 at birth, so no prediction jumps. Utility is handed down from the outputs by the
    shares of weights and never lost; without a free slot the least useful unit makes room, but none
    that a live unit uses.

    Parameters
    ----------
    units, levels
        Capacity, and over how many levels it is spread (``levels`` divides ``units``); ``grow``
        doubles it once it is used up.
    inputs, labels, label_kind
        Sizes of the observed variables `input` (real) and `label` ("real" or "categorical").
    fan_in
        Terminals of a unit (the bias not counted).
    rate, meta_rate
        Step size of a synapse at birth, and the rate of its adaptation.
    hunger, patience, usual
        Least E of a birth, ticks between two births, and the rate of the mean of E.
    maturity, idle
        Ticks before a unit may be recycled, and the share of the mean utility below which it may.
    passed
        Part of its utility that a unit hands down.
    negligible
        Weights up to this do not count as use.
    margin
        How far below its drive a newborn's threshold lies, relative to the drive.
    fringe
        A newborn serves one hungry master, an output or a unit, through a shadow weight of ±1, and
        is hardly heard until its master has learned to listen (`sodachi.models.fringe`).
    spare
        Terminals kept free at every unit, so that it can be a master.
    shy, proven, noticed
        Step of a newborn's real synapse, and the step of which it is promoted, both in units of
        ``rate``; and the weight beyond which it is.
    zeros
        How strongly a newborn speaks against what is silent at its birth.
    swing
        Rate at which it is followed how far each node swings about its mean; utility is then handed
        down by the shares of weight times swing, and who never fires has none. With 0 weights alone
        count: what is known is kept longer, and the grid stiffens.
    emerging
        Inputs may emerge late and vanish: every input keeps a running mean of what was seen of it,
        and delivers it while it is absent, so that what is predicted is right on average; its
        synapses rest meanwhile. Without, an absent input delivers 0.
    lesion
        For experiments: "random-newborn" draws a newborn's weights, of the same norm and bias;
        "random-utility" draws anew what each unit is worth whenever one is to make room;
        "random-time" gives birth whatever the hunger, at one in ``patience`` + 1 ticks drawn by
        chance; "random-master" draws the master in a fringe alike from all that may be.

    Returns
    -------
    System
        Outputs: energy; residual ``max |label − y|`` where observed; label (y); input; hunger (the
        mean |H| of live units); live (their number); birth.

    Raises
    ------
    SpecError
        For sizes below 1, levels that do not divide the units, a fraction outside its range, or an
        unknown lesion.

    References
    ----------
    After Sutton's dynamic deep learning (2024); steps: Mahmood et al. (2012).

    Examples
    --------
    >>> import jax
    >>> from sodachi.observation import observe
    >>> net = growing_grid(units=1, levels=1, fan_in=2, inputs=2, patience=0)
    >>> told = observe(net.spec, input=[1.0, 0.5], label=[1.0])
    >>> state, out = net.step(net.init(0), told)
    >>> int(out["live"]), net.grow(state).shared["structure"]["live"].shape
    (1, (2,))
    """
    given = dict(locals())
    settings = Settings(**given)
    _check(settings)
    spec = Spec(
        factory="growing_grid",
        arguments=arguments(**given),
        observed=(Variable("input", (inputs,)), Variable("label", (labels,), label_kind)),
        modulated=("weights",),
        capabilities=frozenset({"learns", "local", "stochastic", "grows"}),
        exceptions=(*EXCEPTIONS, MASTERS) if fringe else EXCEPTIONS,
    )
    return system(
        spec,
        lambda key: begin_grid(settings, key),
        lambda state, o: step_grid(settings, state, o),
        lambda state: grow_grid(settings, state),
    )


def _check(s: Settings) -> None:
    for name in ("units", "levels", "inputs", "labels", "fan_in"):
        if getattr(s, name) < 1:
            raise SpecError(name, "1 or more", getattr(s, name))
    if s.units % s.levels:
        raise SpecError("levels", f"a divisor of {s.units} units", s.levels)
    if s.label_kind not in ("real", "categorical"):
        raise SpecError("label_kind", "real or categorical", s.label_kind)
    if s.fan_in > s.inputs + s.units:
        raise SpecError("fan_in", f"at most {s.inputs + s.units} nodes", s.fan_in)
    if s.lesion not in LESIONS:
        raise SpecError("lesion", f"one of {LESIONS}", s.lesion)
    if s.lesion == "random-master" and not s.fringe:
        raise SpecError("lesion", "a fringe, whose masters are drawn", s.lesion)
    if not isinstance(s.emerging, bool):
        raise SpecError("emerging", "True or False", s.emerging)
    if type(s.spare) is not int or s.spare < 0:
        raise SpecError("spare", "0 or more", s.spare)
    if not 0 < s.shy <= 1:
        raise SpecError("shy", "above 0, at most 1", s.shy)
    for name in ("passed", "usual", "margin", "swing"):
        if not 0 <= getattr(s, name) < 1:
            raise SpecError(name, "0 or more and below 1", getattr(s, name))
    for name in ("hunger", "idle", "negligible", "patience", "maturity", "proven", "noticed",
                 "zeros"):  # fmt: skip
        if getattr(s, name) < 0:
            raise SpecError(name, "0 or more", getattr(s, name))
