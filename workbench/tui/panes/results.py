"""The Results pane: everything that is kept, whenever and by whatever program it was computed."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench import past
from workbench.analysis import plain
from workbench.errors import WorkbenchError
from workbench.results import Kept
from workbench.service import Job, JobState, ModelService
from workbench.storage import check_new, write_json, write_text
from workbench.text import clean, counted, duration
from workbench.tui.commands import command_line
from workbench.tui.comparison_screen import ComparisonScreen
from workbench.tui.keeping import MOST, ResultsState, where
from workbench.tui.panes.folding import FoldingPane
from workbench.tui.remembering import resume
from workbench.tui.run_screen import result_screen
from workbench.tui.view import View
from workbench.tui.widgets.options import Options
from workbench.tui.widgets.prompt import Prompt

ROOM_BESIDE = 130
"""Columns from which the result under the cursor is shown beside the list."""
SETTLED = 0.15
"""Seconds that the cursor rests on a result before that is read."""
NUMBERS, FIGURE = ".json", ".svg"


class ResultsPane(FoldingPane):
    """Look at what was computed before, compare it, save it, or remove it."""

    TITLE = "Results"
    KEYS = (
        ("enter", "look"),
        ("/", "filter"),
        ("c", "compare two"),
        ("p", "in its pane"),
        ("x", "save"),
        ("d", "delete"),
        ("=", "the same as a command"),
        ("↑ ↓ j k", "result"),
        ("home end", "newest, oldest"),
        ("escape", "close input, clear filter, compare nothing"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "ask('filter')"),
        Binding("c", "compare"),
        Binding("p", "go"),
        Binding("x", "ask('save')"),
        Binding("d,delete", "ask('delete')"),
        Binding("equals_sign", "command"),
        Binding("j", "move(1)"),
        Binding("k", "move(-1)"),
        Binding("escape", "back"),
    ]
    SCOPED_CSS = False  # the rules ask how wide the pane is
    DEFAULT_CSS = """
    ResultsPane { layout: vertical; }
    ResultsPane #panels { height: 1fr; layout: vertical; }
    ResultsPane.-beside #panels { layout: horizontal; }
    ResultsPane OptionList { height: 1fr; width: 100%; padding: 0; scrollbar-size-vertical: 1;
        border: round $panel-lighten-2; border-title-color: $text; background: $background; }
    ResultsPane OptionList:focus { border: round $accent; }
    ResultsPane.-beside OptionList { width: 50%; height: 100%; }
    ResultsPane #about { width: 100%; height: 7; max-height: 50%; scrollbar-size-vertical: 1; padding: 0 1;
        scrollbar-gutter: stable; }
    ResultsPane.-beside #about { width: 50%; height: 100%; max-height: 100%; border: round $panel-lighten-2;
        border-title-color: $text; }
    ResultsPane #about Static { height: auto; }
    ResultsPane #numbers { display: none; }
    ResultsPane.-beside #numbers { display: block; margin-top: 1; }
    ResultsPane #line { height: auto; max-height: 4; min-height: 1; padding: 0 1; color: $text-muted; }
    ResultsPane #line.said { color: $warning; }
    """

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self.state = ResultsState.of(view)

    def compose(self) -> ComposeResult:
        """The list, and what is under the cursor."""
        with Horizontal(id="panels"):
            yield Options(id="list")
            with VerticalScroll(id="about", can_focus=False):
                yield Static("", id="words", markup=False)
                yield Static("", id="numbers", markup=False)
        yield Static(id="line", markup=False)
        yield Prompt(id="prompt")

    @property
    def list(self) -> OptionList:
        """The results."""
        return self.query_one("#list", OptionList)

    @property
    def selected(self) -> Kept | None:
        """The result under the cursor."""
        return self.state.find(self.state.key)

    def on_mount(self) -> None:
        """Look at what there is."""
        self.list.border_title = "when, what, time it took, population, parameters"
        self.query_one("#about").border_title = "result"
        self._fit(self.app.size.width, self.app.size.height)
        self.look()
        self._focus()

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width >= ROOM_BESIDE, "-beside")

    def _focus(self) -> None:
        self.list.focus()

    def job_changed(self, job: Job) -> None:
        """Something new may be kept."""
        if job.state is JobState.DONE and not job.cached and not job.background and job.selection is not None:
            self.look()

    def look(self) -> None:
        """Look at what is kept, in a thread."""

        async def look() -> None:
            def read() -> tuple[list[Kept], str]:
                return self.service.cache.kept(), self.view.population.content_hash

            self.state.take(*await asyncio.to_thread(read))
            self._redraw()

        self.run_worker(look(), group="look", exclusive=True)

    # What is shown.

    def choices_changed(self) -> None:
        """Another filter, or another result to be compared."""
        self._redraw()

    def _redraw(self) -> None:
        """Draw the list for the width as it is; the cursor stays on its result."""
        if not self.is_mounted or self.state.kept is None:
            self._tell()
            return
        shown, own = self.state.shown[:MOST], self.view.population.content_hash
        room = max(20, self.list.size.width - 1)
        self.list.clear_options()
        self.list.add_options([Option(self._line(k, own, room), id=k.key) for k in shown])
        at = next((i for i, k in enumerate(shown) if k.key == self.state.key), 0)
        self.list.highlighted = at if shown else None
        if not shown:
            self.state.key = ""
            self._about()
        self._tell()

    def _line(self, kept: Kept, own: str, room: int) -> Text:
        mark = "●" if kept.key == self.state.first else " "
        line = Text(f"{mark}{past.when(kept)[5:]}  {kept.analysis:<12.12} {duration(kept.seconds):>7}  ", end="")
        line.append(f"{where(kept, own):<14.14}  ", "" if kept.population == own else "dim")
        line.append(past.words(past.changed(kept)))
        if not kept.current:
            line.stylize("dim")
        line.truncate(room, overflow="ellipsis")
        return line

    def on_option_list_option_highlighted(self, message: OptionList.OptionHighlighted) -> None:
        """Say what is under the cursor."""
        message.stop()
        self.state.key = message.option.id or ""
        self._about()

    def _about(self) -> None:
        """What is under the cursor; beside the list with its numbers, once the cursor rests."""
        kept = self.selected
        if kept is not None and self.has_class("-beside"):
            self.run_worker(self._show_numbers(kept), group="numbers", exclusive=True)
        else:
            self.query_one("#numbers", Static).update("")
            self.query_one("#words", Static).update(Text() if kept is None else self._words(kept))

    @staticmethod
    def _words(kept: Kept) -> Text:
        words = Text()
        words.append(f"{kept.analysis}  {kept.key[:8]}", "bold")
        words.append(f"  {past.when(kept)}  took {duration(kept.seconds)}  {past.size(kept.size)}\n")
        which = f"{counted(kept.networks, 'network')} of {clean(kept.path or kept.name or 'a population', 200)}"
        words.append(which + (f" where {clean(kept.where, 200)}" if kept.where else "") + "\n")
        rules = f", judged {' '.join(kept.rules)}" if kept.rules else ""
        program = "this program" if kept.current else f"{past.OLDER}: to be looked at, not used again"
        words.append(f"version {clean(kept.version, 20)}, {program}{clean(rules, 100)}\n", "dim")
        given = past.changed(kept)
        others = {n: v for n, v in kept.params.items() if n not in given}
        words.append(past.words(given))
        words.append(f"{'; ' if given and others else ''}{past.words(others)}", "dim")
        return words

    async def _show_numbers(self, kept: Kept) -> None:
        await asyncio.sleep(SETTLED)
        try:
            frame = await asyncio.to_thread(past.frame_of, self.service.cache, kept)
            table: Any = past.told(kept, past.analysis_of(kept).table, frame)
        except WorkbenchError as error:
            table = clean(error)
        if self.is_mounted and self.state.key == kept.key:
            # Both at once: the panel is laid out, and sent, once.
            with self.app.batch_update():
                self.query_one("#words", Static).update(self._words(kept))
                self.query_one("#numbers", Static).update(table)

    # What is done with one.

    async def on_option_list_option_selected(self, message: OptionList.OptionSelected) -> None:
        """Look at the whole result."""
        message.stop()
        kept = self.selected
        if kept is None:
            return
        try:
            analysis, frame = past.analysis_of(kept), await asyncio.to_thread(past.frame_of, self.service.cache, kept)
            past.told(kept, analysis.table, frame)
        except WorkbenchError as error:
            self.say(str(error))
            return
        job = Job(0, analysis, None, None)
        job.frame, job.cached, job.state = frame, True, JobState.DONE
        self.app.push_screen(result_screen(job))

    async def action_compare(self) -> None:
        """Hold this result for comparison; the second time, compare the two."""
        kept, first = self.selected, self.state.find(self.state.first)
        if kept is None:
            return
        self.say("")
        if first is None or first.key == kept.key:
            self.state.first = "" if first is not None else kept.key
            self.choices_changed()
            return
        try:
            both = await asyncio.to_thread(past.held_against, self.service.cache, first, kept, True)
        except WorkbenchError as error:
            self.say(str(error))
            return
        self.state.first = ""
        self.choices_changed()
        self.app.push_screen(ComparisonScreen(past.comparison((first, kept), both)))

    def action_command(self) -> None:
        """Say which command gives the same."""
        kept = self.selected
        if kept is None:
            return
        if not kept.rows.endswith(":all") and not kept.where:
            self.say("no command has these networks: they were marked, or are of a file of before")
            return
        try:
            analysis, params = past.analysis_of(kept), past.params_of(kept)
        except WorkbenchError as error:
            self.say(str(error))
            return
        self.say(command_line(analysis, params, past.population_of(kept), kept.where, kept.rules))

    async def action_go(self) -> None:
        """Show it in the pane of its analysis."""
        kept = self.selected
        if kept is None:
            return
        try:
            pane = resume(self.view, kept)
        except WorkbenchError as error:
            self.say(str(error))
            return
        await self.app.action_pane(pane)

    def action_ask(self, what: str) -> None:
        """Ask for words, a file, or whether it shall go."""
        kept = self.selected
        if what != "filter" and kept is None:
            self.say("there is nothing here")
            return
        key = kept.key[:8] if kept is not None else ""
        label, value, placeholder = {
            "filter": ("only with", self.state.sought, "with commas between: survival, seed 4, this one, 11-21"),
            "save": ("save to", f"{kept.analysis if kept else ''}-{key}{NUMBERS}", f"a new {NUMBERS} or {FIGURE}"),
            "delete": (f"delete {key}?", "", "y deletes it"),
        }[what]
        self.say("")
        self.query_one(Prompt).ask(what, label, value, placeholder)

    async def on_prompt_answered(self, message: Prompt.Answered) -> None:
        """What was asked for."""
        kept, text = self.selected, message.text
        if message.what == "filter":
            self.state.sought = text
            self.choices_changed()
            return
        if kept is None or not text:
            return
        try:
            if message.what == "save":
                await self._save(kept, Path(text).expanduser())
            elif text.lower() in ("y", "yes"):
                shown = self.state.shown
                at = shown.index(kept) if kept in shown else 0
                await asyncio.to_thread(self.service.cache.delete, kept.key)
                self.state.key = shown[at + 1 if at + 1 < len(shown) else at - 1].key
                self.say(f"{kept.key[:8]} is deleted")
                self.look()
        except (WorkbenchError, OSError) as error:
            self.say(str(error))

    async def _save(self, kept: Kept, path: Path) -> None:
        check_new(path, (NUMBERS, FIGURE))
        analysis = past.analysis_of(kept)
        if path.suffix == FIGURE and analysis.figure is None:
            raise WorkbenchError(f"{kept.analysis} draws no figure; {NUMBERS} has its numbers")

        def write() -> None:
            frame = past.frame_of(self.service.cache, kept)
            if path.suffix == FIGURE and analysis.figure is not None:
                write_text(path, past.told(kept, analysis.figure, frame))
            else:
                write_json(path, plain({"result": past.to_json(kept), **past.told(kept, analysis.summary, frame)}))

        await asyncio.to_thread(write)
        self.saved(f"{'figure' if path.suffix == FIGURE else 'numbers'} written to", path.resolve())

    def action_move(self, by: int) -> None:
        """Another result."""
        (self.list.action_cursor_down if by > 0 else self.list.action_cursor_up)()

    def action_back(self) -> None:
        """Close the innermost thing: the prompt, what was said, a comparison, the filter."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            prompt.action_close()
        elif self._said:
            self.say("")
        elif self.state.first or self.state.sought:
            self.state.first, self.state.sought = "", self.state.sought if self.state.first else ""
            self.choices_changed()


PANE = ResultsPane
