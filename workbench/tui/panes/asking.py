"""The line under the table of the Dataset pane: filters, searches, a network's number, and which columns say runs."""

import os
from collections.abc import Awaitable
from typing import Any

import numpy as np
from textual.widgets import Input, Static

from workbench.analyses import find
from workbench.analysis import Selection
from workbench.axes import number
from workbench.errors import WorkbenchError
from workbench.performance import SURVIVAL
from workbench.runs import RunColumns, beside
from workbench.runs import check as check_runs
from workbench.service import Job, JobState, ModelService
from workbench.text import counted
from workbench.tui.panes.base import Pane
from workbench.tui.view import RUNS, View, runs_of
from workbench.tui.widgets.table import NetworkTable


class AskingPane(Pane):
    """A pane with a table and a prompt under it; a subclass arranges the table and says things."""

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._asking = ""
        self._sought = ""
        self._exporting: Job | None = None

    @property
    def table(self) -> NetworkTable:
        """The networks."""
        return self.query_one(NetworkTable)

    def say(self, words: str) -> None:
        """A line under the table; empty to take it away."""
        raise NotImplementedError

    def rearrange(self, **changes: Any) -> Awaitable[None]:
        """Filter or sort, then show."""
        raise NotImplementedError

    def action_ask(self, what: str) -> None:
        """Open the prompt."""
        self._asking = what
        self.say("")
        label, start, placeholder = {
            "filter": ("filter", self.view.arrangement.expression, self._example),
            "find": ("find", self._sought, self._example),
            "jump": ("network #", "", "its id"),
            "export": (f"save {self._exported} to", "", "a new .safetensors, .npz, .csv or .json file, or a folder"),
            "runs": ("columns of run and step", " ".join(runs_of(self.view)), " ".join(RunColumns())),
        }[what]
        self.query_one("#prompt-label", Static).update(label)
        prompt = self.query_one(Input)
        prompt.placeholder, prompt.value = placeholder, start
        self.query_one("#prompt").add_class("open")
        prompt.focus()

    @property
    def _example(self) -> str:
        """A filter that could be typed."""
        population = self.view.population
        if not population.measured:
            return "id < 100"
        if population.measure is SURVIVAL:
            return "survival > 190 and lr < 0.005" if "lr" in population.columns else "survival > 190"
        return f"{population.measure.name} > {number(float(np.nanmedian(population.performance)), 3)}"

    def _close_prompt(self) -> None:
        self.query_one("#prompt").remove_class("open")
        self.table.focus()

    async def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter in the prompt."""
        message.stop()
        text = message.value.strip()
        if self._asking == "filter":
            await self.rearrange(expression=text)
            if self.view.arrangement.expression == text:
                self._close_prompt()
            return
        self._close_prompt()
        if self._asking == "runs":
            self._name_runs(text)
        elif self._asking == "export":
            self._export(text)
        elif self._asking == "find":
            self._sought = text
            self.action_find_next(False)
        elif text:
            self._jump(text.lstrip("#"))

    @property
    def _exported(self) -> str:
        """What would be saved, in words."""
        marked = int(self.view.marks.sum())
        return f"the {marked:,} marked" if marked else f"the {len(self.view.rows):,} shown"

    def _export(self, text: str) -> None:
        """Save the marked networks, or all that are shown, as `agentemb-tui export` does."""
        if not text:
            return
        population = self.view.population
        rows = np.flatnonzero(self.view.marks) if self.view.marks.any() else self.view.rows
        every = len(rows) == len(population) and bool((rows == np.arange(len(rows))).all())
        selection = Selection(population, None if every else tuple(rows.tolist()))
        export = find("export")
        try:
            self._exporting = self.service.submit(export, selection, export.Params(to=os.path.expanduser(text)))
        except WorkbenchError as error:
            self.say(str(error))

    def watches(self, job: Job) -> bool:
        """An export is told of under the table."""
        return job is self._exporting

    def job_changed(self, job: Job) -> None:
        """An export is over: where it is, for the clipboard too."""
        if job is not self._exporting or not job.state.final:
            return
        if job.state is JobState.DONE:
            path = os.path.abspath(job.frame.path)
            self.app.copy_to_clipboard(path)
            self.say(f"{counted(job.frame.done, 'network')} saved to {path} (copied)")
        else:
            self.say(job.error or "not saved: it was cancelled")

    def _name_runs(self, text: str) -> None:
        words = text.split()
        try:
            if len(words) != 2:
                raise WorkbenchError(f"runs: expected two columns, got {text!r}")
            runs = RunColumns(*words)
            check_runs(self.view.population, runs)
        except WorkbenchError as error:
            self.say(str(error))
            return
        self.view.kept[RUNS] = runs
        self.say("")

    def _jump(self, text: str) -> None:
        if not text.isdecimal() or int(text) >= len(self.view.population):
            self.say(f"no network #{text}; they are #0 to #{len(self.view.population) - 1:,}")
            return
        self._go_to(int(text))

    def _go_to(self, row: int) -> None:
        position = self.view.position(row)
        if position is None:
            self.say(f"#{row} is there, but the filter does not let it through")
        else:
            self.say("")
            self.table.place(position)

    def action_checkpoint(self, by: int) -> None:
        """To an earlier or a later checkpoint of the run that the network under the cursor is of."""
        if self.table.row is None:
            return
        try:
            self._go_to(beside(self.view.population, self.table.row, by, runs_of(self.view)))
        except WorkbenchError as error:
            self.say(f"{error}; R names the columns of run and step")

    def action_find_next(self, backwards: bool) -> None:
        """To the next network that the sought expression is true of."""
        if not self._sought:
            self.action_ask("find")
            return
        try:
            position = self.view.find(self._sought, self.table.cursor, backwards)
        except WorkbenchError as error:
            self.say(str(error))
            return
        if position is None:
            self.say(f"nothing here with {self._sought}")
        else:
            self.say("")
            self.table.place(position)
