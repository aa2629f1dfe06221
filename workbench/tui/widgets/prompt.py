"""A line that asks for one thing."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static


class Prompt(Horizontal):
    """Closed until something is asked; enter answers, escape leaves."""

    BINDINGS = [Binding("escape", "close", show=False)]
    DEFAULT_CSS = """
    Prompt { height: 1; display: none; }
    Prompt.open { display: block; }
    Prompt Input { height: 1; padding: 0; width: 1fr; }
    Prompt Static { width: auto; padding: 0 1; color: $accent; }
    """

    class Answered(Message):
        """Enter was pressed."""

        def __init__(self, what: str, text: str) -> None:
            self.what, self.text = what, text
            super().__init__()

    class Closed(Message):
        """It is closed, answered or not."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.what = ""

    def compose(self) -> ComposeResult:
        """What is asked, and the answer."""
        yield Static("", markup=False)
        yield Input(compact=True)

    @property
    def is_open(self) -> bool:
        """Whether something is being asked."""
        return self.has_class("open")

    def ask(self, what: str, label: str, value: str = "", placeholder: str = "", among: Sequence[str] = ()) -> None:
        """Ask for something; `what` comes back with the answer. Of `among`, → completes."""
        self.what = what
        self.query_one(Static).update(label)
        box = self.query_one(Input)
        box.cursor_blink = False  # an idle screen sends nothing
        box.suggester = SuggestFromList(among, case_sensitive=False) if among else None
        box.placeholder, box.value = placeholder, value
        box.cursor_position = len(value)
        self.add_class("open")
        box.focus()

    def action_close(self) -> None:
        """Ask no longer."""
        self.remove_class("open")
        self.post_message(self.Closed())

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter."""
        message.stop()
        self.action_close()
        self.post_message(self.Answered(self.what, message.value.strip()))
