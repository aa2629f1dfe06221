"""Help: the keys that work here, and what signs mean."""

from collections.abc import Sequence
from textwrap import wrap

from rich.markup import escape
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.tui.over import OverScreen


def fitting(keys: Sequence[tuple[str, str]], room: int) -> list[tuple[str, str]]:
    """Of keys with what they do, as many as fit into so many columns."""
    shown = []
    for key, words in keys:
        needed = len(key) + len(words) + 3
        if needed <= room:
            room -= needed
            shown.append((key, words))
    return shown


def key_bar(keys: Sequence[tuple[str, str]], room: int) -> str:
    """Keys with what they do, as many as fit into so many columns, in markup."""
    return "  ".join(f"[b]{key.replace('[', chr(92) + '[')}[/] {words}" for key, words in fitting(keys, room))


ROOM, INDENT = 57, 14
"""Columns inside the border and beside the bar, and of a key or sign with the space after it."""


def sign_lines(signs: Sequence[tuple[str, str]]) -> list[str]:
    """Signs with what they mean, in markup; words are wrapped beside their sign."""
    lines = []
    for sign, words in signs:
        first, *rest = wrap(words, ROOM - INDENT)
        lines.append(f"[b]{escape(f'{sign:>{INDENT - 2}}')}[/]  {escape(first)}")
        lines += [" " * INDENT + escape(part) for part in rest]
    return lines


class HelpScreen(OverScreen[None]):
    """A list of keys with what they do, and of signs with what they mean."""

    BINDINGS = [Binding("escape,question_mark,q", "dismiss", show=False)]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll { width: 62; max-width: 100%; height: auto; max-height: 100%; background: $surface;
        border: round $accent; padding: 0 1; scrollbar-size-vertical: 1; }
    """

    def __init__(self, title: str, keys: Sequence[tuple[str, str]], signs: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.heading, self.keys, self.signs = title, keys, signs

    def compose(self) -> ComposeResult:
        """One line a key."""
        lines = [f"[b]{key:>12}[/]  {words}" for key, words in self.keys]
        if self.signs:
            lines += ["", "What signs and words in this pane mean:", *sign_lines(self.signs)]
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
            if self.signs:
                box.border_subtitle = "what signs mean: at the end"
            yield Static("\n".join(lines))
