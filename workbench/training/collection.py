"""Collecting a population: a stream of trained and measured networks, kept safe on disk as it grows.

Finished networks lie in parts in the folder `OUT.collecting`, each part written atomically: whatever stops the program
loses at most what came after the last part. When all are there, the parts become the population file and the folder
goes. What is kept is decided in the order of the stream, never in the order in which threads happen to finish.
"""

import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import storage
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE
from workbench.numerics.statistics import standard_error
from workbench.paper import QUOTA
from workbench.policies import PolicySpec
from workbench.population import FINGERPRINT, HELD_OUT, SCHEMA, Column, Population, Text, fingerprints, held_out
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import stream
from workbench.training.recipes import HYPERPARAMETERS, Recipe

CHUNK = 32
"""Networks a worker trains before it hands them in: about a third of a second of DQN."""
FLUSH_SECONDS = 5.0
"""A killed collection loses at most this much work, and what the threads had in hand."""
PATIENCE = 50
"""A quota that is not full after this many times its count of networks will not be."""
LEADING = ("index", "survival", "survival_se", "recipe")
TRAILING = ("lean_x", "lean_angle", "sharpness", HELD_OUT, FINGERPRINT)
"""Columns before and after the hyperparameters."""
FOLDER = ".collecting"
PLAN = "plan.json"


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


@dataclass(frozen=True)
class Plan:
    """What a collection is to be; two plans that are equal give the same networks."""

    count: int
    seed: int
    recipe: str
    settings: tuple[str, ...]
    quota: tuple[int, ...] | None
    episodes: Episodes
    spec: PolicySpec

    def to_json(self) -> dict[str, Any]:
        """The plan as it is written down, and as the population's provenance tells it."""
        return {
            "count": self.count,
            "seed": self.seed,
            "recipe": self.recipe,
            "settings": list(self.settings),
            "hyperparameters": Recipe.of(self.recipe, self.settings).describe(),
            "quota": list(self.quota) if self.quota else None,
            "episodes": {"count": self.episodes.count, "cap": self.episodes.cap, "seed": self.episodes.seed},
            "spec": self.spec.to_json(),
        }


def paper_quota(count: int) -> tuple[int, ...]:
    """The paper's group sizes (Table 1), scaled to `count` networks by largest remainder; at 74,000 exactly its own."""
    exact = np.array(QUOTA) * count / sum(QUOTA)
    quota = np.floor(exact).astype(int)
    quota[np.argsort(quota - exact, kind="stable")[: count - quota.sum()]] += 1
    return tuple(map(int, quota))


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


def collect(out: Path, plan: Plan, compute: Compute, resume: bool = False) -> Iterator[Collected]:
    """Train and measure networks until the plan is met, then write the population file `out`.

    Args:
        out: the file to write.
        plan: what to collect.
        compute: threads (training runs on the CPU).
        resume: go on where an earlier run with the same plan stopped.

    Yields:
        Progress, after every chunk; the last one with `path` set.

    Raises:
        WorkbenchError: `out` exists, an unfinished collection is there and `resume` was not given or its plan differs,
            a quota cannot be filled, or the disk refuses.
    """
    recipe = Recipe.of(plan.recipe, plan.settings)
    folder = out.with_name(out.name + FOLDER)
    parts = _open(out, folder, plan, resume)
    kept, raw = np.zeros(len(CARTPOLE), np.int64), np.zeros(len(CARTPOLE), np.int64)
    sums = np.zeros((2, len(CARTPOLE)))
    position, seconds = 0, 0.0
    for part in parts:
        arrays, header = storage.read_tensors(part)
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
                _flush(folder, pending, position, time.monotonic() - began)
                pending, flushed = _Pending.empty(position), time.monotonic()
    finally:
        results.close()  # type: ignore[attr-defined]  # a generator
        if pending.weights:  # networks that were only dropped are trained and dropped again after a resume
            _flush(folder, pending, position, time.monotonic() - began)
    population = snapshot(folder)
    run = {
        "seconds": round(time.monotonic() - began, 1),
        "threads": compute.workers,
        "machine": platform.machine(),
        "versions": {name: version(name) for name in ("numpy", "numba")},
    }
    replace(population, provenance={**population.provenance, "run": run}).save(out)
    shutil.rmtree(folder)
    yield Collected(int(kept.sum()), plan.count, position, kept, raw, sums, str(out))


def snapshot(folder: Path) -> Population:
    """The networks that an unfinished collection has on disk.

    Raises:
        WorkbenchError: no plan there, or a damaged part.
    """
    plan = _read_plan(folder)
    parts = [storage.read_tensors(path) for path in _parts(folder)]
    spec = PolicySpec.from_json(plan["spec"])
    if not parts:
        return Population(spec, np.zeros((0, spec.parameters), np.float32), {}, {"collection": plan})
    arrays = {name: np.concatenate([a[name] for a, _ in parts]) for name in parts[0][0]}
    weights = arrays.pop("weights")
    columns: dict[str, Column] = {name.removeprefix("column/"): column for name, column in arrays.items()}
    columns["recipe"] = Text(np.zeros(len(weights), np.int32), (plan["recipe"],))
    fingerprint = fingerprints(weights)
    columns |= {FINGERPRINT: fingerprint, HELD_OUT: held_out(fingerprint)}
    hyperparameters = [h.name for h in HYPERPARAMETERS[plan["recipe"]]]
    columns = {name: columns[name] for name in (*LEADING, *hyperparameters, *TRAILING)}
    raw = np.sum([header["raw"] for _, header in parts], axis=0)
    provenance = {
        "collection": plan,
        "trained": int(raw.sum()),
        "raw_mix": dict(zip(CARTPOLE.names, map(int, raw), strict=True)),
    }
    return Population(spec, weights, columns, provenance)


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


def _open(out: Path, folder: Path, plan: Plan, resume: bool) -> list[Path]:
    """Make or reopen the folder; returns the parts that are there."""
    if os.path.exists(out):  # pathlib's raises where a name is too long
        raise WorkbenchError(f"{out}: already there; give another name or remove it")
    if os.path.exists(folder):
        if not resume:
            raise WorkbenchError(f"{folder}: an unfinished collection is there; --resume goes on with it")
        storage.sweep_strays(folder)
        written, asked = _read_plan(folder), json.loads(json.dumps(plan.to_json()))
        if differing := [k for k in asked if asked[k] != written.get(k)]:
            told = "; ".join(f"{k}: was {written.get(k)}, now {asked[k]}" for k in differing)
            raise WorkbenchError(f"{folder}: begun with another plan ({told})")
    else:
        if resume:
            raise WorkbenchError(f"{folder}: no unfinished collection to resume")
        storage.write_json(folder / PLAN, plan.to_json())
    return _parts(folder)


def _read_plan(folder: Path) -> dict[str, Any]:
    try:
        plan = json.loads((folder / PLAN).read_text())
    except (OSError, ValueError) as error:
        raise WorkbenchError(f"{folder / PLAN}: cannot be read ({error})") from None
    if not isinstance(plan, dict):
        raise WorkbenchError(f"{folder / PLAN}: cannot be read (expected an object, got {type(plan).__name__})")
    return plan


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.safetensors"))


def _flush(folder: Path, pending: _Pending, end: int, seconds: float) -> None:
    arrays = {"weights": np.concatenate(pending.weights)}
    for name in pending.columns[0]:
        arrays[f"column/{name}"] = np.concatenate([columns[name] for columns in pending.columns])
    header = {
        "kind": "part",
        "schema": SCHEMA,
        "begin": pending.begin,
        "end": end,
        "raw": pending.raw.tolist(),
        "seconds": seconds,
    }
    storage.write_tensors(folder / f"part-{pending.begin:09d}.safetensors", arrays, header)
