"""Worlds to live in: streams that drift and return."""

from sodachi.worlds.score import score
from sodachi.worlds.source import Source, WorldInfo
from sodachi.worlds.streams import RewiredDigits, RewiredWorlds

__all__ = ["RewiredDigits", "RewiredWorlds", "Source", "WorldInfo", "score"]
