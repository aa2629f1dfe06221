"""Safetensors files with one JSON header, written atomically and read by memory mapping. No torch, no pickle.

All metadata is one key, `agentemb`, of sorted JSON: the format keeps its keys in no particular order.
"""

import contextlib
import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from workbench.errors import WorkbenchError

KEY = "agentemb"

_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "I8": np.int8,
    "U64": np.uint64,
    "U32": np.uint32,
    "U16": np.uint16,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
_TEMPORARY = ".writing-"


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved over it when the block ends well and removed when it does not.

    The data is on disk before the name is: a crash leaves the old file or the new one, never a part.

    Raises:
        WorkbenchError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}{_TEMPORARY}", dir=path.parent)
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot write there ({error.strerror or error})") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise WorkbenchError(f"{path}: could not be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


def ending_in(suffixes: Sequence[str]) -> str:
    """How a file is expected to be called: "a file ending in .a, .b or .c"."""
    *others, last = suffixes
    return f"a file ending in {', '.join(others)} or {last}" if others else f"a file ending in {last}"


def refuse_existing(path: Path) -> None:
    """Raise a WorkbenchError where something is there already, be it a link to nothing."""
    if os.path.lexists(path):  # pathlib's raises where a name is too long
        raise WorkbenchError(f"{path}: already there; give another name or remove it")


def check_suffix(option: str, path: Path, suffixes: Sequence[str]) -> None:
    """Whether an option names a file of one of these suffixes.

    Raises:
        WorkbenchError: another suffix.
    """
    if path.suffix not in suffixes:
        raise WorkbenchError(f"{option}: expected {ending_in(suffixes)}, got {path}")


def check_new(path: Path, suffixes: Sequence[str]) -> None:
    """Whether a new file of one of these suffixes can have this name.

    Raises:
        WorkbenchError: another suffix, or something is there already.
    """
    if path.suffix not in suffixes:
        raise WorkbenchError(f"{path}: expected {ending_in(suffixes)}")
    refuse_existing(path)


def sweep_strays(folder: Path, name: str = "", age: float = 0.0) -> int:
    """Remove temporary files that a killed writer left in `folder`, of all files or of one; returns how many.

    Args:
        folder: where they lie.
        name: of the file that they were to become; of any, without.
        age: seconds since they were written, at least: where others may be writing.
    """
    strays = [p for p in folder.glob(f".{glob.escape(name) or '*'}{_TEMPORARY}*") if p.is_file()]
    strays = [p for p in strays if not age or _is_older(p, age)]
    for stray in strays:
        stray.unlink(missing_ok=True)
    return len(strays)


def _is_older(path: Path, age: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > age
    except OSError:  # finished in this moment
        return False


def remove_folder(folder: Path) -> None:
    """Remove a folder of ours and all in it; what cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically."""
    write_text(path, json.dumps(data, indent=2, sort_keys=True) + "\n")


def write_arrays(path: Path, arrays: Mapping[str, NDArray]) -> None:
    """Write named arrays as NumPy's .npz, atomically."""
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def write_tensors(path: Path, arrays: Mapping[str, NDArray], header: Mapping[str, Any]) -> None:
    """Write named arrays and a JSON header to one safetensors file, atomically."""
    meta = json.dumps(header, sort_keys=True, allow_nan=False, separators=(",", ":"))
    # The library writes the memory of an array that is not contiguous as it lies, silently wrong.
    packed = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with atomic_write(path) as temporary:
        try:
            save_file(packed, temporary, metadata={KEY: meta})
        except SafetensorError as error:
            raise WorkbenchError(f"{path}: could not be written ({error})") from None


def read_tensors(path: Path) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """Map a safetensors file: its arrays (read-only, on disk until touched) and its JSON header.

    Raises:
        WorkbenchError: no such file, not safetensors, cut short, or without this program's header.
    """
    arrays, metadata = map_tensors(path)
    return arrays, _header(path, metadata)


def map_tensors(path: Path) -> tuple[dict[str, NDArray], dict[str, str]]:
    """Map any safetensors file: its arrays (read-only, on disk until touched) and its metadata.

    Raises:
        WorkbenchError: no such file, not safetensors, or cut short.
    """
    path = Path(path)
    try:
        # Opened here first: the library says of anything that cannot be opened that it is not there.
        with open(path, "rb") as file, safe_open(path, "np") as checked:
            metadata = checked.metadata() or {}
            length = int.from_bytes(file.read(8), "little")
            entries = json.loads(file.read(length))
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: no such file") from None
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    except SafetensorError as error:
        raise WorkbenchError(f"{path}: not a safetensors file, cut or damaged ({error})") from None
    except (ValueError, RecursionError) as error:
        raise WorkbenchError(f"{path}: cannot be read ({error})") from None
    arrays: dict[str, NDArray] = {}
    for name, entry in entries.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in _DTYPES:
            raise WorkbenchError(f"{path}: array {name!r} is of kind {entry['dtype']}, which is not read here")
        dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(entry["shape"])
        if 0 in shape:
            arrays[name] = np.zeros(shape, dtype)
        else:
            # The library's own readers copy; a map leaves on disk what nobody looks at.
            arrays[name] = np.memmap(path, dtype, "r", 8 + length + entry["data_offsets"][0], shape)
    return arrays, metadata


def _header(path: Path, metadata: Any) -> dict[str, Any]:
    text = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise WorkbenchError(f"{path}: a safetensors file, but not one of this program (no `{KEY}` in its header)")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise WorkbenchError(f"{path}: its `{KEY}` header is not a JSON object")
    return header


def hash_of(path: Path) -> str:
    """What a file says: the content hash in the header of this program's own, of others a hash of their bytes.

    Raises:
        WorkbenchError: it cannot be read.
    """
    if path.suffix == ".safetensors":
        return str(read_tensors(path)[1].get("hash"))
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: no such file") from None
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from None


def content_hash(arrays: Mapping[str, NDArray], header: Mapping[str, Any]) -> str:
    """A hash of what arrays and header say, whatever file they lie in: 32 hexadecimal digits of BLAKE2b."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(header, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
