"""Two results side by side."""

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.tui.over import OverScreen


class ComparisonScreen(OverScreen[None]):
    """A table of what two results differ in."""

    BINDINGS = [Binding("escape,q,enter", "dismiss", show=False)]
    DEFAULT_CSS = """
    ComparisonScreen { align: center middle; }
    ComparisonScreen VerticalScroll { width: 110; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $accent; scrollbar-size-vertical: 1; }
    ComparisonScreen Static { height: auto; }
    """

    def __init__(self, table: object) -> None:
        super().__init__()
        self.table = table

    def compose(self) -> ComposeResult:
        """The table, which scrolls."""
        with VerticalScroll() as box:
            box.border_title = "two results"
            box.border_subtitle = "↑ ↓ scroll, escape closes"
            yield Static(self.table, markup=False)  # type: ignore[arg-type]
