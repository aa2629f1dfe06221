"""The one contract of everything that computes: a generator of frames.

An analysis reads a selection of networks and yields frames, each a whole picture of the results so far: partial and
final results are of one type, and a reader may miss any of them but the last. A task is an analysis that writes a file:
it is never cached, and can be resumed. Both know nothing of screens or command lines; those iterate the same generator.
"""

import ast
import contextlib
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, asdict, dataclass, field, fields, is_dataclass
from functools import cache, cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Protocol, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.population import Population

if TYPE_CHECKING:
    from rich.console import RenderableType

    from workbench.claims import Claim


class Frame(Protocol):
    """A frozen dataclass of arrays (n, ...), numbers, strings and tuples of them."""

    @property
    def done(self) -> int:
        """Units of work that are in this frame."""
        ...

    @property
    def total(self) -> int:
        """Units of work there will be."""
        ...


@dataclass(frozen=True)
class Selection:
    """Networks of a population: all, or some rows in their order."""

    population: Population
    rows: tuple[int, ...] | None = None
    where: str = field(default="", compare=False)
    """The filter that gave these rows, as far as that is known."""

    def __post_init__(self) -> None:
        for row in self.rows or ():
            if not 0 <= row < len(self.population):
                raise WorkbenchError(f"{self.population.name}: no network #{row}; it has {len(self.population)}")

    def __len__(self) -> int:
        return len(self.population) if self.rows is None else len(self.rows)

    @property
    def indices(self) -> NDArray[np.int64]:
        """Rows in the population, (n,)."""
        return np.arange(len(self.population)) if self.rows is None else np.asarray(self.rows, np.int64)

    @property
    def weights(self) -> NDArray[np.float32]:
        """(n, p), mapped where all are selected."""
        return self.population.weights if self.rows is None else self.population.weights[self.indices]

    @cached_property
    def hash(self) -> str:
        """What is selected from what."""
        rows = "all" if self.rows is None else hashlib.blake2b(self.indices.tobytes(), digest_size=16).hexdigest()
        return f"{self.population.content_hash}:{rows}"


@dataclass(frozen=True)
class Export:
    """A file that can be made of a finished frame: an option of the command line."""

    doc: str
    """The option's help."""
    suffixes: tuple[str, ...]
    """Of the files it can write."""
    write: Callable[[Compute, Any, Any, Any, Path], None]
    """(compute, selection, params, frame, path), atomically."""


@dataclass(frozen=True)
class Analysis:
    """A computation, told to both front ends by one object."""

    name: str
    """The sub-command and the key of results."""
    title: str
    """One line that says what it shows."""
    Params: type
    """A frozen dataclass; the docstring under each field becomes the form's and the command line's help."""
    Frame: type
    """The frozen dataclass it yields."""
    run: Callable[[Compute, Any, Any], Iterator[Any]]
    """(compute, selection, params) -> frames; a task gets no selection (None)."""
    table: Callable[[Any], "RenderableType"]
    """What the command line prints of a frame, and the default pane shows."""
    summary: Callable[[Any], dict[str, Any]]
    """A frame as JSON values: what `--json` prints."""
    writes: bool = False
    """Whether it is a task."""
    unfinished: Callable[[Any], Path] | None = None
    """(params) -> the folder in which a task that is not finished lies."""
    examines: bool = False
    """Whether it examines the file itself, so that a result kept from before would be no answer."""
    alone: bool = False
    """Whether it reads files of other kinds than populations, and so gets no selection (None), as tasks do."""
    networks: Callable[[Any], Population] | None = None
    """The networks of a frame as a population, where it has made some: what `--out` and saving in a pane write."""
    figure: Callable[[Any], str] | None = None
    """A frame as an SVG document: what `--svg` writes."""
    claims: "Callable[[Any], list[Claim]] | None" = None
    """What a finished frame says of the paper's claims; nothing of one that is not finished."""
    reads: Callable[[Any, Any], tuple[Path, ...]] | None = None
    """(selection, params) -> files beside the population that the result depends on."""
    exports: Mapping[str, Export] = field(default_factory=dict)
    """Other files, by the option that names them."""

    whole: bool = False
    """Whether it works on whole populations alone, whatever is marked or shown."""

    @property
    def selects(self) -> bool:
        """Whether it is given a selection of a population."""
        return not (self.writes or self.alone)


def describe_params(params: type) -> list[tuple[Field, str]]:
    """The fields of a Params dataclass with the docstrings written under them: its own first, then its bases'."""
    classes = [c for c in params.__mro__ if is_dataclass(c)]
    docs = [_field_docs(c) for c in classes]
    own = {f.name: next((k for k, d in enumerate(docs) if f.name in d), 0) for f in fields(params)}
    ordered = sorted(fields(params), key=lambda f: own[f.name])
    return [(f, docs[own[f.name]].get(f.name, "")) for f in ordered]


@cache
def _field_docs(params: type) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(inspect.getsource(params))).body[0]
    assert isinstance(body, ast.ClassDef)
    docs: dict[str, str] = {}
    previous: ast.stmt | None = None
    for statement in body.body:
        if (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(previous, ast.AnnAssign)
            and isinstance(previous.target, ast.Name)
        ):
            docs[previous.target.id] = inspect.cleandoc(str(statement.value.value))
        previous = statement
    return docs


def params_json(params: Any) -> dict[str, Any]:
    """A Params object as JSON values."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(params).items()}


def plain(data: Any) -> Any:
    """Data as JSON values: what is not finite becomes null."""
    if isinstance(data, dict):
        return {str(k): plain(v) for k, v in data.items()}
    if isinstance(data, list | tuple):
        return [plain(v) for v in data]
    if isinstance(data, np.generic):
        data = data.item()
    return None if isinstance(data, float) and not np.isfinite(data) else data


def read_fields(kind: type, said: Any) -> dict[str, Any]:
    """Values for the fields of a dataclass from JSON: what has no field, or is not of its type, is left out."""
    found = {}
    for f in fields(kind) if isinstance(said, Mapping) else ():
        with contextlib.suppress(ValueError):
            found[f.name] = _read_value(f.type, said.get(f.name, _ABSENT))
    return found


_ABSENT = object()


def _read_value(kind: Any, value: Any) -> Any:
    members = get_args(kind)
    if isinstance(kind, UnionType):
        return None if value is None and NoneType in members else _read_value(members[0], value)
    if get_origin(kind) is tuple and isinstance(value, list):
        kinds = members[:1] * len(value) if members[-1] is Ellipsis else members
        return tuple(_read_value(k, v) for k, v in zip(kinds, value, strict=True))
    if kind is float and type(value) in (int, float) and abs(value) < float("inf"):
        return float(value)
    if kind in (bool, str) and type(value) is kind:
        return value
    if kind is int and type(value) is int and abs(value) < 2**63:
        return value
    raise ValueError(f"{kind} expected")
