"""A base for widgets that show a few lines of pictures in characters."""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from workbench.drawing import Line


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
