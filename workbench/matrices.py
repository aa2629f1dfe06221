"""Matrices in characters: cells or blocks of them as shades that are told without colour."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.axes import HUGE, Axis, number
from workbench.charts import ROOM_FOR_AXES, ROOM_FOR_LABELS, Box, join
from workbench.drawing import Cells, Line, breadth
from workbench.panels import HeatMap
from workbench.sides import Side, along, fitted, short
from workbench.text import clean

RAMP = " ░▒▓█"
BELOW, ABOVE = "-=≡#", "░▒▓█"
"""Diverging shades, from zero on: what is negative looks like a minus sign."""
NOTHING = "·"
NO_VALUE = f"{NOTHING * 2} no value"
MARKED = "◆"
"""Beside the shade of its cell, if that is wide enough for both."""
LEVELS = 10
HEAT = tuple(f"heat-{k}" for k in range(LEVELS))
SIGN = tuple(f"sign-{k}" for k in range(LEVELS))
"""Styles: heat from low to high; signs from negative over zero, between 4 and 5, to positive."""


@dataclass(frozen=True)
class Shades:
    """How values are drawn: a character for some of their range, and a style for less of it."""

    colours: Axis
    diverging: bool = False

    def of(self, values: NDArray) -> tuple[NDArray, NDArray]:
        """Characters and styles of values, of their shape; what is not finite has neither shade nor level."""
        share = self.colours.share(np.where(np.isfinite(values), values, np.nan).clip(*self.limits))
        none = np.isnan(share)
        share = np.nan_to_num(share)
        if not self.diverging:
            level = np.where(none, LEVELS, np.minimum(share * LEVELS, LEVELS - 1)).astype(int)
            return np.array([*RAMP, NOTHING])[level * len(RAMP) // LEVELS], np.array([*HEAT, "dim"])[level]
        size, half = np.abs(2 * share - 1), LEVELS // 2
        shade = np.minimum(size * len(ABOVE), len(ABOVE) - 1).astype(int)
        negative = np.signbit(np.where(none, 0.0, values))
        characters = np.where(negative, np.array(list(BELOW))[shade], np.array(list(ABOVE))[shade])
        characters = np.where(none, NOTHING, np.where(values == 0, " ", characters))
        level = np.minimum(size * half, half - 1).astype(int)
        level = np.where(none, LEVELS, np.where(negative, half - 1 - level, half + level))
        return characters, np.array([*SIGN, "dim"])[level]

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value that are told apart from what is beyond."""
        return self.colours.low, self.colours.high

    def key(self) -> tuple[list[str], list[Line]]:
        """What lies between the shades, as numbers (n + 1,), and the shades (n,), each two characters wide."""
        low, high = self.limits
        n = 2 * len(ABOVE) if self.diverging else len(RAMP)
        if self.colours.log:
            return self._key_of_counts(n)
        at = np.linspace(low, high, 2 * n + 1)[1::2]
        quarter = (high - low) / (4 * n)
        characters, styles = self.of(np.stack([at - quarter, at + quarter], axis=1))
        borders = [b if abs(b) > 1e-9 * (high - low) else 0.0 for b in np.linspace(low, high, n + 1).tolist()]
        labels = next((w for d in range(3, 9) if len(set(w := [number(b, d) for b in borders])) > n), [])
        labels = labels or [number(b, 12) for b in borders]
        return labels, [list(zip(c, s, strict=True)) for c, s in zip(characters.tolist(), styles.tolist(), strict=True)]

    def _key_of_counts(self, n: int) -> tuple[list[str], list[Line]]:
        """The same along a logarithm; the first shade is for all below 1."""
        characters, styles = self.of(np.geomspace(*self.limits, 4 * n + 1)[1::2].reshape(n, 2))
        borders = np.geomspace(*self.limits, n + 1).tolist()
        whole = [f"{border:,.0f}" for border in borders]
        labels = whole if len(set(whole)) > n else ["0", *(number(border, 2) for border in borders[1:])]
        return labels, [list(zip(c, s, strict=True)) for c, s in zip(characters.tolist(), styles.tolist(), strict=True)]


def means(values: NDArray, rows: Side, columns: Side) -> NDArray:
    """The mean of the finite values of every block that is shown; NaN where there is none."""
    down, across = (s.edges[s.first : s.shown.stop + 1] for s in (rows, columns))
    if len(down) < 2 or len(across) < 2:
        return np.zeros((max(0, len(down) - 1), max(0, len(across) - 1)))
    part = values[down[0] : down[-1], across[0] : across[-1]]
    finite = np.isfinite(part)
    if part.shape == (len(down) - 1, len(across) - 1):
        return np.where(finite, part, np.nan)
    starts = down[:-1] - down[0], across[:-1] - across[0]
    # A sum of so many numbers must be finite too.
    total, count = np.where(finite, part, 0.0).clip(-HUGE, HUGE), finite.astype(float)
    for way, first in enumerate(starts):
        total, count = np.add.reduceat(total, first, axis=way), np.add.reduceat(count, first, axis=way)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def reading(values: NDArray, rows: range, columns: range) -> str:
    """The value of a cell, or the mean of a block of items, in words."""
    block = values[rows.start : rows.stop, columns.start : columns.stop]
    finite = block[np.isfinite(block)].clip(-HUGE, HUGE)
    if block.size == 1 and not np.isnan(block[0, 0]):
        return number(float(block[0, 0])) if finite.size else str(block[0, 0])
    if not finite.size:
        return "no value"
    return f"mean {number(float(finite.mean()))} of {finite.size:,}"


def draw_cells(cells: Cells, left: int, top: int, rows: Side, columns: Side, blocks: NDArray, shades: Shades) -> None:
    """The blocks that are shown, by their means, and the lines between runs."""
    characters, styles = shades.of(blocks)
    if not characters.size:
        return
    down, across = rows.which, columns.which
    characters, styles = characters[np.ix_(down, across)], styles[np.ix_(down, across)]
    for where, line in (((slice(None), across < 0), "│"), ((down < 0, slice(None)), "─")):
        characters[where], styles[where] = line, "dim"
    characters[np.ix_(down < 0, across < 0)] = "┼"
    for y, (line, names) in enumerate(zip(characters.tolist(), styles.tolist(), strict=True), top):
        cells.characters[y][left : left + len(line)] = line
        cells.styles[y][left : left + len(line)] = names


def draw_frame(cells: Cells, left: int, top: int, rows: Side, columns: Side) -> None:
    """A frame around the cells, dotted where the matrix goes on."""
    right, bottom = left + len(columns.which), top + len(rows.which)
    for y, corners, more in ((top - 1, "┌┬┐", rows.first), (bottom, "└┴┘", rows.shown.stop < len(rows.cuts))):
        cells.write(left - 1, y, corners[0], "dim")
        for x, block in enumerate(columns.which.tolist(), left):
            cells.put(x, y, "┄" if more else corners[1] if block < 0 else "─", "dim")
        cells.write(right, y, corners[2], "dim")
    for x, sign, more in ((left - 1, "├", columns.first), (right, "┤", columns.shown.stop < len(columns.cuts))):
        for y, block in enumerate(rows.which.tolist(), top):
            cells.put(x, y, "┊" if more else sign if block < 0 else "│", "dim")


def draw_key(cells: Cells, x: int, y: int, height: int, shades: Shades, label: str, more: Sequence[str] = ()) -> bool:
    """What the shades mean, one a line from a column on, the highest above; false if that does not fit."""
    borders, swatches = shades.key()
    words = [f"{a} … {b}" for a, b in pairwise(borders)]
    label = clean(label, 30)
    needed = max(3 + max(map(breadth, words)), breadth(label), *(2 + breadth(m) for m in more), 0)
    if x + needed > cells.width or len(words) + len(more) + bool(label) > height:
        return False
    if label:
        cells.write(x, y, label, "dim")
    for k, (swatch, text) in enumerate(zip(reversed(swatches), reversed(words), strict=True), y + bool(label)):
        _write(cells, x, k, swatch)
        cells.write(x + 3, k, text, "dim")
    for k, text in enumerate(more, y + bool(label) + len(words)):
        cells.write(x, k, text, "dim")
    return True


def draw_ruler(cells: Cells, start: int, y: int, shades: Shades, label: str, more: Sequence[str] = ()) -> bool:
    """What the shades mean on the right of a line, in the longest words that fit from `start` on; false if none do."""
    borders, swatches = shades.key()
    name = [(f"{clean(label, 30)}  ", "dim")] if label else []
    long, short = [(borders[0], "dim")], [(f"{borders[0]} ", "dim")]
    for swatch, border in zip(swatches, borders[1:], strict=True):
        long += [(" ", ""), *swatch, (f" {border}", "dim")]
        short += swatch
    short.append((f" {borders[-1]}", "dim"))
    rest = [(f"  {text}", "dim") for text in more]
    for line in ([*name, *long, *rest], [*name, *short, *rest], [*name, *short], [*short, *rest], short):
        x = cells.width - sum(breadth(text) for text, _ in line)
        if x >= start:
            _write(cells, x, y, line)
            return True
    return False


def _write(cells: Cells, x: int, y: int, line: Line) -> None:
    for text, style in line:
        x = cells.write(x, y, text, style)


@dataclass(frozen=True)
class Place:
    """Where in characters the cells of a matrix are drawn."""

    left: int
    top: int
    rows: Side
    """Downwards, also where the matrix goes upwards."""
    columns: Side
    upward: bool = False

    def spot(self, row: int, column: int) -> tuple[int, int]:
        """The character (x, y) in the middle of a cell of the matrix, on the left of two."""
        row = int(self.rows.edges[-1]) - 1 - row if self.upward else row
        x, y = (int(s.offsets[s.block(k)]) + (s.wide - 1) // 2 for s, k in ((self.columns, column), (self.rows, row)))
        return self.left + x, self.top + y

    def cell(self, x: int, y: int) -> tuple[int, int] | None:
        """The cell (row, column) at a character; the first of a block."""
        found = []
        for s, at in ((self.rows, y - self.top), (self.columns, x - self.left)):
            if not 0 <= at < len(s.which) or s.which[at] < 0:
                return None
            found.append(int(s.edges[s.first + int(s.which[at])]))
        row = int(self.rows.edges[-1]) - 1 - found[0] if self.upward else found[0]
        return row, found[1]


def heat_map_lines(panel: HeatMap, width: int, height: int) -> list[Line]:
    """The matrix as shades, with what its sides and its shades are where there is room."""
    return draw_heat_map(panel, width, height)[0].lines() if width >= 1 and height >= 1 else []


def draw_heat_map(panel: HeatMap, width: int, height: int) -> tuple[Cells, Place]:
    """The same as characters that can be drawn on, and where its cells are."""
    cells = Cells(width, height)
    values = np.atleast_2d(np.asarray(panel.values, float))
    values = values[::-1] if panel.upward else values
    labelled = height >= ROOM_FOR_LABELS
    framed = width >= ROOM_FOR_AXES[0] and height >= ROOM_FOR_AXES[1]
    marked = _marked(panel, values.shape)
    head = cells.write(0, 0, clean(panel.title), "strong") + 2 if panel.title and labelled else 0
    above = int(head > 0) + bool(panel.y_label and labelled)
    left, top, rows, columns = _laid(panel, values.shape, width, height, above, framed)
    # Means have a smaller range than what they are of, and take all shades for it.
    blocks = _blocks(values, rows, columns, marked)
    more = [NO_VALUE] * bool(not np.isfinite(values).all())
    if marked:
        of_blocks = "" if rows.whole and columns.whole else ", their mean"
        more.append(f"{MARKED}  {clean(panel.marked_label, 30)}{of_blocks}")
    shades = Shades(replace(panel, values=blocks).value_axis(5), panel.diverging)
    right = left + len(columns.which) + 2
    if not (framed and draw_key(cells, right, top, len(rows.which), shades, panel.value_label, more)):
        line = int(head > 0 and not draw_ruler(cells, head, 0, shades, panel.value_label, more))
        if (line and labelled) or (not head and height >= 4):
            draw_ruler(cells, 0, line, shades, panel.value_label, more)
            above += 1
            left, top, rows, columns = _laid(panel, values.shape, width, height, above, framed)
            blocks = _blocks(values, rows, columns, marked)
    if panel.y_label and labelled:
        cells.write(0, above - 1, clean(panel.y_label, 60), "dim")
    draw_cells(cells, left, top, rows, columns, blocks, shades)
    for row, column in marked:
        x, y = (int(s.offsets[s.block(k)]) + (s.wide - 1) // 2 for s, k in ((columns, column), (rows, row)))
        cells.put(left + x, top + y, MARKED, "strong")
    if panel.joined is not None and len(panel.joined):
        points = np.asarray(panel.joined, float)
        xs, ys = panel.x_axis(2).share(points[:, 0]), panel.y_axis(2).share(points[:, 1])
        join(cells, Box(left, top, len(columns.which), len(rows.which)), xs, 1 - ys if panel.upward else ys)
    if framed:
        draw_frame(cells, left, top, rows, columns)
        cells.write(left, top - 1, _of_blocks(rows, columns, clean(panel.items, 20)), "dim")
        _label_sides(cells, left, top, panel, rows, columns)
    return cells, Place(left, top, rows, columns, panel.upward)


def _marked(panel: HeatMap, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """The marked cells that there are, counted from above."""
    inside = [(r, c) for r, c in panel.marked if 0 <= r < shape[0] and 0 <= c < shape[1]]
    return [(shape[0] - 1 - r if panel.upward else r, c) for r, c in inside]


def _blocks(values: NDArray, rows: Side, columns: Side, marked: Sequence[tuple[int, int]]) -> NDArray:
    """Means of blocks; of a block with marked cells it is theirs, which would be lost among the others."""
    blocks = means(values, rows, columns)
    if values.shape == blocks.shape or not marked:
        return blocks
    only = np.full(values.shape, np.nan)
    at = tuple(np.array(marked).T)
    only[at] = values[at]
    of_marked = means(only, rows, columns)
    return np.where(np.isfinite(of_marked), of_marked, blocks)


def _of_blocks(rows: Side, columns: Side, items: str) -> str:
    """What a cell stands for where it is not for one value, in the longest words that the side above has room for."""
    if rows.whole and columns.whole:
        return ""
    down, across = (int(np.diff(s.edges).max(initial=0)) for s in (rows, columns))
    each = f"{down} × {across} {items}"
    room = len(columns.which)
    return next((w for w in (f" each cell is {each} ", f" cells of {each} ", f" {each} ") if breadth(w) <= room), "")


def _laid(
    panel: HeatMap, shape: tuple[int, int], width: int, height: int, above: int, framed: bool
) -> tuple[int, int, Side, Side]:
    """Where the cells begin, and both sides, below some lines of words."""
    below = 2 + bool(panel.x_label and height >= ROOM_FOR_LABELS) if framed else 0
    room = max(1, height - above - below - framed)
    if panel.y_range is not None:
        widest = max(map(len, panel.y_axis(max(2, room // 3)).labels))
    else:
        widest = max((breadth(short(n)) for n in panel.y_names), default=len(str(shape[0])))
    left = 1 + min(widest, width // 3) if framed else 0
    return left, above + framed, *fitted(shape, ((), ()), room, max(1, width - left - framed), panel.stretched)


def _label_sides(cells: Cells, left: int, top: int, panel: HeatMap, rows: Side, columns: Side) -> None:
    """Names or numbers at the left and below, and what is below."""
    bottom, n = top + len(rows.which), int(columns.edges[-1])
    least = 1 if panel.y_names else 3
    for y, text in along(rows, panel.y_names, panel.y_range, least, panel.upward, panel.y_log):
        text, y = short(text, left - 1), y + (0 if panel.y_range else (rows.wide - 1) // 2)
        cells.write(left - 1 - breadth(text), top + y, text, "dim")
        if panel.y_range is not None:
            cells.put(left - 1, top + y, "┤", "dim")
    widest = max((breadth(short(name)) for name in panel.x_names), default=len(str(n)) + 1)
    free = 0
    least = 8 if panel.x_range else widest + 1
    for x, text in along(columns, panel.x_names, panel.x_range, least, log=panel.x_log):
        centred = max(0, columns.wide - breadth(text)) // 2
        start = max(0, left + x - breadth(text) // 2) if panel.x_range else left + x + centred
        if start >= free and start + breadth(text) <= cells.width:
            free = cells.write(start, bottom + 1, text, "dim") + 1
        if panel.x_range is not None:
            cells.put(left + x, bottom, "┬", "dim")
    cells.write(left, bottom + 2, clean(panel.x_label, 60), "dim")
