"""Help: the keys that work here."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.tui.over import OverScreen


def key_bar(keys: Sequence[tuple[str, str]], room: int) -> str:
    """Keys with what they do, as many as fit into so many columns, in markup."""
    shown = []
    for key, words in keys:
        needed = len(key) + len(words) + 3
        if needed <= room:
            room -= needed
            shown.append(f"[b]{key.replace('[', chr(92) + '[')}[/] {words}")
    return "  ".join(shown)


class HelpScreen(OverScreen[None]):
    """A list of keys with what they do."""

    BINDINGS = [Binding("escape,question_mark,q", "dismiss", show=False)]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll { width: 62; max-width: 100%; height: auto; max-height: 100%; background: $surface;
        border: round $accent; padding: 0 1; }
    """

    def __init__(self, title: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.heading, self.keys = title, keys

    def compose(self) -> ComposeResult:
        """One line a key."""
        lines = [f"[b]{key:>12}[/]  {words}" for key, words in self.keys]
        lines += [
            "",
            "Filters are conditions on columns: [b]survival > 190 and lr < 0.005[/], [b]return >= 100[/],",
            "[b]recipe == 'dqn' and not held_out[/], [b]10 < survival <= 20[/],",
            "[b]group in ['1-50', '51-100'][/], [b]marked[/], [b]abs(lean_x) > 1[/].",
            "",
            "escape closes this.",
        ]
        with VerticalScroll() as box:
            box.border_title = f"keys: {self.heading}"
            yield Static("\n".join(lines))
