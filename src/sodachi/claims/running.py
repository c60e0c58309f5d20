"""Run a claim: single-threaded processes, one for each seed of a full form; rows kept.

A killed run resumes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sodachi.claims.claim import Claim, Measured
from sodachi.claims.record import commit, make_result, write_result
from sodachi.claims.worker import find_claim, read_rows
from sodachi.errors import ClaimError

log = logging.getLogger(__name__)

#: The claims of the library, by name: the module of each.
CLAIMS = {
    "never-stops-learning": "sodachi.claims.never_stops_learning",
    "no-phases": "sodachi.claims.no_phases",
    "clamp-anything": "sodachi.claims.clamp_anything",
    "drift": "sodachi.claims.drift",
    "interference": "sodachi.claims.interference",
    "online": "sodachi.claims.online",
    "few-data": "sodachi.claims.few_data",
    "depth": "sodachi.claims.depth",
    "no-phases-deep": "sodachi.claims.no_phases_deep",
    "feedback-alignment": "sodachi.claims.feedback_alignment",
    "asynchrony": "sodachi.claims.asynchrony",
    "replay-needless": "sodachi.claims.replay_needless",
    "five-advantages": "sodachi.claims.five_advantages",
    "accuracy-mnist": "sodachi.claims.accuracy_mnist",
    "accuracy-fashion": "sodachi.claims.accuracy_fashion",
    "accuracy-cifar": "sodachi.claims.accuracy_cifar",
    "tracking": "sodachi.claims.tracking",
    "permuted-digits": "sodachi.claims.permuted_digits",
    "label-worlds": "sodachi.claims.label_worlds",
    "gradual-drift": "sodachi.claims.gradual_drift",
    "settling-and-growing": "sodachi.claims.settling_and_growing",
    "backbone-suffices": "sodachi.claims.backbone_suffices",
    "bit-flipping": "sodachi.claims.bit_flipping",
    "real-drift": "sodachi.claims.real_drift",
    "policy-collapse": "sodachi.claims.policy_collapse",
    "returning-contexts": "sodachi.claims.returning_contexts",
    "imprinting": "sodachi.claims.imprinting",
    "step-size-protection": "sodachi.claims.step_size_protection",
    "conserved-utility": "sodachi.claims.conserved_utility",
    "few-synapses": "sodachi.claims.few_synapses",
    "emerging-inputs": "sodachi.claims.emerging_inputs",
    "permuted-mnist": "sodachi.claims.permuted_mnist",
    "label-permuted": "sodachi.claims.label_permuted",
    "split-mnist": "sodachi.claims.split_mnist",
    "membrane-to-canon": "sodachi.claims.membrane_to_canon",
    "stdp-shape": "sodachi.claims.stdp_shape",
    "turing-machine": "sodachi.claims.turing_machine",
    "free-energy-equality": "sodachi.claims.free_energy_equality",
    "bayesian-mechanics": "sodachi.claims.bayesian_mechanics",
    "source-separation": "sodachi.claims.source_separation",
    "golden-culture": "sodachi.claims.golden_culture",
    "forecast-against-nulls": "sodachi.claims.forecast_against_nulls",
    "plasticity-follows-gradient": "sodachi.claims.plasticity_follows_gradient",
    "recovery": "sodachi.claims.recovery",
    "rbm-likelihood": "sodachi.claims.rbm_likelihood",
    "dbm-likelihood": "sodachi.claims.dbm_likelihood",
    "classification-rbm": "sodachi.claims.classification_rbm",
    "sunspots": "sodachi.claims.sunspots",
    "weather-forecast": "sodachi.claims.weather_forecast",
    "stdp-from-likelihood": "sodachi.claims.stdp_from_likelihood",
    "exact-marginals": "sodachi.claims.exact_marginals",
    "ais-bracket": "sodachi.claims.ais_bracket",
    "max-cut": "sodachi.claims.max_cut",
    "few-labels": "sodachi.claims.few_labels",
    "completion": "sodachi.claims.completion",
    "loops-pay": "sodachi.claims.loops_pay",
    "loops-remember": "sodachi.claims.loops_remember",
    "natural-patches": "sodachi.claims.natural_patches",
    "concept-cell": "sodachi.claims.concept_cell",
    "common-filters": "sodachi.claims.common_filters",
}
#: One thread for each process, so that cost is comparable and seeds do not disturb one another.
ONE_THREAD = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",
}
#: Rooms whose source a measurement depends on; the runner and the face are not among them.
ROOMS = ("*.py", "core/**/*.py", "rules/*.py", "models/*.py", "neurons/*.py", "worlds/*.py",
         "data/*.py", "recordings/*.py", "claims/*.py")  # fmt: skip


def list_claims() -> list[Claim]:
    """Return the claims of the library.

    Examples
    --------
    >>> [claim.name for claim in list_claims()][:2]
    ['never-stops-learning', 'no-phases']
    """
    return [find_claim(module) for module in CLAIMS.values()]


def run_claim(
    name: str | Claim,
    form: str = "quick",
    seeds: int | None = None,
    *,
    workers: int = 2,
    scratch: Path | None = None,
    out: Path | None = None,
) -> dict[str, Any]:
    """Test a claim and return its result.

    A full form with all its seeds is written into the ledger; anything else only to ``out``,
    where given. Rows that an earlier run of the same source finished are not measured again.

    Parameters
    ----------
    name
        Of a claim that `list_claims` returns, or a `Claim` (its module must be importable).
    form
        ``"quick"`` (its own, weaker target) or ``"full"``.
    seeds
        How many of the declared seeds; with fewer than all of them ``holds`` is None.
    workers
        Processes at a time, each with one thread.
    scratch
        Folder for finished rows; by default in the user's cache.
    out
        A file to write the result to.

    Returns
    -------
    dict
        Exactly the fields ``name, source, form, measured, interval, target, rivals, lesion,
        holds, seeds, cost, commit, machine``.

    Raises
    ------
    ClaimError
        An unknown claim or form, more seeds than declared, a seed that failed, or source that
        was edited meanwhile (run long forms from a checkout of their own).
    """
    claim = name if isinstance(name, Claim) else _by_name(name)
    protocol = claim.protocol(form)
    count = len(protocol.seeds) if seeds is None else seeds
    if not 1 <= count <= len(protocol.seeds):
        raise ClaimError("seeds", f"1 to {len(protocol.seeds)}, as declared", count)
    chosen = protocol.seeds[:count]
    made_from, digest = commit(), source_digest(claim)
    folder = (scratch or _scratch()) / f"{claim.name}-{form}-{digest[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    # Seeds of a quick form are short beside what is compiled for them: a worker compiles it once.
    shared = max(1, workers) if form == "quick" else count
    groups = [chosen[i::shared] for i in range(min(shared, count))]
    with ThreadPoolExecutor(max(1, workers)) as pool:
        jobs = [pool.submit(_some_seeds, claim, form, group, folder, digest) for group in groups]
        found = {seed: rows for job in jobs for seed, rows in job.result().items()}
    lines = {seed: found[seed] for seed in chosen}
    by_seed = {
        seed: {row: line["figures"] for row, line in rows.items()} for seed, rows in lines.items()
    }
    seconds = [sum((line["seconds"] for line in rows.values()), 0.0) for rows in lines.values()]
    result = make_result(claim, form, Measured(by_seed), seconds, made_from)
    if form == "full" and count == len(protocol.seeds) and claim.module in CLAIMS.values():
        write_result(result)
    if out is not None:
        write_result(result, out)
    return result


def source_digest(claim: Claim) -> str:
    """Return the sha256 of the source a measurement depends on: edited code measures anew."""
    package = Path(__file__).parents[1]
    files = {file for pattern in ROOMS for file in package.glob(pattern)}
    module = sys.modules.get(claim.module)
    own = getattr(module, "__file__", None)
    files |= {Path(own)} if own else set()
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _by_name(name: str) -> Claim:
    if name not in CLAIMS:
        raise ClaimError("claim", f"one of {', '.join(CLAIMS)}", name)
    return find_claim(CLAIMS[name])


def _some_seeds(
    claim: Claim, form: str, seeds: Sequence[int], folder: Path, digest: str
) -> dict[int, dict[str, Any]]:
    """Return the rows of some seeds, measured one after the other in a process of their own."""
    # A process imports what is there when it starts: no result may mix two versions of the source.
    if source_digest(claim) != digest:
        raise ClaimError("source", "unchanged while a claim runs", "edited files")
    files = {seed: folder / f"{seed}.jsonl" for seed in seeds}
    for seed, file in files.items():
        there = len(read_rows(file))
        log.info("%s (%s), seed %d: %d rows are there", claim.name, form, seed, there)
    command = [sys.executable, "-m", "sodachi.claims.worker", claim.module, form, folder, *seeds]
    home = str(Path(__file__).parents[2])
    path = os.pathsep.join(p for p in (home, os.environ.get("PYTHONPATH", "")) if p)
    # Seeds run the same programs: whoever comes later need not compile them again.
    programs = {
        "JAX_COMPILATION_CACHE_DIR": str(folder / "programs"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.3",
    }
    done = subprocess.run(
        [str(part) for part in command],
        env={**programs, **os.environ, **ONE_THREAD, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise ClaimError(claim.name, "rows measured", last)
    return {seed: read_rows(file) for seed, file in files.items()}


def _scratch() -> Path:
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if home else Path.home() / ".cache") / "sodachi" / "claims"
