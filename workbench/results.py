"""Frames on disk: finished results, kept by what they were computed from.

Results of a program that has changed since are no answer any more, but can be looked at. The folder holds two gigabytes
at most, or as many megabytes as `AGENTEMB_RESULTS_MB` says: beyond that the oldest go.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workbench import __version__, rules, storage
from workbench.analysis import Analysis, Selection, params_json
from workbench.errors import WorkbenchError
from workbench.places import cache_dir

LIMIT_MB = 2000
"""Megabytes of results that are kept, if the environment does not say otherwise."""
LIMIT = "AGENTEMB_RESULTS_MB"
STRAY = 3600.0
"""Seconds after which a file that is still being written was left by a writer that was killed."""
SUFFIX = ".safetensors"


@cache
def program_digest() -> str:
    """A hash of this program's sources: results of another version are not mistaken for this one's."""
    digest = hashlib.blake2b(digest_size=8)
    root = Path(__file__).parent
    for source in sorted(root.rglob("*.py")):
        digest.update(str(source.relative_to(root)).encode() + source.read_bytes())
    return digest.hexdigest()


def result_key(analysis: Analysis, selection: Selection, params: Any, device: str) -> str:
    """What a result depends on, as one hash: networks, parameters, program and device."""
    files = analysis.reads(selection, params) if analysis.reads else ()
    read = [storage.hash_of(path) for path in files]
    said = [analysis.name, selection.hash, params_json(params), __version__, program_digest(), device, read]
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=16).hexdigest()


def limit() -> int:
    """How many bytes of results are kept.

    Raises:
        WorkbenchError: the environment says something that is no whole number of megabytes.
    """
    text = os.environ.get(LIMIT, str(LIMIT_MB))
    if not text.isdecimal() or not text.isascii():
        raise WorkbenchError(f"{LIMIT}: expected a number of megabytes, got {text!r}")
    return int(text) * 1_000_000


@dataclass(frozen=True)
class Kept:
    """What the header of a result on disk says of it."""

    key: str
    analysis: str
    population: str
    """The content hash of its population."""
    name: str
    """The population's name."""
    path: str
    """The population's file; empty where there was none."""
    networks: int
    """How many were analysed."""
    rows: str
    """The hash of which, with the population's."""
    where: str
    """The filter that gave them, as far as that is known."""
    rules: tuple[str, ...]
    """Command-line options for the rules that they were judged under."""
    params: Mapping[str, Any]
    seconds: float
    """That it took."""
    date: str
    version: str
    program: str
    """The digest of the program that made it."""
    size: int
    """Bytes on disk."""

    @property
    def current(self) -> bool:
        """Whether this very program made it."""
        return self.program == program_digest()


class ResultCache:
    """A folder of finished frames, one safetensors file each."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_dir() / "results"

    def path(self, key: str) -> Path:
        """Where the result with this key lies."""
        return self.folder / f"{key}{SUFFIX}"

    def load(self, key: str, analysis: Analysis) -> Any | None:
        """The frame with this key, or None; one that cannot be read counts as absent."""
        if not self.path(key).exists():
            return None
        try:
            arrays, header = storage.read_tensors(self.path(key))
            values = {name: _untold(value) for name, value in header["values"].items()}
            return analysis.Frame(**{**values, **{name: np.array(a) for name, a in arrays.items()}})
        except (WorkbenchError, KeyError, TypeError, ValueError, AttributeError):
            return None

    def kept(self) -> list[Kept]:
        """Everything that is there, newest first; files that cannot be read are left out."""
        newest = sorted(self._files(), key=lambda file: file[2], reverse=True)
        found = (self.about(path.stem) for path, _, _ in newest)
        return [about for about in found if about is not None]

    def about(self, key: str) -> Kept | None:
        """What the header of a result says; None where there is none, or none that can be read."""
        try:
            size = self.path(key).stat().st_size
            _, header = storage.read_tensors(self.path(key))
            return Kept(
                key, str(header["analysis"]), str(header["population"]), str(header.get("name", "")),
                str(header.get("path", "")), int(header["networks"]), str(header.get("rows", "")),
                str(header.get("where", "")), tuple(map(str, header.get("rules", ()))), dict(header["params"]),
                float(header["seconds"]), str(header["date"]), str(header["version"]), str(header.get("program", "")),
                size,
            )  # fmt: skip
        except (WorkbenchError, OSError, KeyError, TypeError, ValueError):
            return None

    def made(self, key: str) -> tuple[float, str]:
        """How many seconds the result with this key took, and when it was there; 0 and nothing where it is not."""
        about = self.about(key)
        return (about.seconds, about.date) if about is not None else (0.0, "")

    def delete(self, key: str) -> None:
        """Remove a result.

        Raises:
            WorkbenchError: it cannot be removed.
        """
        try:
            self.path(key).unlink(missing_ok=True)
        except OSError as error:
            raise WorkbenchError(f"{self.path(key)}: cannot be removed ({error.strerror or error})") from None

    def store(
        self, key: str, analysis: Analysis, selection: Selection, params: Any, frame: Any, seconds: float
    ) -> None:
        """Keep a finished frame with what it was computed from; the oldest go where there is no room.

        Raises:
            WorkbenchError: the folder cannot be written, or the environment's limit cannot be read.
        """
        arrays, values = {}, {}
        for f in fields(frame):
            value = getattr(frame, f.name)
            if isinstance(value, np.ndarray):
                arrays[f.name] = value
            else:
                values[f.name] = value
        population = selection.population
        header = {
            "kind": "result",
            "analysis": analysis.name,
            "population": population.content_hash,
            "name": population.name,
            "path": str(population.path.absolute()) if population.path else "",
            "networks": len(selection),
            "rows": selection.hash,
            "where": selection.where,
            "rules": rules.options(population),
            "params": params_json(params),
            "seconds": seconds,
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "version": __version__,
            "program": program_digest(),
            "values": values,
        }
        storage.write_tensors(self.path(key), arrays, header)
        self.prune(limit(), key)

    def prune(self, most: int, keep: str = "") -> int:
        """Remove the oldest results until they take `most` bytes at most; returns how many went.

        One of them, `keep`, stays however large it is.
        """
        storage.sweep_strays(self.folder, age=STRAY)
        files = sorted(self._files(), key=lambda file: file[2])
        total, gone = sum(size for _, size, _ in files), 0
        for path, size, _ in files:
            if total <= most:
                break
            if path.stem != keep:
                with contextlib.suppress(OSError):  # removed by another process, or not ours
                    path.unlink()
                    gone += 1
                total -= size
        return gone

    def _files(self) -> list[tuple[Path, int, float]]:
        """Paths, bytes, and when they were written."""
        found = []
        for path in self.folder.glob(f"[!.]*{SUFFIX}"):
            try:
                about = path.stat()
            except OSError:
                continue  # another process has just removed it
            found.append((path, about.st_size, about.st_mtime))
        return found


def _untold(value: Any) -> Any:
    """A value of a frame as it was before JSON made lists of its tuples."""
    return tuple(map(_untold, value)) if isinstance(value, list) else value
