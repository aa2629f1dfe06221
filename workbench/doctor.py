"""What this machine and terminal offer: facts, each judged in a word, and what is slow and why.

Nothing here imports torch unless a device must be looked at; import times are taken in processes of their own.
"""

import importlib.metadata
import locale
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from workbench import __version__
from workbench.compute import Compute, available_cores
from workbench.errors import WorkbenchError
from workbench.places import config_dir, default_population, state_dir
from workbench.results import ResultCache
from workbench.text import clean, counted

OK, NOTE, PROBLEM = "ok", "note", "problem"
Finding = dict[str, Any]
"""`status` (ok, note or problem), `value` (a JSON value) and `says` (the same in words)."""

PACKAGES = (
    "textual", "rich", "torch", "gymnasium", "numpy", "scipy", "typer", "numba", "llvmlite", "safetensors",
)  # fmt: skip
TIMED = ("torch", "numba", "gymnasium", "textual")
SLOW_IMPORT = 3.0
"""Seconds; more than this is more than a package's own work."""
IMPORT_PATIENCE = 60.0
SMALLEST = (80, 24)
KERNELS = 3
"""Compiled entry points: rollouts and two trainers."""
COMPILING = "first use takes about 10 s"

_STYLES = {OK: "green", NOTE: "yellow", PROBLEM: "bold red"}


def examine(compute: Compute) -> dict[str, dict[str, Finding]]:
    """Look at everything.

    Args:
        compute: the device and threads that were asked for.

    Returns:
        Sections (terminal, versions, compute, files, imports) of named findings, all of JSON values.
    """
    return {
        "terminal": dict(_terminal()),
        "versions": dict(_versions()),
        "compute": dict(_compute(compute)),
        "files": dict(_files()),
        "imports": dict(_imports()),
    }


def report(findings: dict[str, dict[str, Finding]]) -> RenderableType:
    """A table of all findings: its status as a word, and what it says; counted in the caption."""
    out = Table(title=f"agentemb-tui {__version__}", caption=_verdict(findings), caption_justify="left")
    out.add_column("")
    out.add_column("status")
    out.add_column("found", overflow="fold", ratio=1)
    for section, entries in findings.items():
        out.add_row(Text(section, style="bold"))
        for k, (name, finding) in enumerate(entries.items(), 1):
            status = Text(finding["status"], style=_STYLES[finding["status"]])
            out.add_row(Text(f"  {name}"), status, Text(clean(finding["says"])), end_section=k == len(entries))
    return out


def _verdict(findings: dict[str, dict[str, Finding]]) -> str:
    status = [finding["status"] for entries in findings.values() for finding in entries.values()]
    parts = [f"{counted(status.count(s), s)}" for s in (PROBLEM, NOTE) if s in status]
    return ", ".join(parts) or "all is well"


def _finding(value: Any, says: str = "", status: str = OK) -> Finding:
    return {"status": status, "value": value, "says": says or str(value)}


def _terminal() -> Iterator[tuple[str, Finding]]:
    env = os.environ
    term = env.get("TERM", "")
    if not term or term == "dumb":
        yield "TERM", _finding(term, f"{term or 'not set'}: no app can draw here; the sub-commands work", PROBLEM)
    else:
        yield "TERM", _finding(term)
    yield "COLORTERM", _finding(env.get("COLORTERM", ""), env.get("COLORTERM") or "not set")
    colours = Console(force_terminal=True, no_color=False).color_system or "none"
    fewer = {"none": "none", "standard": "16", "256": "256"}.get(colours)
    if fewer is None:
        yield "colours", _finding(colours, "16 million")
    else:
        advice = "; COLORTERM=truecolor asks for more where the terminal has them" if fewer != "none" else ""
        yield "colours", _finding(colours, f"{fewer}; themes and heat maps lose shades{advice}", NOTE)
    if env.get("NO_COLOR"):
        yield "NO_COLOR", _finding(True, "set: the app is drawn without colours", NOTE)
    else:
        yield "NO_COLOR", _finding(False, "not set")
    if sys.stdout.isatty():
        width, height = shutil.get_terminal_size()
        small = width < SMALLEST[0] or height < SMALLEST[1]
        advice = f"; the app is made for {SMALLEST[0]} x {SMALLEST[1]} and more" if small else ""
        yield "size", _finding([width, height], f"{width} x {height}{advice}", NOTE if small else OK)
    else:
        yield "size", _finding(None, "output is no terminal, so its size is not known", NOTE)
    inside = [n for n, key in (("tmux", "TMUX"), ("screen", "STY"), ("zellij", "ZELLIJ")) if env.get(key)]
    if inside and fewer is not None:
        advice = " that passes on fewer colours (tmux: set -as terminal-features ',*:RGB')"
        yield "multiplexer", _finding(inside, ", ".join(inside) + advice, NOTE)
    else:
        yield "multiplexer", _finding(inside, ", ".join(inside) or "none")
    remote = bool(env.get("SSH_CONNECTION") or env.get("SSH_TTY"))
    yield "ssh", _finding(remote, "yes: keys and paints travel" if remote else "no")
    encoding = locale.getencoding()
    if encoding.lower().replace("-", "") != "utf8":
        says = f"{encoding}: blocks and Braille dots cannot be printed; set LANG to a UTF-8 locale such as C.UTF-8"
        yield "characters", _finding(encoding, says, PROBLEM)
    elif term == "linux":
        yield "characters", _finding(encoding, "UTF-8, but the Linux console has no Braille dots", NOTE)
    else:
        yield "characters", _finding(encoding, "UTF-8: blocks and Braille dots can be printed")


def _versions() -> Iterator[tuple[str, Finding]]:
    yield "agentemb-tui", _finding(__version__)
    yield "python", _finding(platform.python_version(), f"{platform.python_version()} ({sys.executable})")
    yield "system", _finding(platform.platform())
    for name in PACKAGES:
        try:
            yield name, _finding(importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield name, _finding(None, "not installed", PROBLEM)


def _compute(compute: Compute) -> Iterator[tuple[str, Finding]]:
    try:
        device = compute.torch_device
        yield "device", _finding(device, f"{device} ({compute.device} was asked for)")
    except WorkbenchError as error:
        yield "device", _finding(None, str(error), PROBLEM)
    except (ImportError, OSError) as error:  # a library of torch's that does not load is either
        yield "device", _finding(None, f"torch cannot be imported: {error}", PROBLEM)
    # Compute imports torch only where there may be a GPU: unimported, it has none to list.
    if compute.device != "cpu" and "torch" in sys.modules:
        yield from _gpus()
    else:
        yield "GPUs", _finding([], "no driver found" if compute.device == "auto" else "not looked for")
    cores, machine = available_cores(), os.cpu_count() or 1
    fewer = cores < machine
    yield "cores", _finding([cores, machine], f"{cores} available of the machine's {machine}", NOTE if fewer else OK)
    quota = _quota()
    if quota is not None and quota < cores:
        yield "quota", _finding(quota, f"this container may use {quota:g} cores; more threads gain nothing", NOTE)
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    crowded = busy > cores
    says = f"{busy:.1f} processes want to run" + (": more than there are cores, so all is slower" if crowded else "")
    yield "load", _finding(round(busy, 2), says, NOTE if crowded else OK)
    many = compute.workers > cores
    says = f"{compute.workers} for work" + (f", more than the {cores} cores available" if many else "")
    yield "threads", _finding(compute.workers, says, NOTE if many else OK)


def _gpus() -> Iterator[tuple[str, Finding]]:
    import torch

    if torch.version.cuda is None and torch.version.hip is None:
        yield "GPUs", _finding([], f"torch {torch.__version__} is a build without GPU support", NOTE)
        return
    if not torch.cuda.is_available():
        yield "GPUs", _finding([], f"torch {torch.__version__} sees none", NOTE)
        return
    for k in range(torch.cuda.device_count()):
        name = torch.cuda.get_device_name(k)
        try:
            free, total = torch.cuda.mem_get_info(k)
        except RuntimeError as error:
            yield f"cuda:{k}", _finding({"name": name}, f"{name}: {clean(error, 100)}", PROBLEM)
            continue
        says = f"{name}, {_size(free)} of {_size(total)} free"
        yield f"cuda:{k}", _finding({"name": name, "free": free, "total": total}, says)


def _quota() -> float | None:
    """Cores that a control group allows; None where there is no limit."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError):
        return None


def _files() -> Iterator[tuple[str, Finding]]:
    import workbench.kernels  # names numba's cache folder

    assert workbench.kernels
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    compiled = len(list(folder.rglob("*.nbi"))) if folder.is_dir() else 0
    _, size = _content(folder)
    value = {"path": str(folder), "compiled": compiled, "bytes": size, "writable": _writable(folder)}
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        yield "kernels", _finding(value, "NUMBA_DISABLE_JIT is set: nothing is compiled, all is 1,000x slower", PROBLEM)
    elif not value["writable"]:
        yield "kernels", _finding(value, f"{folder} cannot be written: kernels compile in every process", PROBLEM)
    elif folder.name.startswith("agentemb-"):
        says = f"the user's cache folder cannot be written, so {folder} serves: kernels compile in every process"
        yield "kernels", _finding(value, says, PROBLEM)
    elif compiled < KERNELS:
        says = f"{compiled} of {KERNELS} compiled in {folder}: {COMPILING}"
        yield "kernels", _finding(value, says, NOTE)
    else:
        yield "kernels", _finding(value, f"{compiled} compiled, {_size(size)} in {folder}")
    for name, folder in (("results", ResultCache().folder), ("state", state_dir()), ("configuration", config_dir())):
        count, size = _content(folder)
        value = {"path": str(folder), "files": count, "bytes": size, "writable": _writable(folder)}
        if not value["writable"]:
            yield name, _finding(value, f"{folder} cannot be written: nothing is kept there", PROBLEM)
        elif folder.is_dir():
            files = counted(count, "file")
            yield name, _finding(value, f"{files}, {_size(size)} in {folder}")
        else:
            yield name, _finding(value, f"{folder}, made when it is needed")
    yield "population", _population()


def _population() -> Finding:
    from workbench.population import load

    path = default_population()
    if not path.exists():
        return _finding({"path": str(path)}, f"{path} is missing; give a population file, or `collect` one", PROBLEM)
    try:
        population = load(path)
        population.verify()
    except WorkbenchError as error:
        return _finding({"path": str(path)}, str(error), PROBLEM)
    value = {"path": str(path), "networks": len(population), "hash": population.content_hash}
    count = counted(len(population), "network")
    return _finding(value, f"{count}, hash {population.content_hash[:12]} verified, {path}")


def _imports() -> Iterator[tuple[str, Finding]]:
    for name in TIMED:
        try:
            seconds = import_seconds(name)
        except WorkbenchError as error:
            yield name, _finding(None, str(error), PROBLEM)
            continue
        if seconds > SLOW_IMPORT:
            says = f"{seconds:.1f} s: a slow disk, a cold file cache or a busy machine; the next time may be faster"
            yield name, _finding(round(seconds, 3), says, NOTE)
        else:
            yield name, _finding(round(seconds, 3), f"{seconds:.2f} s{_WHEN.get(name, '')}")


_WHEN = {
    "torch": ": the slowest of all, hence imported only when something needs it, behind the first paint",
    "numba": ", when the first kernel runs",
    "gymnasium": ", for environments other than Cart-Pole",
    "textual": ", before the first paint",
}


def import_seconds(name: str) -> float:
    """Seconds that a fresh process takes to import a package, its own start not counted.

    Raises:
        WorkbenchError: the import fails or does not end.
    """
    code = f"import time; began = time.perf_counter(); import {name}; print(time.perf_counter() - began)"
    try:
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=False, text=True, timeout=IMPORT_PATIENCE
        )
    except subprocess.TimeoutExpired:
        raise WorkbenchError(f"import {name}: not done after {IMPORT_PATIENCE:g} s") from None
    except OSError as error:
        raise WorkbenchError(f"import {name}: {sys.executable} cannot be started ({error.strerror})") from None
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or [f"exit {ended.returncode}"])[-1]
        raise WorkbenchError(f"import {name}: {clean(last)}")
    return float(ended.stdout.split()[-1])


def _writable(folder: Path) -> bool:
    """Whether a folder can be written, or made where it is not there."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _content(folder: Path) -> tuple[int, int]:
    """Files below a folder, and their bytes."""
    sizes = []
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                sizes.append(os.stat(os.path.join(where, name)).st_size)
            except OSError:
                continue  # gone meanwhile
    return len(sizes), sum(sizes)


def _size(count: int) -> str:
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count} B"
        count /= 1024  # type: ignore[assignment]
    return f"{count:.3g} GiB"
