"""Screens that fill the terminal over a pane: something to look at, a line about it, keys; some of them save it."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.service import Job
from workbench.storage import check_new
from workbench.text import clean
from workbench.tui.help_screen import HelpScreen, key_bar
from workbench.tui.over import OverScreen
from workbench.tui.widgets.prompt import Prompt

Answered = TypeVar("Answered")
LONGEST = 1000
"""Characters of a line that is told."""


class FullScreen(OverScreen[Answered]):
    """A screen of `Static`s called after it, of which one tells something, and one, `keys`, the keys."""

    TITLE = ""  # there for others to be made of: their keys have names, its own have none
    NAME: ClassVar[str]
    """What the names of its parts begin with."""
    HEADING: ClassVar[str]
    """What the help is of."""
    TOLD: ClassVar[str] = "about"
    """The part that tells something."""
    KEYS: ClassVar[tuple[tuple[str, str], ...]]
    FIRST: ClassVar[int]
    """How many keys stand before help."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("equals_sign", "command", show=False),
        Binding("y", "app.copy", show=False),
        Binding("question_mark", "help", show=False),
        Binding("escape,q", "close", show=False),
    ]
    DEFAULT_CSS = """
    FullScreen { layout: vertical; background: $background; }
    FullScreen .head { height: 1; background: $panel; }
    FullScreen .title { width: 1fr; height: 1; padding: 0 1; text-style: bold; }
    FullScreen .keys { height: 1; background: $panel; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = ""

    @property
    def told(self) -> str:
        """What is told where nothing else was said."""
        raise NotImplementedError

    @property
    def command(self) -> str:
        """The command that gives the same.

        Raises:
            WorkbenchError: none does.
        """
        raise NotImplementedError

    @property
    def aside(self) -> str:
        """What is to be known with the command, and is not copied."""
        return ""

    @property
    def warns(self) -> bool:
        """Whether what is told wants to be seen."""
        return bool(self._said)

    @property
    def answer(self) -> Answered | None:
        """What the screen leaves when it is closed."""
        return None

    @property
    def bar(self) -> tuple[tuple[str, str], ...]:
        """Keys that do something now, most wanted first."""
        return self.KEYS

    def box(self, name: str) -> Static:
        """A part by its name."""
        return self.query_one(f"#{self.NAME}-{name}", Static)

    def say(self, where: str, words: str) -> None:
        """Words in a part of the screen; what stays as it is is not sent again."""
        box, words = self.box(where), "\n".join(clean(line, LONGEST) for line in words.split("\n"))
        if box.content != words:
            box.update(words)

    def tell(self, words: str) -> None:
        """Say something until another key is pressed; with no words, take it away."""
        self._said = words
        self.retell()

    def retell(self) -> None:
        """What was said last, or what there is to be told."""
        self.say(self.TOLD, self._said or self.told)
        self.box(self.TOLD).set_class(self.warns, "said")

    def show_keys(self) -> None:
        """As many keys as fit."""
        keys = self.bar
        bar = key_bar((*keys[: self.FIRST], ("?", "help"), *keys[self.FIRST :]), self.app.size.width)
        if self.box("keys").content != bar:
            self.box("keys").update(bar)

    def copied(self) -> str:
        """What `y` copies: the command, if there is one."""
        try:
            return self.command
        except WorkbenchError:
            return ""

    def action_command(self) -> None:
        """Say which command gives the same."""
        try:
            self.tell(f"{self.command}{self.aside}")
        except WorkbenchError as error:
            self.tell(str(error))

    def action_help(self) -> None:
        """The keys of this screen."""
        self.app.push_screen(HelpScreen(self.HEADING, self.KEYS))

    def action_close(self) -> None:
        """Back to the pane; of words that were said, those first."""
        if self._said:
            self.tell("")
        else:
            self.dismiss(self.answer)


class SavingScreen(FullScreen[Answered]):
    """A full screen of what a job gives, which can be saved; it has a `Prompt`."""

    FOLLOWED: ClassVar[int]
    """Looks at a running job a second."""
    SUFFIXES: ClassVar[tuple[str, ...]]
    """Of files that can be written."""
    WRITTEN: ClassVar[str] = "written to"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "save", show=False)]
    DEFAULT_CSS = """
    SavingScreen .progress { width: auto; padding: 0 1; color: $text-muted; }
    SavingScreen .comes-to { height: 2; padding: 0 1; text-style: bold; }
    SavingScreen .about { height: 2; padding: 0 1; color: $text-muted; }
    SavingScreen .about.said { color: $warning; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame: Any = None
        """What is shown."""
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The picture between what it is of and what it comes to."""
        name = self.NAME
        with Horizontal(classes="head"):
            yield Static(id=f"{name}-title", classes="title", markup=False)
            yield Static(id=f"{name}-progress", classes="progress", markup=False)
        yield from self.picture()
        yield Static(id=f"{name}-told", classes="comes-to", markup=False)
        yield Static(id=f"{name}-about", classes="about", markup=False)
        yield Prompt(id=f"{name}-prompt")
        yield Static(id=f"{name}-keys", classes="keys")

    def picture(self) -> ComposeResult:
        """What is looked at."""
        raise NotImplementedError

    @property
    def job(self) -> Job | None:
        """What was asked last."""
        raise NotImplementedError

    @property
    def file_name(self) -> str:
        """Under which name it is saved if nobody says another."""
        raise NotImplementedError

    def begin(self) -> None:
        """Everything is there: ask for the job, unless that is for `on_resize` to do."""

    def look(self, job: Job) -> None:
        """Show how far a job is."""
        raise NotImplementedError

    def write(self, path: Path) -> None:
        """Write what is shown to a new file, on a thread of its own."""
        raise NotImplementedError

    def answered(self, what: str, text: str) -> None:
        """Something else than a file was asked for."""

    def keys_back(self) -> None:
        """Nothing is asked any more: where keys go."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Look at the job while it runs."""
        self._timer = self.set_interval(1 / self.FOLLOWED, self.follow, pause=True)
        self.begin()

    def on_resize(self, _event: events.Resize) -> None:
        """The key bar shows what fits."""
        self.show_keys()

    def follow(self) -> None:
        """Show how far the job is; stop looking when it is over."""
        job = self.job
        if job is None or not self.is_mounted:
            return
        self.look(job)
        if self._timer is not None:
            (self._timer.pause if job.state.final else self._timer.resume)()

    def action_save(self) -> None:
        """Ask for a file."""
        if self.frame is None:
            self.tell("nothing to save yet")
        else:
            self.query_one(Prompt).ask("save", "save to", self.file_name, f"a new {' or '.join(self.SUFFIXES)}")

    async def on_prompt_answered(self, message: Prompt.Answered) -> None:
        """A file to write, or what else was asked for."""
        if not message.text:
            return
        if message.what != "save":
            self.answered(message.what, message.text)
            return
        path = Path(message.text).expanduser()
        try:
            await asyncio.to_thread(self._write_new, path)
        except (WorkbenchError, OSError) as error:
            self.tell(str(error))
            return
        self.app.copy_to_clipboard(str(path.resolve()))
        self.tell(f"{self.WRITTEN} {path.resolve()} (copied)")

    def _write_new(self, path: Path) -> None:
        check_new(path, self.SUFFIXES)
        if self.frame is None:
            raise WorkbenchError("there is nothing to save any more")
        self.write(path)

    def on_prompt_closed(self) -> None:
        """Keys are for the screen again."""
        self.keys_back()

    def action_close(self) -> None:
        """Back to the pane; of prompt and words, those first."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            prompt.action_close()
        else:
            super().action_close()
