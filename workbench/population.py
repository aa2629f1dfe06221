"""A population: the weights of many networks of one spec, columns about each, and where they came from."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import storage
from workbench.errors import WorkbenchError
from workbench.groups import Groups
from workbench.performance import CAPS, SURVIVAL, Measure, groups_of, measure_of
from workbench.places import default_population
from workbench.policies import PolicySpec

SCHEMA = 1
HELD_OUT = "held_out"
FINGERPRINT = "fingerprint"
HELD_OUT_SHARE = 5
"""One network in this many is held out."""
CAP = "cap"
CAP_TOLD = (("rules", CAP), (CAP,), ("import", "measured", CAP), ("collection", "episodes", CAP))
"""Where provenance says after how many steps the episodes ended in which networks were measured; the first counts."""


def fingerprints(weights: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A 64-bit hash (BLAKE2b) of each network's weights, (n, p) -> (n,): its identity in every population."""
    rows = np.ascontiguousarray(weights, np.float32)
    hashes = b"".join(hashlib.blake2b(memoryview(row), digest_size=8).digest() for row in rows)
    return np.frombuffer(hashes, "<u8").astype(np.uint64)


def held_out(fingerprint: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """The fifth of networks that nothing is ever fitted to: decided by a network's hash alone, (n,) -> (n,).

    It is the same fifth in any population that a network is copied into.
    """
    return fingerprint % np.uint64(HELD_OUT_SHARE) == 0


@dataclass(frozen=True)
class Text:
    """A column of strings: integer codes (n,) into a vocabulary."""

    codes: NDArray[np.integer]
    vocabulary: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[str]) -> "Text":
        """From one string a network."""
        vocabulary, codes = np.unique(np.asarray(values, dtype=str), return_inverse=True)
        return cls(codes.astype(np.int32), tuple(map(str, vocabulary)))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> "Text":
        return Text(self.codes[rows], self.vocabulary)

    def values(self) -> NDArray[np.str_]:
        """The strings, (n,)."""
        return np.asarray(self.vocabulary or ("",), dtype=str)[self.codes]


Column = NDArray | Text


@dataclass(frozen=True)
class Population:
    """Networks of one spec.

    Attributes:
        spec: what they are.
        weights: (n, p) float32, in `torch.nn.utils.parameters_to_vector` order; may be mapped from a file.
        columns: for each name an array (n,), or `Text`.
        provenance: JSON: what made it, with what arguments, seed and versions.
        edges: between groups of survival or return, where others are wanted than `groups` gives without.
        path: the file it was read from, if any.
        stored_hash: the content hash written in that file.
    """

    spec: PolicySpec
    weights: NDArray[np.float32]
    columns: Mapping[str, Column] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    edges: tuple[float, ...] = ()
    path: Path | None = None
    stored_hash: str | None = None

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.weights.shape[1] != self.spec.parameters:
            raise WorkbenchError(
                f"{self.name}: expected weights of shape (n, {self.spec.parameters}) for {self.spec.label}, "
                f"got {tuple(self.weights.shape)}"
            )
        if self.weights.dtype != np.float32:
            raise WorkbenchError(f"{self.name}: expected float32 weights, got {self.weights.dtype}")
        for name, column in self.columns.items():
            data = column.codes if isinstance(column, Text) else column
            if data.ndim != 1 or (isinstance(column, Text) and data.dtype.kind not in "iu"):
                raise WorkbenchError(
                    f"{self.name}: column {name!r} must have one entry a network (a whole number where it codes text), "
                    f"not {data.dtype} of shape {data.shape}"
                )
            if len(column) != len(self.weights):
                raise WorkbenchError(
                    f"{self.name}: column {name!r} has {len(column)} entries for {len(self.weights)} networks"
                )

    def __len__(self) -> int:
        return len(self.weights)

    def __getitem__(self, name: str) -> NDArray:
        """A column as an array (n,).

        Raises:
            WorkbenchError: no such column; the message lists those there are.
        """
        if name not in self.columns:
            raise WorkbenchError(f"{self.name}: no column {name!r}; there are {', '.join(self.columns) or 'none'}")
        column = self.columns[name]
        return column.values() if isinstance(column, Text) else column

    @property
    def name(self) -> str:
        """The file's name without its suffix, or `population`."""
        return self.path.stem if self.path else "population"

    @property
    def measure(self) -> Measure:
        """What its networks are judged by: survival or return."""
        return measure_of(self.spec)

    @property
    def measured(self) -> bool:
        """Whether it has a column of that."""
        return self.measure.name in self.columns

    @property
    def performance(self) -> NDArray[np.float64]:
        """(n,) mean survival (steps) or return of each; NaN where there is no such column."""
        return np.asarray(self[self.measure.name], float) if self.measured else np.full(len(self), np.nan)

    @cached_property
    def cap(self) -> int:
        """Steps after which the episodes ended in which it was measured, as far as its provenance says so.

        Else what an episode should last to show what is measured: 200, or 500 or more where some survive longer.
        """
        longest = float(np.nanmax(self.performance, initial=0.0)) if self.measure is SURVIVAL else 0.0
        known = (_told(self.provenance, path) for path in CAP_TOLD)
        caps = (*(cap for cap in known if type(cap) is int), *CAPS)
        return next((cap for cap in caps if cap >= max(1.0, longest)), CAPS[-1])

    @cached_property
    def groups(self) -> Groups:
        """Groups of that."""
        return groups_of(self.spec, self.edges, self.performance)

    @cached_property
    def content_hash(self) -> str:
        """What the population says, whatever file it lies in; trusted from the file's header where there is one."""
        return self.stored_hash or self._computed_hash()

    def select(self, rows: NDArray) -> "Population":
        """Some of the networks: a mask (n,) or indices, in their order."""
        return replace(
            self,
            weights=np.ascontiguousarray(self.weights[rows]),
            columns={name: column[rows] for name, column in self.columns.items()},
            path=None,
            stored_hash=None,
        )

    def with_columns(self, **columns: Column) -> "Population":
        """The same networks with columns added or replaced."""
        return replace(self, columns={**self.columns, **columns}, path=None, stored_hash=None)

    def verify(self) -> None:
        """Read everything once and hold it against the hash in the file.

        Raises:
            WorkbenchError: the data is not what was written.
        """
        actual = self._computed_hash()
        if self.stored_hash not in (None, actual):
            raise WorkbenchError(
                f"{self.path}: damaged: its content hash is {actual[:12]}, its header says {self.stored_hash[:12]}"
            )

    def save(self, path: Path | str) -> "Population":
        """Write to `path`, atomically; returns the population as read back from there.

        Raises:
            WorkbenchError: it cannot be written.
        """
        header = {**self._description(), "provenance": dict(self.provenance), "schema": SCHEMA}
        storage.write_tensors(Path(path), self._arrays(), {**header, "hash": self._computed_hash()})
        return load(path)

    def _computed_hash(self) -> str:
        # Not the provenance: two runs that made the same networks made the same population.
        return storage.content_hash(self._arrays(), self._description())

    def _arrays(self) -> dict[str, NDArray]:
        arrays: dict[str, NDArray] = {"weights": self.weights}
        for name, column in self.columns.items():
            arrays[f"column/{name}"] = column.codes if isinstance(column, Text) else column
        return arrays

    def _description(self) -> dict[str, Any]:
        edges = {"edges": list(self.edges)} if self.edges else {}
        return {
            **edges,
            "kind": "population",
            "spec": self.spec.to_json(),
            "columns": [
                {"name": name, "vocabulary": list(column.vocabulary)} if isinstance(column, Text) else {"name": name}
                for name, column in self.columns.items()
            ],
        }


def _told(provenance: Any, path: tuple[str, ...]) -> Any:
    """What stands at a place of nested objects; None where there is no such place."""
    for name in path:
        provenance = provenance.get(name) if isinstance(provenance, Mapping) else None
    return provenance


def load(path: Path | str | None = None) -> Population:
    """Map a population file; without a path, the population that ships with the program.

    Raises:
        WorkbenchError: missing, not a population, cut, of another schema, or with arrays that do not fit its spec.
    """
    path = Path(path) if path is not None else default_population()
    if os.path.isdir(path):  # pathlib's raises where a name is too long
        raise WorkbenchError(f"{path}: a folder; expected a population file (.safetensors)")
    arrays, header = storage.read_tensors(path)
    if header.get("kind") != "population":
        raise WorkbenchError(f"{path}: holds a {header.get('kind', 'thing without a kind')!s}, expected a population")
    if header.get("schema") != SCHEMA:
        raise WorkbenchError(f"{path}: written with schema {header.get('schema')!r}; this program reads {SCHEMA}")
    if "weights" not in arrays:
        raise WorkbenchError(f"{path}: no array `weights`")
    try:
        spec = PolicySpec.from_json(header.get("spec"))
        columns: dict[str, Column] = {}
        for entry in header.get("columns", []):
            name, data = str(entry["name"]), arrays[f"column/{entry['name']}"]
            if "vocabulary" not in entry:
                columns[name] = data
                continue
            vocabulary = tuple(map(str, entry["vocabulary"]))
            if data.dtype.kind not in "iu" or (
                len(data) and not 0 <= int(data.min()) <= int(data.max()) < len(vocabulary)
            ):
                raise WorkbenchError(f"column {name!r} has codes outside its vocabulary")
            columns[name] = Text(data, vocabulary)
        edges = tuple(map(float, header.get("edges", ())))
        groups_of(spec, edges, None)  # refuses what does not rise
        return Population(
            spec, arrays["weights"], columns, dict(header.get("provenance") or {}), edges, path, str(header.get("hash"))
        )
    except WorkbenchError as error:
        text = str(error)
        raise WorkbenchError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise WorkbenchError(f"{path}: its columns cannot be read ({type(error).__name__}: {error})") from None
