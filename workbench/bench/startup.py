"""Startup: how long a fresh process takes to load a population, and the app to paint, beside bare ones."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from workbench.bench.measure import SECONDS, STAND_INS, Contender, Result, Tell, compare, trained_networks
from workbench.errors import WorkbenchError
from workbench.places import default_population
from workbench.population import Population, load
from workbench.text import clean

NAME = "startup"
COLUMNS, LINES = 80, 24
PATIENCE = 20.0
"""Seconds to wait for a paint."""
LEAVING = 3.0
"""Seconds that an app gets to leave."""
ALTERNATE_SCREEN = b"\x1b[?1049h"

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
        population = _population(Path(folder))
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


def program() -> list[str]:
    """The command that starts this program with the interpreter that runs now."""
    script = Path(sys.executable).with_name("agentemb-tui")
    return [str(script)] if script.exists() else [sys.executable, "-m", "workbench"]


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
    ours, theirs = pty.openpty()
    began = time.perf_counter()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        with tempfile.TemporaryDirectory(prefix="agentemb-bench-") as state:
            try:
                process = subprocess.Popen(
                    command, stdin=theirs, stdout=theirs, stderr=theirs, env=_terminal(state), start_new_session=True
                )
            except OSError as error:
                raise WorkbenchError(f"{command[0]}: {error.strerror}") from None
            finally:
                os.close(theirs)
            try:
                return _wait_for(ours, text.encode(), began, patience)
            finally:
                _end(process, ours)
    finally:
        os.close(ours)


def _wait_for(terminal: int, text: bytes, began: float, patience: float) -> float:
    seen = b""
    while (left := began + patience - time.perf_counter()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            break
        data = _read(terminal)
        now = time.perf_counter()
        if not data:
            raise WorkbenchError(f"the app ended without a paint: {_plain(seen)}")
        seen += data
        # What is printed before the screen is taken over is a message, not a paint.
        at = seen.find(ALTERNATE_SCREEN)
        if at >= 0 and text in seen[at:]:
            return now - began
    raise WorkbenchError(f"the app did not paint {text.decode()!r} within {patience:g} s")


def _read(terminal: int) -> bytes:
    """What was written; empty when nobody holds the other side any more."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


def _end(process: subprocess.Popen, terminal: int) -> None:
    """SIGTERM, reading on meanwhile since an app that cannot write does not leave; then SIGKILL."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    deadline = time.perf_counter() + LEAVING
    while process.poll() is None and time.perf_counter() < deadline:
        if select.select([terminal], [], [], 0.02)[0] and not _read(terminal):
            break
    try:
        process.wait(max(0.0, deadline - time.perf_counter()))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _terminal(state: str) -> dict[str, str]:
    """The environment of a plain colour terminal; the user's own state and configuration are kept out of it."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES", "TMUX", "STY")}
    homes = {"XDG_STATE_HOME": state, "XDG_CONFIG_HOME": state}
    return {**kept, **homes, "TERM": "xterm-256color", "COLORTERM": "truecolor"}


def _plain(seen: bytes) -> str:
    lines = [line for line in seen.decode(errors="replace").splitlines() if line.strip()]
    return clean(lines[-1], 200) if lines else "no output"


def _population(folder: Path) -> Population:
    """The shipped population, or a small one written to `folder`."""
    if default_population().exists():
        return load()
    return trained_networks(STAND_INS)[0].save(folder / "bench.safetensors")
