"""The settling mixture: a layer of units that compete by an energy, imprinted when hungry.

Each unit k predicts the input below (``m_k``) and the label (``V_k``). Activity is carried from
tick to tick and every tick learns; there is no reset, no phase and no feedforward start, and the
answer can be read at every tick. Units are born from the input that hurt most and recycled by
utility; with several contexts the network recalls an earlier world or opens a new one.
"""

from __future__ import annotations

from typing import NamedTuple

from sodachi.errors import SpecError
from sodachi.models.mixture_step import CHANCE, grow_mixture, mixture_step, newborn_mixture
from sodachi.system import Spec, System, Variable, arguments, factory, system

LESIONS = ("", *CHANCE, "no-recycling", "no-trust")
STRUCTURE = (
    "structure: which unit is recycled is a minimum over the layer, and which context is active "
    "a minimum over contexts",
)
NAMING = ("structure: which naming is the next blank is a minimum over namings",)
POOL = ("structure: of lanes in several worlds one world learns a tick",)


class Settings(NamedTuple):
    """The factory's numbers, handed to every part (see `settling_mixture`)."""

    inputs: int
    labels: int
    units: int
    contexts: int
    label_kind: str
    beta: float
    label_beta: float
    rate: float
    track: float
    label_rate: float
    unlabelled: float
    hunger: float
    forget: float
    reset: bool
    lesion: str
    birth_rate: float
    surprise: float
    names: int
    pool: bool
    emerging: bool
    contrast: float


@factory("settling_mixture")
def settling_mixture(
    *,
    inputs: int = 64,
    labels: int = 10,
    units: int = 236,
    contexts: int = 1,
    label_kind: str = "categorical",
    beta: float | None = None,
    label_beta: float = 4.0,
    rate: float = 0.5,
    track: float = 0.05,
    label_rate: float = 0.3,
    unlabelled: float = 0.1,
    hunger: float = 0.4,
    forget: float = 0.999,
    reset: bool = False,
    lesion: str = "",
    birth_rate: float = 0.05,
    surprise: float = 6.0,
    names: int = 1,
    pool: bool = False,
    emerging: bool = False,
    contrast: float = 0.0,
) -> System:
    r"""Return a layer of units that settles to the free energy of a mixture, and grows.

    With κ the share of evidence on a pixel (1 clamped, 0 absent) and h = softmax(a):

    ``F = Σ_k h_k c_k + Σ_k h_k log h_k``, ``c_k = ½β Σ_j κ_j (x_j − m_kj)²``;
    each tick ``a ← a + rate·(−c − a)``, the mirror descent of F, which never raises it.
    The answer is ``Σ_k h_k V_k`` (from below alone); the input is predicted by ``Σ_k h⁺_k m_k``.
    A label reaches a unit's apical side,
    ``a⁺_k = a_k + share·log(V_k·t + .001)``, and h⁺ = softmax(a⁺) decides who learns:
    ``Δm_k = g_k κ (x − m_k)`` with ``g_k = max(track, 1/n_k) h⁺_k − contrast track h_k``,
    and
    ``ΔV_k = label_rate h_k (t − V_k)``.
    Without a label a unit learns by itself, ``unlabelled`` as fast, as far as it has settled.
    When hunger ``1 − answer·t`` exceeds ``hunger``, one unit is imprinted: ``m = x``, ``V = t``;
    a free one, else the least useful: ``u ← forget·u + h⁺q − h(1 − q)`` with ``q = V·t``.

    Parameters
    ----------
    inputs, labels
        Sizes of the observed variables `input` (real) and `label`.
    units, contexts, pool
        Capacity. More than one context: units belong to the world they were born in, and
        ``surprise`` is how many deviations of the context energy, beyond one an input, must add up
        before the network looks for another (`sodachi.models.contexts`). With ``pool`` every
        context has ``units`` of its own, of which only the active ones are computed, and ``grow``
        doubles the contexts once none is free; of lanes in several worlds one learns a tick.
    names
        How many namings the network keeps, one of them blank: what a thing is and what it is
        called are then learned apart (`sodachi.models.naming`). Categorical labels only.
    emerging
        Every synapse below counts its meetings with its input, so that inputs may emerge late and
        vanish: nobody is judged by what it has never met (`sodachi.models.emergence`). For one
        context; with more, inputs that are not whole are not used to tell worlds apart.
    label_kind
        ``"categorical"``, or ``"real"`` for regression: ``q = exp(−½ label_beta |t − V|²)``.
    beta
        Precision of the prediction of the input, in 1/input²: about 1 over the squared distance at
        which two inputs should still share a unit. By default 192/inputs: 3 for 64 pixels in 0..1.
    rate
        Settling per tick, 0 < rate ≤ 1.
    contrast
        From 0, where each unit follows what it causes, to 1, where an old one moves only by what
        the label adds to what it thought: up the slope of ``log Σ_k h_k V_k·t``, away from inputs
        that it wrongly took for its own. Without a label it makes no difference.
    reset
        On ``first``, start from the settled activity: the model's own reset form, for comparison.
    lesion
        What the claims credit, removed: ``"random-time"`` (births by coin, ``birth_rate``),
        ``"random-newborn"`` (shuffled pixels), ``"no-recycling"`` (births only while a unit is
        free), ``"no-trust"`` (every error counts against the naming, whoever made it).

    Returns
    -------
    System
        Outputs: energy, residual, label, input (estimates), hunger, births, context, live units.

    Raises
    ------
    SpecError
        For sizes below 1, a rate outside (0, 1], a contrast outside [0, 1], or an unknown kind or
        lesion.

    References
    ----------
    Nowlan (1991), Moraitis et al. (2022) for soft competition by an energy; Seo & Obermayer, Soft
    learning vector quantization (2003), for the contrast; imprinting and utility after Sutton's
    dynamic deep learning (2024); the combination is this project's.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = settling_mixture(inputs=2, labels=2, units=4)
    >>> state = net.init(0)
    >>> for _ in range(2):
    ...     state, out = net.step(state, observe(net.spec, input=[0.0, 1.0], label=1))
    >>> state, out = net.step(state, observe(net.spec, input=[0.0, 1.0], learn=False))
    >>> int(out["label"].argmax())
    1
    """
    given = dict(locals())
    settings = Settings(**given)
    if beta is None:
        settings = settings._replace(beta=192.0 / max(inputs, 1))
    _check(settings)
    label = Variable("label", (labels,), "categorical" if label_kind == "categorical" else "real")
    stochastic = {"stochastic"} if lesion in CHANCE else set()
    spec = Spec(
        factory="settling_mixture",
        arguments=arguments(**given),
        observed=(Variable("input", (inputs,)), label),
        capabilities=frozenset({"learns", "local", "settles", "grows"} | stochastic),
        exceptions=STRUCTURE + (NAMING if names > 1 else ()) + (POOL if pool else ()),
    )
    return system(
        spec,
        lambda key: newborn_mixture(settings, key),
        lambda state, o: mixture_step(settings, state, o),
        (lambda state: grow_mixture(settings, state)) if pool else None,
    )


def _check(s: Settings) -> None:
    for name in ("inputs", "labels", "units", "contexts", "names"):
        if getattr(s, name) < 1:
            raise SpecError(name, "1 or more", getattr(s, name))
    if not 0 < s.rate <= 1:
        raise SpecError("rate", "0 < rate <= 1", s.rate)
    if not 0 <= s.contrast <= 1:
        raise SpecError("contrast", "0 <= contrast <= 1", s.contrast)
    if s.label_kind not in ("categorical", "real"):
        raise SpecError("label_kind", "categorical or real", s.label_kind)
    if s.names > 1 and s.label_kind != "categorical":
        raise SpecError("names", "1 for a label that is not categorical", s.names)
    if not isinstance(s.emerging, bool):
        raise SpecError("emerging", "True or False", s.emerging)
    if s.pool and s.contexts < 2:
        raise SpecError("contexts", "2 or more for pools of their own", s.contexts)
    if s.emerging and s.contexts > 1:
        raise SpecError("emerging", "one context", f"{s.contexts} contexts")
    if s.emerging and s.contrast:
        raise SpecError("contrast", "0 where inputs emerge", s.contrast)
    if s.lesion not in LESIONS:
        raise SpecError("lesion", f"one of {LESIONS}", s.lesion)
