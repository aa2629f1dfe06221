"""A training's state on disk, so that it can be taken up again."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from workbench import storage
from workbench.errors import WorkbenchError
from workbench.learning.loop import Optimisation
from workbench.unfinished import Kind

T = TypeVar("T")

TRAINING = Kind(".training", "training", "training into it")
SAVE_SECONDS = 5.0
"""Between two writings of an unfinished training."""
STATE = "state.safetensors"
ARRAYS = ("finished", "current")
NUMBERS = tuple(f.name for f in fields(Optimisation) if f.name not in (*ARRAYS, "snapshot"))


def save_state(folder: Path, state: Optimisation) -> None:
    """Write down how far a training is."""
    state.snapshot()
    arrays = {f"{kind}/{name}": value for kind in ARRAYS for name, value in getattr(state, kind).items()}
    numbers = {name: getattr(state, name) for name in NUMBERS}
    numbers["best"] = None if math.isinf(state.best) else state.best
    header = {"kind": "training", "numbers": json.loads(json.dumps(numbers))}
    storage.write_tensors(folder / STATE, arrays, {**header, "hash": storage.content_hash(arrays, header)})


def keep_saving(steps: Iterator[tuple[T, Optimisation]], folder: Path) -> Iterator[tuple[T, Optimisation]]:
    """Pass a training's steps on, writing its state every few seconds and where it is interrupted."""
    saved, state = time.monotonic(), None
    try:
        for step, state in steps:
            yield step, state
            if time.monotonic() - saved > SAVE_SECONDS:
                save_state(folder, state)
                saved = time.monotonic()
    except WorkbenchError:
        raise  # a state that went wrong is not worth keeping; the last good one is on disk
    except BaseException:
        if state is not None:
            save_state(folder, state)
        raise


def load_state(folder: Path) -> Optimisation | None:
    """The state in a folder, or None where none was written yet.

    Raises:
        WorkbenchError: it is damaged.
    """
    path = folder / STATE
    if not path.exists():
        return None
    arrays, header = storage.read_tensors(path)
    if storage.content_hash(arrays, {k: header[k] for k in ("kind", "numbers") if k in header}) != header.get("hash"):
        raise WorkbenchError(f"{path}: damaged; remove it, and the training begins anew")
    numbers = header["numbers"]
    best = math.inf if numbers["best"] is None else numbers["best"]
    taken: dict[str, dict] = {kind: {} for kind in ARRAYS}
    for name, value in arrays.items():
        kind, _, key = name.partition("/")
        taken[kind][key] = value.copy()
    return Optimisation(**{**numbers, "best": best, **taken})
