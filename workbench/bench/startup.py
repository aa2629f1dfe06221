"""Startup: how long a fresh process takes to load a population, and the app to paint, beside bare ones."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from workbench.bench.measure import SECONDS, STAND_INS, Contender, Result, Tell, compare, trained_networks
from workbench.bench.terminal import COLUMNS, LINES, PATIENCE, Terminal, program
from workbench.errors import WorkbenchError
from workbench.places import default_population
from workbench.population import Population, load
from workbench.text import clean

NAME = "startup"
BARE = """
from textual.app import App
from textual.widgets import Footer, Header, Static

class Bare(App):
    TITLE = "bare"
    def compose(self):
        yield Header()
        yield Static("agentemb")
        yield Footer()

Bare().run()
"""
"""The least that Textual paints."""


def measure(repeats: int, tell: Tell, only: Sequence[str] = ("processes", "app")) -> list[Result]:
    """Rows for processes without a screen, and for apps in a pseudo-terminal, each a process of its own."""
    results = []
    with tempfile.TemporaryDirectory(prefix="agentemb-bench-") as folder:
        population = shipped_or_small(Path(folder))
        if "processes" in only:
            results += processes(population, repeats, tell)
        if "app" in only:
            results += app(population, repeats, tell)
    return results


def processes(population: Population, repeats: int, tell: Tell) -> list[Result]:
    """What a script waits for before it can work."""
    measured = "start to exit of a fresh process"
    opened = f"{len(population):,} networks, {measured}"

    def contender(what: str, command: Sequence[str], words: str = measured) -> Contender:
        return Contender(what, words, lambda: seconds_of(command))

    loading = f"import workbench; workbench.load({str(population.path)!r})"
    contenders = [
        contender("import workbench; workbench.load()", [sys.executable, "-c", loading], opened),
        contender("agentemb-tui --version", [*program(), "--version"]),
        contender("python -c pass", [sys.executable, "-c", "pass"]),
        contender("import torch", [sys.executable, "-c", "import torch"]),
    ]
    for one in contenders:
        with contextlib.suppress(WorkbenchError):  # told in its row
            one.go()
    return compare(NAME, "a process", SECONDS, contenders, repeats, tell)


def app(population: Population, repeats: int, tell: Tell) -> list[Result]:
    """What a person waits for."""
    measured = f"exec to the first bytes of the text, {COLUMNS}x{LINES} pseudo-terminal, fresh process"
    opening = [*program(), str(population.path)]
    networks = f"{len(population):,} networks"
    contenders = [
        Contender("agentemb-tui, first paint", measured, lambda: seconds_to(opening, "agentemb")),
        Contender("agentemb-tui, population on the screen", measured, lambda: seconds_to(opening, networks)),
        Contender("a bare Textual app", measured, lambda: seconds_to([sys.executable, "-c", BARE], "agentemb")),
    ]
    return compare(NAME, "to paint", SECONDS, contenders, repeats, tell)


def seconds_of(command: Sequence[str]) -> float:
    """Wall time of a process from its start to its end.

    Raises:
        WorkbenchError: it cannot be started or fails.
    """
    began = time.perf_counter()
    try:
        ended = subprocess.run(command, capture_output=True, check=False, text=True, stdin=subprocess.DEVNULL)
    except OSError as error:
        raise WorkbenchError(f"{command[0]}: {error.strerror}") from None
    seconds = time.perf_counter() - began
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        raise WorkbenchError(f"{command[0]}: exit {ended.returncode}: {clean(last)}")
    return seconds


def seconds_to(command: Sequence[str], text: str, patience: float = PATIENCE) -> float:
    """Wall time from the start of a full-screen app, in a terminal of its own, until it has painted `text`.

    The app is then ended by SIGTERM, and killed if it does not go.

    Raises:
        WorkbenchError: it cannot be started, or ends or stays blank without having painted the text.
    """
    with Terminal(command) as terminal:
        return terminal.until(text, patience=patience) - terminal.started


def shipped_or_small(folder: Path) -> Population:
    """The shipped population, or a small one written to `folder`."""
    if default_population().exists():
        return load()
    return trained_networks(STAND_INS)[0].save(folder / "bench.safetensors")
