"""Figures for a paper: panels as SVG, and the same panels as plain text. The same panels give the same bytes."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.axes import Axis, axis, axis_of, nice_step
from workbench.charts import ENDS, histogram_lines, series_lines
from workbench.drawing import plain
from workbench.matrices import heat_map_lines
from workbench.panels import HeatMap, Histogram, Lines, Panel, Reference, Series
from workbench.svg import (
    BOTTOM,
    HEIGHT,
    INK,
    PALE,
    WIDTH,
    Attributes,
    Plane,
    Sign,
    coordinate,
    curve,
    line,
    path,
    shape,
    tag,
    text,
)

__all__ = [
    "HeatMap", "Histogram", "Lines", "Panel", "Reference", "Series", "figure", "text_heat_map", "text_histogram",
    "text_lines",
]  # fmt: skip

ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE, BLACK = (
    "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7", "#000000"
)  # fmt: skip
"""Okabe and Ito's colours, which all eyes tell apart."""
SERIES_COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK)
SEQUENTIAL = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
DIVERGING = (BLUE, "#8fc3e3", "#f7f7f7", "#eda273", VERMILION)
NOTHING = "#d0d0d0"
LEVELS = 64
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, 'Liberation Sans', sans-serif"
BINS = 40
MARKED_POINTS, FEW = 60, 8
"""A line of more points than the first has as few marks as the second."""
DASH = "6 4"
MARGIN, BREADTH = 8, 0.58
"""Beside a title, and what a letter of it takes of its height."""
CELL = 11
"""The height that the name of a row takes."""


def figure(panels: Sequence[Panel | None], title: str = "", columns: int | None = None) -> str:
    """An SVG document of panels side by side, in as many columns as wanted, or as look even; None leaves a gap."""
    n = max(1, len(panels))
    columns = max(1, min(n, columns or (2 if n == 4 else 3)))
    head = 40 if title else 10
    width, height = columns * WIDTH, head + -(-n // columns) * HEIGHT
    out = [tag("rect", width=width, height=height, fill="#ffffff")]
    if title:
        fits = int((width - 2 * MARGIN) / (BREADTH * len(title)))
        out.append(text(width / 2, 26, title, min(16, fits), "middle", font_weight="600"))
    for k, panel in enumerate(panels):
        if panel is None:
            continue
        place = f"translate({k % columns * WIDTH} {head + k // columns * HEIGHT})"
        out.append(tag("g", "\n".join(filter(None, _panel(panel))), transform=place))
    size: Attributes = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}"}
    content = "\n" + "\n".join(out) + "\n"
    return tag("svg", content, xmlns="http://www.w3.org/2000/svg", **size, font_family=FONT, fill="#222222") + "\n"


def text_histogram(panel: Histogram, width: int = 78, height: int = 20) -> str:
    """Two distributions as plain text."""
    # Dashes over the bars they smooth are not told from gaps without colours.
    return plain(histogram_lines(replace(panel, bars_density=None), width, height))


def text_lines(panel: Lines, width: int = 78, height: int = 20) -> str:
    """Lines as plain text."""
    return plain(series_lines(panel, width, height))


def text_heat_map(panel: HeatMap, width: int = 78, height: int = 24) -> str:
    """A matrix as plain text; a small one takes fewer lines."""
    return plain(heat_map_lines(panel, width, height)).rstrip("\n") + "\n"


def _panel(panel: Panel) -> list[str]:
    if isinstance(panel, Histogram):
        return _histogram(panel)
    return _lines(panel) if isinstance(panel, Lines) else _heat_map(panel)


def _histogram(panel: Histogram) -> list[str]:
    samples = [(panel.bars_values, ORANGE)] + ([] if panel.line_values is None else [(panel.line_values, BLUE)])
    heights = [(panel.heights(values, BINS), colour) for values, colour in samples]
    plane = Plane(panel.x_axis(6), axis_of([0.0], *(h for h, _ in heights), *panel.curves(), most=6))
    out = plane.heading(panel.title, panel.notes)
    out += plane.frame(f"{panel.x_label} ({panel.unit})" if panel.unit else panel.x_label, panel.y_label)
    edges = plane.across(np.linspace(plane.x.low, plane.x.high, BINS + 1))
    foot = coordinate(plane.foot)
    for values, colour in reversed(heights):
        steps = "".join(
            f"M{coordinate(a)} {foot}V{coordinate(y)}H{coordinate(b)}V{foot}z"
            for (a, b), y, h in zip(pairwise(edges), plane.up(values), values, strict=True)
            if h > 0
        )
        out.append(tag("path", d=steps, fill=colour, fill_opacity=0.45) if steps else "")
    curves = zip(panel.curves(), (BLUE, ORANGE), ("", DASH), strict=False)
    out.append(
        plane.inside([curve(path(plane.across(panel.line_grid), plane.up(c)), k, dash, 2) for c, k, dash in curves])
    )
    reference = panel.line_name + ("" if panel.line_values is None else f" (n {panel.count(panel.line_values):,})")
    sample = f"{panel.bars_name} (n {panel.count(panel.bars_values):,})"
    blue, orange = _swatch(BLUE, "", panel.line_values is not None), _swatch(ORANGE, DASH, True)
    return [*out, *plane.legend([(blue, reference), (orange, sample)])]


def _swatch(colour: str, dash: str, filled: bool) -> Sign:
    def sign(x: float, y: float) -> str:
        box = tag("rect", x=x, y=y, width=16, height=6, fill=colour, fill_opacity=0.45) if filled else ""
        return box + line(x, y, x + 16, y, colour, stroke_width=2, stroke_dasharray=dash or "none")

    return sign


def _lines(panel: Lines) -> list[str]:
    plane = Plane(panel.x_axis(7), panel.y_axis(7))
    out = plane.heading(panel.title) + plane.frame(panel.x_label, panel.y_label)
    curves: list[str] = []
    marks: list[str] = []
    entries: list[tuple[Sign, str]] = []
    for k, s in enumerate(panel.series):
        colour = SERIES_COLOURS[k % len(SERIES_COLOURS)]
        xs, ys = plane.across(s.x), plane.up(s.y)
        steps = path(xs, ys) if s.joined else ""
        curves += [curve(steps, colour)] if steps else []
        marked = np.flatnonzero(plane.holds(xs, ys))
        if s.joined and len(marked) > MARKED_POINTS:
            # Many marks would hide the line; each series has its few elsewhere.
            first = (k + 0.5) / len(panel.series)
            marked = marked[((np.arange(FEW) + first) / FEW * len(marked)).astype(int)]
        marks += [shape(s.mark, float(xs[j]), float(ys[j]), colour) for j in marked]
        entries.append((_sign(s, colour), s.name))
    # Marks on the border are whole; lines that a given range leaves out are cut.
    given = panel.x_range is not None or panel.y_range is not None
    curves = [plane.inside(curves)] if given and curves else curves
    lines, names = _references(panel, plane)
    return [*out, *lines, *curves, *marks, *names, *plane.legend(entries)]


def _references(panel: Lines, plane: Plane) -> tuple[list[str], list[str]]:
    """Dashed lines, and their names, which are drawn last so that data do not hide them."""
    lines, names = [], []
    halo: Attributes = {"fill": PALE, "stroke": "#ffffff", "stroke_width": 3, "paint_order": "stroke"}
    points = np.concatenate(
        [np.stack([plane.across(s.x), plane.up(s.y)], axis=1) for s in panel.series] or [np.zeros((0, 2))]
    )
    for r in panel.references:
        at = float((plane.across if r.vertical else plane.up)(r.at))
        if r.vertical and plane.left <= at <= plane.end:
            lines.append(line(at, plane.top, at, plane.foot, PALE, stroke_dasharray="5 4"))
            names.append(text(at + 4, plane.top + 11, r.name, 10, **halo))
        elif not r.vertical and plane.top <= at <= plane.foot:
            lines.append(line(plane.left, at, plane.end, at, PALE, stroke_dasharray="5 4"))
            near = points[(points[:, 1] > at - 18) & (points[:, 1] < at + 4), 0]
            wide = 10 + 5.5 * len(r.name)
            left = (near > plane.end - wide).sum() > (near < plane.left + wide).sum()
            spot = (plane.left + 4, "start") if left else (plane.end - 3, "end")
            names.append(text(spot[0], at - 4, r.name, 10, spot[1], **halo))
    return lines, names


def _sign(s: Series, colour: str) -> Sign:
    def sign(x: float, y: float) -> str:
        stroke = line(x, y, x + 16, y, colour, stroke_width=1.8) if s.joined else ""
        return stroke + shape(s.mark, x + 8, y, colour)

    return sign


def _heat_map(panel: HeatMap) -> list[str]:
    values = np.atleast_2d(np.asarray(panel.values, float))
    rows, columns = values.shape
    wide, high = WIDTH - 150, HEIGHT - 100
    turned = bool(panel.x_names) and max(map(len, panel.x_names)) * 6.2 > wide / max(1, columns)
    x = _side(panel.x_names, panel.x_range, columns, wide // (CELL + 2 if turned else 40), panel.x_log)
    y = _side(panel.y_names, panel.y_range, rows, high // CELL, panel.y_log)
    if not panel.upward:
        y = Axis(y.high, y.low, y.ticks, y.labels, y.log)
    colours = panel.value_axis(5)
    plane = Plane(x, y, right=84, bottom=BOTTOM + (26 if turned else 0))
    out = plane.heading(panel.title)
    if values.size:
        drawn = values[::-1] if panel.upward else values
        cells = _cells(_level(drawn, colours), panel.diverging)
        box = f"0 0 {columns} {rows}"
        out.append(plane.inside(cells, viewBox=box, preserveAspectRatio="none", shape_rendering="crispEdges"))
    out += plane.frame(panel.x_label, panel.y_label, grid=False, turned=turned)
    out += [_marked(plane, r, c, rows, columns) for r, c in _places(panel, rows, columns)]
    if panel.joined is not None and len(panel.joined):
        out.append(_joined(plane, np.asarray(panel.joined, float)))
    left, shades = plane.end + 14, (plane.foot - plane.top) / LEVELS
    for k in range(LEVELS):
        top = plane.foot - (k + 1) * shades
        out.append(tag("rect", x=left, y=top, width=12, height=shades + 0.4, fill=_colour(k, panel.diverging)))
    for label, share in zip(colours.labels, colours.share(colours.ticks), strict=True):
        at = plane.foot - float(share) * (plane.foot - plane.top)
        out += [line(left + 12, at, left + 16, at, INK), text(left + 19, at + 4, label, 11)]
    short = len(panel.value_label) <= 11
    place, anchor = (left, "start") if short else (WIDTH - 6.0, "end")
    out.append(text(place, plane.top - 8, panel.value_label, 11, anchor) if panel.value_label else "")
    if np.isnan(values).any():
        out.append(text(plane.left, plane.top - 8, "grey: no value", 10, fill=PALE))
    return out


def _joined(plane: Plane, points: NDArray) -> str:
    """A line through points (k, 2), white in black; the first is a circle, the last a disc."""
    xs, ys = plane.across(points[:, 0]), plane.up(points[:, 1])
    known = np.flatnonzero(np.isfinite(xs + ys))
    steps = path(xs, ys)
    shapes = [curve(steps, BLACK, width=3.6), curve(steps, "#ffffff", width=1.4)] if steps else []
    ends = zip(known[[0, -1]] if len(known) else (), ENDS, strict=False)
    return plane.inside([*shapes, *(shape(sign, float(xs[k]), float(ys[k]), VERMILION) for k, sign in ends)])


def _side(names: Sequence[str], limits: tuple[float, float] | None, cells: int, most: int, log: bool = False) -> Axis:
    """The axis of a side with so many cells: names in the middle of some of them, or numbers."""
    if limits is not None:
        return axis(*limits, max(2, min(7, most)), log, tight=True)
    every = max(1, round(nice_step(max(1, cells), max(1, most)))) if not names else max(1, -(-cells // max(1, most)))
    shown = range(0, cells, every)
    labels = tuple(names[k] if len(names[k]) <= 9 else names[k][:8] + "…" for k in shown if k < len(names))
    labels = labels if names else tuple(str(k) for k in shown)
    return Axis(0.0, float(max(1, cells)), tuple(k + 0.5 for k in shown)[: len(labels)], labels)


def _level(values: NDArray, colours: Axis) -> NDArray:
    """Which of the colours each cell has; -1: no value."""
    share = colours.share(values.clip(colours.low, colours.high))
    return np.where(np.isnan(share), -1, np.minimum(np.nan_to_num(share) * LEVELS, LEVELS - 1)).astype(int)


def _cells(levels: NDArray, diverging: bool) -> list[str]:
    """Cells (r, c), each 1 x 1: of every colour one path, runs in a row joined."""
    steps: dict[int, list[str]] = {}
    for r, row in enumerate(levels):
        starts = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
        for a, b in pairwise([*starts.tolist(), len(row)]):
            steps.setdefault(int(row[a]), []).append(f"M{a} {r}h{b - a}v1h{a - b}z")
    return [tag("path", d="".join(steps[k]), fill=_colour(k, diverging)) for k in sorted(steps)]


def _colour(level: int, diverging: bool) -> str:
    if level < 0:
        return NOTHING
    stops = DIVERGING if diverging else SEQUENTIAL
    at = level / (LEVELS - 1) * (len(stops) - 1)
    k = min(int(at), len(stops) - 2)
    parts = [(int(stops[k][i : i + 2], 16), int(stops[k + 1][i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * (at - k)):02x}" for a, b in parts)


def _places(panel: HeatMap, rows: int, columns: int) -> list[tuple[int, int]]:
    """Where marked cells are drawn."""
    inside = [(r, c) for r, c in panel.marked if 0 <= r < rows and 0 <= c < columns]
    return [(rows - 1 - r if panel.upward else r, c) for r, c in inside]


def _marked(plane: Plane, row: int, column: int, rows: int, columns: int) -> str:
    """A frame, white in black, that is seen on any colour."""
    width, height = (plane.end - plane.left) / columns, (plane.foot - plane.top) / rows
    box: Attributes = {
        "x": plane.left + column * width,
        "y": plane.top + row * height,
        "width": width,
        "height": height,
    }
    frames = (("#000000", 4.0), ("#ffffff", 1.5))
    return "".join(tag("rect", fill="none", stroke=ink, stroke_width=thick, **box) for ink, thick in frames)
