"""The folder of a task that is not finished: its plan, a lock, and whatever the task keeps there to go on from."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench import storage
from workbench.errors import WorkbenchError

PLAN = "plan.json"


@dataclass(frozen=True)
class Kind:
    """What is unfinished, in words."""

    suffix: str
    """Behind the name of the file that the task will write."""
    noun: str
    """`collection`, with `an unfinished` before it."""
    doing: str
    """What another process is doing, as in `collecting into it`."""

    def folder(self, out: Path) -> Path:
        """Where the unfinished work on a file lies."""
        return out.with_name(out.name + self.suffix)

    def open(self, out: Path, plan: Mapping[str, Any], resume: bool) -> Path:
        """Make the folder, or open it again.

        Raises:
            WorkbenchError: `out` exists; a folder is there and `resume` is not given; none is there and it is; its plan
                is another one.
        """
        folder = self.folder(out)
        storage.refuse_existing(out)
        if os.path.exists(folder):
            if not resume:
                raise WorkbenchError(f"{folder}: an unfinished {self.noun} is there; --resume goes on with it")
            written, asked = read_plan(folder), as_read(plan)
            if differing := [k for k in asked if asked[k] != written.get(k)]:
                told = "; ".join(f"{k}: was {written.get(k)}, now {asked[k]}" for k in differing)
                raise WorkbenchError(f"{folder}: begun with another plan ({told})")
        else:
            if resume:
                raise WorkbenchError(f"{folder}: no unfinished {self.noun} to resume")
            storage.write_json(folder / PLAN, plan)
        return folder

    @contextlib.contextmanager
    def sole_writer(self, folder: Path) -> Iterator[None]:
        """Hold the plan's lock, which ends with the process, however that ends; what a killed writer left is removed.

        Raises:
            WorkbenchError: another process holds it.
        """
        with open(folder / PLAN, "rb") as plan:
            try:
                fcntl.flock(plan, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WorkbenchError(f"{folder}: another process is {self.doing}") from None
            storage.sweep_strays(folder)
            storage.sweep_strays(folder.parent, folder.name.removesuffix(self.suffix))
            yield


def read_plan(folder: Path) -> dict[str, Any]:
    """The plan in a folder.

    Raises:
        WorkbenchError: missing, or not a JSON object.
    """
    try:
        plan = json.loads((folder / PLAN).read_text())
    except (OSError, ValueError) as error:
        raise WorkbenchError(f"{folder / PLAN}: cannot be read ({error})") from None
    if not isinstance(plan, dict):
        raise WorkbenchError(f"{folder / PLAN}: cannot be read (expected an object, got {type(plan).__name__})")
    return plan


def as_read(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan as it comes back from a file: lists for tuples."""
    return json.loads(json.dumps(plan))
