"""Checkpoints gathered by spec: one population for each, what was assumed for it, and what was left out and why."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.importing import naming, tables
from workbench.importing.folders import Listing
from workbench.importing.reading import Checkpoint, Overrides, read
from workbench.performance import MEASURES
from workbench.policies import PolicySpec
from workbench.population import FINGERPRINT, HELD_OUT, Column, Population, Text, fingerprints, held_out
from workbench.rules import BEHAVIOUR
from workbench.text import clean

CHUNK = 16
"""Files that a thread reads before it hands them in."""
OWN = (
    "id", "index", "group", "mark", "marked", "recipe", "source", "row", "run", "steps", "finite", "constant",
    "duplicate_of", *BEHAVIOUR, HELD_OUT, FINGERPRINT,
    *(word for measure in MEASURES for word in (measure.name, measure.error)),
)  # fmt: skip
"""Names of columns that the program has itself."""
STEPS_INSIDE = ("num_timesteps", "global_step", "steps", "step")
"""What files say of the steps trained, where their names do not."""


@dataclass(frozen=True)
class Said:
    """What is known of the networks of one file besides their weights."""

    run: str
    """The folder it is in."""
    steps: float | None
    """Steps trained."""
    beside: dict[str, tables.Value]
    """What the file and the user's table say, by the column's name."""


@dataclass
class Gathered:
    """The networks of one spec so far."""

    spec: PolicySpec
    scratch: Path | None
    """Where their weights are written, one after another; None where they are only looked at."""
    names: list[str] = field(default_factory=list)
    """One a file."""
    sources: list[str] = field(default_factory=list)
    """One a network."""
    rows: list[int] = field(default_factory=list)
    """Its row in the file."""
    said: list["Said"] = field(default_factory=list)
    not_finite: int = 0
    """Networks with a NaN or infinite weight."""
    constants: int = 0
    """Networks whose weights are all one number."""
    duplicates: int = 0
    """Networks with the weights of one before them."""
    finite: list[bool] = field(default_factory=list)
    constant: list[bool] = field(default_factory=list)
    fingerprints: list[int] = field(default_factory=list)
    first: dict[int, str] = field(default_factory=dict)
    """The first network of each fingerprint."""
    duplicate_of: list[str] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    assumed: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def files(self) -> int:
        """How many files they are from."""
        return len(self.names)

    def add(self, checkpoint: Checkpoint, said: "Said") -> None:
        """The networks of one more file.

        Raises:
            WorkbenchError: the disk refuses.
        """
        weights, name = checkpoint.weights, clean(checkpoint.name)
        if self.scratch is not None:
            try:
                with open(self.scratch, "ab") as file:
                    file.write(np.ascontiguousarray(weights, "<f4").tobytes())
            except OSError as error:
                raise WorkbenchError(f"{self.scratch}: could not be written ({error.strerror or error})") from None
        finite = np.asarray(np.isfinite(weights).all(1))
        constant = np.asarray((weights == weights[:, :1]).all(1) & finite)
        self.finite.extend(finite.tolist())
        self.constant.extend(constant.tolist())
        self.not_finite += int((~finite).sum())
        self.constants += int(constant.sum())
        for row, fingerprint in enumerate(fingerprints(weights).tolist()):
            told = name if len(weights) == 1 else f"{name} #{row}"
            before = self.first.setdefault(fingerprint, told)
            self.duplicate_of.append("" if before == told else before)
            self.duplicates += before != told
            self.fingerprints.append(fingerprint)
        self.sources += [name] * len(weights)
        self.rows += range(len(weights))
        self.said += [said] * len(weights)
        self.names.append(name)
        self.formats[checkpoint.format] += 1
        self.assumed.update(checkpoint.assumed)

    def weights(self) -> NDArray[np.float32]:
        """(n, p), mapped."""
        assert self.scratch is not None
        return np.memmap(self.scratch, np.float32, "r", shape=(len(self), self.spec.parameters))

    def columns(self) -> dict[str, Column]:
        """About each network: what the program knows, then what was found beside."""
        names = dict.fromkeys(name for said in self.said for name in said.beside)
        fingerprint = np.array(self.fingerprints, np.uint64)
        found: dict[str, Column] = {"source": Text.of(self.sources)}
        if any(self.rows):
            found["row"] = np.array(self.rows)
        found |= {
            "run": Text.of([said.run for said in self.said]),
            "steps": tables.column([said.steps for said in self.said]),
            "finite": np.array(self.finite),
            "constant": np.array(self.constant),
            "duplicate_of": Text.of(self.duplicate_of),
            HELD_OUT: held_out(fingerprint),
            FINGERPRINT: fingerprint,
        }
        for name in names:
            found[tables.named(name, (*OWN, *found))] = tables.column([said.beside.get(name) for said in self.said])
        return found

    def population(self, provenance: dict[str, Any]) -> Population:
        """All of them."""
        told = {**provenance, "formats": dict(self.formats), "assumed": dict(self.assumed)}
        return Population(self.spec, self.weights(), self.columns(), {"import": told})


@dataclass
class Gathering:
    """What has been read of a listing."""

    read: int = 0
    """Files looked at."""
    specs: dict[str, Gathered] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Files left out, and why."""
    unmatched: int = 0
    """Rows of users' tables that are about no file."""

    @property
    def largest(self) -> list[Gathered]:
        """The populations, the largest first."""
        return sorted(self.specs.values(), key=lambda g: -len(g))

    @property
    def networks(self) -> int:
        """In all."""
        return sum(map(len, self.specs.values()))


def gather(
    listing: Listing, overrides: Overrides, compute: Compute, columns: str = "", scratch: Path | None = None
) -> Iterator[Gathering]:
    """Read all files of a listing; the order of networks is that of the files, on any number of threads.

    Args:
        listing: the files.
        overrides: what is not to be assumed.
        compute: threads; they overlap what a slow disk takes.
        columns: a user's table; empty looks for one beside the files.
        scratch: a folder for the weights; None keeps none.

    Yields:
        The same object as it grows, after every few files.

    Raises:
        WorkbenchError: an override that cannot be, or a table that was asked for and cannot be read.
    """
    overrides.check()
    users = _Tables(listing, columns)
    found = Gathering(skipped=list(listing.skipped))
    chunks = [listing.files[k : k + CHUNK] for k in range(0, len(listing.files), CHUNK)]
    for part in compute.map(_reader(listing.root, overrides), chunks):
        for name, outcome in part:
            found.read += 1
            if isinstance(outcome, str):
                found.skipped.append((clean(name), outcome))
                continue
            key = json.dumps(outcome.spec.to_json(), sort_keys=True)
            if key not in found.specs:
                file = scratch / f"weights-{len(found.specs)}.f32" if scratch else None
                if file is not None:
                    file.unlink(missing_ok=True)
                found.specs[key] = Gathered(outcome.spec, file)
            found.specs[key].add(outcome, _said(outcome, users))
        yield found
    found.skipped += users.faults
    found.unmatched = users.unmatched
    yield found


def _reader(root: Path, overrides: Overrides) -> Callable[[Sequence[str]], list[tuple[str, Checkpoint | str]]]:
    def of(names: Sequence[str]) -> list[tuple[str, Checkpoint | str]]:
        found: list[tuple[str, Checkpoint | str]] = []
        for name in names:
            try:
                found.append((name, read(root, name, overrides)))
            except WorkbenchError as error:
                found.append((name, clean(error)))
        return found

    return of


def _said(checkpoint: Checkpoint, users: "_Tables") -> Said:
    path = Path(checkpoint.name)
    inside = {name: tables.value(value) for name, value in checkpoint.columns.items()}
    steps = naming.steps(path.stem)
    if steps is None:
        steps = next((v for name in STEPS_INSIDE if isinstance(v := inside.get(name), float)), None)
    run = path.parent.name or users.root.absolute().name
    return Said(clean(run), steps, {**inside, **users.row(checkpoint.name)})


class _Tables:
    """The tables that rows are looked up in: the one that was asked for, or those in the files' own folders."""

    def __init__(self, listing: Listing, asked: str) -> None:
        self.root = listing.root
        self.asked = tables.read(Path(asked)) if asked else None
        self.faults: list[tuple[str, str]] = []
        self.used: dict[Path, set[str]] = {}
        self._found: dict[Path, tables.Table | None] = {}

    def row(self, name: str) -> tables.Row:
        path = Path(name)
        if self.asked is not None:
            return self._look(self.asked, name)
        for folder in path.parents:
            table = self._in(folder)
            if table is not None:
                return self._look(table, str(path.relative_to(folder)))
        return {}

    def _look(self, table: tables.Table, name: str) -> tables.Row:
        found = table.row(name)
        used = self.used.setdefault(table.path, set())
        if found is None:
            return {}
        used.add(found[0])
        return found[1]

    def _in(self, folder: Path) -> tables.Table | None:
        if folder not in self._found:
            path = next((p for n in tables.FOUND if (p := self.root / folder / n).is_file()), None)
            try:
                self._found[folder] = tables.read(path) if path else None
            except WorkbenchError as error:
                self.faults.append((str(folder / path.name) if path else "", str(error).removeprefix(f"{path}: ")))
                self._found[folder] = None
        return self._found[folder]

    @property
    def unmatched(self) -> int:
        """Rows about no file."""
        every = [self.asked] if self.asked else [t for t in self._found.values() if t is not None]
        return sum(len(t.rows) - len(self.used.get(t.path, ())) for t in every)
