"""Safetensors files of named layers."""

from pathlib import Path

from workbench import storage
from workbench.errors import WorkbenchError
from workbench.importing.contract import Format, Hints, Holding
from workbench.importing.layers import Here, policy


def recognises(path: Path, first: bytes) -> bool:
    """By its name."""
    return path.suffix.lower() == ".safetensors"


def read(path: Path, hints: Hints) -> Holding:
    """The policy among the file's tensors."""
    try:
        arrays, metadata = storage.map_tensors(path)
    except WorkbenchError as error:
        raise WorkbenchError(str(error).removeprefix(f"{path}: ")) from None
    if storage.KEY in metadata:
        raise WorkbenchError("a file of this program; open it by its own name")
    return policy({name: Here(array) for name, array in arrays.items()}, hints.network)


FORMAT = Format("safetensors", (".safetensors",), recognises, read)
