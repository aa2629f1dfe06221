"""Pictures in characters: bars, Braille lines, and a grid of styled cells to compose them on."""

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.text import columns

EIGHTHS = " ▁▂▃▄▅▆▇█"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

Line = Sequence[tuple[str, str]]
"""One line of a picture: pieces of text, each with the name of a style."""


def bars(heights: Sequence[float], rows: int) -> list[str]:
    """Vertical bars, one a column, `rows` lines high: heights are shares of the tallest, 0..1."""
    lines = []
    for row in range(rows - 1, -1, -1):
        line = ""
        for height in heights:
            eighths = round(height * rows * 8)
            # What is there at all is seen: the lowest line never rounds to nothing.
            if row == 0 and height > 0:
                eighths = max(1, eighths)
            line += EIGHTHS[max(0, min(8, eighths - 8 * row))]
        lines.append(line)
    return lines


class Braille:
    """A canvas of width x height characters, 2 x 4 dots each; y grows downwards."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.cells = [[0] * width for _ in range(height)]

    def dot(self, x: int, y: int) -> None:
        """Set a dot, if it lies on the canvas."""
        if 0 <= x < 2 * self.width and 0 <= y < 4 * self.height:
            self.cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]

    def line(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A straight line between two points, in dots."""
        steps = max(1, round(max(abs(x1 - x0), abs(y1 - y0))))
        for k in range(steps + 1):
            self.dot(round(x0 + (x1 - x0) * k / steps), round(y0 + (y1 - y0) * k / steps))

    def lay(self, dots: NDArray) -> None:
        """Set the dots that are true in (4 * height, 2 * width)."""
        blocks = dots.reshape(self.height, 4, self.width, 2).transpose(0, 2, 1, 3)
        for row, more in zip(self.cells, (blocks * np.array(_DOTS)).sum(axis=(2, 3)).tolist(), strict=True):
            row[:] = [old | new for old, new in zip(row, more, strict=True)]

    def polyline(self, x: NDArray, y: NDArray, dash: int = 0) -> None:
        """A line through points (n,), in dots; NaN is a gap. With `dash`, that many dots are set and as many not."""
        edge = 8.0 * (self.width + self.height)
        points = np.clip(np.stack([x, y]), -edge, edge)
        fine = np.isfinite(points).all(axis=0)
        # A point after a gap is a line from itself.
        back = np.maximum(np.arange(len(fine)) - np.r_[False, fine[:-1]][: len(fine)], 0)
        end, start = points[:, fine], points[:, back[fine]]
        far = np.abs(end - start).max(axis=0, initial=0)
        steps = np.maximum(1, np.round(far)).astype(int)
        each = np.repeat(np.arange(len(steps)), steps + 1)
        k = np.arange(len(each)) - (np.cumsum(steps + 1) - steps - 1)[each]
        column, row = np.round(start[:, each] + (end - start)[:, each] * (k / steps[each]))
        here = (column >= 0) & (column < 2 * self.width) & (row >= 0) & (row < 4 * self.height)
        if dash:
            come = (np.cumsum(far) - far)[each] + k * (far / steps)[each]
            here &= (come + 1e-6) // dash % 2 == 0
        dots = np.zeros((4 * self.height, 2 * self.width), bool)
        dots[row[here].astype(int), column[here].astype(int)] = True
        self.lay(dots)

    def lines(self) -> list[str]:
        """The canvas as text."""
        return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in self.cells]


def breadth(text: str) -> int:
    """How many columns a text takes."""
    return sum(map(columns, text))


def cut(line: Line, width: int) -> Line:
    """A line that takes no more than `width` columns; what does not fit is told by its last character, …."""
    if sum(breadth(text) for text, _ in line) <= width:
        return line
    kept: list[tuple[str, str]] = []
    left, style = width - 1, ""
    for text, style in line:
        end = 0
        while end < len(text) and (taken := columns(text[end])) <= left:
            left, end = left - taken, end + 1
        kept.append((text[:end], style))
        if end < len(text):
            break
    return [*kept, ("…", style)] if width > 0 else []


def single(mark: str) -> str:
    """A mark that takes one column: the first character, or a dot if that is a wide or an odd one."""
    return mark[0] if mark and columns(mark[0]) == 1 and unicodedata.category(mark[0])[0] != "C" else "•"


def changed(old: Line, new: Line, near: int = 8) -> list[tuple[int, int]]:
    """The stretches of columns (start, end) in which two lines differ; those near each other are one."""
    a, b = _cells(old), _cells(new)
    short = min(len(a), len(b))
    stretches: list[tuple[int, int]] = []
    for x in [x for x in range(short) if a[x] != b[x]] + list(range(short, max(len(a), len(b)))):
        if stretches and x - stretches[-1][1] < near:
            stretches[-1] = (stretches[-1][0], x + 1)
        else:
            stretches.append((x, x + 1))
    return stretches


def _cells(line: Line) -> list[tuple[str, str]]:
    """A line, column by column; the second half of a wide character is empty."""
    cells: list[tuple[str, str]] = []
    for text, style in line:
        for character in text:
            wide = columns(character)
            if wide:
                cells.append((character, style))
                cells += [("", style)] * (wide - 1)
            elif cells:
                cells[-1] = (cells[-1][0] + character, style)
    return cells


def pieces(characters: Sequence[str], styles: Sequence[str]) -> list[tuple[str, str]]:
    """Cells (n,) joined to pieces: every piece costs bytes on the wire."""
    joined: list[tuple[str, str]] = []
    start = 0
    for k in range(1, len(styles) + 1):
        if k == len(styles) or styles[k] != styles[start]:
            joined.append(("".join(characters[start:k]), styles[start]))
            start = k
    return joined


class Cells:
    """A grid of characters, each with the name of a style; what is written outside is dropped."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(0, width), max(0, height)
        self.characters = [[" "] * self.width for _ in range(self.height)]
        self.styles = [[""] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, character: str, style: str = "") -> None:
        """One character of one column."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self.characters[y][x] = character
            self.styles[y][x] = style

    def write(self, x: int, y: int, text: str, style: str = "") -> int:
        """Text from a column on, cut at the edge; returns the column after it."""
        for character in text:
            wide = columns(character)
            if wide == 0 and 0 < x <= self.width and 0 <= y < self.height:
                self.characters[y][x - 1] += character
            elif wide and x + wide <= self.width:
                self.put(x, y, character, style)
                # The second half of a wide character is a cell with nothing in it.
                if wide == 2:
                    self.put(x + 1, y, "", style)
            x += wide
        return x

    def free(self, x: int, y: int, width: int) -> bool:
        """Whether a stretch of a line lies on the grid and is empty."""
        inside = 0 <= y < self.height and x >= 0 and x + width <= self.width
        return inside and all(c == " " for c in self.characters[y][x : x + width])

    def paint(self, canvas: Braille, x: int, y: int, style: str) -> None:
        """Lay Braille on the grid: dots join dots that are there, and on half a cell of bar or more they are `over`."""
        for j, row in enumerate(canvas.cells):
            for k, dots in enumerate(row):
                if not dots or not (0 <= y + j < self.height and 0 <= x + k < self.width):
                    continue
                here = self.characters[y + j][x + k]
                if "⠀" <= here <= "⣿":
                    self.characters[y + j][x + k] = chr(ord(here) | dots)
                else:
                    # "▄▅▆▇█": drawn in reverse, the bar stays whole.
                    self.put(x + k, y + j, chr(0x2800 + dots), "over" if "▄" <= here <= "█" else style)

    def lines(self) -> list[Line]:
        """The grid as lines of pieces."""
        return [pieces(c, s) for c, s in zip(self.characters, self.styles, strict=True)]


def plain(lines: Sequence[Line]) -> str:
    """Lines as text without styles: dots over a bar are gaps in a bar of dots."""
    rows = []
    for line in lines:
        texts = ("".join(_inverse(c) for c in text) if style == "over" else text for text, style in line)
        rows.append("".join(texts).rstrip())
    return "".join(row + "\n" for row in rows)


def _inverse(character: str) -> str:
    return chr(ord(character) ^ 0xFF) if "⠀" <= character <= "⣿" else character
