"""Opening whatever a user names: a population file, a checkpoint of another program, or a folder of those.

Checkpoints are imported with what is assumed of them by default, into the user's state folder, and taken from there as
long as the files stay as they are.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench import population, storage
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.places import state_dir
from workbench.population import Column, Population
from workbench.results import program_digest
from workbench.text import clean, counted

SUFFIX = ".safetensors"
BESIDE = (".pkl", ".csv", ".json")
"""Endings of files beside checkpoints that change what is made of them: normalisers, and tables of columns."""


def load(path: Path | str | None = None, tell: Callable[[str], None] | None = None) -> Population:
    """The population at a path, or the one that ships with the program.

    Args:
        path: a population file, a checkpoint, or a folder of them, of which the most networks of one spec are taken.
        tell: called with a line on what was imported and assumed; not for population files.

    Raises:
        WorkbenchError: it can be read as neither.
    """
    if path is None or is_population(Path(path)):
        return population.load(path)
    found = _imported(Path(path))
    for line in told(found):
        (tell or _nobody)(line)
    return found


def file_of(path: str) -> Path:
    """The population file at a path, or the one that is made of checkpoints there: what results depend on."""
    return load(path).path or Path(path)


def told(found: Population) -> list[str]:
    """What an imported population says of its making, a line each."""
    about = found.provenance.get("import")
    if not isinstance(about, dict):
        return []
    what = f"{counted(len(found), 'network')} imported as {found.spec.label}"
    lines = [f"{about['options']['path']}: {what} on {found.spec.env or 'an unknown environment'}"]
    if assumed := about.get("assumed"):
        lines.append(f"assumed: {'; '.join(assumed)} (`agentemb-tui import` takes other values)")
    if about.get("skipped"):
        lines.append(f"{counted(about['skipped'], 'file')} left out (`agentemb-tui scan` says why)")
    if others := about.get("others"):
        lines.append(f"other specs there: {'; '.join(others)} (`agentemb-tui import --spec` takes them)")
    if not about.get("measured"):
        lines.append(f"{found.measure.name} is not measured (`agentemb-tui import` measures it)")
    return [clean(line, 1000) for line in lines]


def _nobody(_: str) -> None:
    return


def is_population(path: Path) -> bool:
    """Whether a path is to be read as a population file: it is one, or nothing that could be imported."""
    if os.path.isdir(path) or not os.path.exists(path):
        return not os.path.isdir(path)
    if path.suffix != SUFFIX:
        return False
    try:
        return storage.KEY in storage.map_tensors(path)[1]
    except WorkbenchError:
        return True  # whoever opens it says what is wrong with it


def _imported(path: Path) -> Population:
    from workbench.importing.folders import look

    listing = look(path)
    place = state_dir() / "imports"
    stem = f"{clean(path.absolute().stem or 'root', 60)}-{_hash(str(path.absolute()))[:8]}"
    kept = place / f"{stem}-{_hash(state_of(path))[:16]}{SUFFIX}"
    if os.path.exists(kept):
        return population.load(kept)
    made = _make(path, listing, kept)
    for older in place.glob(f"{stem}-*{SUFFIX}"):
        if older != kept:
            older.unlink(missing_ok=True)
    return made


def _make(path: Path, listing: Any, kept: Path) -> Population:
    from workbench.analyses.import_ import choose, provenance, write
    from workbench.analyses.scan import Params
    from workbench.importing.gathering import gather
    from workbench.importing.measuring import measure
    from workbench.importing.report import name_of
    from workbench.physics import is_cartpole
    from workbench.rollouts.episodes import Episodes

    params, compute = Params(path=str(path)), Compute("cpu")
    try:
        folder = tempfile.TemporaryDirectory(prefix="agentemb-")
    except OSError as error:
        raise WorkbenchError(f"{path}: no folder for what is temporary ({error.strerror or error})") from None
    with folder as scratch:
        *_, found = gather(listing, params, compute, scratch=Path(scratch))
        largest = choose(found, "", str(path))[0]
        # Cart-Pole takes seconds; other environments take as long as they take, and are measured when one asks for it.
        episodes = Episodes() if is_cartpole(largest.spec) else None
        columns: dict[str, Column] = {}
        if episodes is not None:
            *_, (_, columns) = measure(largest, episodes, compute)
        about = provenance(params, episodes, found, columns)
        about["others"] = [f"{name_of(g.spec)} ({len(g):,})" for g in found.largest[1:]]
        write(largest, columns, kept, about, resume=True)
    return population.load(kept)


def state_of(path: Path) -> str:
    """What the result depends on: this program, and names, sizes and times of files."""
    from workbench.importing import formats

    about: list[tuple[str, int, int]] = []
    if path.is_dir():
        endings = (*formats.suffixes(), *BESIDE)
        for folder, _, names in os.walk(path, followlinks=False):
            about += [_about(Path(folder) / name) for name in sorted(names) if name.lower().endswith(endings)]
    else:
        try:
            beside = sorted(p for p in path.parent.iterdir() if p.suffix in BESIDE)
        except OSError:  # nor is the file there, then, or it lies where nothing may be listed
            beside = []
        about += [_about(p) for p in (path, *beside)]
    return json.dumps([program_digest(), sorted(about)])


def _about(path: Path) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return str(path), -1, 0
    return str(path), found.st_size, found.st_mtime_ns


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
