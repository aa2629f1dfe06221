"""What the Interpolate pane keeps while another is shown: two agents, the walk, and where one stands. No screen."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.analyses import find, landscape, policy, sweep, sweeps
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.numerics.symmetry import has_mirror
from workbench.policies import PolicySpec
from workbench.population import Population
from workbench.rollouts.episodes import Episodes
from workbench.service import Job, JobState, ModelService
from workbench.sweeping import PATHS, USUAL, alphas_of, check_paths, needs_generator
from workbench.text import clean, counted
from workbench.tui.commands import command_line
from workbench.tui.sampling import Trained, following
from workbench.tui.view import View

CAPS = (200, 500, 1000)
STEP = 0.25
"""By how much the range of alpha is widened."""
FARTHEST = 5.0
"""The last alpha that keys widen it to; beyond that it can be typed."""
MIDDLE = 0.5
PATIENCE = 0.15
"""Seconds that a walk may take before it is told that one waits."""
ENDS = ("first", "second")
NAMES = {"first": "A", "second": "B"}
MANY = 3
"""Marks from which the walks between all of them are meant."""
SETS = ("usual", "all", "latent", "weights")
"""Which paths are walked."""


@dataclass(frozen=True)
class Agent:
    """One of the four that are watched."""

    name: str
    weights: NDArray[np.float32]
    """(p,)."""


@dataclass
class InterpolateState:
    """The choices, the newest walk, and what is on the screen."""

    view: View
    params: sweep.Params = field(default_factory=sweep.Params)
    which: str = SETS[0]
    """One of `SETS`."""
    trained: list[Trained] | None = None
    """None until they have been looked for."""
    fault: str = ""
    """Why there is nothing to walk between."""
    job: Job | None = None
    """The newest walk that was asked for."""
    shown: Job | None = None
    """The walk on the screen."""
    frame: sweep.Frame | None = None
    """Of it."""
    alpha: float = MIDDLE
    path: str = "latent"
    """The path one wants to be on."""
    close: bool = False
    """Whether the axis of survival shows only what there is."""
    episode: int = 0
    walks: Job | None = None
    """The newest of many pairs."""
    surroundings: Job | None = None
    """The newest landscape."""
    _basis: tuple[int, ...] = ()

    @classmethod
    def of(cls, view: View) -> "InterpolateState":
        """The state that goes with a view."""
        state = view.kept.get("interpolate")
        if not isinstance(state, cls):
            state = view.kept["interpolate"] = cls(view)
            state.change()
        return state

    asked_last = None
    """A walk is walked again, and needs no result of before."""

    def recall(self, params: sweep.Params, _shown: Any) -> bool:
        """Take up choices of before; whether they fit."""
        if self.which not in SETS:
            self.which = SETS[0]
        try:
            sweep.check_agents(self.view.population, {NAMES[end]: getattr(params, end) for end in ENDS})
            alphas_of(params.points, params.low, params.high)
            check_paths(params.path, self.spec)
            Episodes(params.episodes, params.cap, params.seed)
        except WorkbenchError:
            return False
        # The ends stay until marks and table change.
        self.params, self._basis = params, self._suggested()
        self.check()
        return True

    # Between whom.

    @property
    def marks(self) -> NDArray[np.int64]:
        """Marked networks."""
        return np.flatnonzero(self.view.marks)

    def look(self) -> None:
        """Look at marks and the table, which change in the Dataset pane; ends chosen here stay until those do."""
        basis = self._suggested()
        if basis != self._basis and len(basis) == 2:
            self.params = replace(self.params, first=basis[0], second=basis[1])
        self._basis = basis
        self.check()

    def check(self) -> None:
        """See whether there is a way between the ends."""
        self.fault = ""
        count = len(self.view.population)
        if count < 2:
            self.fault = f"a walk goes between two networks, and there {'is one' if count else 'are none'}"
            return
        try:
            sweep.check_agents(self.view.population, {NAMES[end]: getattr(self.params, end) for end in ENDS})
        except WorkbenchError as error:
            self.fault = str(error)

    def _suggested(self) -> tuple[int, ...]:
        """The first two marks; without these the best and the worst network that the table shows."""
        if len(self.marks) >= 2:
            return tuple(self.marks[:2].tolist())
        rows, weights = self.view.rows, self.view.population.weights
        if self.view.population.measured:
            survival = self.view.population.performance[rows]
            rows = rows[np.isfinite(survival)][np.argsort(-survival[np.isfinite(survival)], kind="stable")]
        ends = [next((int(r) for r in way if np.isfinite(weights[r]).all()), -1) for way in (rows, rows[::-1])]
        return tuple(ends) if -1 not in ends and ends[0] != ends[1] else ()

    def next_end(self, end: str) -> int | None:
        """The next network for an end: of the marks, or of the table without two marks; None if there is no other."""
        now = getattr(self.params, end)
        other = getattr(self.params, ENDS[1 - ENDS.index(end)])
        rows = self.marks if len(self.marks) >= 2 else self.view.rows
        rows = rows[rows != other]
        at = np.flatnonzero(rows == now)
        if not len(rows) or (len(rows) == 1 and len(at)):
            return None
        return int(rows[(at[0] + 1) % len(rows)] if len(at) else rows[0])

    # How.

    @property
    def spec(self) -> PolicySpec:
        """What the networks are."""
        return self.view.population.spec

    @property
    def generator(self) -> Trained | None:
        """The chosen generator, if it is there."""
        return next((t for t in self.trained or () if t.asked == self.params.generator), None)

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that the generator has a model of."""
        return self.generator.groups if self.generator else ()

    @property
    def sets(self) -> dict[str, tuple[str, ...]]:
        """Paths that can be walked, by the name of their set; sets of the same paths once."""
        there = [p for p in PATHS if self._can(p)]
        wanted = {"usual": USUAL, "all": PATHS, "latent": ("latent", "tuned"), "weights": PATHS[2:]}
        found: dict[str, tuple[str, ...]] = {}
        for name in SETS:
            paths = tuple(p for p in there if p in wanted[name])
            if paths and paths not in found.values():
                found[name] = paths
        return found

    def _can(self, path: str) -> bool:
        if needs_generator((path,)):
            # Only this one comes with a predictor of survival.
            return self.generator is not None and (path != "tuned" or self.generator.name == "functional")
        if path in ("aligned", "mirrored"):
            return len(self.spec.sizes) == 3 and (path == "aligned" or has_mirror(self.spec))
        return True

    def take(self, found: list[Trained]) -> None:
        """Take over which generators there are."""
        self.trained = found
        if self.generator is None and found:
            self.params = replace(self.params, generator=found[0].asked)
        self.change()

    def change(self, **changes: Any) -> None:
        """Change choices; what the generator does not have gives way to what it has."""
        self.params = replace(self.params, **changes)
        if self.groups and self.params.group not in self.groups:
            self.params = replace(self.params, group=self.groups[-1])
        sets = self.sets
        if self.which not in sets:
            self.which = SETS[0]
        paths = sets[self.which]
        # The usual ones need no words in a command.
        self.params = replace(self.params, path=() if paths == check_paths((), self.spec) else paths)
        self.check()

    def next_set(self) -> bool:
        """Other paths; False if there are none."""
        sets = list(self.sets)
        self.which = following(sets, self.which)
        self.change()
        return len(sets) > 1

    def widen(self, by: int) -> None:
        """Go on farther past B, or less far."""
        high = round(self.params.high / STEP + by) * STEP
        self.change(high=min(max(high, 1.0, self.params.low + STEP), max(FARTHEST, self.params.high)))

    def set_range(self, text: str) -> None:
        """A range of alpha as it is typed: low..high.

        Raises:
            WorkbenchError: no such range.
        """
        low, _, high = text.partition("..")
        try:
            ends = float(low), float(high)
        except ValueError:
            raise WorkbenchError(f"alpha: expected a range as in 0..1.5, got {text!r}") from None
        alphas_of(self.params.points, *ends)
        self.change(low=ends[0], high=ends[1])

    # What runs.

    def ask(self, service: ModelService, slot: str) -> Job:
        """Walk, in place of the walk before.

        Raises:
            WorkbenchError: the program is closing.
        """
        self.job = service.ask(slot, find("sweep"), Selection(self.view.population), self.params)
        return self.job

    def adopt(self, job: Job) -> bool:
        """Show what a walk has come to, also one that a newer one has stopped; whether that is something new."""
        if job.frame is None or job.frame is self.frame or (self.shown is not None and job.number < self.shown.number):
            return False
        self.shown, self.frame = job, job.frame
        return True

    def many(self, service: ModelService) -> Job:
        """Walk between many pairs, unless that is done or under way."""
        names = ("generator", "group", "path", "points", "low", "high", "margin", "seed", "episodes", "cap")
        params = sweeps.Params(**{name: getattr(self.params, name) for name in names})
        marks = self.marks
        selection = Selection(self.view.population, tuple(marks.tolist()) if len(marks) >= MANY else None)
        self.walks = self._submit(service, self.walks, "sweeps", selection, params)
        return self.walks

    def around(self, service: ModelService, params: landscape.Params) -> Job:
        """Look around, unless that is done or under way; what looked elsewhere is stopped."""
        selection = Selection(self.view.population)
        self.surroundings = self._submit(service, self.surroundings, "landscape", selection, params)
        return self.surroundings

    @staticmethod
    def _submit(service: ModelService, before: Job | None, name: str, selection: Selection, params: Any) -> Job:
        if before is not None and not before.cancelling:
            same = before.params == params and before.selection == selection
            if same and before.state not in (JobState.CANCELLED, JobState.FAILED):
                return before
            before.cancel()
        return service.submit(find(name), selection, params)

    @property
    def working(self) -> list[Job]:
        """Long jobs that are not over."""
        return [job for job in (self.walks, self.surroundings) if job is not None and not job.state.final]

    # Where one stands.

    @property
    def here(self) -> str:
        """The path one is on: the first, where the walk has not the one that is wanted."""
        assert self.frame is not None
        return self.path if self.path in self.frame.paths else self.frame.paths[0]

    @property
    def place(self) -> tuple[int, int]:
        """Path and alpha under the cursor, as indices of the frame."""
        assert self.frame is not None
        return self.frame.paths.index(self.here), int(np.abs(self.frame.alphas - self.alpha).argmin())

    def turn(self, by: int) -> None:
        """To another path."""
        if self.frame is not None:
            paths = self.frame.paths
            self.path = paths[(paths.index(self.here) + by) % len(paths)]

    @property
    def agents(self) -> list[Agent]:
        """A, an agent between them, B, and one past B where the walk goes there."""
        frame = self.frame
        if frame is None:
            return []
        k, t = self.place
        beyond = frame.alphas[t] > 1
        between = int(np.abs(frame.alphas - MIDDLE).argmin()) if beyond else t
        last = t if beyond else len(frame.alphas) - 1
        a, b = (int(name[1:]) for name in frame.names)
        weights = self.view.population.weights
        return [
            Agent(f"A #{a}", np.array(weights[a])),
            Agent(f"{self.here} {frame.alphas[between]:.2f}", frame.weights[k, between]),
            Agent(f"B #{b}", np.array(weights[b])),
            Agent(f"{self.here} {frame.alphas[last]:.2f}", frame.weights[k, last]),
        ]

    def watching(self, agent: Agent) -> tuple[Selection, policy.Params]:
        """What to ask for an agent's episode: the starts are those of the walk."""
        assert self.frame is not None
        networks = Population(self.spec, np.ascontiguousarray(agent.weights[None], np.float32))
        frame = self.frame
        return Selection(networks), policy.Params(0, frame.episodes, frame.cap, frame.seed, self.episode)

    # In words.

    @property
    def status(self) -> str:
        """What goes wrong, what runs, or what is walked."""
        if self.fault:
            return f"{self.fault}: a and b choose others" if len(self.view.population) > 1 else self.fault
        job = self.job
        if job is not None and job.state is JobState.FAILED:
            return f"sweep failed: {job.error}"
        for long in self.working:
            key = "W" if long is self.walks else "L"
            told = "stops" if long.cancelling else long.progress or "starts"
            return f"{long.analysis.name} {told}   {key} shows it, C cancels"
        p = self.params
        # In place of other words: a line that is broken makes the picture jump.
        waiting = job is not None and not job.state.final and job.seconds > PATIENCE
        last = "walking…" if waiting else f"episode {self.episode + 1}"
        words = f"{clean(self.generator.path.stem, 30)}  {p.group}  " if self.generator else ""
        if self.trained == []:
            words = "weights alone: no trained generator for these networks (t in the Sample pane trains one)  "
        return f"{words}{counted(p.points, 'point')}  cap {p.cap}  seed {p.seed}  {last}"

    @property
    def command(self) -> str:
        """The command that computes the same, or why there is none."""
        return self.fault or command_line(find("sweep"), self.params, self.view.population)
