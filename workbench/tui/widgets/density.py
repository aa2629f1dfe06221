"""A map of counts with axes, a cursor that goes from cell to cell, and a network's own cell."""

from dataclasses import replace

from textual import events
from textual.binding import Binding
from textual.message import Message

from workbench.drawing import Line
from workbench.figures import HeatMap
from workbench.matrices import Place, draw_heat_map
from workbench.tui.widgets.pair import HeatMapChart

CURSOR = "✛"


class DensityMap(HeatMapChart, can_focus=True):
    """A matrix that goes upwards, with a cursor."""

    BINDINGS = [
        Binding("left,h", "go(0, -1)", "left", show=False),
        Binding("right,l", "go(0, 1)", "right", show=False),
        Binding("up,k", "go(1, 0)", "up", show=False),
        Binding("down,j", "go(-1, 0)", "down", show=False),
        Binding("home", "edge(0)", "first column", show=False),
        Binding("end", "edge(-1)", "last column", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    class Moved(Message):
        """The user has gone to another cell."""

    class Opened(Message):
        """The user wants to see what is in the cell under the cursor."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.cursor = (0, 0)
        """Row from below, and column."""
        self._place: Place | None = None

    def show(self, panel: HeatMap | None, missing: str = "") -> None:
        """Show a matrix, or why there is none; the cursor stays inside."""
        if panel is not None:
            rows, columns = panel.values.shape
            self.cursor = min(self.cursor[0], rows - 1), min(self.cursor[1], columns - 1)
        super().show(panel, missing)

    def select(self, row: int, column: int) -> None:
        """Put the cursor on a cell; tells nobody."""
        self.cursor = row, column
        self.paint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The matrix for a size, the cursor on it."""
        if self.panel is None or width < 1 or height < 1:
            return super().lines(width, height)
        # What is marked is named outside: no line of the key is for it.
        cells, self._place = draw_heat_map(replace(self.panel, marked=()), width, height)
        for row, column in self.panel.marked:
            cells.put(*self._place.spot(row, column), "◆", "strong")
        cells.put(*self._place.spot(*self.cursor), CURSOR, "cursor")
        return cells.lines()

    def _go_to(self, row: int, column: int) -> None:
        if self.panel is None:
            return
        rows, columns = self.panel.values.shape
        to = max(0, min(row, rows - 1)), max(0, min(column, columns - 1))
        if to != self.cursor:
            self.select(*to)
            self.post_message(self.Moved())

    def action_go(self, up: int, right: int) -> None:
        """To the next cell, or the next block."""
        self._go_to(self.cursor[0] + up * self._step(0), self.cursor[1] + right * self._step(1))

    def _step(self, side: int) -> int:
        if self._place is None:
            return 1
        edges = (self._place.rows if side == 0 else self._place.columns).edges
        return max(1, int(edges[1] - edges[0]))

    def action_edge(self, which: int) -> None:
        """To the first or the last column."""
        if self.panel is not None:
            self._go_to(self.cursor[0], 0 if which == 0 else self.panel.values.shape[1] - 1)

    def action_open(self) -> None:
        """Ask for the networks of the cell."""
        if self.panel is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        """To the cell under the mouse; a double click opens it."""
        # A tile was clicked: its coordinates are not the map's.
        at = event.screen_offset - self.content_region.offset
        cell = self._place.cell(at.x, at.y) if self._place is not None else None
        if cell is None:
            return
        self._go_to(*cell)
        if event.chain == 2:
            self.action_open()
