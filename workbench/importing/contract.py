"""What every importer promises: a format recognises files and reads the networks in them, and says what it assumed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.policies import PolicySpec

HEAD = 16
"""Bytes from a file's beginning that formats are told by."""


@dataclass(frozen=True)
class Holding:
    """Networks that one file holds, all of one architecture."""

    sizes: tuple[int, ...]
    """From observation to output."""
    bias: bool
    weights: NDArray[np.float32]
    """(k, p)."""
    activation: str
    """As far as the file tells it, else what such files usually have."""
    assumed: tuple[str, ...] = ()
    """What the file does not say, in words."""
    env: str = ""
    """The environment, where the file tells it."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """What the file says besides: numbers and text."""
    spec: PolicySpec | None = None
    """All of the spec, where the file tells it: nothing is assumed then."""


@dataclass(frozen=True)
class Hints:
    """What a user says of files that do not say it themselves."""

    sizes: tuple[int, ...] = ()
    """Of flat vectors."""
    network: str = ""
    """The beginning of the names of the policy's layers."""


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    name: str
    """In words."""
    suffixes: tuple[str, ...]
    """Of files that are looked at in folders."""
    recognises: Callable[[Path, bytes], bool]
    """(path, first bytes) -> whether it is to be read so."""
    read: Callable[[Path, Hints], Holding]
    """Raises a `WorkbenchError` that does not name the path."""
    rank: int = 0
    """A file is shown to formats of higher rank later."""
