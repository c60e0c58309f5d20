"""The settling net: predictive coding with explicit error cells on any graph.

Activity slides on posts, predictions are platforms, errors are springs between them; the net
settles to low tension, and every synapse sees only its own two cells. Direction ``"down"`` is the
source's: the label on top, each layer predicting the layer below, pixels at the bottom; ``"up"``
is the discriminative direction (each layer predicts the layer above); ``"both"`` has two sets of
directed weights under one energy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Unpack

from sodachi.errors import SpecError
from sodachi.models.graphs import chain, graph_of
from sodachi.models.settling_options import RANDOM, Options, Settings, settings_of
from sodachi.models.settling_step import born, step
from sodachi.system import Spec, System, Variable, arguments, factory, system

TIED = "feedback is carried by the forward weights (weight transport): choose feedback synapses"


@factory("settling_net")
def settling_net(
    *,
    layers: Sequence[int] = (64, 100, 100, 10),
    direction: str = "down",
    activation: str = "tanh",
    **options: Unpack[Options],
) -> System:
    r"""Return a predictive coding network of dense layers that settles and learns in one stream.

    ``E = Σ ½ π |x_l − μ_l|²`` with ``μ_l = b_l + W f(x_l′)`` predicted by the neighbouring layer
    l′. Each of ``settle_ticks`` ticks moves every free cell down its gradient,
    ``x ← x + rate·(−πε + f′(x)·Bᵀπε)``; then every synapse learns ``ΔW ∝ πε f(x)``.

    Parameters
    ----------
    layers
        Cells of each layer, from the input to the label.
    direction
        ``"down"`` (label on top, pixels predicted), ``"up"``, or ``"both"``.
    activation
        Of hidden cells, a name in `sodachi.core.graph.ACTIVATIONS`.
    options
        See `sodachi.models.settling_options.Settings`.

    Returns
    -------
    System
        Outputs: energy, residual (largest force on a free cell), label and input (estimates: the
        platform of a predicted layer, else the activity).

    Raises
    ------
    SpecError
        For fewer than two layers or an unknown direction, activation or option.

    References
    ----------
    Rao and Ballard (1999); Whittington and Bogacz (2017); every tick: Salvatori et al. (2024);
    both directions: Oliviers, Tang and Bogacz (2025).

    Examples
    --------
    >>> net = settling_net(layers=(4, 3, 2))
    >>> [v.name for v in net.spec.observed]
    ['input', 'label']
    """
    graph = chain(tuple(layers), direction, activation)
    settings = settings_of(graph, options)
    named = {"layers": list(layers), "direction": direction, "activation": activation}
    observed = {"input": "real", "label": "categorical"}
    return _settling("settling_net", settings, observed, named | _plain(options))


@factory("settling_graph")
def settling_graph(
    *,
    populations: Sequence[Sequence[Any]],
    edges: Sequence[Sequence[Any]],
    observed: Mapping[str, str] | None = None,
    **options: Unpack[Options],
) -> System:
    r"""Return a predictive coding network on any graph: skips, loops, convolutions, local fields.

    As `settling_net`, ``E = Σ ½ π |x − b − Σ W f(x_s)|²`` over all platforms.

    Parameters
    ----------
    populations, edges
        As `sodachi.models.graphs.graph_of` reads them; populations stand sources first.
    observed
        Kind (`sodachi.system.KINDS`) by name of the populations that evidence may hold; by
        default ``{"input": "real", "label": "categorical"}``.
    options
        See `sodachi.models.settling_options.Settings`.

    Returns
    -------
    System
        Outputs: energy, residual, and the estimate of every observed population.

    Raises
    ------
    SpecError
        For what does not fit together, or an unknown option.

    References
    ----------
    Salvatori et al. (2022), Learning on arbitrary graph topologies via predictive coding.

    Examples
    --------
    >>> net = settling_graph(
    ...     populations=[["input", [8, 8, 1]], ["hidden", [4, 4, 3], "relu"], ["label", [2]]],
    ...     edges=[["input", "hidden", {"kind": "convolution", "size": 3, "stride": 2}],
    ...            ["hidden", "label"]])
    >>> net.spec.variable("input").shape
    (8, 8, 1)
    """
    graph = graph_of(populations, edges)
    observed = dict(observed or {"input": "real", "label": "categorical"})
    unknown = sorted(set(observed) - {p.name for p in graph.populations})
    if unknown:
        raise SpecError("observed", f"among {[p.name for p in graph.populations]}", unknown)
    named = {
        "populations": [[*p[:1], list(p[1]), *p[2:]] for p in populations],
        "edges": [list(e) for e in edges],
        "observed": observed,
    }
    return _settling(
        "settling_graph", settings_of(graph, options), observed, named | _plain(options)
    )


def settings_from(spec: Spec) -> Settings:
    """Return the settings of a settling net's spec; `SpecError` for any other system's."""
    given = json.loads(spec.arguments)
    if spec.factory == "settling_net":
        named = [given.pop(n) for n in ("layers", "direction", "activation")]
        return settings_of(chain(*named), given)
    if spec.factory == "settling_graph":
        given.pop("observed")
        return settings_of(graph_of(given.pop("populations"), given.pop("edges")), given)
    raise SpecError("spec.factory", "settling_net or settling_graph", spec.factory)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {n: dict(v) if isinstance(v, Mapping) else v for n, v in options.items()}


def _settling(name: str, s: Settings, observed: Mapping[str, str], given) -> System:
    spec = Spec(
        factory=name,
        arguments=arguments(**given),
        observed=tuple(
            Variable(n, s.graph.population(n).shape, kind, dtype=s.dtype)
            for n, kind in observed.items()
        ),
        capabilities=frozenset(
            {"learns", "local", "settles"} | ({"stochastic"} if s.relaxation in RANDOM else set())
        ),
        exceptions=_exceptions(s),
    )
    return system(spec, partial(born, s), partial(step, s))


def _exceptions(s: Settings) -> tuple[str, ...]:
    tied = tuple(
        f"{e.name}: tied over sites" for e in s.graph.edges if _tied_over_sites(e.connection)
    )
    return ((TIED,) if s.feedback == "tied" else ()) + tied


def _tied_over_sites(connection) -> bool:
    return type(connection).__name__ == "Convolution"
