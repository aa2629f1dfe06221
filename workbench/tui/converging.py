"""What the Converge pane keeps while another is shown: what is compared, how, the runs, and the pair. No screen."""

import ast
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from workbench.analyses import converge, find, pair
from workbench.analysis import Selection, params_json
from workbench.comparing import COLUMNS
from workbench.errors import WorkbenchError
from workbench.expressions import MAX_LENGTH
from workbench.numerics.similarity.convergence import MATCHINGS
from workbench.policies import PolicySpec
from workbench.population import Population
from workbench.rollouts.reference_set import KINDS
from workbench.service import Job, JobState, ModelService
from workbench.text import clean, duration
from workbench.tui.arranged import Arranged
from workbench.tui.commands import command_line
from workbench.tui.sampling import FAST, SampleState
from workbench.tui.view import View

MARKED, SHOWN, SAMPLES = "marked", "shown", "samples"
SOURCES = (MARKED, SHOWN, SAMPLES)
SAVED = Path("SAMPLES.safetensors")
KEPT = 8
"""Finished runs that are shown again at once: each has matrices."""


def layers(spec: PolicySpec) -> tuple[str, ...]:
    """Hidden layers that can be compared; the last is `hidden`."""
    return ("hidden", *(str(k) for k in range(1, len(spec.sizes) - 2)))


@dataclass
class ConvergeState:
    """The choices, the newest run, and what is on the screen."""

    view: View
    source: str = SHOWN
    params: converge.Params = field(default_factory=converge.Params)
    column: str = "cd"
    by: str = "group"
    selection: Selection | None = None
    """What is compared."""
    fault: str = ""
    """Why nothing can be."""
    job: Job | None = None
    """The newest run."""
    job_key: Any = None
    """What was asked of it."""
    shown: Arranged | None = None
    compared: str = ""
    """What that is of, in words."""
    pair: tuple[int, int] = (0, 1)
    """The networks of the frame under the cursor."""
    runs: dict[Any, Job] = field(default_factory=dict)
    """Finished runs by what was asked."""
    took: float | None = None
    """Seconds that the last run took which was not found in the cache."""
    again: bool = False
    """Whether a session before has shown a result of these choices."""

    @classmethod
    def of(cls, view: View) -> "ConvergeState":
        """The state that goes with a view; what is marked there is where one begins."""
        state = view.kept.get("converge")
        if not isinstance(state, cls):
            state = view.kept["converge"] = cls(view, MARKED if view.marks.any() else SHOWN)
        return state

    def recall(self, params: converge.Params, shown: Any) -> bool:
        """Take up choices of before, and whether something was shown; whether they fit."""
        if self.source not in self.sources:
            self.source = self.sources[0]
        if params.matching not in MATCHINGS or params.layer not in layers(self.view.population.spec):
            return False
        self.params, self.again = params, isinstance(shown, dict)
        return True

    @property
    def asked_last(self) -> dict[str, Any] | None:
        """What is shown, or waits to be shown again, as JSON values."""
        there = self.shown is not None or self.again
        return {"analysis": "converge", "params": params_json(self.params)} if there else None

    def find_source(self, networks: str) -> bool:
        """Compare what has this hash; False where nothing of what could be compared has."""
        for source in self.sources:
            self.source = source
            self.look()
            if self.selection is not None and self.selection.hash == networks:
                return True
        return False

    def recalls(self, service: ModelService) -> bool:
        """Whether a session before has shown this, and it is kept; asked once."""
        waits, self.again = self.again and self.job is None and self.selection is not None, False
        return waits and service.knows(find("converge"), self.selection, self.asked)  # type: ignore[arg-type]

    # What is compared.

    @property
    def samples(self) -> SampleState | None:
        """What the Sample pane shows, if it has sampled."""
        state = self.view.kept.get("sample")
        return state if isinstance(state, SampleState) and state.shown is not None else None

    @property
    def sources(self) -> list[str]:
        """What could be compared now."""
        there = {MARKED: int(self.view.marks.sum()) >= 2, SHOWN: True, SAMPLES: self.samples is not None}
        return [name for name in SOURCES if there[name]]

    def look(self) -> None:
        """Look at what there is to be compared: it changes in other panes."""
        self.selection, self.fault = None, ""
        try:
            self.selection = self._select()
        except WorkbenchError as error:
            self.fault = str(error)

    def _select(self) -> Selection:
        if self.source == SAMPLES:
            if self.samples is None or self.samples.shown is None:
                raise WorkbenchError("no samples yet: the Sample pane (2) makes some, or w compares others")
            marks, networks = sorted(self.samples.marks), self.samples.shown.watched
            return Selection(networks, tuple(marks) if len(marks) > 1 else None)
        population, marked = self.view.population, self.source == MARKED
        rows = np.flatnonzero(self.view.marks) if marked else np.sort(self.view.rows)
        if len(rows) < 2:
            count = "one network is" if len(rows) else "no networks are"
            how = "marked: m marks more in the Dataset pane (1)" if marked else "shown in the Dataset pane (1)"
            raise WorkbenchError(f"two networks at least are compared, and {count} {how}; w compares others")
        every = len(rows) == len(population)
        return Selection(population, None if every else tuple(rows.tolist()), "" if marked else self.view.condition)

    @property
    def about(self) -> str:
        """What is compared, in words."""
        other = self.params.other
        return f"{self.own} and those of {clean(Path(other).name, 40)}" if other else self.own

    @property
    def own(self) -> str:
        """What is compared of the population that is open, in words."""
        if self.selection is None:
            return self.source
        count, of = len(self.selection), len(self.selection.population)
        kind = "samples" if self.source == SAMPLES else "networks"
        if self.source == MARKED or (self.source == SAMPLES and count < of):
            words = f"{count:,} marked {kind}"
        else:
            words = f"{count:,} {kind}" if count == of else f"{count:,} {kind} shown"
        return words if count <= self.params.networks else f"{self.params.networks:,} of {words}"

    @property
    def asked(self) -> converge.Params:
        """The parameters for that: samples are seen on the states that the population's networks visit."""
        path = self.view.population.path
        if self.source == SAMPLES and self.params.states == KINDS[0] and path is not None:
            return replace(self.params, states=str(path))
        return self.params

    @property
    def key(self) -> Any:
        """What is asked: samples are told by their run."""
        if self.selection is None:
            return None
        if self.source == SAMPLES and self.samples is not None and self.samples.shown is not None:
            return self.asked, self.samples.shown.job.number, self.selection.rows
        return self.asked, self.selection.hash

    # What runs.

    @property
    def running(self) -> Job | None:
        """The run at work."""
        return self.job if self.job is not None and not self.job.state.final else None

    @property
    def current(self) -> bool:
        """Whether the newest run is of the choices as they are."""
        return self.job is not None and self.key is not None and self.job_key == self.key

    @property
    def fast(self) -> bool:
        """Whether a changed choice runs at once: it is known, or takes a moment as the last run did."""
        if self.selection is None or self.key in self.runs:
            return self.selection is not None
        if self.took is None or self.shown is None:
            return False
        # At most as many are of another population.
        networks = min(len(self.selection), self.params.networks) + self.params.networks * bool(self.params.other)
        return self.took * max(1.0, networks / max(1, len(self.shown.order))) ** 2 < FAST

    def start(self, service: ModelService) -> None:
        """Compare, in place of what runs, unless that is it.

        Raises:
            WorkbenchError: there is nothing to be compared.
        """
        self.look()
        if self.selection is None:
            raise WorkbenchError(self.fault)
        if self.current and self.running is not None and not self.running.cancelling:
            return
        if self.running is not None:
            self.running.cancel()
        self.job_key = self.key
        self.job = self.runs.get(self.job_key) or service.submit(find("converge"), self.selection, self.asked)
        self.compared = self.about

    def keep(self) -> None:
        """Remember what is finished."""
        job = self.job
        if job is None or job.state is not JobState.DONE or self.job_key in self.runs:
            return
        self.took = self.took if job.cached else job.seconds
        self.runs[self.job_key] = job
        while len(self.runs) > KEPT:
            self.runs.pop(next(iter(self.runs)))

    @property
    def status(self) -> str:
        """How far the newest run is, or what a key would do now."""
        job = self.job
        if job is not None and not job.state.final:
            return f"converge {'stops' if job.cancelling else job.progress or 'starts'}   C cancels"
        if self.current and job is not None and job.state is JobState.FAILED:
            return f"converge failed: {job.error}"
        if self.fault:
            return self.fault
        words = f"{self.about}  {self.options}"
        if not self.current or job is None:
            return f"r compares: {words}" + (f"  (last {duration(self.took)})" if self.took else "")
        if job.state is JobState.CANCELLED:
            return f"cancelled, not complete   r compares: {words}"
        return f"{words}   {'from the cache' if job.cached else f'took {duration(job.seconds)}'}"

    @property
    def options(self) -> str:
        """Choices that alter the result, in words."""
        p = self.params
        layer = "" if p.layer == "hidden" else f"  layer {p.layer}"
        return f"{clean(p.states, 40)}  {p.matching}  {'signed' if p.signed else '|a|'}{layer}  seed {p.seed}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that can be shown."""
        return self.job.frame.columns if self.job is not None and self.job.frame is not None else tuple(COLUMNS)

    @property
    def shown_column(self) -> str:
        """The chosen column, or the first where there is no such."""
        return self.column if self.column in self.columns else self.columns[0]

    # The same elsewhere.

    @property
    def command(self) -> str:
        """The command that computes the same, or why there is none."""
        self.look()
        if self.selection is None:
            return self.fault
        if self.source == SAMPLES:
            line = command_line(find("converge"), self.asked, SAVED)
            return f"{line}   ({SAVED} is what x in the Sample pane saves)"
        where = self._where(self.selection)
        if where is None:
            return "no command has room for so many marks: a filter in the Dataset pane has one"
        return command_line(find("converge"), self.asked, self.view.population, where)

    def _where(self, selection: Selection) -> str | None:
        """A filter that gives what is compared; None if none does."""
        if selection.rows is None:
            return ""
        now = self.view.arrangement
        marks = any(isinstance(n, ast.Name) and n.id == "marked" for n in ast.walk(ast.parse(now.expression.strip())))
        # Marks are not in the file, and not known to a command.
        if self.source == MARKED or marks:
            where = f"id in [{', '.join(map(str, selection.rows))}]"
        else:
            where = self.view.condition
        return where if len(where) <= MAX_LENGTH else None


def pair_command(params: pair.Params, population: Population) -> str:
    """The command that compares the same two; samples as they would be saved."""
    return command_line(find("pair"), params, population if population.path is not None else SAVED)


def pair_params(asked: converge.Params) -> pair.Params:
    """The same options for two networks."""
    return pair.Params(
        layer=asked.layer, matching=asked.matching, signed=asked.signed, states=asked.states, count=asked.count,
        seed=asked.seed,
    )  # fmt: skip
