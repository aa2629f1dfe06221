"""NumPy's files: flat vectors of weights, (n, p) or (p,), whose layer sizes the user gives; or layers by name."""

import json
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.importing.archives import Archive, is_archive
from workbench.importing.contract import Format, Hints, Holding
from workbench.importing.layers import Here, Layer, Lazy, chained, holding, policy
from workbench.policies import PolicySpec
from workbench.text import clean

MAGIC = b"\x93NUMPY"
LARGEST_HEADER = 10_000
WEIGHT = re.compile(r"(?i)weights?|kernel|(?<![a-z])w(?![a-z])|^arr_\d+$")
"""What a matrix of a layer is called; `arr_0` is what NumPy calls an array without a name."""
BIASES = (("weights", "biases"), ("weight", "bias"), ("kernel", "bias"), ("W", "b"), ("w", "b"))
"""What its bias is then called."""
HEADER_FAULTS = (ValueError, TypeError, SyntaxError, TokenError, EOFError, RecursionError, MemoryError, AttributeError)
"""What NumPy raises of a header that is none: it is a Python literal, taken apart as such."""
Named = dict[str, NDArray]


def recognises(path: Path, first: bytes) -> bool:
    """An array, or an archive under NumPy's name."""
    return first.startswith(MAGIC) or (path.suffix.lower() in (".npz", ".npy"))


def read(path: Path, hints: Hints) -> Holding:
    """Vectors or layers."""
    with open(path, "rb") as file:
        first = file.read(4)
        file.seek(0)
        if is_archive(first):
            archive = Archive(file)
            found = {n.removesuffix(".npy"): archive.read(n) for n in archive.members if n.endswith(".npy")}
            spec = _spec(found)
            if spec is not None:
                return Holding(spec.sizes, spec.bias, _weights(found, spec), spec.activation, spec=spec)
            named = {name: array(data) for name, data in found.items()}
        else:
            named = {path.stem: array(file.read())}
    if not named:
        raise WorkbenchError("no arrays in it")
    if hints.sizes:
        return _vectors(named, hints.sizes)
    matrices = [name for name, found in named.items() if found.ndim == 2 and WEIGHT.search(name)]
    if not matrices or not is_archive(first) or (len(matrices) == 1 and len(named) == 1):
        shapes = ", ".join(f"{clean(n, 30)} {a.shape}" for n, a in list(named.items())[:4])
        raise WorkbenchError(f"neither named layers nor flat vectors of known layer sizes (--sizes 4-64-2): {shapes}")
    if any(name.rpartition(".")[2] == "weight" for name in named):
        return policy({name: Here(found) for name, found in named.items()}, hints.network)
    return _layers(named, matrices)


def _spec(found: Mapping[str, bytes]) -> PolicySpec | None:
    """The spec of a population that was exported: an array of one text in JSON, beside its weights."""
    if not {"spec", "weights"} <= set(found):
        return None
    try:
        text = array(found["spec"], "U")
        return PolicySpec.from_json(json.loads(str(text.reshape(1)[0])))
    except (ValueError, RecursionError, WorkbenchError) as error:
        raise WorkbenchError(f"its `spec` is none of this program ({clean(error, 80)})") from None


def _weights(found: Mapping[str, bytes], spec: PolicySpec) -> NDArray[np.float32]:
    weights = array(found["weights"])
    if weights.ndim != 2 or weights.shape[1] != spec.parameters or weights.dtype != np.float32:
        raise WorkbenchError(
            f"expected float32 weights of shape (n, {spec.parameters}) for {spec.label}, "
            f"got {weights.dtype} {weights.shape}"
        )
    return weights


def array(data: bytes, kinds: str = "fiub") -> NDArray:
    """An array of plain numbers from the bytes of an .npy file.

    Raises:
        WorkbenchError: it is damaged, shorter than its header says, or holds objects.
    """
    file = BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file, LARGEST_HEADER)
    except HEADER_FAULTS as error:
        raise WorkbenchError(f"not an array of NumPy ({clean(error, 80)})") from None
    if dtype.hasobject:
        raise WorkbenchError("an array of pickled objects, which are not read")
    if dtype.kind not in kinds:
        raise WorkbenchError(f"an array of {clean(dtype, 40)}, not of numbers")
    count = 1
    for n in shape:
        count *= n
    rest = len(data) - file.tell()
    if any(n < 0 for n in shape) or count * dtype.itemsize > rest:
        raise WorkbenchError(f"an array of {count} numbers in {rest} bytes")
    if not count:
        return np.zeros(shape, dtype)
    numbers = np.frombuffer(data, dtype, count, file.tell())
    return numbers.reshape(shape, order="F" if fortran else "C")


def _vectors(named: Named, sizes: tuple[int, ...]) -> Holding:
    specs = [PolicySpec(sizes, bias=bias) for bias in (True, False)]
    fitting = [
        (spec, found)
        for spec in specs
        for found in named.values()
        if found.ndim in (1, 2) and found.dtype.kind == "f" and found.shape[-1] == spec.parameters
    ]
    if len(fitting) != 1:
        lengths = " or ".join(str(spec.parameters) for spec in specs)
        shapes = ", ".join(f"{clean(n, 30)} {a.shape}" for n, a in list(named.items())[:4])
        raise WorkbenchError(f"expected one array of {lengths} numbers a network ({specs[0].label}), got {shapes}")
    spec, found = fitting[0]
    with np.errstate(over="ignore", invalid="ignore"):
        weights = np.ascontiguousarray(np.atleast_2d(found), np.float32)
    assumed = (*(("activation elu (not in the file)",) if len(sizes) > 2 else ()), "weights in torch's order")
    rounded = ("float64 rounded to float32",) if found.dtype == np.float64 else ()
    return Holding(sizes, spec.bias, weights, "elu", (*assumed, *rounded))


def _layers(named: Named, matrices: list[str]) -> Holding:
    """Layers by name, each with the bias that its own name tells or that follows it; of either orientation."""
    names = list(named)
    used: set[str] = set()
    pairs: list[tuple[str, NDArray, NDArray | None]] = []
    for name in matrices:
        told = [name.replace(a, b) for a, b in BIASES if a in name]
        following = names[names.index(name) + 1 : names.index(name) + 2]
        bias = next((n for n in (*told, *following) if n in named and named[n].ndim == 1 and n not in used), None)
        used |= {bias} if bias else set()
        pairs.append((name, named[name], named[bias] if bias else None))

    def layered(turned: bool) -> list[Layer]:
        here: list[tuple[str, Lazy, Lazy | None]] = [
            (n, Here(np.ascontiguousarray(w.T if turned else w)), None if b is None else Here(b)) for n, w, b in pairs
        ]
        return [Layer(*parts) for parts in here]

    def fits(layers: list[Layer]) -> bool:
        return chained(layers) and all(layer.bias is None or layer.bias.shape == (layer.ends[1],) for layer in layers)

    fitting = [turned for turned in (False, True) if fits(layered(turned))]
    if not fitting:
        raise WorkbenchError(f"matrices that are no chain of layers: {', '.join(clean(n, 30) for n in matrices[:6])}")
    turned_so = "matrices as (outputs, inputs)" if len(fitting) == 2 else ""
    activation = "activation relu (not in the file)" if len(pairs) > 1 else ""
    return holding(layered(fitting[0]), "relu", tuple(filter(None, [activation, turned_so])))


FORMAT = Format("NumPy arrays", (".npz", ".npy"), recognises, read)
