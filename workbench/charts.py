"""Charts in characters: panels drawn as lines of styled text, for the app and for plain text alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.axes import Axis, axis, number
from workbench.drawing import EIGHTHS, Braille, Cells, Line, breadth, single
from workbench.panels import Histogram, Lines, Series
from workbench.text import clean

Entry = tuple[str, str, str]
"""One entry of a legend: its mark, the mark's style, and words."""

DASH = 3
"""Dots of a dashed curve, and of the gaps between them."""
MOST_BARS = 60
CURSOR_LINES = 8
"""Lines of a cursor; a higher one is dashed."""
ENDS = "○●"
"""The first and the last of points that are joined."""
ROOM_FOR_AXES = (24, 7)
ROOM_FOR_LABELS = 10


@dataclass(frozen=True)
class Box:
    """Where data are drawn, in characters."""

    left: int
    top: int
    width: int
    height: int


def histogram_lines(panel: Histogram, width: int, height: int) -> list[Line]:
    """The bars, and the curves over them."""
    if width < 1 or height < 1:
        return []
    cells = Cells(width, height)
    legend: list[Entry] = [("██", "full", f"{panel.bars_name} (n {panel.count(panel.bars_values):,})")]
    if panel.bars_density is not None:
        legend.append(("⠒⠂⠐⠒", "second", "smoothed"))
    sample = "" if panel.line_values is None else f" (n {panel.count(panel.line_values):,})"
    if len(panel.line_grid):
        legend.append(("⠒⠒⠒⠒", "first", panel.line_name + sample))
    top = heading(cells, panel.title, legend, panel.y_label)
    gutter = 5
    rows = room_for_data(cells, top)
    box = Box(gutter, top, width - gutter, rows) if rows < height - top else Box(0, top, width, height - top)
    wanted = min(max(10.0, 2 * panel.count(panel.bars_values) ** 0.5), MOST_BARS)
    thick = max(1, min(round(box.width / wanted), box.width))
    heights = panel.heights(panel.bars_values, box.width // thick)
    box = Box(box.left, box.top, len(heights) * thick, box.height)
    full, cut = _limit(heights, panel.curves())
    y = axis(0.0, full, max(2, min(7, box.height // 3)), tight=cut)
    for x, h in enumerate(np.repeat(y.share(heights), thick)):
        eighths = max(round(float(h) * box.height * 8), int(h > 0))
        for row in range(min(box.height, -(-eighths // 8))):
            block = EIGHTHS[max(1, min(8, eighths - 8 * row))]
            cells.put(box.left + x, box.top + box.height - 1 - row, block, "full" if block == "█" else "second")
    across = panel.x_axis(max(2, box.width // 12))
    for k, curve in enumerate(panel.curves()):
        canvas = Braille(box.width, box.height)
        px = across.share(panel.line_grid) * (2 * box.width) - 0.5
        # The foot of the curve stays on the canvas, as the foot of the bars does.
        py = np.minimum((1 - y.share(curve)) * (4 * box.height) - 0.5, 4 * box.height - 1)
        canvas.polyline(px, py, DASH if k == 1 else 0)
        cells.paint(canvas, box.left, box.top, "second" if k == 1 else "first")
    for bar in np.flatnonzero(heights > y.high).tolist():
        _cut_off(cells, box, bar * thick, thick, float(heights[bar]))
    if box.left:
        frame(cells, box, across, y, lambda share: box.height - round(share * box.height))
        _below(cells, box, f"{panel.x_label} ({panel.unit})" if panel.unit else panel.x_label, panel.notes)
    return cells.lines()


def series_lines(panel: Lines, width: int, height: int, cursor: int | None = None) -> list[Line]:
    """Lines and marks; `cursor`, an index of `panel.stops()`, is an upright line with all values at its x."""
    if width < 1 or height < 1:
        return []
    cells = Cells(width, height)
    stops = panel.stops()
    here = float(stops[min(cursor, len(stops) - 1)]) if cursor is not None and len(stops) else None
    legend = [
        (single(s.mark), s.style, s.name + ("" if here is None else f" {_reading(s, here)}"))
        for s in panel.series
        if s.name
    ]
    if here is not None:
        legend.insert(0, ("│", "strong", f"{panel.x_label or 'x'} {number(here)}"))
    top = heading(cells, panel.title, legend, panel.y_label)
    rows = room_for_data(cells, top)
    axes = rows < height - top
    y = panel.y_axis(max(2, min(7, rows // 3)))
    gutter = 1 + max(map(len, y.labels)) + 1 if axes else 0
    box = Box(gutter, top, max(1, width - gutter), rows if axes else height - top)
    x = panel.x_axis(max(2, box.width // 12))
    marks: list[tuple[int, int, str, str]] = []
    for k, s in sorted(enumerate(panel.series), key=lambda item: item[1].above):
        mark = single(s.mark)
        px = x.share(s.x) * (2 * box.width - 1)
        py = (1 - y.share(s.y)) * (4 * box.height - 1)
        if s.joined:
            canvas = Braille(box.width, box.height)
            canvas.polyline(px, py)
            cells.paint(canvas, box.left, box.top, s.style)
        fine = np.isfinite(px) & np.isfinite(py)
        shown = _marked(px // 2, fine, k, len(panel.series)) if s.joined else np.flatnonzero(fine)
        reading = [j for j in _nearest(s, here) if fine[j]] if here is not None else []
        for j, style in [(j, s.style) for j in shown] + [(j, "strong") for j in reading]:
            marks.append((int(px[j]) // 2, round(float(py[j])) // 4, mark, style))
    for column, row, sign, style in marks:
        if 0 <= column < box.width and 0 <= row < box.height:
            cells.put(box.left + column, box.top + row, sign, style)
    _references(cells, box, panel, x, y)
    if here is not None:
        column = box.left + int(float(x.share(here)) * (2 * box.width - 1)) // 2
        # As it moves, every line of it is sent.
        for row in range(box.top, box.top + box.height, -(-box.height // CURSOR_LINES)):
            if box.left <= column < width and cells.characters[row][column] in " ╌┊":
                cells.put(column, row, "│", "strong")
    if axes:
        frame(cells, box, x, y, lambda share: round((1 - share) * (4 * box.height - 1)) // 4)
        if here is not None:
            cells.put(column, box.top + box.height, "▲", "strong")
        _below(cells, box, panel.x_label, "")
    return cells.lines()


def heading(cells: Cells, title: str, legend: Sequence[Entry], y_label: str) -> int:
    """Title, legend on as many lines as it takes, and what the y-axis is; returns the first line left."""
    y = 0
    if title and cells.height >= ROOM_FOR_LABELS:
        cells.write(0, 0, clean(title), "strong")
        y = 1
    if cells.height < 4:
        return y
    x = 0
    for mark, style, words in legend:
        words = clean(words, 60)
        needed = breadth(mark) + 1 + breadth(words)
        if x and x + needed > cells.width:
            x, y = 0, y + 1
            if y > cells.height // 4:
                break
        x = cells.write(x, y, mark, style)
        x = cells.write(x + 1, y, words) + 2
    y += 1
    if y_label and cells.height >= ROOM_FOR_LABELS:
        cells.write(0, y, clean(y_label, 60), "dim")
        y += 1
    return y


def room_for_data(cells: Cells, top: int) -> int:
    """Lines for data: what is left above an axis, its labels, and what it is."""
    if cells.width < ROOM_FOR_AXES[0] or cells.height < ROOM_FOR_AXES[1]:
        return cells.height - top
    return max(1, cells.height - top - (3 if cells.height >= ROOM_FOR_LABELS else 2))


def frame(cells: Cells, box: Box, x: Axis, y: Axis, row_of: Callable[[float], int]) -> None:
    """Both axes with ticks and labels."""
    bottom = box.top + box.height
    for row in range(box.top, bottom):
        cells.put(box.left - 1, row, "│", "dim")
    cells.put(box.left - 1, bottom, "└", "dim")
    for column in range(box.width):
        cells.put(box.left + column, bottom, "─", "dim")
    for label, share in zip(y.labels, y.share(y.ticks), strict=True):
        row = box.top + row_of(float(share))
        cells.put(box.left - 1, row, "┤" if row < bottom else "└", "dim")
        cells.write(box.left - 1 - len(label), row, label, "dim")
    free = 0
    for label, share in zip(x.labels, x.share(x.ticks), strict=True):
        column = box.left + min(box.width - 1, int(share * box.width))
        cells.put(column, bottom, "┬", "dim")
        start = max(0, min(column - len(label) // 2, cells.width - len(label)))
        if start >= free:
            free = cells.write(start, bottom + 1, label, "dim") + 1


def join(cells: Cells, box: Box, x: NDArray, y: NDArray) -> None:
    """A line through points (k,), shares of a box from its left and from above; the first and the last told apart.

    What lies outside is a gap.
    """
    inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
    x, y = np.where(inside, x, np.nan), np.where(inside, y, np.nan)
    canvas = Braille(box.width, box.height)
    canvas.polyline(x * (2 * box.width - 1), y * (4 * box.height - 1))
    cells.paint(canvas, box.left, box.top, "strong")
    known = np.flatnonzero(inside)
    for k, sign in zip(known[[0, -1]] if len(known) else (), ENDS, strict=False):
        column, row = min(box.width - 1, int(x[k] * box.width)), min(box.height - 1, int(y[k] * box.height))
        cells.put(box.left + column, box.top + row, sign, "strong")


def _below(cells: Cells, box: Box, label: str, notes: str) -> None:
    """What the x-axis is in the middle, and notes on the right if there is room, else instead."""
    y = box.top + box.height + 2
    label, notes = clean(label, 60), clean(notes, 120)
    room = cells.width - breadth(notes)
    x = box.left + max(0, (box.width - breadth(label)) // 2)
    if notes and x + breadth(label) + 2 > room:
        x = max(0, min(x, room - 2 - breadth(label)))
    if not notes or breadth(label) + 2 <= room:
        cells.write(x, y, label, "dim")
    cells.write(max(0, room), y, notes, "")


def _limit(heights: NDArray, curves: Sequence[NDArray]) -> tuple[float, bool]:
    """The top of the y-axis; bars that would flatten all others are cut off, which is the second answer."""
    highest = max((float(np.nanmax(c)) for c in curves if np.isfinite(c).any()), default=0.0)
    bars = np.sort(heights[heights > 0])
    most = float(bars[-1]) if len(bars) else 0.0
    others = max(highest, float(bars[: max(1, len(bars) - 2)][-1])) if len(bars) else highest
    if most > 1.6 * others > 0:
        return 1.15 * others, True
    return max(most, highest) or 1.0, False


def _cut_off(cells: Cells, box: Box, column: int, thick: int, value: float) -> None:
    """The sign of a bar that goes on above, with its height beside it where there is room."""
    start = box.left + column
    cells.put(start + thick // 2, box.top, "▲", "over")
    words = number(value, 2)
    for x in (start + thick + 1, start - 1 - len(words)):
        if cells.free(x - 1, box.top, len(words) + 2):
            cells.write(x, box.top, words, "")
            break


def _marked(column: NDArray, fine: NDArray, k: int, among: int) -> NDArray:
    """Which points of a line get a mark: all where there is room, else one in some columns, each series its own."""
    shown = np.flatnonzero(fine)
    if len(shown) < 2 or (column[shown[-1]] - column[shown[0]]) / (len(shown) - 1) >= 3:
        return shown
    apart = max(10, 4 * among)
    wanted = np.arange(column[shown].min() + apart * (k + 0.5) / among, column[shown].max() + 1, apart)
    near = np.searchsorted(column[shown], wanted).clip(0, len(shown) - 1)
    return shown[np.unique(near)] if len(near) else shown[-1:]


def _nearest(s: Series, x: float) -> list[int]:
    """The point of a series at exactly this x, if it has one."""
    found = np.flatnonzero((np.asarray(s.x, float) == x) & np.isfinite(np.asarray(s.y, float)))
    return [int(found[-1])] if len(found) else []


def _reading(s: Series, x: float) -> str:
    at = _nearest(s, x)
    return number(float(s.y[at[0]])) if at else "-"


def _references(cells: Cells, box: Box, panel: Lines, x: Axis, y: Axis) -> None:
    """Dashed lines where nothing else is, each with its name where there is room for it."""
    right = box.left + box.width
    for r in panel.references:
        share = float((x if r.vertical else y).share(r.at))
        if not 0 <= share <= 1:
            continue
        name = clean(r.name, 40)
        if r.vertical:
            column = box.left + int(share * (2 * box.width - 1)) // 2
            for row in range(box.top, box.top + box.height):
                if cells.free(column, row, 1):
                    cells.put(column, row, "┊", "dim")
            starts = [column + 2, column - 1 - breadth(name)]
            spots = [(s, row) for row in range(box.top, box.top + box.height) for s in starts]
        else:
            row = box.top + round((1 - share) * (4 * box.height - 1)) // 4
            spots = [(s, row) for s in range(right - breadth(name) - 1, box.left, -1)]
        spot = next(
            (s for s in spots if name and s[0] > box.left and cells.free(s[0] - 1, s[1], breadth(name) + 1)), None
        )
        if not r.vertical:
            for column in range(box.left, right):
                if cells.free(column, row, 1):
                    cells.put(column, row, "╌", "dim")
        if spot is not None:
            cells.write(spot[0] - 1, spot[1], f" {name}" if r.vertical else f" {name} ", "dim")
