"""What the Sample pane keeps while another is shown: choices, runs, and the networks looked at. No screen."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench import generators
from workbench.analyses import dial, embed, find, sample, train
from workbench.analysis import Analysis, Selection, params_json, read_fields
from workbench.errors import WorkbenchError
from workbench.groups import Groups
from workbench.learning.data import ALL
from workbench.numerics.statistics import standard_error
from workbench.performance import MEASURES
from workbench.places import state_dir
from workbench.population import FINGERPRINT, Population
from workbench.service import Job, JobState, ModelService
from workbench.text import duration
from workbench.tui.view import View
from workbench.unfinished import read_plan

COUNT = 200
"""Networks to sample at first: as many as the paper takes, in a few seconds."""
FAST = 2.0
"""Seconds; after a run that took less, a changed choice runs at once."""
LEAST = 10.0
"""Seconds that the shortest training takes, since torch is loaded first."""
KEPT = 24
"""Finished runs that are shown again at once."""
SELECTORS = ("auto", "none", "predictor", "simulator")
WITHOUT = ("", "lean_x", "lean_angle", "sharpness")
ANY = TypeVar("ANY")


@dataclass(frozen=True)
class Trained:
    """A trained generator in a file."""

    path: Path
    name: str
    """Which generator."""
    asked: str
    """What a parameter `generator` says to get this one: its name, or its path where the name gets another."""
    groups: tuple[str, ...]
    networks: int
    """Training networks."""
    population: str
    """The population they are of."""
    own: bool
    """Whether that is the population at hand."""
    seed: int


def trained(population: Population) -> list[Trained]:
    """Trained generators of such networks; reads files' headers."""
    found: list[Trained] = []
    for path, header in generators.trained(population):
        name = str(header.get("name"))
        if name not in generators.names():
            continue
        first = all(name != other.name for other in found)
        told = generators.origin(header)
        found.append(
            Trained(
                path, name, name if first else str(path), _texts(header.get("groups")),
                _whole(told.get("training")), str(told.get("name") or "?"),
                told.get("hash") == population.content_hash, _whole(header.get("seed")),
            )
        )  # fmt: skip
    return found


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


@dataclass(frozen=True)
class Shown:
    """Networks on the screen, and what they are from."""

    job: Job
    """Of `sample` or `dial`."""
    frame: Any
    watched: Population
    """The same networks, to be watched."""
    path: Path
    """The generator's file."""
    groups: Groups
    """Of the population that they are held against."""

    @property
    def dialled(self) -> bool:
        """Whether they come from the dial."""
        return isinstance(self.frame, dial.Frame)

    @property
    def episodes(self) -> int:
        """Episodes that each has played."""
        return int(self.frame.steps.shape[1]) if self.dialled else int(self.frame.episodes)

    def params(self, trained: Sequence[Trained]) -> Any:
        """What would be asked now for the same: the generator's file may have another name since."""
        asked = next((t.asked for t in trained if t.path == self.path), str(self.path))
        return replace(self.job.params, generator=asked)

    def embedding(self, trained: Sequence[Trained]) -> embed.Params:
        """What to ask for the map that these networks lie on."""
        params = self.params(trained)
        if not self.dialled:
            return embed.Params(params.generator, params.group)
        known = next((t.groups for t in trained if t.path == self.path), ())
        return embed.Params(params.generator, dial.group_of(self.groups, self.frame.target, known, ALL))


MEASURED = tuple(name for measure in MEASURES for name in (measure.name, measure.error))


def can_be_shown(frame: Any) -> bool:
    """Whether a frame has networks that are measured."""
    return frame is not None and (not isinstance(frame, dial.Frame) or frame.steps.shape[1] > 0)


def watched(frame: Any) -> Population:
    """A frame's networks as a population, without the columns that a panel tells in words."""
    made = sample.networks(frame) if isinstance(frame, sample.Frame) else dial.networks(frame)
    kept = {k: v for k, v in made.columns.items() if k in (*MEASURED, FINGERPRINT)}
    return replace(made, columns=kept)


def survival_of(frame: Any) -> tuple[NDArray, NDArray]:
    """Mean survival or return of each network (n,), and their standard errors."""
    if isinstance(frame, dial.Frame):
        return frame.steps.mean(1), standard_error(frame.steps)
    return frame.survival, frame.error


@dataclass
class SampleState:
    """The choices, the newest run, and what is on the screen."""

    params: sample.Params = field(default_factory=lambda: sample.Params(count=COUNT))
    trained: list[Trained] | None = None
    """None until they have been looked for."""
    offer: generators.Offer | None = None
    """What can be trained, where nothing is; None until it is known."""
    untrainable: str = ""
    """Why nothing can be."""
    job: Job | None = None
    """The newest run, of `sample` or `dial`."""
    path: Path = Path()
    """The file of the generator that it is of."""
    shown: Shown | None = None
    embedding: Job | None = None
    """The newest map, asked for or there."""
    map: tuple[embed.Params, embed.Frame, NDArray[np.float64]] | None = None
    """The map that is there: what was asked, its frame, and where the population's networks lie on it (n, 2)."""
    runs: dict[Any, Job] = field(default_factory=dict)
    """Finished runs and embeddings by their parameters."""
    took: float | None = None
    """Seconds that the last run took which was not found in the cache."""
    cursor: int = 0
    """The network under the cursor: a sample, or behind them one that is marked in the population."""
    marks: set[int] = field(default_factory=set)
    """Samples that are marked."""
    ratios: bool = False
    """Whether the table begins with novelty and diversity."""
    again: tuple[str, Any] | None = None
    """An analysis and parameters that were shown in a session before, to be shown again."""

    @classmethod
    def of(cls, view: View) -> "SampleState":
        """The state that goes with a view; the group that its table shows is where one begins."""
        state = view.kept.get("sample")
        if not isinstance(state, cls):
            group = view.arrangement.group
            chosen = ALL if group is None else view.population.groups.names[group]
            state = view.kept["sample"] = cls(sample.Params(group=chosen, count=COUNT))
        return state

    def recall(self, params: sample.Params, shown: Any) -> bool:
        """Take up choices of before, and what was shown; whether they fit."""
        try:
            sample.check(params)
            name = shown["analysis"]
            kind = {"sample": sample.Params, "dial": dial.Params}[name]
            self.again = name, kind(**read_fields(kind, shown["params"]))
        except WorkbenchError:
            return False
        except (KeyError, TypeError):
            self.again = None  # nothing was shown
        self.params = params
        return True

    @property
    def asked_last(self) -> dict[str, Any] | None:
        """What is shown, or waits to be shown again, as JSON values."""
        if self.shown is not None:
            asked = self.shown.job.analysis.name, self.shown.params(self.trained or ())
        elif self.again is not None:
            asked = self.again
        else:
            return None
        return {"analysis": asked[0], "params": params_json(asked[1])}

    @property
    def generator(self) -> Trained | None:
        """The chosen generator, if it is there."""
        return next((t for t in self.trained or () if t.asked == self.params.generator), None)

    def take(self, found: list[Trained], wanted: Path | None = None) -> None:
        """Take over which generators there are; the choice stays on its file, or goes to `wanted`."""
        before = self.generator
        if self.trained is not None and [t.path for t in found] != [t.path for t in self.trained]:
            # A name may get another file now.
            self.runs.clear()
            self.embedding = self.map = None
        self.trained = found
        paths = [wanted.resolve() if wanted else None, before.path if before else None]
        chosen = next((t for path in paths for t in found if t.path == path), None)
        chosen = chosen or self.generator or (found[0] if found else None)
        if chosen is not None:
            self.change(generator=chosen.asked)

    def change(self, **changes: Any) -> None:
        """Change choices; a group that the generator has no model of gives way to one that it has."""
        self.params = replace(self.params, **changes)
        groups = self.groups
        if groups and self.params.group not in groups:
            self.params = replace(self.params, group=groups[-1])

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups that the generator can sample."""
        return self.generator.groups if self.generator else ()

    @property
    def current(self) -> bool:
        """Whether what is shown is of the choices as they are."""
        return self.shown is not None and self.shown.params(self.trained or ()) == self.params

    @property
    def running(self) -> Job | None:
        """The run at work."""
        return self.job if self.job is not None and not self.job.state.final else None

    @property
    def working(self) -> list[Job]:
        """The jobs that are not over: the run, then the map."""
        return [job for job in (self.job, self.embedding) if job is not None and not job.state.final]

    @property
    def fast(self) -> bool:
        """Whether a changed choice runs at once."""
        return self.params in self.runs or (self.generator is not None and self.took is not None and self.took < FAST)

    def start(self, service: ModelService, population: Population, analysis: Analysis, params: Any) -> None:
        """Run `sample` or `dial` in place of what runs, unless that is it."""
        running = self.running
        if running is not None and running.params == params and not running.cancelling:
            return
        if running is not None:
            running.cancel()
        if self.generator is not None:
            self.job = self.runs.get(params) or service.submit(analysis, Selection(population), params)
            self.path = self.generator.path

    def embed(self, service: ModelService, population: Population) -> None:
        """Ask for the map of what is shown, unless it is there."""
        if self.shown is None:
            return
        params, now = self.shown.embedding(self.trained or ()), self.embedding
        if now is not None and now.params == params and now.state is not JobState.CANCELLED and not now.cancelling:
            return
        if now is not None:
            now.cancel()
        known = self.runs.get(params)
        self.embedding = known or service.submit(find("embed"), Selection(population), params, background=True)

    def keep(self) -> None:
        """Remember what is finished."""
        job = self.job
        if job is not None and job.state is JobState.DONE and job.params not in self.runs and not job.cached:
            self.took = job.seconds if job.analysis.name == "sample" else self.took
        for job in (self.job, self.embedding):
            if job is not None and job.state is JobState.DONE:
                self.runs[job.params] = job
        while len(self.runs) > KEPT:
            self.runs.pop(next(iter(self.runs)))

    @property
    def empty(self) -> str:
        """What to do while nothing is shown."""
        if self.trained is None:
            return "looking for trained generators…"
        if not self.trained:
            can = f"t trains {self.offer.name} (about {duration(max(LEAST, self.offer.seconds))})" if self.offer else ""
            none = f"none can be trained: {self.untrainable}" if self.untrainable else ""
            return f"no trained generator for these networks\n\n{can or none or 't trains one'}"
        if self.running is not None:
            return "sampling…\n\nthe first time takes some seconds more: torch is loaded"
        return "r samples new networks\n\nand holds them against networks that the generator has not seen"

    @property
    def status(self) -> str:
        """How far the newest run is, or what a key would do now."""
        job = self.job
        if job is not None and not job.state.final:
            what = f"{job.analysis.name} {'stops' if job.cancelling else job.progress or 'starts'}"
            return f"{what}   C cancels"
        if job is not None and job.state is JobState.FAILED:
            return f"{job.analysis.name} failed: {job.error}"
        if not self.trained or self.generator is None:
            return ""
        chosen = self.params
        words = f"{self.generator.path.stem}  {chosen.group}  {chosen.source}  {chosen.selector}"
        words += f"  without {chosen.without}" if chosen.without else ""
        words += f"  n {chosen.count:,}  seed {chosen.seed}"
        if not self.current:
            return f"r samples: {words}" + (f"  (last {duration(self.took)})" if self.took else "")
        assert job is not None
        if job.state is JobState.CANCELLED:
            return f"cancelled, not complete   r samples: {words}"
        return f"{words}   {'from the cache' if job.cached else f'took {duration(job.seconds)}'}"


def following(options: Sequence[ANY], now: ANY) -> ANY:
    """The option after this one, the first after the last."""
    return options[(options.index(now) + 1) % len(options)] if now in options else options[0]


def training_form(population: Population, state: SampleState) -> dict[str, str]:
    """What the form of `train` begins with: an unfinished training of these networks, else a new one."""
    given = {"population": str(population.path or "")}
    for folder in sorted((state_dir() / "generators").glob("*.training")):
        try:
            plan = read_plan(folder)
        except WorkbenchError:
            continue
        if plan.get("population") == population.content_hash and isinstance(plan.get("settings"), dict):
            settings = " ".join(f"{k}={v}" for k, v in plan["settings"].items())
            out = str(folder).removesuffix(".training")
            told = {"generator": plan.get("generator"), "seed": plan.get("seed"), "set": settings, "out": out}
            return {**given, **{k: str(v) for k, v in told.items()}, "resume": "yes"}
    known = state.generator or state.offer
    kind = known.name if known else train.Params.generator
    seeds = [t.seed for t in state.trained or () if t.own and t.name == kind]
    return {**given, "generator": kind, "seed": str(max(seeds, default=-1) + 1)}
