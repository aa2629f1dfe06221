"""An unfinished collection on disk: a folder with the plan, and parts of finished networks.

One process writes; a part is there whole or not at all, and is held against its hash when it is read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import storage
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE
from workbench.policies import PolicySpec
from workbench.population import FINGERPRINT, HELD_OUT, SCHEMA, Column, Population, Text, fingerprints, held_out, load
from workbench.training.plan import Plan
from workbench.training.recipes import HYPERPARAMETERS
from workbench.unfinished import Kind, as_read, read_plan

COLLECTION = Kind(".collecting", "collection", "collecting into it")
LEADING = ("index", "survival", "survival_se", "recipe")
TRAILING = ("lean_x", "lean_angle", "sharpness", HELD_OUT, FINGERPRINT)
"""Columns before and after the hyperparameters."""


def finished(out: Path, plan: Plan) -> Population | None:
    """The population that this plan has already become, or None."""
    try:
        population = load(out)
    except WorkbenchError:
        return None
    return population if population.provenance.get("collection") == as_read(plan.to_json()) else None


def part_paths(folder: Path) -> list[Path]:
    """The parts, in the order of the stream."""
    return sorted(folder.glob("part-*.safetensors"))


def read_part(path: Path) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """A part's arrays and header, held against the hash it was written with.

    Raises:
        WorkbenchError: it is damaged.
    """
    arrays, header = storage.read_tensors(path)
    if header.get("hash") != storage.content_hash(arrays, {}):
        raise WorkbenchError(f"{path}: damaged; remove it and all later parts, and --resume makes them again")
    return arrays, header


def write_part(
    folder: Path, weights: NDArray, columns: Mapping[str, NDArray], begin: int, end: int, raw: NDArray, seconds: float
) -> None:
    """Write the networks kept of the stream's positions begin..end-1.

    Args:
        folder: the collection's.
        weights: (k, p).
        columns: arrays (k,).
        begin, end: positions in the stream.
        raw: (groups,) networks trained in each survival group, kept or not.
        seconds: what the collection has taken so far.
    """
    arrays = {"weights": weights, **{f"column/{name}": column for name, column in columns.items()}}
    header = {
        "kind": "part",
        "schema": SCHEMA,
        "begin": begin,
        "end": end,
        "raw": raw.tolist(),
        "seconds": seconds,
        "hash": storage.content_hash(arrays, {}),
    }
    storage.write_tensors(folder / f"part-{begin:09d}.safetensors", arrays, header)


def snapshot(folder: Path) -> Population:
    """The networks that an unfinished collection has on disk.

    Raises:
        WorkbenchError: no plan there, or a damaged part.
    """
    plan = read_plan(folder)
    parts = [read_part(path) for path in part_paths(folder)]
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
