"""What the Repair pane keeps while another is shown: a network, its damage, the trial, and what is looked at."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import repairing
from workbench.analyses import find, policy, recovery, repair, repairs
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.expressions import MAX_LENGTH
from workbench.learning.data import held_out_rows
from workbench.numerics.damage import KINDS, LOUDEST, Damage, check, mask_hash
from workbench.places import state_dir
from workbench.policies import PolicySpec
from workbench.population import Population
from workbench.rollouts.episodes import Episodes
from workbench.service import Job, JobState, ModelService
from workbench.text import clean
from workbench.tui.commands import command_line
from workbench.tui.interpolating import Agent
from workbench.tui.sampling import Trained
from workbench.tui.unit_grid import UnitGrid
from workbench.tui.view import View

STEP = 0.05
"""By how much a key changes the level."""
PATIENCE = 0.15
"""Seconds that a trial may take before it is told that one waits."""


def mask_path(mask: NDArray[np.bool_]) -> Path:
    """Where a mask that was drawn by hand is kept, to be read by the same trial on the command line."""
    return state_dir() / "masks" / f"mask-{mask_hash(mask)}.npy"


@dataclass
class RepairState:
    """The choices, the newest trial, and what is on the screen."""

    view: View
    params: repair.Params = field(default_factory=repair.Params)
    hand: NDArray[np.bool_] | None = None
    """(p,) what was drawn by hand, or read from a file; None where a level says how much is damaged."""
    trained: list[Trained] | None = None
    """None until they have been looked for."""
    fault: str = ""
    """Why there is nothing to repair."""
    damaged: Damage | None = None
    """The network as it is damaged now."""
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
    _basis: int | None = None
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

    def recall(self, params: repair.Params, _shown: Any) -> bool:
        """Take up choices of before; whether they fit."""
        self.counted = min(max(0, self.counted), len(repairing.SUCCESSES) - 1)
        try:
            Episodes(params.episodes, params.cap, params.seed)
            check(params.kind, params.level)
            found = repairing.mask_file(params.mask)
            hand = None if found is None else repairing.read_mask(found, self.spec.parameters)
        except WorkbenchError:
            return False
        if not 0 <= params.network < len(self.population):
            return False
        # The network stays until marks and table change.
        self.params, self.hand, self._basis = params, hand, self._suggested()
        self.check()
        return True

    # Which network.

    @property
    def population(self) -> Population:
        """Where networks are from."""
        return self.view.population

    @property
    def spec(self) -> PolicySpec:
        """What the networks are."""
        return self.population.spec

    @cached_property
    def grid(self) -> UnitGrid:
        """Where weights lie on the map."""
        return UnitGrid.of(self.spec)

    @cached_property
    def held_out(self) -> NDArray[np.bool_]:
        """(n,) networks that no generator has seen."""
        return held_out_rows(self.population)

    @property
    def unseen(self) -> bool:
        """Whether the network is held out."""
        return bool(self.held_out[self.params.network]) if len(self.population) else False

    @property
    def original(self) -> NDArray[np.float32]:
        """(p,) the network before it is damaged."""
        return np.array(self.population.weights[self.params.network])

    def look(self) -> None:
        """Look at marks and the table, which change in the Dataset pane; what was chosen here stays until those do."""
        basis = self._suggested()
        if basis != self._basis and basis is not None:
            self.params = replace(self.params, network=basis)
        self._basis = basis
        self.check()

    def _suggested(self) -> int | None:
        """The first mark; without one the best held-out network that the table shows."""
        marks = np.flatnonzero(self.view.marks)
        if len(marks):
            return int(marks[0])
        rows = self.view.rows
        rows = rows[np.isfinite(self.population.weights[rows]).all(1)] if len(rows) else rows
        if not len(rows):
            return None
        rows = rows[self.held_out[rows]] if self.held_out[rows].any() else rows
        if self.view.population.measured:
            survival = np.nan_to_num(np.asarray(self.population["survival"])[rows], nan=-np.inf)
            return int(rows[survival.argmax()])
        return int(rows[0])

    def next_network(self, by: int) -> int | None:
        """The next marked network, or without two marks the next held-out one of the table; None if there is none."""
        marks = np.flatnonzero(self.view.marks)
        rows = marks if len(marks) >= 2 else self.view.rows
        if len(marks) < 2:
            rows = rows[self.held_out[rows]]
        at = np.flatnonzero(rows == self.params.network)
        if not len(rows) or (len(rows) == 1 and len(at)):
            return None
        if len(at):
            return int(rows[(at[0] + by) % len(rows)])
        after = rows[rows > self.params.network] if by > 0 else rows[rows < self.params.network][::-1]
        return int(after[0] if len(after) else rows[0 if by > 0 else -1])

    # Damage.

    def change(self, **changes: Any) -> None:
        """Change choices."""
        self.params = replace(self.params, **changes)
        self.check()

    def set_level(self, level: float) -> None:
        """So much damage, at random.

        Raises:
            WorkbenchError: a level out of range.
        """
        check(self.params.kind, level)
        if self.params.kind != "noise":
            self.hand = None
        # As many digits as a command line is given.
        self.change(level=float(f"{level:g}"), mask="" if self.hand is None else self.params.mask)

    def shift(self, by: int) -> None:
        """A step more or less."""
        most = LOUDEST if self.params.kind == "noise" else 1.0
        self.set_level(min(most, max(0.0, round(self.params.level / STEP + by) * STEP)))

    def next_kind(self) -> None:
        """Another kind of damage."""
        kinds = list(KINDS)
        kind = kinds[(kinds.index(self.params.kind) + 1) % len(kinds)]
        most = LOUDEST if kind == "noise" else 1.0
        self.change(kind=kind, level=min(self.params.level, most))

    def take_mask(self, mask: NDArray[np.bool_], path: Path | None = None) -> None:
        """Damage what is drawn, or what a file says."""
        self.hand = mask
        self.change(mask=str(path or mask_path(mask)))

    def toggle(self, positions: NDArray[np.int64]) -> None:
        """Damage weights by hand: all of them, or none if all are."""
        mask = self.hand.copy() if self.hand is not None else self.drawn.copy()
        mask[positions] = not mask[positions].all()
        self.take_mask(mask)

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """(p,) what is damaged now."""
        return self.damaged.mask if self.damaged is not None else np.zeros(self.spec.parameters, bool)

    def check(self) -> None:
        """Damage the network as it is chosen, or say why that cannot be."""
        self.fault, self.damaged, p = "", None, self.params
        count = len(self.population)
        if not count:
            self.fault = "there is no network to damage"
        elif not np.isfinite(self.original).all():
            self.fault = f"network: #{p.network} has weights that are not finite"
        else:
            try:
                repairing.chosen_methods(p.method, p.kind)
                args = self.original, self.spec, p.kind, p.level, p.seed
                self.damaged = repairing.damage_network(*args, self.hand)
            except WorkbenchError as error:
                self.fault = str(error)
        if not self.fault and self.trained == []:
            self.fault = "no trained generator for these networks to repair with; t in the Sample pane (2) trains one"

    @property
    def generator(self) -> Trained | None:
        """The chosen generator, if it is there."""
        return next((t for t in self.trained or () if t.asked == self.params.generator), None)

    def take(self, found: list[Trained]) -> None:
        """Take over which generators there are."""
        self.trained = found
        if self.generator is None and found:
            self.params = replace(self.params, generator=found[0].asked)
        self.check()

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
        if before is None or before.params != params or before.state in (JobState.CANCELLED, JobState.FAILED):
            self.charted = service.ask("recovery", find("recovery"), Selection(self.population), params)

    def adopt(self, job: Job) -> bool:
        """Show what a trial has come to; whether that is something new."""
        if job.frame is None or job.frame is self.frame or (self.shown is not None and job.number < self.shown.number):
            return False
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
            if same and before.state not in (JobState.CANCELLED, JobState.FAILED):
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
        if job is not None and job.state is JobState.FAILED:
            return f"repair failed: {job.error}"
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
