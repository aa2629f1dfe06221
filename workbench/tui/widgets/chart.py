"""Charts that redraw only the cells that changed: two distributions, and lines with a cursor."""

from collections.abc import Sequence

from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from workbench.charts import histogram_lines, series_lines
from workbench.drawing import Line, changed
from workbench.panels import Histogram, Lines, Reference, Series
from workbench.tui.widgets.drawing import Picture

__all__ = ["Chart", "HistogramChart", "LineChart", "Reference", "Series"]

TILES = 12
OWN_STYLES = ("first", "over", "full", "cursor")


class Tile(Widget):
    """Some columns of a chart: of a line, Textual sends all from its widget's left edge up to what changed."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Tile { width: 1fr; height: 100%; }"

    def __init__(self, chart: "Chart") -> None:
        super().__init__()
        self.chart = chart

    def render_line(self, y: int) -> Strip:
        """The chart's line, where this tile is."""
        left = self.virtual_region.x
        return self.chart.strip(y).crop(left, left + self.size.width)


class Chart(Picture):
    """A picture for its size, of which only changed cells are sent."""

    COMPONENT_CLASSES = {f"chart--{name}" for name in OWN_STYLES}
    DEFAULT_CSS = """
    Chart { layout: horizontal; height: 1fr; }
    Chart > .chart--first { color: $text-primary; }
    Chart > .chart--over { color: $warning; text-style: reverse; }
    Chart > .chart--full { color: $warning; background: $warning; }
    Chart > .chart--cursor { text-style: bold reverse; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: dict[int, tuple[Line, int, Strip]] = {}
        self._tiles = [Tile(self) for _ in range(TILES)]

    def compose(self) -> ComposeResult:
        """Tiles side by side."""
        yield from self._tiles

    def lines(self, width: int, height: int) -> list[Line]:
        """The picture for a size."""
        return []

    def paint(self) -> None:
        """Draw for the size as it is."""
        self.draw(self.lines(self.size.width, self.size.height))

    def on_resize(self, _event: events.Resize) -> None:
        """Draw at the new size."""
        self.paint()
        # A tile that is as wide as before but elsewhere shows other columns of lines that are the same.
        for tile in self._tiles:
            tile.refresh()

    def draw(self, lines: Sequence[Line], grow: bool = False) -> None:
        """Show these lines."""
        while len(self._lines) < len(lines):
            self._lines.append([])
        for y in range(len(self._lines)):
            self.replace(y, lines[y] if y < len(lines) else [])

    def replace(self, y: int, line: Line) -> None:
        """Show another line at y."""
        old, self._lines[y] = self._lines[y], line
        for start, end in changed(old, line) if old != line else ():
            for tile in self._tiles:
                left = tile.virtual_region.x
                first, last = max(start - left, 0), min(end - left, tile.size.width)
                if first < last:
                    tile.refresh(Region(first, y, last - first, 1))

    def style_of(self, name: str) -> Style:
        """The style with this name."""
        if name in OWN_STYLES:
            return self.rich_style + self.get_component_rich_style(f"chart--{name}")
        return super().style_of(name)

    def strip(self, y: int) -> Strip:
        """One line of the picture; kept, since every tile asks for it."""
        line: Line = self._lines[y] if y < len(self._lines) else []
        width = self.size.width
        kept = self._strips.get(y)
        if kept is None or kept[:2] != (line, width):
            segments = [Segment(text, self.style_of(name)) for text, name in line]
            kept = (line, width, Strip(segments).adjust_cell_length(width, self.rich_style))
            self._strips[y] = kept
        return kept[2]

    def notify_style_update(self) -> None:
        """Other colours: nothing that is kept holds."""
        self._strips.clear()
        super().notify_style_update()


class HistogramChart(Chart):
    """A sample as bars against a reference as a curve."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.panel: Histogram | None = None

    def show(
        self,
        edges_range: tuple[float, float],
        bars_values: NDArray,
        bars_name: str,
        line_grid: NDArray,
        line_density: NDArray,
        line_name: str,
        bars_density: NDArray | None = None,
        notes: str = "",
        line_values: NDArray | None = None,
    ) -> None:
        """Bars of values (n,), curves of densities (g,) on a grid (g,); `line_values` says how many are behind one."""
        self.show_panel(
            Histogram(
                edges_range, bars_values, bars_name, line_grid, line_density, line_name, bars_density, notes,
                line_values,
            )
        )  # fmt: skip

    def show_panel(self, panel: Histogram | None) -> None:
        """Show a panel, which may have other labels; None empties the chart."""
        self.panel = panel
        self.paint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The histogram for a size."""
        return histogram_lines(self.panel, width, height) if self.panel is not None else []


class LineChart(Chart, can_focus=True):
    """Series on common axes, and a cursor that reads them off."""

    BINDINGS = [
        Binding("left,h", "move(-1)", "back", show=False),
        Binding("right,l", "move(1)", "on", show=False),
        Binding("pageup", "leap(-1)", "a tenth back", show=False),
        Binding("pagedown", "leap(1)", "a tenth on", show=False),
        Binding("home", "edge(0)", "first", show=False),
        Binding("end", "edge(-1)", "last", show=False),
    ]

    class Moved(Message):
        """The cursor stands at another x."""

        def __init__(self, index: int, x: float) -> None:
            self.index, self.x = index, x
            super().__init__()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.panel: Lines | None = None
        self.cursor: int | None = None
        """An index of the panel's stops; None while there is no cursor."""

    def show(
        self,
        series: Sequence[Series],
        x_label: str,
        y_label: str,
        references: Sequence[Reference] = (),
        log_y: bool = False,
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
    ) -> None:
        """Show series; a cursor on the last x stays on the last as series grow."""
        self.show_panel(Lines(tuple(series), x_label, y_label, tuple(references), log_y, x_range, y_range))

    def show_panel(self, panel: Lines | None) -> None:
        """Show a panel; None empties the chart."""
        before = self._count()
        self.panel = panel
        if self.cursor is not None:
            last = self._count() - 1
            self.cursor = None if last < 0 else last if self.cursor >= before - 1 else min(self.cursor, last)
        self.paint()

    def place(self, index: int | None) -> None:
        """Put the cursor at an index of the stops, or take it away; tells nobody."""
        count = self._count()
        self.cursor = None if index is None or not count else max(0, min(index, count - 1))
        self.paint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The chart for a size."""
        return series_lines(self.panel, width, height, self.cursor) if self.panel is not None else []

    def _count(self) -> int:
        return len(self.panel.stops()) if self.panel is not None else 0

    def action_move(self, step: int) -> None:
        """Move by some points; the first move shows the cursor, at the last point."""
        before, count = self.cursor, self._count()
        self.place(count - 1 if before is None else before + step)
        if self.cursor != before and self.cursor is not None and self.panel is not None:
            self.post_message(self.Moved(self.cursor, float(self.panel.stops()[self.cursor])))

    def action_leap(self, direction: int) -> None:
        """Move by a tenth of all points."""
        self.action_move(direction * max(1, self._count() // 10))

    def action_edge(self, which: int) -> None:
        """To the first or the last point."""
        if self.cursor is None:
            self.cursor = 0
        self.action_move(-self.cursor if which == 0 else self._count())
