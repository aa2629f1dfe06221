"""The default pane of an analysis: a form made from its Params, and its table as it fills."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Input, Static

from workbench.analysis import Analysis, Selection, describe_params
from workbench.errors import WorkbenchError
from workbench.service import Job, ModelService
from workbench.text import clean, counted
from workbench.tui.over import OverScreen
from workbench.tui.training_screen import TrainingScreen
from workbench.tui.view import View

REFRESHES_A_SECOND = 4


class RunScreen(OverScreen[None]):
    """Ask for parameters, then run."""

    BINDINGS = [Binding("escape", "dismiss", show=False), Binding("ctrl+r", "run", show=False)]
    DEFAULT_CSS = """
    RunScreen { align: center middle; }
    RunScreen VerticalScroll { width: 76; max-width: 100%; height: auto; max-height: 100%; background: $surface;
        border: round $accent; padding: 0 1; }
    RunScreen Static { height: auto; color: $text-muted; }
    RunScreen Input { border: none; height: 1; padding: 0 1; background: $panel; }
    RunScreen Input:focus { background: $primary; }
    RunScreen #run-fault { color: $error; }
    """

    def __init__(self, service: ModelService, view: View, analysis: Analysis, suggested: Mapping[str, str]) -> None:
        super().__init__()
        self.service, self.view, self.analysis, self.suggested = service, view, analysis, suggested

    def compose(self) -> ComposeResult:
        """A label and an input for each field."""
        with VerticalScroll(can_focus=False) as box:
            box.border_title = f"{self.analysis.name}: {self.analysis.title}"
            box.border_subtitle = "enter or ctrl+r runs, tab moves, escape closes"
            one = "network" in {f.name for f, _ in describe_params(self.analysis.Params)}
            if self.analysis.selects and not one:
                marked = int(self.view.marks.sum())
                shown = counted(len(self.view.rows), "network")
                which = counted(marked, "marked network") if marked else f"all {shown} shown"
                if self.analysis.whole:
                    which = f"all {counted(len(self.view.population), 'network')}, whatever is marked or shown"
                yield Static(f"on {which}")
            for field, doc in describe_params(self.analysis.Params):
                yield Static(f"{field.name}: {doc}", markup=False)
                value = self.suggested.get(field.name, _shown(field))
                yield Input(value, id=f"field-{field.name}", compact=True)
            yield Static("", id="run-fault", markup=False)

    def on_mount(self) -> None:
        """No blinking: an idle screen sends nothing."""
        for box in self.query(Input):
            box.cursor_blink = False

    def on_input_submitted(self) -> None:
        """Enter runs."""
        self.action_run()

    def action_run(self) -> None:
        """Start the job and show its result as it comes; a wrong field is told here."""
        if self.app.screen is not self:
            return  # enter was pressed twice
        try:
            values = {f.name: self._value(f) for f, _ in describe_params(self.analysis.Params)}
            selection = None
            if self.analysis.selects:
                population = self.view.population
                rows = self.view.marks.nonzero()[0] if self.view.marks.any() else self.view.rows
                every = self.analysis.whole or len(rows) == len(population)
                where = "" if self.analysis.whole or self.view.marks.any() else self.view.condition
                selection = Selection(population, None if every else tuple(map(int, rows)), where)
            job = self.service.submit(self.analysis, selection, self.analysis.Params(**values))
        except WorkbenchError as error:
            self.query_one("#run-fault", Static).update(clean(error))
            self.query_one("#run-fault").scroll_visible(animate=False)
            return
        self.app.switch_screen(result_screen(job))

    def _value(self, field: Field) -> Any:
        text = self.query_one(f"#field-{field.name}", Input).value.strip()
        if field.type == tuple[str, ...]:
            return tuple(text.split())
        if field.type is bool:
            if text.lower() not in ("yes", "no"):
                raise WorkbenchError(f"{field.name}: expected yes or no, got {text!r}")
            return text.lower() == "yes"
        if not text and field.default is MISSING:
            raise WorkbenchError(f"{field.name}: something is expected here")
        kind: Any = field.type
        try:
            return kind(text)
        except ValueError:
            expected = "a whole number" if kind is int else "a number"
            raise WorkbenchError(f"{field.name}: expected {expected}, got {text!r}") from None


class ResultScreen(OverScreen[None]):
    """A job's newest frame as its table; closing it leaves the job alone."""

    BINDINGS = [
        Binding("escape,q", "dismiss", show=False),
        Binding("c", "cancel_job", show=False),
    ]
    DEFAULT_CSS = """
    ResultScreen { align: center middle; }
    ResultScreen VerticalScroll { width: 90; max-width: 100%; height: auto; max-height: 100%; background: $surface;
        border: round $accent; scrollbar-size-vertical: 1; }
    ResultScreen Static { height: auto; }
    """

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self._painted: Any = None

    def compose(self) -> ComposeResult:
        """The table, and a line that says how far it is."""
        with VerticalScroll(can_focus=False) as box:
            box.border_title = self.job.analysis.title
            box.border_subtitle = "c cancels, escape closes (the job goes on)"
            yield Static("starting…", id="result-table", markup=False)
            yield Static("", id="result-line", markup=False)

    def on_mount(self) -> None:
        """Follow the job until it is over."""
        self._timer = self.set_interval(1 / REFRESHES_A_SECOND, self._paint)
        self._paint()

    def _paint(self) -> None:
        job = self.job
        frame, final = job.frame, job.state.final
        if frame is not None and frame is not self._painted:
            self.query_one("#result-table", Static).update(job.analysis.table(frame))
            self._painted = frame
        words = "stopping" if job.cancelling else job.state.value
        if frame is not None and not final:
            words += "  " + job.progress
        if job.error:
            words += f": {clean(job.error)}"
        self.query_one("#result-line", Static).update(words)
        if final:
            self._timer.stop()

    def action_cancel_job(self) -> None:
        """Ask it to stop; what it has stays on the screen."""
        self.job.cancel()
        self._paint()


SCREENS: dict[str, Callable[[Job], OverScreen[None]]] = {"train": TrainingScreen}
"""Analyses whose results have a screen of their own."""


def result_screen(job: Job) -> OverScreen[None]:
    """The screen that shows a job as it runs."""
    return SCREENS.get(job.analysis.name, ResultScreen)(job)


def _shown(field: Field) -> str:
    """A field's default as the form shows it."""
    if field.default is MISSING:
        return ""
    if field.type is bool:
        return "yes" if field.default else "no"
    return " ".join(field.default) if isinstance(field.default, tuple) else str(field.default)
