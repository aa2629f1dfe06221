"""Pictures in characters: bars, Braille lines, and a base for widgets that show a few lines of them."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

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

    def lines(self) -> list[str]:
        """The canvas as text."""
        return ["".join(chr(0x2800 + cell) if cell else " " for cell in row) for row in self.cells]


class Picture(Widget):
    """A widget that shows lines of styled text; only lines that changed are sent."""

    COMPONENT_CLASSES = {"picture--dim", "picture--accent", "picture--first", "picture--second", "picture--strong"}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []
        self._height = 0

    def draw(self, lines: Sequence[Line], grow: bool = False) -> None:
        """Show these lines; with `grow` the widget is made high enough for them."""
        # It never shrinks: every new height lays the screen out anew and sends all of it.
        if grow and len(lines) > self._height:
            self._height = len(lines)
            self.styles.height = self._height
        before, self._lines = self._lines, list(lines)
        for y in range(max(len(before), len(self._lines))):
            old = before[y] if y < len(before) else None
            new = self._lines[y] if y < len(self._lines) else None
            if old != new:
                self.refresh(Region(0, y, self.size.width, 1))

    def style_of(self, name: str) -> Style:
        """The style with this name; an empty name is the widget's own."""
        return self.rich_style + self.get_component_rich_style(f"picture--{name}") if name else self.rich_style

    def render_line(self, y: int) -> Strip:
        """One line of the picture."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        segments = [Segment(text, self.style_of(name)) for text, name in self._lines[y]]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)
