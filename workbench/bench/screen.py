"""The screen: what a person waits for and what a slow line carries, in a real terminal, beside a bare Textual app."""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.bench.measure import SECONDS, Result, Tell
from workbench.bench.startup import shipped_or_small
from workbench.bench.terminal import COLUMNS, LINES, Terminal, program
from workbench.errors import WorkbenchError
from workbench.population import Population
from workbench.text import clean

NAME = "screen"
BYTES, RATE, PERCENT, MEMORY = "bytes", "bytes per second", "% of a core", "MiB"
LARGE = (140, 45)
"""Of the terminal in which panes are looked at: all their panels have a place."""
STARTED = 30.0
"""Seconds that a job gets to begin."""
SETTLED = 120.0
"""Seconds that a pane gets to compute what it shows."""
CURSOR = "▶"

BARE = """
from textual.app import App
from textual.widgets import Static

class Bare(App):
    BINDINGS = [("j", "count", ""), ("q", "quit", "")]
    n = 0
    def compose(self):
        yield Static("agentemb", id="told")
    def action_count(self):
        self.n += 1
        self.query_one("#told", Static).update(f"agentemb \\u25b6 {self.n}")

Bare().run()
"""
"""The least that Textual does for a key."""


def bare_sign(k: int) -> str:
    """What the bare app paints for its n-th key."""
    return f"{CURSOR} {k}"


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    keys: int = 100
    """Keys of which the latencies are taken."""
    apart: float = 0.05
    """Seconds from a paint to the next key, about."""
    seconds: float = 4.0
    """Over which bytes and processor time are counted."""
    moves: int = 8
    """Moves of a cursor."""
    jobs: tuple[str, ...] = ("collect", "train", "converge", "sweeps", "repairs", "survival")
    panes: tuple[str, ...] = ("dataset", "sample", "converge", "interpolate", "repair", "results")


JOBS: Mapping[str, Mapping[str, str]] = {
    "collect": {"out": "{home}/made.safetensors", "count": "100000"},
    "train": {"out": "{home}/trained.safetensors"},
    "converge": {"networks": "1000"},
    "sweeps": {"pairs": "20000"},
    "repairs": {"networks": "400"},
    "survival": {"episodes": "5000"},
}
"""Fields that make an analysis a long one."""

MOVES: Mapping[str, tuple[Sequence[str], str, str]] = {
    "dataset": ((), "j", "a network down the table"),
    "sample": (("r",), "right", "a sample on along the latent map"),
    "converge": (("r",), "right", "a pair along the heat map"),
    "interpolate": (("r",), "right", "a point along the walk"),
    "repair": (("r",), "]", "a repair on"),
    "results": ((), "j", "a result down the list"),
}
"""Of a pane: the keys that fill it, the key that is counted, and what that does."""
HEAT_MAP = "converge"
"""The pane of which so little is wanted: elsewhere another network is shown whole."""


UNITS: Mapping[str, str] = {
    "to paint": SECONDS, "a key on the screen": SECONDS, "sent for a move of the cursor": BYTES, "sent": RATE,
    "at rest": PERCENT, "memory": MEMORY, "leaving": SECONDS,
}  # fmt: skip
"""Groups of figures, in the order in which they are told."""


@dataclass(frozen=True)
class Row:
    """What was found, and at most what is wanted of it."""

    what: str
    values: Sequence[float]
    measured: str
    target: float | None = None


def measure(repeats: int, tell: Tell, size: Size | None = None) -> list[Result]:
    """Latencies, bytes, memory and leaving. `repeats` are of the starts; keys are taken `size.keys` times."""
    size, found = size or Size(), _Found()
    with tempfile.TemporaryDirectory(prefix="agentemb-bench-") as folder:
        population = shipped_or_small(Path(folder))
        command = [*program(), str(population.path)]
        browsable, sign = f"{len(population):,} networks", cursor_at(len(population))
        tell(f"{NAME}: a bare Textual app")
        _idle(
            [sys.executable, "-c", BARE], "a bare Textual app", "agentemb", size, repeats, found, bare_sign, bare=True
        )
        tell(f"{NAME}: at rest")
        _idle(command, "agentemb-tui", browsable, size, repeats, found, sign)
        for name in size.jobs:
            tell(f"{NAME}: while {name} runs")
            _busy(command, name, browsable, size, found, sign)
        tell(f"{NAME}: panes")
        _panes(command, browsable, population, size, found)
    return list(found.results())


class _Found:
    """Rows by group, in the order in which the groups are told."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {group: [] for group in UNITS}

    def add(self, group: str, what: str, values: Sequence[float], measured: str, target: float | None = None) -> None:
        self.rows[group].append(Row(what, values, measured, target))

    def results(self) -> Iterator[Result]:
        for group, rows in self.rows.items():
            first = statistics.median(rows[0].values) if rows and rows[0].values else float("nan")
            for row in rows:
                if not row.values:
                    nothing = (float("nan"), UNITS[group], float("nan"), float("nan"), float("nan"))
                    yield Result(NAME, group, row.what, *nothing, row.measured, row.target)
                    continue
                value = statistics.median(row.values)
                speed = first / value if value > 0 and first > 0 else float("nan")
                low, high = min(row.values), max(row.values)
                yield Result(NAME, group, row.what, value, UNITS[group], low, high, speed, row.measured, row.target)


@contextmanager
def _opened(command: Sequence[str], text: str, size: tuple[int, int] = (COLUMNS, LINES)) -> Iterator[Terminal]:
    """The app with a population on the screen, its kernels loaded, and nothing left to paint."""
    with Terminal(command, *size) as terminal:
        terminal.until(text)
        terminal.quiet(1.0)
        yield terminal


def _idle(
    command: Sequence[str],
    what: str,
    text: str,
    size: Size,
    repeats: int,
    found: _Found,
    sign: Callable[[int], str],
    bare: bool = False,
) -> None:
    """Paints, keys, what is sent and spent at rest, memory, and leaving."""
    painted, shown, left, memory = [], [], [], []
    for _ in range(repeats):
        with Terminal(command) as terminal:
            painted.append(terminal.until("agentemb") - terminal.started)
            shown.append(terminal.until(text) - terminal.started)
            terminal.quiet(1.0)
            memory.append(terminal.memory())
            left.append(_leave(terminal))
    started = f"exec to the first bytes of the text, {COLUMNS}x{LINES}"
    wanted = (0.35, 0.5, 120.0, 1.0) if not bare else (None,) * 4
    found.add("to paint", f"{what}, first paint" if not bare else what, painted, started, wanted[0])
    if not bare:
        found.add("to paint", f"{what}, population on the screen", shown, started, wanted[1])
    found.add("memory", f"{what}", [m for m, _ in memory], "resident, a second after the last paint", wanted[2])
    found.add("memory", f"{what}, its own", [m for _, m in memory], "of that, what is mapped from no file")
    found.add("leaving", what, left, "from q to the end of the process", wanted[3])
    if not bare:
        with Terminal(command) as terminal:
            terminal.until(text)
            stalls = key_times(terminal, "j", sign, max(2, size.keys // 4), 0.02)
            told = "the slowest of keys pressed one after the other while the kernels load"
            found.add("a key on the screen", "agentemb-tui, slowest in the first seconds", [max(stalls)], told, 0.4)
    with _opened(command, text) as terminal:
        _add_keys(found, what, "at rest", key_times(terminal, "j", sign, size.keys, size.apart), bare)
        terminal.quiet(1.0)
        spent, sent = terminal.processor_seconds(), terminal.listen(size.seconds)
        spent = terminal.processor_seconds() - spent
        rest = f"over {size.seconds:g} s without a key"
        limits = (None, None) if bare else (0.0, 0.5)
        found.add("sent", f"{what}, at rest", [sent / size.seconds], rest, limits[0])
        found.add("at rest", what, [100 * spent / size.seconds], rest, limits[1])


def _add_keys(found: _Found, what: str, when: str, times: list[float], bare: bool = False) -> None:
    told = f"j, from the key to a paint of the cursor, {len(times)} keys"
    limits = (None, None) if bare else (0.02, 0.05)
    found.add("a key on the screen", f"{what}, {when}", times, f"{told}, median", limits[0])
    found.add(
        "a key on the screen",
        f"{what}, {when}, p99",
        [float(np.quantile(times, 0.99, method="inverted_cdf"))],
        f"{told}, p99",
        limits[1],
    )


def _busy(command: Sequence[str], name: str, text: str, size: Size, found: _Found, sign: Callable[[int], str]) -> None:
    """Keys and bytes while a job runs, and leaving in the middle of it."""
    when = f"while {name} runs"
    try:
        with _opened(command, text) as terminal:
            start(terminal, name)
            terminal.listen(2.0)
            sent = terminal.listen(size.seconds) / size.seconds
            times = key_times(terminal, "j", sign, size.keys, size.apart)
            left = _leave(terminal)
    except WorkbenchError as error:
        found.add("a key on the screen", f"agentemb-tui, {when}", [], f"not measured: {clean(error, 100)}")
        return
    _add_keys(found, "agentemb-tui", when, times)
    found.add("sent", f"agentemb-tui, {when}", [sent], f"over {size.seconds:g} s without a key", 2048)
    found.add("leaving", f"agentemb-tui, {when}", [left], "from q to the end of the process", 1.0)


def start(terminal: Terminal, name: str) -> None:
    """Run an analysis by its form, made long by `JOBS`, and go back to the pane.

    Raises:
        WorkbenchError: it does not begin.
    """
    from workbench.analyses import find
    from workbench.analysis import describe_params

    names = [field.name for field, _ in describe_params(find(name).Params)]
    terminal.send(":")
    terminal.quiet()
    terminal.send(f"Run {name}")
    terminal.quiet()
    terminal.forget()
    terminal.send("enter")
    terminal.until("ctrl+r runs")
    terminal.quiet()
    at = 0
    for field, value in JOBS[name].items():
        for _ in range(names.index(field) - at):
            terminal.send("tab")
        at = names.index(field)
        terminal.quiet()
        for words in ("end", "ctrl+u", value.format(home=terminal.home)):
            terminal.send(words)
            terminal.quiet()
        terminal.quiet()
    terminal.forget()
    terminal.send("ctrl+r")
    terminal.listen(1.5)
    terminal.send("escape")
    terminal.until(f"jobs: {name}", patience=STARTED)


def _panes(command: Sequence[str], text: str, population: Population, size: Size, found: _Found) -> None:
    """What a move of the cursor sends in every pane, an episode at play, and memory after all of it."""
    from workbench.tui.panes import PANES

    columns, lines = LARGE
    with _opened(command, text, LARGE) as terminal:
        # One that lasts, at half its speed.
        for one in ("/", f"{population.measure.name} >= {max(population.performance)}", "enter", "-"):
            terminal.send(one)
            terminal.quiet()
        terminal.send("space")
        terminal.listen(0.5)
        played = terminal.listen(size.seconds) / size.seconds
        terminal.send("space", "escape")
        told = f"over {size.seconds:g} s, ten frames a second, {columns}x{lines}"
        found.add("sent", "agentemb-tui, an episode at play", [played], told, 30_000)
        for name in size.panes:
            filling, key, words = MOVES[name]
            terminal.send(str(PANES.index(name) + 1))
            terminal.quiet(1.5, SETTLED)
            for one in filling:
                terminal.send(one)
                terminal.quiet(6.0, SETTLED)
            counts = []
            for _ in range(size.moves):
                terminal.send(key)
                counts.append(float(terminal.quiet(0.3)))
            measured = f"{words}, and all that follows it, {columns}x{lines}"
            limit = 3000 if name == HEAT_MAP else None
            found.add("sent for a move of the cursor", name, counts, measured, limit)
        whole, own = terminal.memory()
    told = "resident, after all panes have computed what they show"
    found.add("memory", "agentemb-tui, all panes visited", [whole], told, 400.0)
    found.add("memory", "agentemb-tui, all panes visited, its own", [own], "of that, what is mapped from no file")


def key_times(terminal: Terminal, key: str, sign: Callable[[int], str], count: int, apart: float) -> list[float]:
    """Seconds from each of `count` keys to the paint of it: the n-th key's holds `sign(n)`, and no earlier one does.

    Raises:
        WorkbenchError: a key shows nothing.
    """
    times = []
    for k in range(1, count + 1):
        # Not in step with what is painted by a clock.
        terminal.listen(apart * (0.5 + (k * 0.618) % 1))
        terminal.forget()
        began = time.perf_counter()
        terminal.send(key)
        times.append(terminal.until(sign(k)) - began)
    return times


def cursor_at(networks: int) -> Callable[[int], str]:
    """How the table of so many networks, in the order of the file, paints the cursor on the one with an id."""
    width = max(len("id"), len(str(networks - 1)))
    return lambda k: f"{CURSOR}{str(k).rjust(width)} "


def _leave(terminal: Terminal) -> float:
    """Seconds from q to the end of the process.

    Raises:
        WorkbenchError: it is still there after a while.
    """
    began = time.perf_counter()
    terminal.send("q")
    if not terminal.gone(30.0):
        raise WorkbenchError("the app did not leave")
    return time.perf_counter() - began
