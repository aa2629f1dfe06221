"""Generators: one file each, found by being here. A file holds `GENERATOR`, a `learning.contract.Generator`."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import discovery, storage
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.places import shipped, state_dir
from workbench.population import Population

if TYPE_CHECKING:
    from workbench.learning.contract import Generator

KIND = "generator"
SCHEMA = 1


def names() -> list[str]:
    """Names of all generators, without importing them (or torch)."""
    return discovery.names(__path__)


KEPT = 3
_loaded: "dict[tuple[object, ...], Generator]" = {}
"""Generators read last: whoever moves a slider asks for the same one again and again."""


@cache
def find(name: str) -> "type[Generator]":
    """The generator of this name; imports torch.

    Raises:
        WorkbenchError: no such generator.
    """
    if name not in names():
        raise WorkbenchError(f"generator: expected {', '.join(names())} or a file, got {name!r}")
    kind: type[Generator] = discovery.held(__name__, name, "GENERATOR")
    assert name == kind.NAME, f"generators/{name}.py holds {kind.NAME!r}"
    return kind


def load(path: Path | str, device: str = "cpu") -> "Generator":
    """Read a trained generator.

    Raises:
        WorkbenchError: missing, not a generator, cut, or of another schema.
    """
    path = Path(path)
    try:
        stat = os.stat(path)
        # By its own name, which is told, and not that of a file it links to. Its change time tells what a copy that
        # keeps the time of writing would hide.
        told = (stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size)
        key = (os.path.abspath(path), *told, device)
    except OSError:
        key = None  # said by what follows
    if key is not None and (kept := _loaded.get(key)) is not None:
        return kept
    arrays, header = storage.read_tensors(path)
    if header.get("kind") != KIND:
        raise WorkbenchError(f"{path}: holds a {header.get('kind', 'thing without a kind')!s}, expected a generator")
    if header.get("schema") != SCHEMA:
        raise WorkbenchError(f"{path}: written with schema {header.get('schema')!r}; this program reads {SCHEMA}")
    if header.get("name") not in names():
        raise WorkbenchError(f"{path}: a {header.get('name')!r}; this program has {', '.join(names())}")
    generator = find(str(header["name"])).restore(arrays, header, path, device)
    if generator.content_hash != header.get("hash"):
        raise WorkbenchError(f"{path}: damaged: its content hash is not the one in its header")
    if key is not None:
        _loaded[key] = generator
        for oldest in list(_loaded)[:-KEPT]:
            _loaded.pop(oldest, None)
    return generator


def places(population: Population) -> list[Path]:
    """Folders where trained generators are looked for: beside the population, the user's own, and what ships."""
    beside = [population.path.resolve().parent] if population.path else []
    return [*beside, state_dir() / "generators", shipped("checkpoints")]


def trained(population: Population) -> list[tuple[Path, dict]]:
    """Trained generators for networks of this spec, with their headers: those of this very population first.

    Files that cannot be read are passed over.
    """
    found: dict[Path, dict] = {}
    for folder in places(population):
        for path in _files(folder):
            try:
                _, header = storage.read_tensors(path)
            except WorkbenchError:
                continue
            if header.get("kind") == KIND and header.get("schema") == SCHEMA and _fits(header, population):
                found.setdefault(path.resolve(), header)

    def rank(item: tuple[Path, dict]) -> tuple[bool, str]:
        path, header = item
        return origin(header).get("hash") != population.content_hash, path.name

    return sorted(found.items(), key=rank)


def origin(header: Mapping[str, Any]) -> dict[str, Any]:
    """What a generator's header says of the population it was trained on: name, hash, number of networks."""
    told = header.get("provenance")
    told = told.get("population") if isinstance(told, dict) else None
    return told if isinstance(told, dict) else {}


def choose(population: Population, wanted: str) -> Path:
    """The file of a generator that is asked for by path, or by name: the best fitting of those that are trained.

    Raises:
        WorkbenchError: none of that name is trained for these networks.
    """
    if wanted not in names():
        if wanted and (os.path.exists(wanted) or Path(wanted).suffix):  # pathlib's raises where a name is too long
            return Path(wanted)
        raise WorkbenchError(f"generator: expected {', '.join(names())} or a file, got {wanted!r}")
    for path, header in trained(population):
        if header.get("name") == wanted:
            return path
    looked = ", ".join(map(str, places(population)))
    raise WorkbenchError(
        f"{population.name}: no trained {wanted} for {population.spec.label} networks in {looked}; "
        f"make one with `agentemb-tui train {population.path or 'POPULATION'} --generator {wanted}`"
    )


def file_of(selection: Any, params: Any) -> tuple[Path, ...]:
    """The file that an analysis with a parameter `generator` reads: its `reads`."""
    return (choose(selection.population, params.generator),)


def for_population(population: Population, wanted: str, compute: Compute | None = None) -> "Generator":
    """Read the generator that is asked for by path or by name, and see that it is of such networks.

    Raises:
        WorkbenchError: none trained, a file that cannot be read, or a generator of networks of another spec.
    """
    import torch

    # More threads round otherwise; these products are small, and figures shall not depend on who else computes.
    torch.set_num_threads(1)
    generator = load(choose(population, wanted), compute.torch_device if compute else "cpu")
    generator.check_population(population.spec, population.name)
    return generator


@dataclass(frozen=True)
class Offer:
    """A generator that can be trained on a population."""

    name: str
    seconds: float
    """About how long that takes on one core."""


def offered(population: Population, usual: str) -> Offer:
    """The usual generator, or another where that cannot be of such networks; imports torch.

    Raises:
        WorkbenchError: too few networks to learn from, or no generator can be of such.
    """
    from workbench.learning.data import training_rows

    networks, faults = len(training_rows(population)), []
    for name in sorted(names(), key=lambda name: name != usual):
        kind = find(name)
        try:
            kind.check_spec(population.spec)
        except WorkbenchError as error:
            faults.append(str(error))
            continue
        return Offer(name, kind.seconds(networks))
    raise WorkbenchError("; ".join(faults))


def _files(folder: Path) -> Iterable[Path]:
    try:
        return sorted(p for p in folder.glob("*.safetensors") if p.is_file())
    except OSError:
        return []


def _fits(header: Mapping[str, Any], population: Population) -> bool:
    spec, told = population.spec, header.get("spec")
    if not isinstance(told, dict):
        return False
    return [told.get(k) for k in ("sizes", "activation", "bias")] == [list(spec.sizes), spec.activation, spec.bias]
