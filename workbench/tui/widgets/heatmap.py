"""A matrix of pairs as a map of shades, with a cursor; larger than the screen, it is drawn by blocks or scrolls."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.message import Message

from workbench.axes import Axis, axis
from workbench.charts import ROOM_FOR_AXES, ROOM_FOR_LABELS
from workbench.drawing import Cells, Line, breadth, pieces
from workbench.matrices import (
    HEAT,
    NO_VALUE,
    SIGN,
    Shades,
    draw_cells,
    draw_frame,
    draw_key,
    draw_ruler,
    means,
    reading,
)
from workbench.sides import Side, along, fitted, run_names, short, unfitted
from workbench.text import clean
from workbench.tui.widgets.chart import Chart, Tile
from workbench.tui.widgets.shades import shade_rules

SHADES = frozenset((*HEAT, *SIGN))
CURSOR = {1: "✛", 2: "[]"}
TILES = 20
"""More than other charts have: many cells have a colour of their own, which takes 40 bytes."""


class MatrixMap(Chart, can_focus=True):
    """Values of pairs, up to a thousand by a thousand; NaN is not there yet."""

    COMPONENT_CLASSES = {f"matrix--{name}" for name in SHADES}
    DEFAULT_CSS = shade_rules("MatrixMap")
    BINDINGS = [
        Binding("left,h", "go(0, -1)", "left", show=False),
        Binding("right,l", "go(0, 1)", "right", show=False),
        Binding("up,k", "go(-1, 0)", "up", show=False),
        Binding("down,j", "go(1, 0)", "down", show=False),
        Binding("home", "edge(0)", "first column", show=False),
        Binding("end", "edge(-1)", "last column", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("z", "zoom", "whole or cells", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    class Moved(Message):
        """The user has gone to another pair; of a block, it is the first."""

        def __init__(self, row: int, column: int) -> None:
            self.row, self.column = row, column
            super().__init__()

    class Opened(Message):
        """The user wants to see a pair."""

        def __init__(self, row: int, column: int) -> None:
            self.row, self.column = row, column
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._tiles = [Tile(self) for _ in range(TILES)]
        self.values = np.zeros((0, 0))
        self.names: Sequence[str] = ()
        self.column_names: Sequence[str] = ()
        self.runs: Sequence[tuple[str, int]] = ()
        self.title = self.value_label = ""
        self.cursor = (0, 0)
        self.zoomed = False
        """Whether every cell is drawn by itself, though not all are in sight."""
        self._given: tuple[float, float] | None = None
        self._ranges: dict[bool, tuple[float, float]] = {}
        """The range of what has been drawn of these values, of blocks and of cells."""
        self._diverging = False
        self._base = Cells(0, 0)
        self._rows = self._columns = Side(np.zeros(1, int), np.zeros(0, bool), 1, 0)
        self._left = self._top = self._widest = self._widest_column = 0
        self._framed = self._came = False

    def on_mount(self) -> None:
        """As many colours as the terminal has; without any, the shades are plain."""
        if not self.app.no_color:
            few = self.app.native_ansi_color or self.app.console.color_system in ("standard", "windows")
            self.add_class("-few" if few else "-many")

    def show(
        self,
        values: NDArray,
        *,
        names: Sequence[str],
        column_names: Sequence[str] | None = None,
        runs: Sequence[tuple[str, int]] = (),
        title: str = "",
        value_label: str = "",
        value_range: tuple[float, float] | None = None,
        diverging: bool = False,
    ) -> None:
        """Show values (r, c) of named pairs; `runs` are names and lengths of groups along every side they fill.

        Without a `value_range` the shades are for the range of the values, which only grows as values come.
        """
        self.names = names
        self.column_names = names if column_names is None else column_names
        self.runs = [(name, length) for name, length in runs if length > 0]
        self.title, self.value_label = title, value_label
        self._given, self._ranges, self._diverging = value_range, {}, diverging
        self._take(values)
        beside = [name for name, _ in self._runs(len(self.values))] or names
        self._widest = max((breadth(short(name)) for name in beside), default=0)
        across = (breadth(short(name)) for name in self.column_names)
        self._widest_column = max(across, default=0)
        self.paint()

    def update(self, values: NDArray) -> None:
        """Other values of the same pairs."""
        self._take(values)
        self.paint()

    def _take(self, values: NDArray) -> None:
        """Keep a copy of values, and the cursor on one of them."""
        self.values = np.atleast_2d(np.array(values, float))
        self.cursor = self._inside(*self.cursor)

    def _inside(self, row: int, column: int) -> tuple[int, int]:
        r, c = self.values.shape
        return max(0, min(row, r - 1)), max(0, min(column, c - 1))

    def select(self, row: int, column: int) -> None:
        """Put the cursor on a pair; tells nobody."""
        before, self.cursor = self._spot(), self._inside(row, column)
        blocks = self._rows.block(self.cursor[0]), self._columns.block(self.cursor[1])
        if blocks[0] not in self._rows.shown or blocks[1] not in self._columns.shown:
            self.paint()
            return
        rows = {before[1], self._spot()[1], self._top - 1, self._base.height - 1}
        for y in sorted(rows & set(range(len(self._lines)))):
            self.replace(y, self._line(y))

    def lines(self, width: int, height: int) -> list[Line]:
        """The map for a size; what does not follow the cursor is kept."""
        cells = self._base = Cells(width, height)
        if width < 1 or height < 1 or not self.values.size:
            self._rows = self._columns = Side(np.zeros(1, int), np.zeros(0, bool), 1, 0)
            cells.write(0, 0, clean(self.title), "strong")
            cells.write(0, 1, "no values", "dim")
            return cells.lines()
        labelled = height >= ROOM_FOR_LABELS and width >= ROOM_FOR_AXES[0]
        self._framed = width >= ROOM_FOR_AXES[0] and height >= ROOM_FOR_AXES[1]
        self._left = 1 + min(self._widest, width // 6) if self._framed else 0
        self._top = 2 * labelled + self._framed
        self._lay(max(1, height - self._top - self._framed - (height >= 4)), max(1, width - self._left - self._framed))
        blocks = means(self.values, self._rows, self._columns)
        shades = Shades(self._scale(self.values if self.zoomed else blocks), self._diverging)
        draw_cells(cells, self._left, self._top, self._rows, self._columns, blocks, shades)
        if self._framed:
            draw_frame(cells, self._left, self._top, self._rows, self._columns)
            self._name_rows()
            cells.write(self._left + 1, self._top + len(self._rows.which), self._state(), "dim")
        if labelled:
            self._name_columns()
            end = cells.write(0, 0, clean(self.title, width), "strong")
            more = [] if np.isfinite(self.values).all() else [NO_VALUE]
            right, rows = self._left + len(self._columns.which) + 2, len(self._rows.which)
            if not draw_key(cells, right, self._top, rows, shades, self.value_label, more):
                draw_ruler(cells, end + 2 if end else 0, 0, shades, self.value_label, more)
        return [self._line(y) for y in range(height)]

    def _lay(self, height: int, width: int) -> None:
        """Both sides in this room, with the cursor in sight."""
        r, c = self.values.shape
        lengths = [length for _, length in self._runs(r)], [length for _, length in self._runs(c)]
        if not self.zoomed:
            self._rows, self._columns = fitted((r, c), lengths, height, width)
            return
        rows, columns = unfitted((r, c), lengths, height, width)
        # Where it was, as long as that is possible.
        self._rows = rows.showing(self.cursor[0], self._rows.first)
        self._columns = columns.showing(self.cursor[1], self._columns.first)

    def _runs(self, n: int) -> Sequence[tuple[str, int]]:
        """The runs of a side of n items."""
        return self.runs if sum(length for _, length in self.runs) == n else ()

    def _scale(self, drawn: NDArray) -> Axis:
        """The axis of shades, in round numbers, so that it seldom changes as values come.

        Means of blocks have a smaller range than cells, and one of their own.
        """
        finite = drawn[np.isfinite(drawn)]
        known = self._ranges.get(self.zoomed)
        if finite.size:
            low, high = float(finite.min()), float(finite.max())
            known = (min(low, known[0]), max(high, known[1])) if known else (low, high)
            self._ranges[self.zoomed] = known
        low, high = self._given or known or (0.0, 1.0)
        if self._diverging:
            low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
        return axis(low, high, 6, tight=self._given is not None)

    def _state(self) -> str:
        """What a character stands for, where not every cell is in sight by itself."""
        if self._rows.whole and self._columns.whole:
            return ""
        r, c = self.values.shape
        words: tuple[str, ...]
        if self.zoomed:
            down, across = (f"{s.shown.start + 1:,}–{s.shown.stop:,}" for s in (self._rows, self._columns))
            words = f" {down} × {across} of {r:,} × {c:,} · z whole ", " z whole ", " cells "
        else:
            down, across = (str(int(np.diff(s.edges).max())) for s in (self._rows, self._columns))
            words = (
                f" blocks of {down} × {across} · z cells ", f" {down} × {across} each · z cells ",
                f" blocks of {down} × {across} ", " blocks ",
            )  # fmt: skip
        room = len(self._columns.which) - 2 if self._framed else self._base.width
        return next((text for text in words if breadth(text) <= room), "")

    def _name_rows(self) -> None:
        runs = run_names(self._rows, self._runs(len(self.values)), False)
        for y, text in runs or along(self._rows, self.names, None, 1):
            text = short(text, self._left - 1)
            self._base.write(self._left - 1 - breadth(text), self._top + y, text, "dim")

    def _name_columns(self) -> None:
        runs = run_names(self._columns, self._runs(self.values.shape[1]), True)
        for x, text in runs or along(self._columns, self.column_names, None, self._widest_column + 1):
            if x + breadth(text) <= len(self._columns.which):
                self._base.write(self._left + x, 1, text, "dim")

    def _spot(self) -> tuple[int, int]:
        """The column and the line of the cursor's cell."""
        if not len(self._rows.shown) or not len(self._columns.shown):
            return -1, -1
        down, across = (s.offsets[s.block(k)] for s, k in zip((self._rows, self._columns), self.cursor, strict=True))
        return self._left + int(across), self._top + int(down)

    def _line(self, y: int) -> Line:
        """One line, with what follows the cursor on it."""
        height = self._base.height
        if y == height - 1 and height >= 4:
            return self._status()
        column, row = self._spot()
        if y != row and (y != self._top - 1 or not self._framed):
            return pieces(self._base.characters[y], self._base.styles[y])
        line = Cells(self._base.width, 1)
        line.characters[0], line.styles[0] = list(self._base.characters[y]), list(self._base.styles[y])
        wide = self._columns.wide
        if y == row:
            line.write(column, 0, CURSOR[wide], "cursor")
            line.write(self._left - 1, 0, "▶" * self._framed, "accent")
        else:
            line.write(column, 0, "▼" * wide, "accent")
        return line.lines()[0]

    def _status(self) -> Line:
        """The pair under the cursor, in the longest names there is room for."""
        line = Cells(self._base.width, 1)
        if len(self._rows.shown) and len(self._columns.shown):
            words = (self._words(limit) for limit in (24, 12, 8, 4))
            after = line.write(0, 0, next((w for w in words if breadth(w) <= line.width), self._words(4)), "strong")
            state = "" if self._framed else self._state()
            if after + breadth(state) < line.width:
                line.write(line.width - breadth(state), 0, state, "dim")
        return line.lines()[0]

    def _words(self, limit: int) -> str:
        """Names of at most some characters, and the value."""
        items = [s.items(s.block(at)) for s, at in zip((self._rows, self._columns), self.cursor, strict=True)]
        words = []
        for here, names in zip(items, (self.names, self.column_names), strict=True):
            ends = [clean(names[k] if k < len(names) else k, limit) for k in (here[0], here[-1])]
            words.append("–".join(ends[: len(here)]))
        return f"{' × '.join(words)}  {reading(self.values, *items)}"

    def _go_to(self, row: int, column: int) -> None:
        before = self.cursor
        self.select(row, column)
        if self.cursor != before:
            self.post_message(self.Moved(*self.cursor))

    def _step(self, down: int, across: int) -> None:
        """Go by some blocks, to the first cell of one."""
        to = []
        for s, at, step in zip((self._rows, self._columns), self.cursor, (down, across), strict=True):
            block = max(0, min(s.block(at) + step, len(s.cuts) - 1))
            to.append(at if block == s.block(at) else int(s.edges[block]))
        self._go_to(to[0], to[1])

    def action_go(self, down: int, across: int) -> None:
        """To the next cell, or the next block."""
        self._step(down, across)

    def action_page(self, direction: int) -> None:
        """Up or down by as many rows as are in sight."""
        self._step(direction * len(self._rows.shown), 0)

    def action_edge(self, which: int) -> None:
        """To the first or the last column."""
        self._step(0, len(self._columns.cuts) * (1 if which else -1))

    def action_zoom(self) -> None:
        """From the whole matrix to its cells, or back."""
        self.zoomed = not self.zoomed
        self.paint()

    def action_open(self) -> None:
        """Ask for the pair under the cursor to be shown."""
        if self.values.size:
            self.post_message(self.Opened(*self.cursor))

    def on_click(self, event: events.Click) -> None:
        """To the cell under the mouse; a click on the cursor opens."""
        # A tile was clicked: its coordinates are not the map's.
        place = event.screen_offset - self.content_region.offset
        blocks: list[int] = []
        for s, at in ((self._rows, place.y - self._top), (self._columns, place.x - self._left)):
            if not 0 <= at < len(s.which) or s.which[at] < 0:
                return
            blocks.append(s.first + int(s.which[at]) - s.block(self.cursor[len(blocks)]))
        if any(blocks):
            self._came = True
            self._step(*blocks)
        elif event.chain == 1 or self._came:
            # Of a double click only one opens.
            self._came = False
            self.action_open()

    def style_of(self, name: str) -> Style:
        """The style with this name; shades have their own."""
        if name in SHADES:
            return self.rich_style + self.get_component_rich_style(f"matrix--{name}")
        return super().style_of(name)
