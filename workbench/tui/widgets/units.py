"""A network's weights as a map of its units: what is missing, what came back, and what is wrong, with a cursor."""

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.message import Message

from workbench.drawing import EIGHTHS, Cells, Line, breadth, pieces
from workbench.text import clean
from workbench.tui.unit_grid import BACK, INTACT, MISSING, NOWHERE, WRONG, UnitGrid, tolerance
from workbench.tui.widgets.chart import Chart, Tile

CELL, GAP, BETWEEN = 3, 1, 2
"""Columns of a weight, between weights, and between blocks of units."""
ABOVE, BELOW = 2, 1
"""Lines above the weights: what the signs mean, and names of columns; below: the weight under the cursor."""
GLYPHS = {INTACT: " ", MISSING: "·", BACK: "▓", WRONG: "▒"}
STYLES = {MISSING: "missing", BACK: "back", WRONG: "wrong"}
LOUD = 0.9
"""Quantile of the original's weights that is a full bar: a few large ones must not blank the others."""
TILES = 24
"""More than other charts have: a cursor goes from cell to cell, and each has a colour of its own."""


class UnitMap(Chart, can_focus=True):
    """A row a unit, in as many blocks beside each other as it takes; what does not fit comes with the cursor."""

    COMPONENT_CLASSES = {f"units--{name}" for name in STYLES.values()}
    DEFAULT_CSS = """
    UnitMap > .units--missing { color: $text-muted; text-style: bold; }
    UnitMap > .units--back { color: $text-success; }
    UnitMap > .units--wrong { color: $text-error; }
    UnitMap.-many > .units--missing { background: $panel; }
    UnitMap.-many > .units--back { background: $success-muted; }
    UnitMap.-many > .units--wrong { background: $error-muted; }
    UnitMap.-few > .units--back { color: ansi_bright_green; }
    UnitMap.-few > .units--wrong { color: ansi_bright_red; }
    """
    BINDINGS = [
        Binding("left,h", "go(0, -1)", "left", show=False),
        Binding("right,l", "go(0, 1)", "right", show=False),
        Binding("up,k", "go(-1, 0)", "up", show=False),
        Binding("down,j", "go(1, 0)", "down", show=False),
        Binding("home", "edge(0)", "first column", show=False),
        Binding("end", "edge(-1)", "last column", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("space,enter", "damage('weight')", "damage a weight", show=False),
        Binding("u", "damage('unit')", "damage a unit", show=False),
        Binding("v", "damage('column')", "damage a column", show=False),
    ]

    class Moved(Message):
        """The cursor is on another weight."""

        def __init__(self, cell: tuple[int, int]) -> None:
            self.cell = cell
            super().__init__()

    class Toggled(Message):
        """Weights shall be damaged, or no longer."""

        def __init__(self, positions: NDArray[np.int64]) -> None:
            self.positions = positions
            super().__init__()

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tiles = [Tile(self) for _ in range(TILES)]
        self.grid: UnitGrid | None = None
        self.original = self.now = np.zeros(0, np.float32)
        self.became = np.zeros(0, np.int64)
        self.cursor = (0, 0)
        self._base = Cells(0, 0)
        self._high = self._blocks = self._from = self._shift = 0
        """Units a block, blocks, and the first unit and column in sight."""
        self._across = 0

    def on_mount(self) -> None:
        """As many colours as the terminal has; without any, the glyphs tell all."""
        if not self.app.no_color:
            few = self.app.native_ansi_color or self.app.console.color_system in ("standard", "windows")
            self.add_class("-few" if few else "-many")

    def show(
        self, grid: UnitGrid | None, original: NDArray, now: NDArray, became: NDArray[np.int64], cell: tuple[int, int]
    ) -> None:
        """Show weights (p,) as they are `now`, beside the original's, and what has become of each."""
        self.grid, self.original, self.now, self.became = grid, original, now, became
        self.cursor = self._inside(*cell)
        self.paint()

    @staticmethod
    def breadth_of(grid: UnitGrid, height: int) -> int:
        """Columns that a map of this height takes to show all units."""
        high = max(1, height - ABOVE - BELOW)
        blocks = -(-len(grid.rows) // high)
        return blocks * (_label(grid) + len(grid.columns) * (CELL + GAP)) + (blocks - 1) * BETWEEN

    def lines(self, width: int, height: int) -> list[Line]:
        """The map for a size; what does not follow the cursor is kept."""
        cells = self._base = Cells(width, height)
        self._high = 0
        if self.grid is None or width < _label(self.grid) + CELL or height < ABOVE + BELOW + 1:
            cells.write(0, 0, "no network" if self.grid is None else "", "dim")
            return cells.lines()
        self._lay(width, max(1, height - ABOVE - BELOW))
        self._legend()
        label, (_, columns) = _label(self.grid), self.grid.positions.shape
        shown = range(self._shift, min(columns, self._shift + self._across))
        finite = np.abs(self.original[np.isfinite(self.original)])
        scale = float(np.quantile(finite, LOUD)) if len(finite) else 0.0
        rows = range(self._from, min(len(self.grid.rows), self._from + self._high * self._blocks))
        for block in range(-(-len(rows) // self._high)):
            for column in shown:
                x, _ = self._spot(self._from + block * self._high, column)
                cells.write(x + 1, ABOVE - 1, self.grid.columns[column][: CELL + 1], "dim")
        for row in rows:
            x, y = self._spot(row, self._shift)
            name = self.grid.rows[row][: label - 1]
            cells.write(x - 1 - len(name), y, name, "dim")
            for column in shown:
                self._cell(row, column, scale)
        return [self._line(y) for y in range(height)]

    def _lay(self, width: int, high: int) -> None:
        """How many blocks of how many units, with the cursor in sight."""
        assert self.grid is not None
        units, columns = self.grid.positions.shape
        label = _label(self.grid)
        self._across = max(1, min(columns, (width - label) // (CELL + GAP)))
        self._shift = max(0, min(columns - self._across, self.cursor[1] // self._across * self._across))
        block = label + self._across * (CELL + GAP) + BETWEEN
        most = max(1, (width + BETWEEN) // block)
        blocks = min(most, -(-units // high))
        self._high = min(high, -(-units // blocks))
        self._blocks = blocks
        page = self._high * blocks
        self._from = self.cursor[0] // page * page

    def _spot(self, row: int, column: int) -> tuple[int, int]:
        """Column and line on the screen of a weight."""
        assert self.grid is not None
        block, y = divmod(row - self._from, max(1, self._high))
        label = _label(self.grid)
        left = block * (label + self._across * (CELL + GAP) + BETWEEN)
        return left + label + (column - self._shift) * (CELL + GAP), ABOVE + y

    def _legend(self) -> None:
        assert self.grid is not None
        counts = np.bincount(self.became, minlength=4)
        x, close = 0, f"within {tolerance(self.original):.2g}"
        told = (
            (MISSING, f"{counts[MISSING]} missing"), (BACK, f"{counts[BACK]} came back ({close})"),
            (WRONG, f"{counts[WRONG]} wrong"),
        )  # fmt: skip
        for state, words in told:
            if x + breadth(words) + 2 <= self._base.width:
                x = self._base.write(x, 0, GLYPHS[state], STYLES[state])
                x = self._base.write(x + 1, 0, words, "" if counts[state] else "dim") + 2

    def _cell(self, row: int, column: int, scale: float) -> None:
        assert self.grid is not None
        position = int(self.grid.positions[row, column])
        if position == NOWHERE:
            return
        x, y = self._spot(row, column)
        state, value = int(self.became[position]), float(self.now[position])
        style = STYLES.get(state, "first" if value >= 0 else "second")
        if state == MISSING:
            self._base.write(x, y, f" {GLYPHS[MISSING]} ", style)
            return
        bar = "!"
        if np.isfinite(value):
            bar = EIGHTHS[max(1, min(8, int(np.ceil(8 * abs(value) / scale)))) if scale > 0 else 1]
        self._base.write(x, y, f"{GLYPHS[state]}{'-' if value < 0 else ' '}{bar}", style)

    def _line(self, y: int) -> Line:
        """One line, with the cursor on it."""
        line = Cells(self._base.width, 1)
        if y == self._base.height - BELOW:
            line.write(0, 0, self._words(), "strong" if self.has_focus else "dim")
            return line.lines()[0]
        x, row = self._spot(*self.cursor)
        if y != row or not self.has_focus or not self._high:
            return pieces(self._base.characters[y], self._base.styles[y])
        line.characters[0], line.styles[0] = list(self._base.characters[y]), list(self._base.styles[y])
        line.styles[0][x : x + CELL] = ["cursor"] * len(line.styles[0][x : x + CELL])
        return line.lines()[0]

    def _words(self) -> str:
        """The weight under the cursor, as it was and as it is, in the longest words there is room for."""
        if self.grid is None:
            return ""
        position = int(self.grid.positions[self.cursor])
        if position == NOWHERE:
            return "no weight here"
        state, was, now = int(self.became[position]), self.original[position], self.now[position]
        became = {
            INTACT: "",
            MISSING: ", missing",
            BACK: f", came back as {now:+.3f}",
            WRONG: f", now {now:+.3f}: wrong",
        }
        name = self.grid.name(*self.cursor)
        versions = (
            f"{name}: {was:+.3f}{became[state]}   #{position} of {len(self.now)}", f"{name}: {was:+.3f}{became[state]}",
            f"{name} {was:+.2f}",
        )  # fmt: skip
        return clean(next((v for v in versions if breadth(v) <= self._base.width), versions[-1]))

    def _inside(self, row: int, column: int) -> tuple[int, int]:
        rows, columns = self.grid.positions.shape if self.grid is not None else (1, 1)
        return max(0, min(row, rows - 1)), max(0, min(column, columns - 1))

    def _go_to(self, row: int, column: int) -> None:
        before, at = self._spot(*self.cursor)[1] if self.grid is not None else 0, self._inside(row, column)
        if at == self.cursor or self.grid is None:
            return
        self.cursor = at
        page = self._high * self._blocks
        if not self._from <= at[0] < self._from + page or not self._shift <= at[1] < self._shift + self._across:
            self.paint()
        else:
            for y in {before, self._spot(*at)[1], self._base.height - BELOW} & set(range(len(self._lines))):
                self.replace(y, self._line(y))
        self.post_message(self.Moved(at))

    def on_focus(self) -> None:
        """Show the cursor."""
        self.paint()

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.paint()

    def action_go(self, down: int, across: int) -> None:
        """To the next weight."""
        self._go_to(self.cursor[0] + down, self.cursor[1] + across)

    def action_edge(self, which: int) -> None:
        """To the first or the last column."""
        self._go_to(self.cursor[0], len(self.grid.columns) - 1 if which and self.grid is not None else 0)

    def action_page(self, direction: int) -> None:
        """By a block of units."""
        self._go_to(self.cursor[0] + direction * max(1, self._high), self.cursor[1])

    def action_damage(self, what: str) -> None:
        """Damage the weight under the cursor, all of its unit, or all of its column; or no longer."""
        if self.grid is None:
            return
        row, column = self.cursor
        at = {"weight": self.grid.positions[row, [column]], "unit": self.grid.unit(row)}
        positions = at.get(what, self.grid.column(column))
        positions = positions[positions != NOWHERE]
        if len(positions):
            self.post_message(self.Toggled(positions))

    def on_click(self, event: events.Click) -> None:
        """To the weight under the mouse; a click on the cursor damages it."""
        # A tile was clicked: its coordinates are not the map's.
        place = event.screen_offset - self.content_region.offset
        if self.grid is None or not self._high:
            return
        width = _label(self.grid) + self._across * (CELL + GAP) + BETWEEN
        block, x = divmod(place.x, width)
        row = self._from + block * self._high + place.y - ABOVE
        column = self._shift + (x - _label(self.grid)) // (CELL + GAP)
        inside = 0 <= place.y - ABOVE < self._high and block < self._blocks and x >= _label(self.grid)
        if not inside or self._inside(row, column) != (row, column):
            return
        if (row, column) == self.cursor:
            self.action_damage("weight")
        else:
            self._go_to(row, column)

    def style_of(self, name: str) -> Style:
        """The style with this name; what has become of weights has its own."""
        if name in STYLES.values():
            return self.rich_style + self.get_component_rich_style(f"units--{name}")
        return super().style_of(name)


def _label(grid: UnitGrid) -> int:
    return max(map(len, grid.rows), default=0) + 1
