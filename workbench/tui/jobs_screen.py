"""The jobs panel: everything that runs or ran in this session, tasks of other processes, and those left unfinished."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench import announcing, past
from workbench.analyses import names
from workbench.analysis import params_json
from workbench.announcing import Announcement
from workbench.errors import WorkbenchError
from workbench.service import Job, ModelService
from workbench.text import clean, duration, progress
from workbench.tui.over import OverScreen
from workbench.tui.widgets.options import Options

REFRESHES_A_SECOND = 4
OTHERS_SECONDS = 1.0
"""Between looks at tasks of other processes."""
ONLY_HERE = "enter result   c cancel   escape close"
Resumed = tuple[str, dict[str, str]]
"""The analysis of a task to be gone on with, and what its form begins with."""


class JobsScreen(OverScreen[Resumed | None]):
    """Jobs with their progress; the one under the cursor can be cancelled, looked at or gone on with."""

    BINDINGS = [
        Binding("escape,J,q", "dismiss", show=False),
        Binding("c,delete", "cancel_job", show=False),
    ]
    DEFAULT_CSS = """
    JobsScreen { align: center middle; }
    JobsScreen Vertical { width: 110; max-width: 100%; height: auto; max-height: 90%; background: $surface;
        border: round $accent; }
    JobsScreen OptionList { height: auto; max-height: 16; border: none; background: $surface; }
    JobsScreen OptionList:focus { border: none; }
    JobsScreen #job-error { height: auto; color: $error; padding: 0 1; }
    JobsScreen #job-keys { height: 1; color: $text-muted; padding: 0 1; }
    """

    def __init__(self, service: ModelService) -> None:
        super().__init__()
        self.service = service
        self._shown: list[str] = []
        self._others: list[Announcement] = []
        self._said = ""

    def compose(self) -> ComposeResult:
        """A list, the fault of the one under the cursor, and the keys."""
        with Vertical() as box:
            box.border_title = "jobs"
            yield Options(id="job-list")
            yield Static("", id="job-error", markup=False)
            yield Static(ONLY_HERE, id="job-keys", markup=False)

    def on_mount(self) -> None:
        """Follow the jobs while the panel is open."""
        self._paint()
        self.set_interval(1 / REFRESHES_A_SECOND, self._paint)
        self._look()
        self.set_interval(OTHERS_SECONDS, self._look)

    def _look(self) -> None:
        """Look at other processes, in a thread."""

        async def look() -> None:
            found = await asyncio.to_thread(announcing.found)
            self._others = [a for a in found if not (a.running and a.mine)]
            self._paint()

        self.run_worker(look(), exclusive=True)

    @property
    def selected(self) -> Job | Announcement | None:
        """What is under the cursor."""
        at = self.query_one(OptionList).highlighted
        rows = self._rows()
        return rows[at] if at is not None and at < len(rows) else None

    def _rows(self) -> list[Job | Announcement]:
        return [*reversed(self.service.jobs), *self._others]

    def _paint(self) -> None:
        if not self.is_mounted:
            return
        lines = [_line(row) for row in self._rows()] or ["nothing runs; `:` and then Run starts something"]
        options = self.query_one(OptionList)
        if len(lines) != len(self._shown):
            at = options.highlighted
            options.clear_options()
            options.add_options([Option(Text(line)) for line in lines])
            options.highlighted = min(at or 0, len(lines) - 1)
        else:
            for k, line in enumerate(lines):
                if line != self._shown[k]:
                    options.replace_option_prompt_at_index(k, Text(line))
        self._shown = lines
        row = self.selected
        fault = clean(row.error) if isinstance(row, Job) and row.error else self._said
        self.query_one("#job-error", Static).update(fault)
        keys = ONLY_HERE
        if isinstance(row, Announcement):
            keys = f"{'c cancel' if row.running else 'enter go on with it   c forget it'}   escape close"
        self.query_one("#job-keys", Static).update(keys)

    def on_option_list_option_highlighted(self) -> None:
        """Other keys may work here."""
        self._said = ""
        self._paint()

    def action_cancel_job(self) -> None:
        """Ask the job under the cursor to stop; of one that is left unfinished, show no more."""
        row = self.selected
        if isinstance(row, Job):
            row.cancel()
        elif row is not None:
            try:
                if row.running:
                    row.stop()
                    self._said = "it was told to save what it has and to stop"
                else:
                    row.forget()
                    self._said = f"what there is stays in {clean(row.folder, 200)}"
            except WorkbenchError as error:
                self._said = clean(error)
            self._look()
        self._paint()

    def on_option_list_option_selected(self) -> None:
        """Look at a job's newest frame, or go on with a task that is not finished."""
        row = self.selected
        if isinstance(row, Job):
            from workbench.tui.run_screen import result_screen

            self.app.push_screen(result_screen(row))
        elif row is not None and not row.running and row.analysis in names():
            given = {**row.as_given(), "resume": True}
            self.dismiss((row.analysis, {name: _typed(value) for name, value in given.items()}))


def _line(row: Job | Announcement) -> str:
    return _job_line(row) if isinstance(row, Job) else _other_line(row)


def _job_line(job: Job) -> str:
    state = "stopping" if job.cancelling else job.state.value
    words = f"{job.number:>3} {job.analysis.name:<10} {state:<9} {duration(job.seconds):>8}"
    if job.progress:
        words += "  " + job.progress
    given = past.words(past.not_default(job.analysis.name, params_json(job.params)))
    return words + ("  from the cache" if job.cached else "") + (f"  {given}" if given else "")


def _other_line(other: Announcement) -> str:
    state = "running" if other.running else "stopped"
    since = max(0.0, (time.time() if other.running else other.written) - other.since)
    words = f"  ↗ {clean(other.analysis, 20):<10} {state:<9} {duration(since):>8}"
    if other.total:
        left = (other.total - other.done) / other.rate if other.rate and other.running else None
        words += "  " + progress(other.done, other.total, other.rate or None if other.running else None, left)
    where = f"process {other.pid}" if other.here else "another machine"
    words += f"  {where}" if other.running else "  not finished"
    given = past.words(past.not_default(other.analysis, dict(other.params)))
    return f"{words}  {given}" if given else words


def _typed(value: Any) -> str:
    """A parameter as the form takes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)
