"""Files of `torch.save`, read without torch: named tensors, on disk or packed until they are asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.importing import numpy_pickles, pickles
from workbench.importing.archives import Archive
from workbench.importing.pickles import Name
from workbench.text import clean

MAGIC = 0x1950A86A20F9469CFC6C
"""The first pickle of files that are no archives (torch before 1.6, or by option)."""
PROTOCOL = 1001
DTYPES = {
    "Double": "<f8", "Float": "<f4", "Half": "<f2", "BFloat16": "bfloat16", "Long": "<i8", "Int": "<i4",
    "Short": "<i2", "Char": "|i1", "Byte": "|u1", "Bool": "|b1",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Storage:
    """Numbers in a row that tensors look into."""

    kind: str
    numel: int
    read: Callable[[], bytes]

    def numbers(self) -> NDArray:
        """(numel,), bfloat16 as float32."""
        data, narrow = self.read(), self.kind == "bfloat16"
        found = np.frombuffer(data, "<u2" if narrow else self.kind)
        if len(found) < self.numel:
            raise WorkbenchError(f"a tensor's storage has {len(found)} numbers; {self.numel} were expected")
        return (found.astype("<u4") << 16).view("<f4") if narrow else found


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor that is not read yet."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def floating(self) -> bool:
        """Whether it holds fractions."""
        return self.storage.kind[1:2] == "f"

    def array(self) -> NDArray:
        """Its numbers.

        Raises:
            WorkbenchError: its storage is missing or short.
        """
        numbers = self.storage.numbers()
        steps = tuple(s * numbers.itemsize for s in self.stride)
        view = np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, steps, writeable=False)
        return np.ascontiguousarray(view)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> Tensor:
    if not isinstance(storage, Storage) or type(offset) is not int:
        raise ValueError("a tensor that is not understood")
    sides = (shape, stride)
    if not all(isinstance(t, tuple) and all(type(n) is int and n >= 0 for n in t) for t in sides):
        raise ValueError("a tensor of a shape that cannot be")
    if len(shape) != len(stride) or len(shape) > 8 or offset < 0:
        raise ValueError("a tensor of a shape that cannot be")
    count = 1
    for n in shape:
        count *= n
    last = offset + sum((n - 1) * s for n, s in zip(shape, stride, strict=True))
    # Tensors that repeat their storage are allowed in torch, and are how a few bytes become gigabytes.
    if count > storage.numel or (count and last >= storage.numel):
        raise ValueError(f"a tensor of {count} numbers in a storage of {storage.numel}")
    return Tensor(storage, offset, shape, stride)


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _mapping(*args: Any) -> dict[Any, Any]:
    if args and not (isinstance(args[0], list) and all(isinstance(p, list | tuple) and len(p) == 2 for p in args[0])):
        raise ValueError("a dictionary that is not understood")
    return {k: v for k, v in (args[0] if args else ()) if isinstance(k, str | int)}


CALLS: pickles.Calls = {
    **numpy_pickles.CALLS,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "collections.OrderedDict": _mapping,
    "torch.Size": lambda *args: args[0] if args else (),
}


def _storage(name: Any, read: Callable[[str], bytes]) -> Storage:
    if not isinstance(name, tuple) or len(name) < 5 or name[0] != "storage" or not isinstance(name[1], Name):
        raise ValueError("a reference that is no storage")
    _, kind, key, _, numel = name[:5]
    word = kind.path.removeprefix("torch.").removeprefix("cuda.").removesuffix("Storage")
    if word not in DTYPES:
        raise WorkbenchError(f"tensors of kind {clean(kind.path, 60)}, which is not read here")
    if type(numel) is not int or not 0 <= numel <= numpy_pickles.NUMBERS or not isinstance(key, str):
        raise ValueError("a storage that is not understood")
    return Storage(DTYPES[word], numel, lambda: read(key))


def from_archive(archive: Archive) -> Any:
    """What the archive of a `torch.save` holds: tensors in the dictionaries they were saved in.

    Raises:
        WorkbenchError: it is no such archive, holds a script or pickled module, or is damaged.
    """
    roots = [n.removesuffix("/data.pkl") for n in archive.members if n.endswith("/data.pkl") and n.count("/") == 1]
    if len(roots) != 1:
        raise WorkbenchError("a zip archive, but none of torch.save (no `data.pkl` in one folder)")
    root = roots[0]
    if f"{root}/constants.pkl" in archive:
        raise WorkbenchError("holds a TorchScript module; save its state_dict() instead")
    if f"{root}/byteorder" in archive and archive.read(f"{root}/byteorder", 16) != b"little":
        raise WorkbenchError("saved on a machine of the other byte order")

    def stored(key: str) -> bytes:
        return archive.read(f"{root}/data/{key}")

    data = archive.read(f"{root}/data.pkl", pickles.LARGEST)
    return pickles.read(BytesIO(data), CALLS, persistent=lambda name: _storage(name, stored))


def from_stream(file: BinaryIO) -> Any:
    """The same of a file that is no archive.

    Raises:
        WorkbenchError: it is a pickle of something else, or damaged.
    """
    storages: dict[str, bytes] = {}

    def stored(key: str) -> bytes:
        if key not in storages:
            raise WorkbenchError("a tensor without its storage")
        return storages[key]

    sizes: dict[str, tuple[str, int]] = {}

    def persistent(name: Any) -> Storage:
        storage = _storage(name, stored)
        sizes[name[2]] = storage.kind, storage.numel
        return storage

    if pickles.read(file, CALLS) != MAGIC:
        raise WorkbenchError("a pickle, but none of torch.save; save a state_dict() instead")
    if pickles.read(file, CALLS) != PROTOCOL:
        raise WorkbenchError("a version of torch's files that is not read here")
    system = pickles.read(file, CALLS)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise WorkbenchError("saved on a machine of the other byte order")
    found = pickles.read(file, CALLS, persistent=persistent)
    keys = pickles.read(file, CALLS)
    for key in keys if isinstance(keys, list) else ():
        if not isinstance(key, str) or key not in sizes:
            raise WorkbenchError("a storage that no tensor has")
        kind, numel = sizes[key]
        size = int.from_bytes(file.read(8), "little")
        width = 2 if kind == "bfloat16" else np.dtype(kind).itemsize
        if size != numel:
            raise WorkbenchError(f"a storage of {size} numbers where {numel} were expected")
        storages[key] = file.read(size * width)
    return found


def tensors(found: Any) -> dict[str, Tensor]:
    """The tensors of a dictionary by name; what else is in it is left out."""
    if not isinstance(found, Mapping):
        return {}
    return {k: v for k, v in found.items() if isinstance(k, str) and isinstance(v, Tensor)}
