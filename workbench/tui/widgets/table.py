"""A table of any number of networks: only what is on the screen is ever formatted."""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.text import clean
from workbench.tui.view import View, heading

MAX_WIDTH = 18
SAMPLE = 64


class NetworkTable(Widget, can_focus=True):
    """The networks of a view, a cursor on a row and a column, and a range being chosen."""

    DEFAULT_CSS = "NetworkTable { height: 1fr; }"

    COMPONENT_CLASSES = {
        "table--header",
        "table--column",
        "table--cursor",
        "table--marked",
        "table--range",
        "table--rail",
        "table--thumb",
    }

    BINDINGS = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False),
        Binding("home", "edge(0)", "first", show=False),
        Binding("end,G", "edge(-1)", "last", show=False),
        Binding("left,h", "column(-1)", "column left", show=False),
        Binding("right,l", "column(1)", "column right", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another network (None: there is none to stand on)."""

        def __init__(self, row: int | None) -> None:
            self.row = row
            super().__init__()

    class Chosen(Message):
        """A network was clicked twice."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view: View | None = None
        self.cursor = 0
        self.top = 0
        self.range_start: int | None = None
        self.column = 1
        self.first_column = 0
        self.widths: list[int] = []

    def show(self, view: View, cursor: int = 0) -> None:
        """Show a view, from the start or with the cursor at a position."""
        self.view = view
        self.widths = []
        for name in view.columns:
            step = max(1, len(view.population) // SAMPLE)
            shown = [view.cell(name, row) for row in range(0, len(view.population), step)]
            last = [view.cell(name, len(view.population) - 1)] if name == "id" and len(view.population) else []
            widest = max(map(len, [*shown, *last, heading(name)]))
            self.widths.append(1 if name == "mark" else min(MAX_WIDTH, widest))
        self.range_start = None
        self.column = min(self.column, len(view.columns) - 1)
        self.place(cursor)

    def place(self, position: int) -> None:
        """Put the cursor at a position, scroll so that it is seen, and paint everything."""
        count = len(self.view.rows) if self.view else 0
        self.cursor = max(0, min(position, count - 1))
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved(self.row))

    @property
    def row(self) -> int | None:
        """The network under the cursor, as a row of the population."""
        if self.view is None or not len(self.view.rows):
            return None
        return int(self.view.rows[self.cursor])

    @property
    def column_name(self) -> str:
        """The column under the column cursor."""
        return self.view.columns[self.column] if self.view else ""

    def chosen(self) -> list[int]:
        """The networks of the range being chosen, or the one under the cursor."""
        if self.view is None or not len(self.view.rows):
            return []
        low, high = self._range()
        return [int(row) for row in self.view.rows[low : high + 1]]

    @property
    def page_size(self) -> int:
        """Networks on the screen at once."""
        return max(1, self.size.height - 1)

    def action_move(self, step: int) -> None:
        """Move the cursor by some positions; paints two lines, or all if it scrolls."""
        if self.view is None:
            return
        before, low_before = self.cursor, self._range()
        self.cursor = max(0, min(self.cursor + step, len(self.view.rows) - 1))
        if self.cursor == before:
            return
        if self._scroll_to_cursor():
            self.refresh()
        else:
            low, high = self._range()
            for position in range(min(low, low_before[0], before), max(high, low_before[1], before) + 1):
                self._refresh_position(position)
        self.post_message(self.Moved(self.row))

    def action_page(self, direction: int) -> None:
        """Move by a page."""
        self.action_move(direction * self.page_size)

    def action_edge(self, which: int) -> None:
        """To the first or the last network."""
        if self.view is not None:
            self.action_move(-self.cursor if which == 0 else len(self.view.rows))

    def action_column(self, step: int) -> None:
        """Move the column cursor; the table follows it sideways."""
        if self.view is None:
            return
        self.column = max(0, min(self.column + step, len(self.view.columns) - 1))
        if self.column < self.first_column:
            self.first_column = self.column
        while self.first_column < self.column and not self._column_fits():
            self.first_column += 1
        self.refresh()

    def toggle_range(self) -> bool:
        """Begin a range at the cursor, or end it; returns whether one is being chosen now."""
        self.range_start = self.cursor if self.range_start is None else None
        self.refresh()
        return self.range_start is not None

    def _column_fits(self) -> bool:
        return self.column in self._columns()

    def _columns(self) -> range:
        """The columns on the screen: those that fit whole, and at least one."""
        room = self.size.width - 1
        last = self.first_column
        while last < len(self.widths) and (room := room - self.widths[last] - 2) >= 0:
            last += 1
        return range(self.first_column, max(last, self.first_column + 1))

    def _range(self) -> tuple[int, int]:
        start = self.cursor if self.range_start is None else self.range_start
        return min(start, self.cursor), max(start, self.cursor)

    def _scroll_to_cursor(self) -> bool:
        before = self.top
        if not self.size.height:
            return False  # not on the screen yet: how many fit is not known
        count = len(self.view.rows) if self.view else 0
        if self.cursor < self.top:
            self.top = self.cursor
        elif self.cursor >= self.top + self.page_size:
            self.top = self.cursor - self.page_size + 1
        self.top = max(0, min(self.top, count - self.page_size))
        return self.top != before

    def _refresh_position(self, position: int) -> None:
        y = position - self.top + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self._scroll_to_cursor()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is."""
        if event.y >= 1 and self.view is not None:
            self.action_move(min(self.top + event.y - 1, len(self.view.rows) - 1) - self.cursor)
            if event.chain > 1:
                self.post_message(self.Chosen())

    def on_mouse_scroll_down(self, _event: events.MouseScrollDown) -> None:
        """Three networks down."""
        self.action_move(3)

    def on_mouse_scroll_up(self, _event: events.MouseScrollUp) -> None:
        """Three networks up."""
        self.action_move(-3)

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, or a network."""
        width = self.size.width
        if self.view is None:
            return Strip.blank(width, self.rich_style)
        if y == 0:
            return self._header(width)
        position = self.top + y - 1
        if position >= len(self.view.rows):
            if y == 1:
                words = "no networks: the filter lets none through (escape clears it)"
                return Strip([Segment(words, self.rich_style)]).adjust_cell_length(width, self.rich_style)
            return Strip.blank(width, self.rich_style)
        return self._network(position, y, width)

    def _header(self, width: int) -> Strip:
        assert self.view is not None
        base = self.get_component_rich_style("table--header")
        chosen = self.get_component_rich_style("table--column")
        segments = []
        for k in self._columns():
            name = self.view.columns[k]
            arrangement = self.view.arrangement
            arrow = ("▼" if arrangement.descending else "▲") if arrangement.sort == name else " "
            text = clean(heading(name))[: self.widths[k]].rjust(self.widths[k])
            segments.append(Segment(f" {text}{arrow}", base + chosen if k == self.column else base))
        return Strip(segments).adjust_cell_length(width, base)

    def _network(self, position: int, y: int, width: int) -> Strip:
        view = self.view
        assert view is not None
        row = int(view.rows[position])
        low, high = self._range()
        style = self.rich_style
        if view.marks[row]:
            style += self.get_component_rich_style("table--marked")
        ranged = self.range_start is not None and low <= position <= high
        if ranged:
            style += self.get_component_rich_style("table--range")
        if position == self.cursor:
            style += self.get_component_rich_style("table--cursor")
        cells = (
            f" {clean(view.cell(view.columns[k], row))[: self.widths[k]].rjust(self.widths[k])} "
            for k in self._columns()
        )
        line = "".join(cells)
        # The cursor and the range are told by a sign too, not by colour alone.
        sign = (
            "▶" if position == self.cursor else "│" if self.range_start is not None and low <= position <= high else " "
        )
        strip = Strip([Segment((sign + line[1:])[: width - 1].ljust(width - 1), style)])
        return Strip.join([strip, Strip([self._rail(y)])])

    def _rail(self, y: int) -> Segment:
        assert self.view is not None
        height, count = self.size.height - 1, len(self.view.rows)
        if count <= height:
            return Segment(" ", self.rich_style)
        thumb = max(1, height * height // count)
        at = round((height - thumb) * self.top / max(1, count - height))
        inside = at <= y - 1 < at + thumb
        style: Style = self.get_component_rich_style("table--thumb" if inside else "table--rail")
        return Segment("█" if inside else "│", style)
