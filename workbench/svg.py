"""Shapes of SVG as text, and the plane of a chart: axes, ticks, legend. Coordinates have two decimals at most."""

from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.axes import Axis
from workbench.text import clean

WIDTH, HEIGHT = 440, 310
"""Of one panel."""
LEFT, RIGHT, TOP, BOTTOM = 62.0, 16.0, 50.0, 48.0
INK, PALE, GRID = "#444444", "#777777", "#ececec"
FILLED, OPEN = "◆■▲", "◇□△"
_OUTLINES = {
    "◆": "M0-4.6L4.6 0L0 4.6L-4.6 0z",
    "■": "M-3.2-3.2h6.4v6.4h-6.4z",
    "▲": "M0-4.4L4.2 3.2h-8.4z",
    "×": "M-3.2-3.2l6.4 6.4m0-6.4l-6.4 6.4",
    "+": "M-4 0h8m-4-4v8",
}

Attributes = dict[str, float | str]
Sign = Callable[[float, float], str]
"""Draws the sign of a legend's entry, from its left end and its middle."""


def coordinate(value: float) -> str:
    """A coordinate: two decimals at most, the same on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def tag(name: str, content: str = "", /, **attributes: float | str) -> str:
    """An element, with attributes as `stroke_width` for stroke-width; content is markup already."""
    written = []
    for key, value in attributes.items():
        text = value if isinstance(value, str) else coordinate(value)
        written.append(f" {key.replace('_', '-')}={quoteattr(text)}")
    return f"<{name}{''.join(written)}" + (f">{content}</{name}>" if content else "/>")


def text(x: float, y: float, words: str, size: int = 12, anchor: str = "start", /, **attributes: float | str) -> str:
    """Words of any origin, made safe."""
    return tag("text", escape(clean(words, 120)), x=x, y=y, font_size=size, text_anchor=anchor, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, stroke: str, **attributes: float | str) -> str:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, **attributes)


def path(xs: NDArray, ys: NDArray) -> str:
    """The steps of a line through points (n,); NaN is a gap, and a point between two gaps a dot."""
    steps, pen = [], "M"
    for x, y in zip(xs, ys, strict=True):
        if np.isfinite(x) and np.isfinite(y):
            steps.append(f"{pen}{coordinate(x)} {coordinate(y)}")
            pen = "L"
        else:
            steps += ["h0"] if pen == "L" else []
            pen = "M"
    return "".join(steps)


def curve(steps: str, colour: str, dash: str = "", width: float = 1.8) -> str:
    """A line as steps, stroked."""
    more: Attributes = {"stroke_dasharray": dash} if dash else {}
    return tag("path", d=steps, fill="none", stroke=colour, stroke_width=width, stroke_linejoin="round", **more)


def shape(mark: str, x: float, y: float, colour: str) -> str:
    """The mark of a series at a point, as a shape; a mark that has none is written."""
    if mark in ("●", "○", "•"):
        fill = "#ffffff" if mark == "○" else colour
        return tag("circle", cx=x, cy=y, r=3.4, fill=fill, stroke=colour, stroke_width=1.4)
    outline = _OUTLINES.get(FILLED[OPEN.index(mark)] if mark in tuple(OPEN) else mark)
    if outline is None:
        return text(x, y + 4, mark[:1], 12, "middle", fill=colour)
    fill = colour if mark in FILLED else "#ffffff" if mark in OPEN else "none"
    place = f"translate({coordinate(x)} {coordinate(y)})"
    return tag("path", transform=place, d=outline, fill=fill, stroke=colour, stroke_width=1.4)


class Plane:
    """The plane of a panel: from data to coordinates, and what frames it."""

    def __init__(self, x: Axis, y: Axis, right: float = RIGHT, bottom: float = BOTTOM) -> None:
        self.x, self.y = x, y
        self.left, self.top = LEFT, TOP
        self.end, self.foot = WIDTH - right, HEIGHT - bottom

    def across(self, values: ArrayLike) -> NDArray:
        """The horizontal coordinates of values."""
        return self.left + self.x.share(values) * (self.end - self.left)

    def up(self, values: ArrayLike) -> NDArray:
        """The vertical coordinates of values."""
        return self.foot - self.y.share(values) * (self.foot - self.top)

    def holds(self, xs: NDArray, ys: NDArray) -> NDArray[np.bool_]:
        """Which coordinates lie between the axes, their borders included."""
        across, up = (self.left - 0.5 <= xs) & (xs <= self.end + 0.5), (self.top - 0.5 <= ys) & (ys <= self.foot + 0.5)
        return across & up

    def inside(self, shapes: Sequence[str], **attributes: float | str) -> str:
        """Shapes, of which nothing beyond the axes is seen; without a viewBox they have the panel's coordinates."""
        width, height = self.end - self.left, self.foot - self.top
        box = {"viewBox": " ".join(map(coordinate, (self.left, self.top, width, height)))} | attributes
        return tag(
            "svg", "\n".join(shapes), x=self.left, y=self.top, width=width, height=height, overflow="hidden", **box
        )

    def frame(self, x_label: str, y_label: str, grid: bool = True, turned: bool = False) -> list[str]:
        """Axes, ticks and labels; names below are `turned` where they are too long to stand side by side."""
        out = []
        for label, y in zip(self.y.labels, self.up(self.y.ticks), strict=True):
            out += [line(self.left, y, self.end, y, GRID)] if grid and y < self.foot - 1 else []
            out += [line(self.left - 4, y, self.left, y, INK)]
            out += [text(self.left - 7, y + 4, label, 11, "end")]
        for label, x in zip(self.x.labels, self.across(self.x.ticks), strict=True):
            out.append(line(x, self.foot, x, self.foot + 4, INK))
            if turned:
                out.append(_turned(x + 4, self.foot + 8, label, 11, "end"))
            else:
                out.append(text(x, self.foot + 17, label, 11, "middle"))
        corner = f"M{coordinate(self.left)} {coordinate(self.top)}V{coordinate(self.foot)}H{coordinate(self.end)}"
        out.append(tag("path", d=corner, fill="none", stroke=INK))
        below = HEIGHT - 10 if turned else self.foot + 37
        out.append(text((self.left + self.end) / 2, below, x_label, 12, "middle") if x_label else "")
        out.append(_turned(15, (self.top + self.foot) / 2, y_label, 12, "middle") if y_label else "")
        return [element for element in out if element]

    def heading(self, title: str, notes: str = "") -> list[str]:
        """The panel's title, and what is to be noted."""
        out = [text(self.left, 17, title, 13, font_weight="600")] if title else []
        return [*out, text(self.end, 17, notes, 11, "end", fill=PALE)] if notes else out

    def legend(self, entries: Sequence[tuple[Sign, str]]) -> list[str]:
        """Signs with names between title and axes, on two lines if it takes them."""
        places, x, row = [], self.left, 0
        for _, words in entries:
            wide = 32 + 6.0 * len(words)
            if x > self.left and x + wide - 12 > WIDTH:
                x, row = self.left, row + 1
            places.append((x, row))
            x += wide
        top = 40 - 14 * row
        return [
            sign(x, top + 14 * r - 4) + text(x + 21, top + 14 * r, words, 11)
            for (sign, words), (x, r) in zip(entries, places, strict=True)
        ]


def _turned(x: float, y: float, words: str, size: int, anchor: str) -> str:
    return text(x, y, words, size, anchor, transform=f"rotate(-90 {coordinate(x)} {coordinate(y)})")
