"""Other people's checkpoints made into populations: a file for each spec, with columns, measured where that can be."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from workbench import storage
from workbench.analyses.scan import Params as Scanned
from workbench.analyses.scan import report
from workbench.analysis import Analysis
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.importing import formats
from workbench.importing.folders import Listing, look
from workbench.importing.gathering import Gathered, Gathering, gather
from workbench.importing.measuring import measure
from workbench.importing.report import Report, name_of, summary, table
from workbench.performance import measure_of
from workbench.population import Column, load
from workbench.rollouts.episodes import Episodes
from workbench.text import clean, counted
from workbench.unfinished import Kind

IMPORT = Kind(".importing", "import", "importing into it")


@dataclass(frozen=True)
class Params(Scanned):
    """What to import, what is said of it, and how it is measured."""

    out: str = ""
    """The population file to write, by default named after what is imported; several specs have theirs in the name."""
    spec: str = ""
    """Only networks of this spec, as `scan` names it (4-64-64-2-tanh-CartPole-v1, or 4-64-64-2 tanh)."""
    episodes: int = 100
    """Episodes that each network plays."""
    cap: int = 200
    """Steps after which an episode ends."""
    seed: int = 0
    """Seed of the episodes."""
    unmeasured: bool = False
    """Measure neither survival nor return."""
    resume: bool = False
    """Go on with an unfinished import of the same files."""


def files_digest(listing: Listing) -> str:
    """A hash of which files there are, how long they are and when they were written."""
    about = []
    for name in listing.files:
        try:
            found = os.stat(listing.root / name)
            about.append((name, found.st_size, found.st_mtime_ns))
        except OSError:
            about.append((name, -1, 0))
    return hashlib.blake2b(json.dumps(about).encode(), digest_size=16).hexdigest()


def target_of(params: Params) -> Path:
    """The file to write, where there is one spec."""
    return Path(params.out or f"{Path(params.path).absolute().stem or 'imported'}.safetensors")


def unfinished(params: Params) -> Path:
    """Where an import lies while it is not finished."""
    return IMPORT.folder(target_of(params))


def run(compute: Compute, _selection: None, params: Params) -> Iterator[Report]:
    """Yield progress: files read, then networks measured; at last what was written.

    Raises:
        WorkbenchError: nothing to import, no such spec, a file or unfinished import in the way, or the disk refuses.
    """
    params.check()
    episodes = Episodes(params.episodes, params.cap, params.seed)
    listing = look(Path(params.path))
    out = target_of(params)
    storage.check_suffix("out", out, (".safetensors",))
    plan = {k: v for k, v in asdict(params).items() if k != "resume"} | {"files": files_digest(listing)}
    folder = IMPORT.open(out, plan, params.resume)
    with IMPORT.sole_writer(folder):
        yield from _run(compute, params, episodes, listing, out, folder)
        storage.remove_folder(folder)


def _run(
    compute: Compute, params: Params, episodes: Episodes, listing: Listing, out: Path, folder: Path
) -> Iterator[Report]:
    files = len(listing.files)
    total = files * (1 if params.unmeasured else 2) + 1
    found = Gathering()
    try:
        yield report(params.path, listing, found, 0, total)
        for found in gather(listing, params, compute, params.columns, folder):
            yield report(params.path, listing, found, found.read, total)
        chosen = choose(found, params.spec, params.path)
        check_targets(out, chosen, params.resume)
    except WorkbenchError:
        # Nothing that took long is there yet: the next try need not be of the same plan.
        if not params.resume:
            storage.remove_folder(folder)
        raise
    rows = {id(g): row for g, row in zip(found.largest, report("", listing, found, 0, 1).rows, strict=True)}
    measured: dict[int, dict[str, Column]] = {id(g): {} for g in chosen}
    done = 0

    def frame(end: int) -> Report:
        now = report(params.path, listing, found, end, total)
        return replace(now, rows=tuple(rows[id(g)] for g in chosen))

    networks = sum(map(len, chosen))
    for k, gathered in enumerate(chosen):
        path, columns = target(out, gathered, chosen), measured[id(gathered)]
        if not params.unmeasured:
            name = measure_of(gathered.spec).name
            try:
                for n, so_far in measure(gathered, episodes, compute, folder, f"measured-{k}"):
                    columns = so_far
                    yield frame(files + files * (done + n) // networks)
                mean = float(columns[name].mean())  # type: ignore[union-attr]
                played = f"{counted(episodes.count, 'episode')} of {counted(episodes.cap, 'step')} at most"
                told = f"{name} {mean:.1f} on average, {played}"
            except WorkbenchError as error:
                columns, told = {}, f"{name} not measured: {clean(error, 300)}"
            rows[id(gathered)] = replace(rows[id(gathered)], measured=told)
        done += len(gathered)
        storage.sweep_strays(path.parent, path.name)
        write(gathered, columns, path, provenance(params, episodes, found, columns), params.resume)
        rows[id(gathered)] = replace(rows[id(gathered)], path=str(path))
    yield frame(total)


def choose(found: Gathering, wanted: str, path: str) -> list[Gathered]:
    """The populations that are asked for, the largest first.

    Raises:
        WorkbenchError: there are none, or none of this spec.
    """
    if not found.specs:
        if not found.read:
            raise WorkbenchError(f"{path}: a folder without checkpoints ({', '.join(sorted(formats.suffixes()))})")
        name, why = found.skipped[0]
        among = f"no networks in {counted(found.read, 'file')}; {clean(name, 80)}: "
        where = "" if name == clean(Path(path).name) else among
        raise WorkbenchError(f"{path}: {where}{why}")
    chosen = [g for g in found.largest if not wanted or wanted in (name_of(g.spec), g.spec.label)]
    if not chosen:
        raise WorkbenchError(f"spec: expected {', '.join(name_of(g.spec) for g in found.largest)}, got {wanted!r}")
    return chosen


def target(out: Path, gathered: Gathered, chosen: list[Gathered]) -> Path:
    """The file of one population: `out`, or with the spec in its name where there are several."""
    return out if len(chosen) == 1 else out.with_name(f"{out.stem}-{name_of(gathered.spec)}{out.suffix}")


def check_targets(out: Path, chosen: list[Gathered], resume: bool) -> None:
    """Told before anything is measured.

    Raises:
        WorkbenchError: a file is there already, or two populations would have one name.
    """
    targets = [target(out, gathered, chosen) for gathered in chosen]
    if len(set(targets)) < len(targets):
        raise WorkbenchError(f"{out}: two specs of one name; --spec and what is said of them tell them apart")
    for path in targets:
        if not resume:
            storage.refuse_existing(path)


def provenance(params: Scanned, episodes: Episodes | None, found: Gathering, measured: dict[str, Column]) -> dict:
    """What made a population, as JSON values."""
    said = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(params).items() if k not in ("out", "resume")}
    played = {"episodes": episodes.count, "cap": episodes.cap, "seed": episodes.seed} if episodes and measured else None
    return {"options": said, "measured": played, "files": found.read, "skipped": len(found.skipped)}


def write(gathered: Gathered, measured: dict[str, Column], path: Path, about: dict, resume: bool = False) -> None:
    """A population file of what was gathered and measured.

    Raises:
        WorkbenchError: another file is there (one that an interrupted import wrote is not), or it cannot be written.
    """
    population = gathered.population(about)
    columns = dict(population.columns)
    leading = [name for name in ("source", "row", "run", "steps") if name in columns]
    first: dict[str, Column] = {name: columns.pop(name) for name in leading}
    population = replace(population, columns={**first, **measured, **columns})
    if resume and os.path.exists(path) and load(path).stored_hash == population.content_hash:
        return
    storage.refuse_existing(path)
    population.save(path)


ANALYSIS = Analysis(
    "import",
    "Import checkpoints as populations",
    Params,
    Report,
    run,
    table,
    summary,
    writes=True,
    unfinished=unfinished,
)
