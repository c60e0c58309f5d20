"""How a life is lived: ticks, chunks, checkpoints."""

from __future__ import annotations

from typing import Any, NamedTuple

from sodachi.errors import SpecError


class Settings(NamedTuple):
    """How a life is lived; of these only the ticks and ``incomplete`` change what is learned."""

    ticks_before: int = 1
    """Ticks a row is lived without its label."""
    ticks_after: int = 1
    """Ticks it is then lived with it."""
    chunk: int = 256
    """Rows in one call of the compiled program; 1 answers each row as it comes."""
    every_rows: int | None = 4096
    """Rows between checkpoints (saved at the end of the chunk in which they are reached)."""
    every_seconds: float | None = None
    """Seconds between checkpoints; whichever of the two comes first."""
    window: int = 1000
    """Rows that the figures mean by "lately"."""
    incomplete: bool = False
    """Whether NaN entries and missing labels are lived as absent rather than set aside."""
    keep: tuple[str, ...] = ("energy", "residual")
    """Outputs handed to ``on_chunk`` and to the health figures."""
    quarantine_bytes: int = 1_000_000
    """Largest size of the file of bad rows."""

    @staticmethod
    def checked(**given: Any) -> Settings:
        """Return the settings; `SpecError` for an unknown name or a value that cannot be.

        Examples
        --------
        >>> Settings.checked(chunk=64).chunk
        64
        """
        unknown = sorted(set(given) - set(Settings._fields))
        if unknown:
            raise SpecError("settings", f"some of {Settings._fields}", unknown)
        settings = Settings(**given)
        for name in ("ticks_before", "ticks_after", "chunk", "window", "quarantine_bytes"):
            _positive(name, getattr(settings, name))
        if settings.every_rows is not None:
            _positive("every_rows", settings.every_rows)
        if settings.every_seconds is not None and not settings.every_seconds > 0:
            raise SpecError("every_seconds", "a positive number or None", settings.every_seconds)
        return settings


def _positive(name: str, value: Any) -> None:
    if type(value) is not int or value < 1:
        raise SpecError(name, "a positive integer", value)
