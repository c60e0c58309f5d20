"""Plain SVG by hand: lines, circles, words, small grey images and a chart with axes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from sodachi.face.colours import GREY, INK

FONT = "Helvetica, Arial, sans-serif"
GREYS = 9  # shades of a drawn image
UNKNOWN = "#cfe3f2"  # of its pixels that are not known


class Drawing:
    """A picture that is built up and written once.

    Examples
    --------
    >>> drawing = Drawing(40, 30, "a dot")
    >>> drawing.circle(20, 15, 4, "red")
    >>> drawing.svg().count("<circle")
    1
    """

    def __init__(self, width: float, height: float, title: str):
        self.width, self.height, self.title = width, height, title
        self.parts: list[str] = []

    def add(self, tag: str, text: str | None = None, **attributes) -> None:
        """Add one element; ``_`` in names stands for ``-``, a trailing one is dropped."""
        named = {n.rstrip("_").replace("_", "-"): _short(v) for n, v in attributes.items()}
        said = "".join(f" {n}={quoteattr(v)}" for n, v in named.items())
        self.parts.append(f"<{tag}{said}/>" if text is None else _holding(tag, said, text))

    def line(self, points, colour: str, width: float = 1.5, **more) -> None:
        """Add a line through ``points``, pairs of x and y."""
        corners = " ".join(f"{_short(x)},{_short(y)}" for x, y in points)
        self.add("polyline", points=corners, fill="none", stroke=colour, stroke_width=width, **more)

    def circle(self, x, y, radius, colour: str, **more) -> None:
        """Add a disc."""
        self.add("circle", cx=x, cy=y, r=radius, fill=colour, **more)

    def rect(self, x, y, width, height, colour: str, **more) -> None:
        """Add a rectangle from its upper left corner."""
        self.add("rect", x=x, y=y, width=width, height=height, fill=colour, **more)

    def text(self, x, y, words: str, size: float = 13, colour: str = INK, **more) -> None:
        """Add words; ``text_anchor`` "middle" or "end" moves them about x."""
        self.add("text", words, x=x, y=y, font_size=size, fill=colour, **more)

    def image(self, pixels: np.ndarray, x, y, side: float, frame: str = GREY) -> None:
        """Add a grey image [n, n] of ink in [0, 1], ``side`` wide; NaN is drawn as not known.

        Each shade is one path of strokes over its pixels.
        """
        n = len(pixels)
        known = np.rint(np.clip(np.nan_to_num(pixels), 0, 1) * (GREYS - 1)).astype(int)
        shade = np.where(np.isnan(pixels), -1, known)
        paths = []
        for s in sorted(set(shade.ravel().tolist()) - {0}):
            ink = 255 - round(255 * s / (GREYS - 1))
            colour = UNKNOWN if s < 0 else f"#{ink:02x}{ink:02x}{ink:02x}"
            marks = "".join(f"M{c} {r}h1" for r, c in np.argwhere(shade == s).tolist())
            paths.append(f'<path stroke="{colour}" d="{marks}"/>')
        place = f"translate({_short(x)} {_short(y)}) scale({_short(side / n)}) translate(0 .5)"
        self.rect(x, y, side, side, "white", stroke=frame, stroke_width=1)
        self.parts.append(
            f'<g class="image" shape-rendering="crispEdges" transform="{place}">'
            f"{''.join(paths)}</g>"
        )

    def svg(self) -> str:
        """Return the whole picture as text."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" font-family="{FONT}" role="img">'
        )
        ground = f'<rect width="{self.width}" height="{self.height}" fill="white"/>'
        lines = [head, f"<title>{escape(self.title)}</title>", ground, *self.parts, "</svg>"]
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> Path:
        """Write the picture and return where."""
        path.write_text(self.svg(), encoding="utf-8")
        return path


class Chart:
    """A frame with axes inside a drawing; `at` turns values into places.

    Parameters
    ----------
    drawing
        Where it is drawn.
    box
        Left, top, width and height of the frame.
    across, up
        Lowest and highest value of each axis.
    """

    def __init__(self, drawing: Drawing, box, across, up):
        self.drawing, self.box, self.across, self.up = drawing, box, across, up

    def at(self, x, y) -> tuple[float, float]:
        """Return the place of a pair of values."""
        left, top, width, height = self.box
        (x0, x1), (y0, y1) = self.across, self.up
        return left + width * (x - x0) / (x1 - x0), top + height * (y1 - y) / (y1 - y0)

    def axes(self, ticks_across: Sequence[float], ticks_up: Sequence[float], title: str) -> None:
        """Draw the grid, the numbers, and what the lower axis says."""
        left, top, width, height = self.box
        for v in ticks_up:
            y = self.at(self.across[0], v)[1]
            self.drawing.line([(left, y), (left + width, y)], "#e5e7eb" if v else GREY, 1)
            self.drawing.text(left - 6, y + 4, f"{v:g}", 12, text_anchor="end")
        for v in ticks_across:
            x = self.at(v, self.up[0])[0]
            self.drawing.text(x, top + height + 16, f"{v:g}", 12, text_anchor="middle")
        self.drawing.text(left + width / 2, top + height + 34, title, 12, text_anchor="middle")

    def curve(self, values, colour: str, width: float = 2.5, start: int = 0, **more) -> None:
        """Draw values against their place in the list, the first at ``start``."""
        points = [self.at(start + i, float(v)) for i, v in enumerate(values)]
        self.drawing.line(points, colour, width, **more)


def _short(value) -> str:
    return value if isinstance(value, str) else f"{float(value):.3f}".rstrip("0").rstrip(".")


def _holding(tag: str, said: str, text: str) -> str:
    return f"<{tag}{said}>{escape(text)}</{tag}>"
