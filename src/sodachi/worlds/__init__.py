"""Worlds to live in: streams that drift and return."""

from sodachi.worlds.machine import Trajectory, machine_loop, run_machine
from sodachi.worlds.score import score
from sodachi.worlds.source import Source, WorldInfo
from sodachi.worlds.streams import RewiredDigits, RewiredWorlds
from sodachi.worlds.tape import tape

__all__ = [
    "RewiredDigits",
    "RewiredWorlds",
    "Source",
    "Trajectory",
    "WorldInfo",
    "machine_loop",
    "run_machine",
    "score",
    "tape",
]
