"""Train a generator on a population's training networks (Agent Embeddings, sections 3.4 and 3.5)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import generators
from workbench.analysis import Analysis
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.opening import load
from workbench.text import clean

Curves = tuple[tuple[str, tuple[tuple[str, tuple[float, ...]], ...]], ...]


@dataclass(frozen=True)
class Params:
    """What to train."""

    population: str
    """The population file to learn from; its held-out fifth is left alone."""
    generator: str = "functional"
    """Which generator: cartpolegen (the paper's) or functional."""
    out: str = ""
    """The file to write; by default one among your own generators, where `sample` finds it."""
    seed: int = 0
    """Seed of initialisation, order and noise."""
    set: tuple[str, ...] = ()
    """A setting instead of the generator's own: epochs=20, latents=16; may be repeated."""
    resume: bool = False
    """Go on with an unfinished training of the same plan."""
    stop: bool = False
    """With resume: end the phase at work at its best so far, and go on with what comes after."""


@dataclass(frozen=True)
class Frame:
    """How far a training is."""

    done: int
    total: int
    """In units of work, about a millisecond each."""
    phase: str
    epoch: int
    """Passes finished in this phase."""
    phases: tuple[str, ...]
    """All of them, in order, as far as they have begun."""
    curves: Curves
    """(phase, ((loss term, one number an epoch), ...)), ...; `validation` is the loss on networks without gradient."""
    groups: tuple[str, ...]
    """Groups that the generator will be able to sample."""
    missing: tuple[str, ...]
    """Groups with too few training networks."""
    path: str = ""
    """The file, once it is written."""
    seconds: float = 0.0


def unfinished(params: Params) -> Path:
    """Where a training lies while it is not finished."""
    from workbench.learning.saved import TRAINING

    return TRAINING.folder(_out(params, params.out or load(params.population).name))


def _out(params: Params, name: str) -> Path:
    """The file to write, from a population of this name."""
    from workbench.learning.shelf import default_path

    return Path(params.out) if params.out else default_path(name, params.generator, params.seed)


def run(compute: Compute, _selection: None, params: Params) -> Iterator[Frame]:
    """Yield progress several times a second; a training that is stopped has saved what it has."""
    kind_name = params.generator
    if kind_name not in generators.names():
        raise WorkbenchError(f"generator: expected {', '.join(generators.names())}, got {kind_name!r}")
    if not 0 <= params.seed < 2**63:
        raise WorkbenchError(f"seed: expected 0 to {2**63 - 1}, got {params.seed}")
    if params.stop and not params.resume:
        raise WorkbenchError("stop: only an unfinished training can be ended early; give --resume with it")
    population = load(params.population)
    from workbench.learning.contract import settings_from
    from workbench.learning.data import TrainingData
    from workbench.learning.shelf import Task

    kind = generators.find(kind_name)
    settings = settings_from(kind, params.set)
    kind.check_spec(population.spec)
    data = TrainingData.of(population, compute)
    out = _out(params, population.name)
    groups = kind.groups_of(data, settings)
    missing = tuple(g for g in data.groups.names if g not in data.trainable)
    frame = seconds = None
    for generator, state in Task(kind, data, settings, params.seed, out).run(compute, params.resume, params.stop):
        curves = tuple((p, tuple((t, tuple(v)) for t, v in terms.items())) for p, terms in state.log.items())
        frame = Frame(
            min(state.done, state.total - 1), state.total, state.phase, state.epoch, tuple(state.log), curves, groups,
            missing,
        )  # fmt: skip
        seconds = generator.provenance.get("seconds")
        yield frame
    assert frame is not None and seconds is not None
    yield replace(frame, done=frame.total, path=str(out), seconds=seconds)


def table(frame: Frame) -> Group:
    """A row a phase and loss term, with its course."""
    out = Table(title=f"Training: {100 * frame.done // max(1, frame.total)} %, {frame.phase} epoch {frame.epoch}")
    for name in ("phase", "loss term", "first", "last", "best", "epochs"):
        out.add_column(name, justify="left" if name in ("phase", "loss term") else "right")
    for phase, terms in frame.curves:
        for k, (term, values) in enumerate(terms):
            figures = (f"{values[0]:.4g}", f"{values[-1]:.4g}", f"{min(values):.4g}") if values else ("-",) * 3
            out.add_row(phase if k == 0 else "", term, *figures, str(len(values)))
    lines: list[Any] = [out]
    if frame.missing:
        lines.append(Text(f"no model of {', '.join(frame.missing)}: fewer than 10 training networks there"))
    if frame.path:
        lines.append(Text(clean(f"written to {frame.path}")))
    return Group(*lines)


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "path": frame.path,
        "groups": list(frame.groups),
        "missing": list(frame.missing),
        "log": {phase: {term: list(values) for term, values in terms} for phase, terms in frame.curves},
    }


ANALYSIS = Analysis(
    "train", "Train a generator", Params, Frame, run, table, summary, writes=True, unfinished=unfinished
)
