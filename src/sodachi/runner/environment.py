"""What bits depend on beside the state: versions, flags and threads, stored in every checkpoint."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import jax

log = logging.getLogger(__name__)


def environment() -> dict[str, Any]:
    """Return what the promise "resumes bit for bit" is bound to, as JSON values.

    Examples
    --------
    >>> sorted(environment())
    ['device', 'jax', 'jaxlib', 'threads', 'x64', 'xla_flags']
    """
    return {
        "jax": jax.__version__,
        "jaxlib": _jaxlib(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "threads": _threads(),
        "device": jax.devices()[0].device_kind,
        "x64": bool(jax.config.jax_enable_x64),  # pyright: ignore[reportAttributeAccessIssue]
    }


def compare(stored: Mapping[str, Any], name: str) -> list[str]:
    """Return what differs from here, each as a sentence, and warn of it: the last bits may differ.

    Examples
    --------
    >>> compare(environment(), "run/checkpoint.safetensors")
    []
    """
    here = environment()
    differing = [
        f"{field} was {stored.get(field)!r}, here {here[field]!r}"
        for field in here
        if stored.get(field) != here[field]
    ]
    if differing:
        log.warning("%s: not bit for bit from here on: %s", name, "; ".join(differing))
    return differing


@lru_cache
def _jaxlib() -> str:
    """Looked up once: it reads the installed package's metadata."""
    return version("jaxlib")


def _threads() -> int:
    """Cores this process may use: what XLA makes its thread pool from."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
