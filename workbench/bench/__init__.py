"""Benchmarks: this program beside what one would do without it, in one run. One file a subject, listed here once.

A subject's file holds `measure(repeats, tell)`, which gives the rows of the table.
"""

from importlib import import_module
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.bench.measure import SECONDS, Result
from workbench.errors import WorkbenchError
from workbench.text import duration, rate

SUBJECTS = ("rollouts", "collection", "generators", "convergence", "startup", "screen")
UNITS = {SECONDS: "wall time"}
"""Units that are told otherwise in a title."""
AMOUNTS = ("bytes", "bytes per second", "% of a core", "MiB")
"""Units of what is better when there is less of it."""

__all__ = ["SUBJECTS", "Result", "run", "table"]


def run(names: list[str], repeats: int, console: Console) -> list[Result]:
    """Run benchmarks by name, all of them for an empty list; says on `console` how far they are.

    Raises:
        WorkbenchError: a name that is none, or the shipped population cannot be read.
    """
    for name in names:
        if name not in SUBJECTS:
            raise WorkbenchError(f"bench: expected {', '.join(SUBJECTS)}, got {name!r}")

    # No live display: its thread would take part in what is measured.
    def tell(words: str) -> None:
        console.print(Text(words, style="dim"))

    results: list[Result] = []
    for name in SUBJECTS:
        if name in names or not names:
            tell(f"{name}: getting ready (the first run after an install compiles kernels, about 10 s)")
            results += import_module(f"{__name__}.{name}").measure(repeats, tell)
    return results


def table(results: list[Result]) -> Group:
    """A table a group, each row beside the first of its group, and below it what was measured, by the rows' numbers."""
    parts: list[RenderableType] = []
    for (benchmark, group, unit), rows in groupby(results, lambda r: (r.benchmark, r.group, r.unit)):
        title = Text(f"{benchmark}: {group}, {UNITS.get(unit, unit)}", style="bold")
        grid = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False, expand=False)
        listed = list(rows)
        aimed = any(row.target is not None for row in listed)
        for name in ("", "", "median", "min - max", "speed" if unit not in AMOUNTS else "beside", *["target"] * aimed):
            number = name != ""
            grid.add_column(name, justify="right" if number else "left", no_wrap=number)
        notes: dict[str, list[str]] = {}
        for k, row in enumerate(listed, 1):
            notes.setdefault(row.measured, []).append(str(k))
            span = "" if row.value != row.value else f"{figure(row.low, unit)} - {figure(row.high, unit)}"
            held = beside(row.speed) if unit not in AMOUNTS else amount_beside(row.speed)
            aim = [verdict(row)] * aimed
            grid.add_row(str(k), Text(row.what), figure(row.value, unit), span, held, *aim)
        said = Table.grid(padding=(0, 1))
        for note, numbers in notes.items():
            said.add_row(Text(" ".join(numbers), style="dim"), Text(note, style="dim"))
        parts += [title, grid, said, Text()]
    return Group(*parts[:-1])


def figure(value: float, unit: str) -> str:
    """A number to read: `71.2M`, `26k`, `212 ms`, `18 min`; `-` for NaN."""
    if value != value:
        return "-"
    if unit != SECONDS:
        return rate(value).removesuffix("/s")
    if value < 1:
        return f"{1000 * value:.0f} ms"
    return f"{value / 60:.1f} min" if 100 <= value < 6000 else duration(value)


def beside(speed: float) -> str:
    """`1`, `1.93x as fast`, `2,700x slower`; `-` for NaN."""
    if speed != speed:
        return "-"
    if speed == 1:
        return "1"
    if speed > 1:
        return f"{_times(speed)}x as fast"
    return f"{_times(1 / speed)}x slower"


def amount_beside(speed: float) -> str:
    """Of what is better when there is less of it: `1`, `1.9x as much`, `0.5x as much`; `-` for NaN."""
    return "-" if speed != speed else "1" if speed == 1 else f"{_times(1 / speed)}x as much"


def verdict(row: Result) -> str:
    """What was wanted, and whether it is so: `<= 350 ms ok`, `<= 20 ms misses`; empty where nothing was."""
    if row.target is None:
        return ""
    met = "-" if row.value != row.value else "ok" if row.value <= row.target else "misses"
    return f"<= {figure(row.target, row.unit)} {met}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"
