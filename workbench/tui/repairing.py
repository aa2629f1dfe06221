"""What the Repair pane keeps while another is shown: trials of the damage that is chosen, and what is looked at."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import repairing
from workbench.analyses import find, policy, recovery, repair, repairs
from workbench.analysis import Selection
from workbench.expressions import MAX_LENGTH
from workbench.numerics.damage import KINDS
from workbench.population import Population
from workbench.service import Job, JobState, ModelService
from workbench.text import clean
from workbench.tui.commands import command_line
from workbench.tui.damaging import DamageState
from workbench.tui.interpolating import Agent
from workbench.tui.view import View

PATIENCE = 0.15
"""Seconds that a trial may take before it is told that one waits."""
STOPPED = (JobState.CANCELLED, JobState.FAILED)
"""States of jobs that came to no end."""


@dataclass
class RepairState(DamageState):
    """The newest trial of the choices, and what is on the screen."""

    job: Job | None = None
    """The newest trial that was asked for."""
    frame: repair.Frame | None = None
    """Of the trial on the screen."""
    shown: Job | None = None
    """The trial on the screen."""
    charted: Job | None = None
    """Figure 8 of the network, the newest."""
    recovered: recovery.Frame | None = None
    """The one on the screen."""
    campaign: Job | None = None
    """The newest repairs of many networks."""
    many: bool = False
    """Whether these are shown in place of the trial."""
    counted: int = 0
    """Which success is counted of many, a place in `SUCCESSES`."""
    wanted: str = ""
    """The row one wants to look at; the best, where it is not there."""
    cell: tuple[int, int] = (0, 0)
    """Row and column of the grid under the cursor."""
    episode: int = 0
    _best: str = ""

    @classmethod
    def of(cls, view: View) -> "RepairState":
        """The state that goes with a view."""
        state = view.kept.get("repair")
        if not isinstance(state, cls):
            state = view.kept["repair"] = cls(view)
        return state

    asked_last = None
    """A trial is made again, and needs no result of before."""

    def recall(self, params: repair.Params, shown: Any) -> bool:
        """Take up choices of before; whether they fit."""
        self.counted = min(max(0, self.counted), len(repairing.SUCCESSES) - 1)
        return super().recall(params, shown)

    # What runs.

    def ask(self, service: ModelService) -> Job:
        """Repair, in place of the trial before.

        Raises:
            WorkbenchError: the program is closing.
        """
        self.job = service.ask("repair", find("repair"), Selection(self.population), self.params)
        return self.job

    def chart(self, service: ModelService) -> None:
        """Ask for Figure 8 of the network, unless that is done or under way."""
        p = self.params
        names = [f.name for f in fields(recovery.Params) if f.name != "kind"]
        kind = p.kind if KINDS[p.kind] else "missing"
        params = recovery.Params(kind=kind, **{name: getattr(p, name) for name in names})
        before = self.charted
        if before is None or before.params != params or before.state in STOPPED:
            self.charted = service.ask("recovery", find("recovery"), Selection(self.population), params)

    def adopt(self, job: Job) -> bool:
        """Show what a trial has come to; whether that is something new."""
        if job.frame is None or job.frame is self.frame or (self.shown is not None and job.number < self.shown.number):
            return False
        if not job.frame.names and self.frame is not None and self.frame.names:
            return False  # what is on the screen stays until there is a row
        self.shown, self.frame = job, job.frame
        if job.frame.done == job.frame.total or self._best not in job.frame.names:
            self._best = _best(job.frame)
        return True

    def repair_many(self, service: ModelService) -> Job:
        """Repair many held-out networks, unless that is done or under way."""
        params = repairs.Params(**{f.name: getattr(self.params, f.name) for f in fields(repairing.Trial)})
        marks = np.flatnonzero(self.view.marks)
        marks = marks[self.held_out[marks]]
        selection = Selection(self.population, tuple(marks.tolist()) if len(marks) >= 2 else None)
        before = self.campaign
        if before is not None and not before.cancelling:
            same = before.params == params and before.selection == selection
            if same and before.state not in STOPPED:
                return before
            before.cancel()
        self.campaign = service.submit(find("repairs"), selection, params)
        return self.campaign

    @property
    def working(self) -> list[Job]:
        """Long jobs that are not over."""
        return [self.campaign] if self.campaign is not None and not self.campaign.state.final else []

    # What is looked at.

    @property
    def current(self) -> bool:
        """Whether the trial on the screen is of the network and the damage as they are chosen."""
        return self.frame is not None and self.shown is not None and self.shown.params == self.params

    @property
    def before(self) -> str:
        """Of which trial the figures on the screen are, where that is not the one that is chosen; else empty."""
        if self.frame is None or self.shown is None or self.current:
            return ""
        old, now = self.shown.params, self.params
        words = f"#{old.network} {old.kind} {'drawn' if old.mask else f'{old.level:g}'}, seed {old.seed}"
        if old.generator != now.generator:
            words += f", {clean(Path(old.generator).stem, 30)}"
        return words if old.source == now.source else f"{words}, {old.source}"

    @property
    def failed(self) -> bool:
        """Whether the newest trial came to nothing."""
        return self.job is not None and self.job.state in STOPPED

    @property
    def row(self) -> int | None:
        """The row of the trial that is looked at; None before the first."""
        if self.frame is None or not self.frame.names:
            return None
        names = self.frame.names
        return next((names.index(name) for name in (self.wanted, self._best) if name in names), 0)

    def turn(self, by: int) -> None:
        """To another row."""
        if self.frame is not None and self.row is not None:
            names = self.frame.names
            self.wanted = names[(self.row + by) % len(names)]

    @property
    def standing(self) -> NDArray[np.float32] | None:
        """(p,) the candidate that is looked at, where the trial is of what is chosen."""
        return self.frame.first[self.row] if self.current and self.frame and self.row is not None else None

    @property
    def agents(self) -> list[Agent]:
        """The original, the damaged, and the repaired network, as far as they are there."""
        if self.damaged is None:
            return []
        found = [Agent(f"#{self.params.network}", self.original), Agent("damaged", self.damaged.weights)]
        if self.standing is not None and self.frame is not None and self.row is not None:
            found.append(Agent(self.frame.names[self.row], self.standing))
        return found

    def watching(self, agent: Agent) -> tuple[Selection, policy.Params]:
        """What to ask for an agent's episode: the starts are the fresh ones of the trial."""
        networks = Population(self.spec, np.ascontiguousarray(agent.weights[None], np.float32))
        p = self.params
        return Selection(networks), policy.Params(0, p.episodes, p.cap, p.seed, self.episode)

    # In words.

    @property
    def status(self) -> str:
        """What goes wrong, what runs, or what is tried."""
        many = self.campaign
        if self.many and many is not None:
            told = {JobState.CANCELLED: "cancelled; what it had stays", JobState.FAILED: f"failed: {many.error}"}
            words = "stops" if many.cancelling else told.get(many.state, many.progress or "starts")
            cancels = "" if many.state.final else ", C cancels"
            return f"repairs {words}   v counts another success, W back to one network{cancels}"
        if self.fault:
            return f"{self.fault}: n and / choose another network, + and - a level, d draws damage"
        job = self.job
        if job is not None and self.failed:
            how = f"failed: {job.error}" if job.state is JobState.FAILED else "stopped"
            return f"repair {how}   r tries again, n another network, G another generator"
        if self.charted is not None and self.charted.state is JobState.FAILED:
            return f"figure failed: {self.charted.error}   r tries again"
        for long in self.working:
            return f"repairs {'stops' if long.cancelling else long.progress or 'starts'}   W shows it, C cancels"
        p = self.params
        seen = "held out" if self.unseen else "a training network, figures flatter"
        if self.trained is None:
            return "looking for generators…"
        how = "drawn" if self.hand is not None else f"{p.level:g}"
        much = f"#{p.network} {seen}  {p.kind} {how}: {int(self.drawn.sum())} of {len(self.drawn)}"
        if job is not None and not job.state.final and job.seconds > PATIENCE:
            # In place of other words: a line that is broken makes the picture jump.
            return f"{much}  repairing {job.progress}"
        words = clean(self.generator.path.stem, 30) if self.generator else ""
        return f"{much}  {words} {p.source}  seed {p.seed}  episode {self.episode + 1}"

    @property
    def command(self) -> str:
        """The command that computes the same, or why there is none."""
        if self.many and self.campaign is not None:
            rows = self.campaign.selection.rows if self.campaign.selection is not None else None
            # Marks are not in the file, and not known to a command.
            where = "" if rows is None else f"id in [{', '.join(map(str, rows))}]"
            if len(where) > MAX_LENGTH:
                return "no command has room for so many marks"
            return command_line(find("repairs"), self.campaign.params, self.population, where)
        return self.fault or command_line(find("repair"), self.params, self.population)


def _best(frame: repair.Frame) -> str:
    """The method with the most kinds of success for its first candidate, and then the most of its own actions."""
    rows = np.flatnonzero(~frame.control)
    if not len(rows):
        return frame.names[0] if frame.names else ""
    won = frame.successes[rows, 0].sum(1)
    return frame.names[max(rows, key=lambda r: (won[np.searchsorted(rows, r)], frame.own[r, 0]))]
