"""A map of points in the plane: how dense a population lies, samples on it, and a cursor that goes among them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from textual import events
from textual.binding import Binding
from textual.message import Message

from workbench.axes import HUGE, Axis, axis, number
from workbench.charts import ROOM_FOR_AXES, ROOM_FOR_LABELS, Box, frame, heading, join, room_for_data
from workbench.drawing import Braille, Cells, Line, breadth, pieces, single
from workbench.text import clean
from workbench.tui.widgets.chart import Chart

GROUP_MARKS = "●○◇×+◆□△"
CURSOR = "✛"
FULL = 7
"""Dots of the densest cells: all eight would be taken for a bar."""
_ORDER = np.array([[0, 4], [6, 2], [1, 5], [7, 3]])
"""Which of equal dots is set first, so that any number of them looks even."""


def limits(points: NDArray, share: float = 0.01, margin: float = 0.08) -> list[tuple[float, float]]:
    """Where almost all of the points (n, 2) lie, in x and in y, with a margin."""
    finite = points[np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])]
    if not len(finite):
        return [(0.0, 1.0), (0.0, 1.0)]
    low, high = np.quantile(finite.clip(-HUGE, HUGE), [share, 1 - share], axis=0)
    return [(float(a - margin * (b - a)), float(b + margin * (b - a))) for a, b in zip(low, high, strict=True)]


def halftone(points: NDArray, x: Axis, y: Axis, width: int, height: int) -> tuple[Braille, NDArray]:
    """Density of points (n, 2) as dots, on a log scale, where the points are; and how many dots a cell (h, w) has."""
    canvas = Braille(width, height)
    finite = points[np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])]
    places = np.stack([1 - y.share(finite[:, 1]), x.share(finite[:, 0])])
    rows, columns = 4 * height, 2 * width
    inside = places[:, ((places >= 0) & (places <= 1)).all(axis=0)]
    at = np.minimum((inside * [[rows], [columns]]).astype(int), [[rows - 1], [columns - 1]])
    counts = np.bincount(at[0] * columns + at[1], minlength=rows * columns).reshape(rows, columns).astype(float)
    blocks = counts.reshape(height, 4, width, 2).transpose(0, 2, 1, 3)
    total = blocks.sum(axis=(2, 3))
    most = np.quantile(total[total > 0], 0.99) if total.any() else 1.0
    # A scale from one to fifty, so that a large population has a shape and is not full everywhere.
    unit = max(1.0, most / 50)
    level = np.ceil(FULL * np.log1p(total / unit) / np.log1p(most / unit)).clip(0, FULL)
    level = np.minimum(level, (blocks > 0).sum(axis=(2, 3))).astype(int)
    fullest = np.argsort(-(blocks - _ORDER / 16).reshape(height, width, 8), axis=2, kind="stable")
    lit = np.zeros((height, width, 8), bool)
    np.put_along_axis(lit, fullest, np.arange(8) < level[:, :, None], axis=2)
    canvas.lay(lit.reshape(height, width, 4, 2).transpose(0, 2, 1, 3).reshape(4 * height, 2 * width))
    return canvas, level


class LatentMap(Chart, can_focus=True):
    """The plane of a latent space; arrow keys go to the next sample in a direction."""

    BINDINGS = [
        Binding("left,h", "go(-1, 0)", "left", show=False),
        Binding("right,l", "go(1, 0)", "right", show=False),
        Binding("up,k", "go(0, -1)", "up", show=False),
        Binding("down,j", "go(0, 1)", "down", show=False),
        Binding("right_square_bracket", "step(1)", "next", show=False),
        Binding("left_square_bracket", "step(-1)", "previous", show=False),
        Binding("home", "edge(0)", "first", show=False),
        Binding("end", "edge(-1)", "last", show=False),
        Binding("T", "trace", "run", show=False),
    ]

    class Moved(Message):
        """The user has gone to another sample."""

        def __init__(self, index: int) -> None:
            self.index = index
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.points = self.samples = np.zeros((0, 2))
        self.groups = np.zeros(0, int)
        self.group_names: Sequence[str] = ()
        self.marks: Mapping[int, str] = {}
        self.title = ""
        self.axis_names = ("", "")
        self.selected: int | None = None
        self.tracing = True
        """Whether the path of the sample under the cursor is drawn."""
        self._path_of: Callable[[int], NDArray] | None = None
        self._limits = limits(self.points)
        self._base = Cells(0, 0)
        self._path = np.zeros((0, 2))
        self._spots = np.zeros((0, 2), int)
        self._shares = np.zeros((0, 2))

    def show(
        self,
        points: NDArray,
        samples: NDArray,
        marks: Mapping[int, str],
        title: str,
        *,
        groups: NDArray | None = None,
        group_names: Sequence[str] = ("samples",),
        axis_names: tuple[str, str] = ("", ""),
        path_of: Callable[[int], NDArray] | None = None,
    ) -> None:
        """Show a population (N, 2) and samples (m, 2), of groups (m,) with names; marks are of samples, by index.

        `path_of` gives points (k, 2) that are joined while the cursor is on a sample, also none.
        """
        self._path_of = path_of
        self.points = np.asarray(points, float).reshape(-1, 2)
        self.samples = np.asarray(samples, float).reshape(-1, 2)
        m = len(self.samples)
        self.groups = np.zeros(m, int) if groups is None else np.asarray(groups, int)
        self.group_names, self.marks, self.title, self.axis_names = group_names, marks, title, axis_names
        self._limits = limits(self.points if len(self.points) else self.samples)
        self.selected = None if not m else min(self.selected or 0, m - 1)
        self.paint()

    def select(self, index: int) -> None:
        """Put the cursor on a sample; tells nobody."""
        if not len(self.samples):
            return
        before, self.selected = self.selected, max(0, min(index, len(self.samples) - 1))
        if self.selected != before and (len(self._path) or len(self._path_here())):
            self.paint()
            return
        rows = {self._row(before), self._row(self.selected), self._base.height - 1}
        for row in sorted(rows & set(range(len(self._lines)))):
            self.replace(row, self._line(row))

    def _row(self, index: int | None) -> int:
        return int(self._spots[index, 1]) if index is not None and index < len(self._spots) else -1

    def lines(self, width: int, height: int) -> list[Line]:
        """The map for a size; what does not follow the cursor is kept."""
        if width < 1 or height < 1:
            self._base, self._spots = Cells(0, 0), np.full((len(self.samples), 2), -1)
            return []
        cells = self._base = Cells(width, height)
        labelled = height >= ROOM_FOR_LABELS and width >= ROOM_FOR_AXES[0]
        outside = self._outside()
        top = heading(cells, self.title, self._legend(int(outside.any(axis=1).sum())), self.axis_names[1])
        rows = room_for_data(cells, top)
        axes = rows < height - top
        rows = rows if axes else max(1, height - top - (height >= 4))
        (x_low, x_high), (y_low, y_high) = self._limits
        y = axis(y_low, y_high, max(2, rows // 3), tight=True)
        left = 2 + max(map(len, y.labels)) if axes else 0
        box = Box(left, top, max(1, width - left), rows)
        x = axis(x_low, x_high, max(2, box.width // 12), tight=True)
        canvas, level = halftone(self.points, x, y, box.width, box.height)
        cells.paint(canvas, box.left, box.top, "dim")
        for row, column in np.argwhere(level > FULL // 2):
            cells.styles[box.top + row][box.left + column] = "first"
        self._path = self._path_here()
        self._place(box, x, y)
        if len(self._path):
            join(cells, box, x.share(self._path[:, 0]), 1 - y.share(self._path[:, 1]))
        if axes:
            frame(cells, box, x, y, lambda share: min(rows - 1, int((1 - share) * rows)))
            if not labelled:
                cells.write(0, height - 1, " " * width)
        return [self._line(row) for row in range(height)]

    def _path_here(self) -> NDArray:
        """The path of the sample under the cursor, (k, 2)."""
        if not self.tracing or self._path_of is None or self.selected is None:
            return np.zeros((0, 2))
        return np.asarray(self._path_of(self.selected), float).reshape(-1, 2)

    def action_trace(self) -> None:
        """Draw paths, or none."""
        self.tracing = not self.tracing
        self.paint()

    def _outside(self) -> NDArray:
        """Where samples lie beyond the limits (m, 2): -1 before, 1 after."""
        (a, b), (c, d) = self._limits
        low, high = np.array([a, c]), np.array([b, d])
        return (self.samples > high).astype(int) - (self.samples < low)

    def _legend(self, outside: int) -> list[tuple[str, str, str]]:
        entries = [("⣶", "first", f"population ({len(self.points):,})")] if len(self.points) else []
        for g, name in enumerate(self.group_names):
            count = int((self.groups == g).sum())
            if count:
                entries.append((GROUP_MARKS[g % len(GROUP_MARKS)], "second", f"{name} ({count:,})"))
        if outside:
            entries.append(("◂▸", "second", f"beyond ({outside:,})"))
        return entries

    def _place(self, box: Box, x: Axis, y: Axis) -> None:
        """Put the samples on the map; those beyond its border are arrows on it."""
        shares = np.stack([x.share(self.samples[:, 0]), 1 - y.share(self.samples[:, 1])], axis=1)
        finite = np.isfinite(shares).all(axis=1)
        size = np.array([box.width, box.height])
        inside = (np.nan_to_num(shares).clip(0, 1) * size).astype(int).clip(0, size - 1)
        self._shares = np.where(finite[:, None], shares.clip(-9, 9) * size * (1, 2), np.nan)
        self._spots = np.where(finite[:, None], inside + np.array([box.left, box.top]), -1)
        beyond = self._outside()
        for k in sorted(np.flatnonzero(finite).tolist(), key=self.marks.__contains__):
            mark = GROUP_MARKS[int(self.groups[k]) % len(GROUP_MARKS)]
            if beyond[k].any():
                mark = {-1: "◂", 1: "▸"}.get(int(beyond[k, 0])) or ("▴" if beyond[k, 1] > 0 else "▾")
            named = single(self.marks[k]) if self.marks.get(k) else ""
            column, row = self._spots[k].tolist()
            self._base.put(column, row, named or mark, "strong" if named else "second")

    def _line(self, row: int) -> Line:
        """One line, with what follows the cursor on it."""
        if row == self._base.height - 1 and row >= 3:
            return self._status()
        characters, styles = self._base.characters[row], self._base.styles[row]
        if row == self._row(self.selected):
            column = int(self._spots[self.selected, 0])
            characters, styles = list(characters), list(styles)
            characters[column], styles[column] = CURSOR, "cursor"
        return pieces(characters, styles)

    def _status(self) -> Line:
        width, name = self._base.width, clean(self.axis_names[0], 60)
        words = "no samples"
        if self.selected is not None:
            k = self.selected
            here = int((self._spots == self._spots[k]).all(axis=1).sum())
            g = int(self.groups[k])
            mark = self.marks.get(k) or GROUP_MARKS[g % len(GROUP_MARKS)]
            group = self.group_names[g] if 0 <= g < len(self.group_names) else ""
            place = " ".join(number(float(v), 3) for v in self.samples[k])
            words = clean(f"{CURSOR} {k} {mark} {group}  at {place}")
            among = f"  {here} in this cell" if here > 1 else ""
            words += among if breadth(words + among) <= width else ""
        line = Cells(width, 1)
        after = line.write(0, 0, words, "strong")
        if after + 2 + breadth(name) <= width:
            line.write(width - breadth(name), 0, name, "dim")
        return line.lines()[0]

    def _go_to(self, index: int) -> None:
        before = self.selected
        self.select(index)
        if self.selected is not None and self.selected != before:
            self.post_message(self.Moved(self.selected))

    def action_go(self, dx: int, dy: int) -> None:
        """To the nearest sample in a direction; one that is more aside than ahead only if there is no other."""
        if self.selected is None or self.selected >= len(self._shares):
            return
        away = self._shares - np.nan_to_num(self._shares[self.selected])
        ahead, aside = away @ np.array([dx, dy]), np.abs(away @ np.array([dy, dx]))
        cost = np.where(aside <= ahead, np.hypot(ahead, aside), 1e6 + ahead + 3 * aside)
        cost = np.where(ahead > 1e-9, cost, np.inf)
        if np.isfinite(cost).any():
            self._go_to(int(np.argmin(cost)))

    def action_step(self, step: int) -> None:
        """To the next or the previous sample, by index."""
        if self.selected is not None:
            self._go_to(self.selected + step)

    def action_edge(self, which: int) -> None:
        """To the first or the last sample."""
        self._go_to(0 if which == 0 else len(self.samples) - 1)

    def on_click(self, event: events.Click) -> None:
        """To the sample nearest to the mouse."""
        # A tile was clicked: its coordinates are not the map's.
        place = event.screen_offset - self.content_region.offset
        away = np.abs(self._spots - (place.x, place.y)) * (1, 2)
        if len(away):
            self._go_to(int(np.argmin(np.where(self._spots[:, 0] >= 0, away.sum(axis=1), 10**6))))
