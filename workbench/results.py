"""Frames on disk: finished results, kept by what they were computed from."""

import hashlib
import json
import time
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workbench import __version__, storage
from workbench.analysis import Analysis, Selection, params_json
from workbench.errors import WorkbenchError
from workbench.places import cache_dir


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


class ResultCache:
    """A folder of finished frames, one safetensors file each."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or cache_dir() / "results"

    def path(self, key: str) -> Path:
        """Where the result with this key lies."""
        return self.folder / f"{key}.safetensors"

    def load(self, key: str, analysis: Analysis) -> Any | None:
        """The frame with this key, or None; one that cannot be read counts as absent."""
        if not self.path(key).exists():
            return None
        try:
            arrays, header = storage.read_tensors(self.path(key))
            values = {name: _untold(value) for name, value in header["values"].items()}
            return analysis.Frame(**{**values, **{name: np.array(a) for name, a in arrays.items()}})
        except (WorkbenchError, KeyError, TypeError, AttributeError):
            return None

    def store(
        self, key: str, analysis: Analysis, selection: Selection, params: Any, frame: Any, seconds: float
    ) -> None:
        """Keep a finished frame with what it was computed from.

        Raises:
            WorkbenchError: the folder cannot be written.
        """
        arrays, values = {}, {}
        for f in fields(frame):
            value = getattr(frame, f.name)
            if isinstance(value, np.ndarray):
                arrays[f.name] = value
            else:
                values[f.name] = value
        header = {
            "kind": "result",
            "analysis": analysis.name,
            "population": selection.population.content_hash,
            "networks": len(selection),
            "params": params_json(params),
            "seconds": seconds,
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "version": __version__,
            "values": values,
        }
        storage.write_tensors(self.path(key), arrays, header)


def _untold(value: Any) -> Any:
    """A value of a frame as it was before JSON made lists of its tuples."""
    return tuple(map(_untold, value)) if isinstance(value, list) else value
