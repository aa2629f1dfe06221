"""Collecting a population: a stream of trained and measured networks, kept safe on disk as it grows.

Finished networks lie in parts in the folder `OUT.collecting`, each part written atomically: whatever stops the program
loses at most what came after the last part. When all are there, the parts become the population file and the folder
goes. What is kept is decided in the order of the stream, never in the order in which threads happen to finish.
"""

import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import storage
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE
from workbench.numerics.statistics import standard_error
from workbench.population import Population
from workbench.rollouts.play import stream
from workbench.training import parts
from workbench.training.parts import COLLECTION
from workbench.training.plan import Plan
from workbench.training.recipes import Recipe

CHUNK = 32
"""Networks a worker trains before it hands them in: about a third of a second of DQN."""
FLUSH_SECONDS = 5.0
"""A killed collection loses at most this much work, and what the threads had in hand."""
PATIENCE = 50
"""A quota that is not full after this many times its count of networks will not be."""


@dataclass(frozen=True)
class Collected:
    """How far a collection is."""

    done: int
    """Networks kept."""
    total: int
    """Networks wanted."""
    trained: int
    """Networks trained, kept or not."""
    kept: NDArray[np.int64]
    """Networks kept in each survival group, (4,)."""
    raw: NDArray[np.int64]
    """Networks trained in each survival group, (4,)."""
    survival_sum: NDArray[np.float64]
    """Sums of the kept networks' survival times and of their squares in each group, (2, 4), in steps."""
    path: str
    """The population file; empty until it is there."""

    @property
    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of survival time of the kept networks: (5,) each, the groups and then all."""
        n = np.append(self.kept, self.kept.sum())
        totals = np.column_stack([self.survival_sum, self.survival_sum.sum(1)])
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, square = totals / n
        return mean, np.sqrt(np.maximum(square - mean**2, 0))


@dataclass
class _Pending:
    """Rows that were kept and are not on disk yet."""

    weights: list[NDArray]
    columns: list[dict[str, NDArray]]
    begin: int
    raw: NDArray[np.int64]

    @classmethod
    def empty(cls, begin: int) -> "_Pending":
        return cls([], [], begin, np.zeros(len(CARTPOLE), np.int64))

    def write(self, folder: Path, end: int, seconds: float) -> None:
        """Put the rows on disk."""
        columns = {name: np.concatenate([c[name] for c in self.columns]) for name in self.columns[0]}
        parts.write_part(folder, np.concatenate(self.weights), columns, self.begin, end, self.raw, seconds)


def collect(out: Path, plan: Plan, compute: Compute, resume: bool = False) -> Iterator[Collected]:
    """Train and measure networks until the plan is met, then write the population file `out`.

    Args:
        out: the file to write.
        plan: what to collect.
        compute: threads (training runs on the CPU).
        resume: go on where an earlier run with the same plan stopped; if it has finished, that is all.

    Yields:
        Progress, after every chunk; the last one with `path` set.

    Raises:
        WorkbenchError: `out` exists, an unfinished collection is there and `resume` was not given or its plan differs,
            a quota cannot be filled, or the disk refuses.
    """
    recipe = Recipe.of(plan.recipe, plan.settings)  # what is wrong with it is told before anything is written
    already = parts.finished(out, plan) if resume else None
    if already is not None:
        # Stopped, perhaps, between writing the population and clearing up.
        storage.remove_folder(COLLECTION.folder(out))
        yield _of(already, out)
        return
    folder = COLLECTION.open(out, plan.to_json(), resume)
    with COLLECTION.sole_writer(folder):
        yield from _collect(out, folder, plan, recipe, compute)


def _collect(out: Path, folder: Path, plan: Plan, recipe: Recipe, compute: Compute) -> Iterator[Collected]:
    kept, raw = np.zeros(len(CARTPOLE), np.int64), np.zeros(len(CARTPOLE), np.int64)
    sums = np.zeros((2, len(CARTPOLE)))
    position, seconds = 0, 0.0
    for path in parts.part_paths(folder):
        arrays, header = parts.read_part(path)
        position, seconds = header["end"], header["seconds"]
        raw += header["raw"]
        _tally(arrays["column/survival"], kept, sums)

    def work(begin: int) -> tuple[NDArray, dict[str, NDArray]]:
        return _train_and_measure(recipe, plan, begin, begin + CHUNK)

    began = time.monotonic() - seconds
    pending = _Pending.empty(position)
    flushed = time.monotonic()
    results = compute.map(work, range(position, PATIENCE * plan.count, CHUNK))
    try:
        while kept.sum() < plan.count:
            yield Collected(int(kept.sum()), plan.count, position, kept.copy(), raw.copy(), sums.copy(), "")
            try:
                weights, columns = next(results)
            except StopIteration:
                lacking = ", ".join(
                    f"{name} has {k} of {q}"
                    for name, k, q in zip(CARTPOLE.names, kept.tolist(), plan.quota or (), strict=False)
                    if k < q
                )
                raise WorkbenchError(
                    f"{out}: after {position} networks the quota is not full ({lacking}); "
                    "this recipe does not reach that group often enough"
                ) from None
            group = CARTPOLE.assign(columns["survival"])
            chosen = _choose(group, kept, plan)
            # The network that completes the count ends the stream: those behind it were not asked for.
            last = int(chosen[-1]) + 1 if len(chosen) and len(chosen) + kept.sum() == plan.count else len(group)
            seen = np.bincount(group[:last], minlength=len(CARTPOLE))
            raw += seen
            pending.raw += seen
            _tally(columns["survival"][chosen], kept, sums)
            if len(chosen):
                pending.weights.append(weights[chosen])
                pending.columns.append({name: column[chosen] for name, column in columns.items()})
            position += last
            if pending.weights and time.monotonic() - flushed > FLUSH_SECONDS:
                pending.write(folder, position, time.monotonic() - began)
                pending, flushed = _Pending.empty(position), time.monotonic()
    finally:
        results.close()  # type: ignore[attr-defined]  # a generator
        if pending.weights:  # networks that were only dropped are trained and dropped again after a resume
            pending.write(folder, position, time.monotonic() - began)
    population = parts.snapshot(folder)
    run = {
        "seconds": round(time.monotonic() - began, 1),
        "threads": compute.workers,
        "machine": platform.machine(),
        "versions": {name: version(name) for name in ("numpy", "numba")},
    }
    replace(population, provenance={**population.provenance, "run": run}).save(out)
    storage.remove_folder(folder)
    yield Collected(int(kept.sum()), plan.count, position, kept, raw, sums, str(out))


def _of(population: Population, out: Path) -> Collected:
    """The last frame of a collection that was finished before."""
    kept, sums = np.zeros(len(CARTPOLE), np.int64), np.zeros((2, len(CARTPOLE)))
    _tally(population["survival"], kept, sums)
    raw = np.array([population.provenance["raw_mix"][name] for name in CARTPOLE.names])
    return Collected(len(population), len(population), int(raw.sum()), kept, raw, sums, str(out))


def _train_and_measure(recipe: Recipe, plan: Plan, begin: int, end: int) -> tuple[NDArray, dict[str, NDArray]]:
    # Already on a worker thread: what is called here runs in it.
    inline = Compute("cpu", 1)
    weights, drawn = recipe.train(plan.seed, begin, end, plan.spec)
    ((_, rollouts, moves),) = stream(weights, plan.spec, plan.episodes, inline, measure=True)
    assert moves is not None
    steps = rollouts.steps
    return weights, {
        "index": np.arange(begin, end),
        "survival": steps.mean(1),
        "survival_se": standard_error(steps).astype(np.float32),
        **drawn,
        "lean_x": moves.lean_x.astype(np.float32),
        "lean_angle": moves.lean_angle.astype(np.float32),
        "sharpness": moves.sharpness.astype(np.float32),
    }


def _choose(group: NDArray, kept: NDArray, plan: Plan) -> NDArray[np.int64]:
    """Which of a chunk's networks to keep, in order, until the count or a group's quota is full."""
    if plan.quota is None:
        return np.arange(min(len(group), plan.count - int(kept.sum())))
    room = np.array(plan.quota) - kept
    rank = np.zeros(len(group), np.int64)
    for g in range(len(CARTPOLE)):
        rank[group == g] = np.arange((group == g).sum())
    return np.flatnonzero(rank < room[group])


def _tally(survival: NDArray, kept: NDArray, sums: NDArray) -> None:
    group = CARTPOLE.assign(survival)
    kept += np.bincount(group, minlength=len(CARTPOLE))
    sums[0] += np.bincount(group, survival, len(CARTPOLE))
    sums[1] += np.bincount(group, survival**2, len(CARTPOLE))
