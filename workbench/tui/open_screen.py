"""Choosing what to open: recent files, folders, and what is assumed of other people's checkpoints."""

import asyncio
import os
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench import recent
from workbench.analyses import find
from workbench.errors import WorkbenchError
from workbench.places import default_population
from workbench.service import Job, ModelService
from workbench.text import clean
from workbench.tui.over import OverScreen
from workbench.tui.widgets.options import Options

SHIPPED = "shipped:"
"""Before the path of the population that ships."""
MOST = 500
"""Entries of a folder that are listed; more are found by typing."""
REFRESHES_A_SECOND = 4


class OpenScreen(OverScreen[str | None]):
    """A path, typed or chosen; comes back with it, or with None."""

    BINDINGS = [
        Binding("escape", "dismiss", show=False),
        Binding("tab", "complete", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
        Binding("ctrl+o", "take_typed", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    OpenScreen { align: center middle; }
    OpenScreen Vertical { width: 90; max-width: 100%; height: 24; max-height: 100%; background: $surface;
        border: round $accent; }
    OpenScreen Input { border: none; height: 1; padding: 0 1; background: $panel; }
    OpenScreen OptionList { height: 1fr; border: none; background: $surface; scrollbar-size-vertical: 1; }
    OpenScreen Static { height: 1; color: $text-muted; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._listed: list[str] = []

    def compose(self) -> ComposeResult:
        """A line to type in, what fits, and the keys."""
        with Vertical() as box:
            box.border_title = "open a population, a checkpoint, or a folder of checkpoints"
            yield Input(compact=True, placeholder="a path; below: opened last, and what lies here")
            yield Options()
            yield Static(
                "enter opens or enters   ctrl+o opens what is typed   tab completes   escape closes", markup=False
            )

    def on_mount(self) -> None:
        """Begin with what was opened last."""
        box = self.query_one(Input)
        box.cursor_blink = False
        box.focus()
        self._list("")

    def on_input_changed(self, message: Input.Changed) -> None:
        """List what fits."""
        self._list(message.value)

    def _list(self, typed: str) -> None:
        self.run_worker(self._show(typed), exclusive=True)

    async def _show(self, typed: str) -> None:
        self._listed = await asyncio.to_thread(fitting, typed)
        if self.app.screen is not self:
            return  # closed meanwhile
        listed = self.query_one(OptionList)
        listed.clear_options()
        home = str(Path.home())
        for path in self._listed:
            shown = path.replace(home, "~", 1) if path.startswith(home + os.sep) else path
            # Named first, since a long path is cut at its end.
            shown = f"{SHIPPED}  {shown}" if path == str(default_population()) else shown
            listed.add_option(Option(clean(shown, 300).replace("[", "\\[")))
        listed.highlighted = 0 if self._listed else None

    @property
    def chosen(self) -> str | None:
        """The path under the cursor."""
        at = self.query_one(OptionList).highlighted
        return self._listed[at] if at is not None and at < len(self._listed) else None

    def action_move(self, by: int) -> None:
        """Move the cursor; typing goes on in the line."""
        if self._listed:
            listed = self.query_one(OptionList)
            listed.highlighted = max(0, min((listed.highlighted or 0) + by, len(self._listed) - 1))

    def action_complete(self) -> None:
        """Take over what is under the cursor."""
        if self.chosen is not None:
            self._type(self.chosen)

    def _type(self, path: str) -> None:
        box = self.query_one(Input)
        box.value, box.cursor_position = path, len(path)

    def action_take_typed(self) -> None:
        """Open what is typed, a folder too."""
        text = self.query_one(Input).value.strip()
        self.dismiss(os.path.expanduser(text.rstrip(os.sep) or text) if text else None)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Open a file; enter a folder; without anything that fits, what is typed."""
        message.stop()
        if self.chosen is None:
            self.action_take_typed()
        elif self.chosen.endswith(os.sep) and self.chosen != self.query_one(Input).value:
            self._type(self.chosen)
        else:
            self.dismiss(self.chosen.rstrip(os.sep))

    def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """A click."""
        message.stop()
        if message.option_index >= len(self._listed):  # the list has changed since
            return
        path = self._listed[message.option_index]
        if path.endswith(os.sep):
            self._type(path)
            self.query_one(Input).focus()
        else:
            self.dismiss(path)


def fitting(typed: str) -> list[str]:
    """Paths that begin with what is typed: folders (with a slash at the end) first, then files that might be opened.

    Without anything typed: what was opened last, the population that ships, then what lies in the folder one is in.
    """
    from workbench.importing import formats

    endings = (".safetensors", *formats.suffixes())
    before = list(dict.fromkeys((*recent.paths(), str(default_population())))) if not typed else []
    folder, start = os.path.split(os.path.expanduser(typed))
    folders, files = [], []
    try:
        with os.scandir(folder or ".") as entries:
            for entry in entries:
                if not entry.name.lower().startswith(start.lower()) or (entry.name.startswith(".") and not start):
                    continue
                if entry.is_dir():
                    folders.append(os.path.join(folder, entry.name) + os.sep)
                elif entry.name.lower().endswith(endings):
                    files.append(os.path.join(folder, entry.name))
    except OSError:
        pass  # nothing to list; opening what is typed says why
    # The folder itself comes first: enter on it opens it.
    itself = [typed] if typed.endswith(os.sep) and os.path.isdir(os.path.expanduser(typed)) else []
    return [*before, *itself, *sorted(folders), *sorted(files)][:MOST]


class ImportScreen(OverScreen[bool | None]):
    """What a checkpoint or a folder of them holds and what is assumed of it: True to open it so, False for a form."""

    BINDINGS = [
        Binding("escape,q", "dismiss", show=False),
        Binding("enter", "take(True)", show=False),
        Binding("e", "take(False)", show=False),
    ]
    DEFAULT_CSS = """
    ImportScreen { align: center middle; }
    ImportScreen Vertical { width: 100; max-width: 100%; height: auto; max-height: 100%; background: $surface;
        border: round $accent; }
    ImportScreen VerticalScroll { height: auto; max-height: 30; scrollbar-size-vertical: 1; }
    ImportScreen Static { height: auto; padding: 0 1; }
    ImportScreen #import-line { color: $text-muted; }
    """

    def __init__(self, service: ModelService, path: str) -> None:
        super().__init__()
        self.service, self.path = service, path
        self.job: Job | None = None
        self._painted: object = None

    def compose(self) -> ComposeResult:
        """The report as it fills."""
        with Vertical() as box:
            box.border_title = clean(self.path, 80).replace("[", "\\[")
            box.border_subtitle = "enter opens with these assumptions, e takes others, escape closes"
            with VerticalScroll():
                yield Static("looking…", id="import-report", markup=False)
            yield Static("", id="import-line", markup=False)

    def on_mount(self) -> None:
        """Scan it, as `agentemb-tui scan` does."""
        scan = find("scan")
        self._timer = self.set_interval(1 / REFRESHES_A_SECOND, self._paint)
        try:
            self.job = self.service.submit(scan, None, scan.Params(path=self.path))
        except WorkbenchError as error:
            self._timer.stop()
            self.query_one("#import-report", Static).update(clean(error))

    def on_unmount(self, _event: events.Unmount) -> None:
        """A scan that nobody waits for ends."""
        if self.job is not None and not self.job.state.final:
            self.job.cancel()

    def _paint(self) -> None:
        job = self.job
        if job is None:
            return
        frame = job.frame
        final = job.state.final
        if frame is not None and frame is not self._painted and (frame.rows or final):
            self.query_one("#import-report", Static).update(job.analysis.table(frame))
            self._painted = frame
        words = clean(job.error) if job.error else "" if final else f"reading {job.progress}"
        self.query_one("#import-line", Static).update(words)
        if final:
            self._timer.stop()

    def action_take(self, as_it_is: bool) -> None:
        """Open it, once something is found in it; or ask for other assumptions."""
        frame = self.job.frame if self.job is not None else None
        if not as_it_is or (frame is not None and frame.rows):
            self.dismiss(as_it_is)
