"""The jobs panel: everything that runs or ran in this session."""

from dataclasses import fields

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from workbench.service import Job, ModelService
from workbench.text import clean, duration

REFRESHES_A_SECOND = 4


class JobsScreen(ModalScreen[None]):
    """Jobs with their progress; the one under the cursor can be cancelled or looked at."""

    BINDINGS = [
        Binding("escape,J,q", "dismiss", show=False),
        Binding("c,delete", "cancel_job", show=False),
    ]
    DEFAULT_CSS = """
    JobsScreen { align: center middle; }
    JobsScreen Vertical { width: 90; max-width: 100%; height: auto; max-height: 90%; background: $surface;
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

    def compose(self) -> ComposeResult:
        """A list, the fault of the one under the cursor, and the keys."""
        with Vertical() as box:
            box.border_title = "jobs"
            yield OptionList(id="job-list")
            yield Static("", id="job-error", markup=False)
            yield Static("enter result   c cancel   escape close", id="job-keys", markup=False)

    def on_mount(self) -> None:
        """Follow the jobs while the panel is open."""
        self._paint()
        self.set_interval(1 / REFRESHES_A_SECOND, self._paint)

    @property
    def selected(self) -> Job | None:
        """The job under the cursor."""
        at = self.query_one(OptionList).highlighted
        jobs = self._jobs()
        return jobs[at] if at is not None and at < len(jobs) else None

    def _jobs(self) -> list[Job]:
        return list(reversed(self.service.jobs))

    def _paint(self) -> None:
        lines = [self._line(job) for job in self._jobs()] or ["nothing runs; `:` and then Run starts something"]
        options = self.query_one(OptionList)
        if len(lines) != len(self._shown):
            options.clear_options()
            options.add_options([Option(Text(line)) for line in lines])
            options.highlighted = 0
        else:
            for k, line in enumerate(lines):
                if line != self._shown[k]:
                    options.replace_option_prompt_at_index(k, Text(line))
        self._shown = lines
        job = self.selected
        error = clean(job.error) if job is not None and job.error else ""
        self.query_one("#job-error", Static).update(error)

    @staticmethod
    def _line(job: Job) -> str:
        state = "stopping" if job.cancelling else job.state.value
        words = f"{job.number:>3} {job.analysis.name:<10} {state:<9} {duration(job.seconds):>8}"
        if job.progress:
            words += "  " + job.progress
        given = ", ".join(
            f"{f.name} {clean(getattr(job.params, f.name), 60)}"
            for f in fields(job.params)
            if getattr(job.params, f.name) != f.default
        )
        return words + ("  from the cache" if job.cached else "") + (f"  {given}" if given else "")

    def action_cancel_job(self) -> None:
        """Ask the job under the cursor to stop."""
        if self.selected is not None:
            self.selected.cancel()
            self._paint()

    def on_option_list_option_selected(self) -> None:
        """Look at a job's newest frame."""
        if self.selected is not None:
            from workbench.tui.run_screen import result_screen

            self.app.push_screen(result_screen(self.selected))
