"""What one was at with a population: a small JSON file of each in the user's state folder.

A session is found by the content hash of its population or, where the file has been written since, by its path.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.places import default_population, state_dir
from workbench.population import FINGERPRINT, Population, fingerprints
from workbench.storage import write_json

SCHEMA = 1
MOST = 100
"""Sessions that are kept; the oldest go."""


def folder() -> Path:
    """Where the files lie."""
    return state_dir() / "sessions"


def file_of(population: Population) -> Path:
    """The file of a population's session."""
    return folder() / f"{population.content_hash}.json"


def load(population: Population) -> dict[str, Any]:
    """What was saved of a population, or of what its file held before; nothing where nothing can be read."""
    own = file_of(population)
    found = _read(own)
    if found:
        return found
    for path in _newest():
        found = _read(path)
        if found and found.get("path") == _path(population):
            return found
    return {}


def save(population: Population, said: Mapping[str, Any], before: Path | None = None) -> Path:
    """Save what is said of a population; returns the file. `before` is that of its state before it grew, and goes.

    Raises:
        WorkbenchError: the state folder cannot be written.
    """
    path = file_of(population)
    write_json(path, {**said, "schema": SCHEMA, "path": _path(population)})
    unwanted = [before] if before is not None and before != path else []
    for old in [*unwanted, *_newest()[MOST:]]:
        with contextlib.suppress(OSError):
            old.unlink(missing_ok=True)
    return path


def rows_said(population: Population, rows: NDArray[np.int64]) -> dict[str, Any]:
    """Networks as JSON values: runs of rows, and their fingerprints, by which they are found in another state."""
    rows = np.asarray(rows, np.int64)
    ends = np.flatnonzero(np.diff(rows) != 1)
    begins, last = np.r_[0, ends + 1][: len(rows)], np.r_[ends, len(rows) - 1][: len(rows)]
    return {
        "rows": [[int(rows[a]), int(rows[b]) + 1] for a, b in zip(begins, last, strict=True)],
        "fingerprints": _fingerprints(population, rows).tobytes().hex(),
    }


def rows_found(population: Population, said: Any) -> NDArray[np.int64]:
    """The networks that `rows_said` told of, as far as they are there, by their rows."""
    try:
        runs = [range(int(a), int(b)) for a, b in said["rows"]]
        wanted = np.frombuffer(bytes.fromhex(said["fingerprints"]), np.uint64)
        if sum(map(len, runs)) != len(wanted):
            return np.zeros(0, np.int64)
    except (KeyError, TypeError, ValueError, OverflowError):
        return np.zeros(0, np.int64)
    rows = np.array([row for run in runs for row in run], np.int64)
    there = (rows >= 0) & (rows < len(population))
    there[there] = _fingerprints(population, rows[there]) == wanted[there]
    found = rows[there]
    if not there.all():
        elsewhere = np.isin(_fingerprints(population, np.arange(len(population))), wanted[~there])
        found = np.union1d(found, np.flatnonzero(elsewhere))
    return found


def _fingerprints(population: Population, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    column = population.columns.get(FINGERPRINT)
    if isinstance(column, np.ndarray) and column.dtype == np.uint64:
        return np.ascontiguousarray(column[rows])
    return fingerprints(np.asarray(population.weights[rows]))


def _path(population: Population) -> str:
    return str((population.path or default_population()).absolute())


def _newest() -> list[Path]:
    """Files of sessions, the newest first."""
    found = []
    for path in folder().glob("[!.]*.json"):
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(found, reverse=True)]


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("schema") == SCHEMA else {}
