"""Populations as files that others read: arrays, tables, and folders of state dicts."""

import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.groups import Groups
from workbench.learning.data import held_out_rows
from workbench.policies import PolicySpec, layers
from workbench.population import CAP, FINGERPRINT, HELD_OUT, Column, Population, Text, fingerprints
from workbench.storage import refuse_existing, write_arrays, write_json, write_text

if TYPE_CHECKING:
    import torch

LAYOUTS = ("torch", "sb3")
"""Names of tensors in state dicts: those of `torch.nn.Sequential`, or of a DQN policy of Stable-Baselines3."""
SUFFIXES = (".safetensors", ".npz", ".csv", ".json")
TABLE, SPEC = "columns.csv", "spec.json"
"""What lies beside the state dicts in a folder."""
FILE_COLUMN = "file"
ORIGIN = "from"
"""The column of a merged population that names the one a network is from."""


def check(path: Path, layout: str) -> None:
    """Whether a population can be written there.

    Raises:
        WorkbenchError: an unknown suffix or layout, or something is there already.
    """
    if path.suffix and path.suffix not in SUFFIXES:
        raise WorkbenchError(f"{path}: expected a file ending in {', '.join(SUFFIXES)}, or a folder without a dot")
    if layout not in LAYOUTS:
        raise WorkbenchError(f"layout: expected {' or '.join(LAYOUTS)}, got {layout!r}")
    refuse_existing(path)


def export(population: Population, path: Path, layout: str = "torch") -> Iterator[int]:
    """Write a population, and yield how many networks are written.

    By suffix: `.safetensors` is this program's own format; `.npz` holds weights (n, p), columns and the spec; `.csv`
    and `.json` hold columns alone. A path without a suffix becomes a folder of state dicts, one a network, with a table
    of columns and the spec beside them. All appear at once, or not at all.

    Raises:
        WorkbenchError: as `check`, or it cannot be written.
    """
    check(path, layout)
    writers: dict[str, Callable[[Population, Path], object]] = {
        ".safetensors": lambda p, to: p.save(to),
        ".npz": _arrays,
        ".csv": lambda p, to: write_text(to, table(p)),
        ".json": _json,
    }
    if path.suffix:
        yield 0
        writers[path.suffix](population, path)
    else:
        yield from _folder(population, path, layout)
    yield len(population)


def values(population: Population) -> dict[str, list[Any]]:
    """Columns as lists of plain values, the fingerprint as the table shows it."""
    found: dict[str, list[Any]] = {}
    for name, column in population.columns.items():
        if isinstance(column, Text):
            found[name] = column.values().tolist()
        elif name == FINGERPRINT:
            found[name] = [f"{int(v):016x}" for v in column]
        else:
            found[name] = [None if isinstance(v, float) and not np.isfinite(v) else v for v in column.tolist()]
    return found


def table(population: Population, **first: list[Any]) -> str:
    """Columns as CSV, a line a network; `first` are columns before them."""
    columns = {**first, **{k: v for k, v in values(population).items() if k not in first}}
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return out.getvalue()


def _arrays(population: Population, path: Path) -> None:
    columns = {n: c.values() if isinstance(c, Text) else c for n, c in population.columns.items()}
    taken = {"weights", "spec"} & set(columns)
    if taken:
        raise WorkbenchError(f"{path}: a column is called {taken.pop()!r}, as an array of the file is")
    spec = np.array(json.dumps(population.spec.to_json(), sort_keys=True))
    write_arrays(path, {"weights": np.asarray(population.weights), "spec": spec, **columns})


def _json(population: Population, path: Path) -> None:
    about = {"spec": population.spec.to_json(), "hash": population.content_hash, "columns": values(population)}
    write_json(path, about)


def state_dict(weights: np.ndarray, spec: PolicySpec, layout: str) -> "dict[str, torch.Tensor]":
    """One network (p,) as tensors by name.

    As a DQN policy of Stable-Baselines3 a network without biases gets biases of 0, and the target network is a copy.
    """
    import torch

    found: dict[str, torch.Tensor] = {}
    for k, (matrix, bias) in enumerate(layers(weights, spec)):
        if bias is None and layout == "sb3":
            bias = np.zeros(len(matrix), np.float32)
        for name, array in (("weight", matrix), ("bias", bias)):
            if array is None:
                continue
            tensor = torch.from_numpy(np.array(array, np.float32))
            if layout == "sb3":
                for network in ("q_net.q_net", "q_net_target.q_net"):
                    found[f"{network}.{2 * k}.{name}"] = tensor
            else:
                found[f"{2 * k}.{name}"] = tensor
    return found


def _folder(population: Population, path: Path, layout: str) -> Iterator[int]:
    import torch

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.writing-", dir=path.parent))
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot write there ({error.strerror or error})") from None
    try:
        wide = len(str(max(0, len(population) - 1)))
        names = [f"{row:0{wide}d}.pth" for row in range(len(population))]
        for row, name in enumerate(names):
            # A file object: torch's own writer aborts the process where the disk is full.
            with open(temporary / name, "wb") as file:
                torch.save(state_dict(np.asarray(population.weights[row]), population.spec, layout), file)
            if row % 100 == 0:
                yield row
        write_text(temporary / TABLE, table(population, **{FILE_COLUMN: names}))
        write_json(temporary / SPEC, {**population.spec.to_json(), "layout": layout})
        temporary.chmod(0o755)
        temporary.rename(path)
    except OSError as error:
        raise WorkbenchError(f"{path}: could not be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def merged(populations: list[Population]) -> Population:
    """Networks of several populations of one spec in one, in order; of the same weights only the first.

    Columns that not all have are filled: numbers with NaN, text with nothing. A column `from` names the population;
    what was held out of one stays so.

    Raises:
        WorkbenchError: other specs, other groups, or columns that are text in one and numbers in another.
    """
    first = populations[0]
    for other in populations[1:]:
        if other.spec != first.spec:
            raise WorkbenchError(
                f"{other.name}: {other.spec.label}, {other.spec.action} on {other.spec.env} with "
                f"{dict(other.spec.env_kwargs)}; {first.name} has {first.spec.label}, {first.spec.action} on "
                f"{first.spec.env} with {dict(first.spec.env_kwargs)}; networks of one spec can be merged"
            )
        if other.edges != first.edges:
            raise WorkbenchError(f"{other.name}: its groups have other edges than those of {first.name}")
    weights = np.concatenate([np.asarray(p.weights) for p in populations])
    fingerprint, held = fingerprints(weights), [held_out_rows(p) for p in populations]
    columns: dict[str, Column] = {
        ORIGIN: Text.of([p.name for p in populations for _ in range(len(p))]),
        HELD_OUT: np.concatenate(held),
        FINGERPRINT: fingerprint,
    }
    for name in dict.fromkeys(name for p in populations for name in p.columns if name not in columns):
        columns[name] = _joined(name, populations)
    about = [{"name": p.name, "hash": p.content_hash} for p in populations]
    caps = {p.cap for p in populations}
    alike = {CAP: caps.pop()} if len(caps) == 1 else {}
    whole = Population(first.spec, weights, columns, {"merged": about, **alike}, first.edges)
    _, once = np.unique(fingerprint, return_index=True)
    return whole if len(once) == len(weights) else whole.select(np.sort(once))


def _joined(name: str, populations: list[Population]) -> Column:
    parts = [p.columns.get(name) for p in populations]
    kinds = {isinstance(part, Text) for part in parts if part is not None}
    if len(kinds) > 1:
        raise WorkbenchError(f"column {name!r} is text in one population and numbers in another")
    both = list(zip(parts, map(len, populations), strict=True))
    if kinds == {True}:
        texts = [part.values().tolist() if isinstance(part, Text) else [""] * n for part, n in both]
        return Text.of([value for part in texts for value in part])
    return np.concatenate([np.full(n, np.nan) if part is None else np.asarray(part) for part, n in both])


def regrouped(population: Population, edges: tuple[float, ...]) -> Population:
    """The same networks with other edges between groups.

    Raises:
        WorkbenchError: edges that do not rise.
    """
    Groups.between(edges)
    return replace(population, edges=edges, path=None, stored_hash=None)
