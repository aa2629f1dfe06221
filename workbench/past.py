"""Results of before, to be looked at and held against one another, whatever program made them."""

import math
import numbers
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from workbench import analyses, reproductions
from workbench.analysis import Analysis, read_fields
from workbench.errors import WorkbenchError
from workbench.results import Kept, ResultCache
from workbench.text import clean, counted, duration

OLDER = "older program"
SHORTEST = 4
"""Characters of a key that tell a result."""
ROWS = 400
"""Numbers of two summaries that a table shows."""
LONG = 12
"""Numbers from which a list is told by its mean where one is brief."""


def analysis_of(kept: Kept) -> Analysis:
    """The analysis or reproduction that made a result.

    Raises:
        WorkbenchError: this program has none of that name.
    """
    return named(kept.analysis)


def named(name: str) -> Analysis:
    """The analysis or reproduction of a name.

    Raises:
        WorkbenchError: this program has none of that name.
    """
    if name in analyses.names():
        return analyses.find(name)
    if name in reproductions.names():
        return reproductions.find(name)
    raise WorkbenchError(f"{clean(name, 40)}: this program has no analysis of that name")


def params_of(kept: Kept) -> Any:
    """The parameters that a result was made with.

    Raises:
        WorkbenchError: they do not fit this program's.
    """
    kind = analysis_of(kept).Params
    values = read_fields(kind, kept.params)
    if set(values) != set(kept.params) or any(f.default is MISSING and f.name not in values for f in fields(kind)):
        raise WorkbenchError(f"{kept.key[:8]}: its parameters are those of another version of {kept.analysis}")
    return kind(**values)


def frame_of(cache: ResultCache, kept: Kept) -> Any:
    """A result's frame.

    Raises:
        WorkbenchError: it is gone, or of another version of its analysis.
    """
    frame = cache.load(kept.key, analysis_of(kept))
    if frame is None:
        raise WorkbenchError(f"{kept.key[:8]}: gone, or made by a version of {kept.analysis} that this one cannot read")
    return frame


def told(kept: Kept, how: Callable[[Any], Any], frame: Any) -> Any:
    """A result's table, summary or figure.

    Raises:
        WorkbenchError: it is of an older program, and this one cannot tell it.
    """
    try:
        return how(frame)
    except Exception:  # whatever a frame of other times leads to: it is no fault of this program's
        if kept.current:
            raise
        raise WorkbenchError(f"{kept.key[:8]}: what it says is of another version of {kept.analysis}") from None


def chosen(kept: list[Kept], key: str) -> Kept:
    """The result whose key begins so.

    Raises:
        WorkbenchError: none does, or several.
    """
    found = [k for k in kept if k.key.startswith(key)] if len(key) >= SHORTEST else []
    if len(found) != 1:
        got = f"{len(found)} that begin with {clean(key, 40)!r}" if found else f"{clean(key, 40)!r}"
        raise WorkbenchError(f"results: expected the beginning ({SHORTEST} characters or more) of one key, got {got}")
    return found[0]


def changed(kept: Kept) -> dict[str, Any]:
    """Parameters that are not their analysis' defaults, the seed always."""
    given = not_default(kept.analysis, kept.params)
    return {n: v for n, v in kept.params.items() if n in given or n == "seed"}


def not_default(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Of parameters as JSON values those that are not an analysis' defaults; all, where there is no such analysis."""
    try:
        defaults = {f.name: f.default for f in fields(named(name).Params)}
    except WorkbenchError:
        defaults = {}
    plain = {n: list(value) if isinstance(value, tuple) else value for n, value in defaults.items()}
    return {n: v for n, v in params.items() if n not in plain or plain[n] != v}


def words(params: Mapping[str, Any]) -> str:
    """Parameters in words."""
    shown = (f"{name} {' '.join(map(str, v)) if isinstance(v, list) else v}" for name, v in params.items())
    return clean(", ".join(shown), 400)


def population_of(kept: Kept) -> Path | None:
    """The population's file as a command would name it; None where the result is of networks without a file."""
    return Path(kept.path) if kept.path else None


def to_json(kept: Kept) -> dict[str, Any]:
    """A result without its numbers, as JSON values."""
    return {
        "key": kept.key, "analysis": kept.analysis, "params": dict(kept.params), "networks": kept.networks,
        "population": {"name": kept.name, "path": kept.path, "hash": kept.population}, "where": kept.where,
        "rules": list(kept.rules), "seconds": kept.seconds, "date": kept.date, "version": kept.version,
        "current": kept.current, "bytes": kept.size,
    }  # fmt: skip


def table(kept: list[Kept]) -> Table:
    """Results, a row each."""
    out = Table(title=f"{counted(len(kept), 'result')}, {size(sum(k.size for k in kept))}")
    for name in ("key", "analysis", "when", "took", "population"):
        out.add_column(name, justify="right" if name == "took" else "left", no_wrap=True)
    out.add_column("parameters", overflow="fold")
    for k in kept:
        cells = k.key[:8], k.analysis, when(k)[5:], duration(k.seconds), k.name or k.population[:8]
        params = f"{counted(k.networks, 'network')}, {words(changed(k))}{'' if k.current else f' ({OLDER})'}"
        out.add_row(*(Text(clean(cell, 30)) for cell in cells), Text(params))
    return out


def when(kept: Kept) -> str:
    """The day and minute that a result was there."""
    return clean(kept.date[:16].replace("T", " "), 16)


def size(count: int) -> str:
    """Bytes in words."""
    for unit, per in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= per:
            return f"{count / per:.3g} {unit}"
    return f"{count} B"


# Comparison.


@dataclass(frozen=True)
class Difference:
    """One value that two results have, or one of them."""

    name: str
    """Its place in the summaries: `groups.151-200.mean`."""
    first: Any
    second: Any
    """None where there is no such value."""

    @property
    def same(self) -> bool:
        """Whether both have the same; not-a-number is the same as itself."""
        return self.first == self.second or (self.first != self.first and self.second != self.second)

    @property
    def difference(self) -> float | None:
        """The second less the first; None unless both are numbers."""
        if _is_number(self.first) and _is_number(self.second):
            return float(self.second) - float(self.first)
        return None


def compare(first: Any, second: Any, brief: bool = False) -> list[Difference]:
    """Values of two summaries, place by place, in the first's order, and then what only the second has.

    Args:
        first: JSON values.
        second: JSON values.
        brief: give of long lists of numbers the mean alone.
    """
    a, b = dict(leaves(first, "", brief)), dict(leaves(second, "", brief))
    return [Difference(name, a.get(name), b.get(name)) for name in {**a, **b}]


def leaves(value: Any, at: str = "", brief: bool = False) -> Iterator[tuple[str, Any]]:
    """Numbers, words and truths of JSON values, each with its place; lists by position, `brief` long ones by mean."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{at}.{name}" if at else str(name), brief)
    elif isinstance(value, list | tuple):
        if brief and len(value) > LONG and all(map(_is_number, value)):
            yield f"{at}: mean of {len(value):,}", math.fsum(value) / len(value)
            return
        for k, inner in enumerate(value):
            yield from leaves(inner, f"{at}[{k}]", brief)
    else:
        yield at, value


def held_against(cache: ResultCache, first: Kept, second: Kept, brief: bool = False) -> list[Difference]:
    """The values of two results of one analysis, as `compare` gives them.

    Raises:
        WorkbenchError: they are of two, or one cannot be read.
    """
    if first.analysis != second.analysis:
        raise WorkbenchError(f"results: expected two of one analysis, got {first.analysis} and {second.analysis}")
    analysis = analysis_of(first)
    one, other = (told(k, analysis.summary, frame_of(cache, k)) for k in (first, second))
    return compare(one, other, brief)


def comparison(pair: tuple[Kept, Kept], differences: list[Difference]) -> Table:
    """Two results side by side: parameters that differ, then the values that do."""
    out = Table(title=f"{pair[0].analysis}: two results", expand=True)
    out.add_column("", overflow="fold", ratio=1)
    for name in (*(k.key[:8] for k in pair), "difference"):
        out.add_column(name, justify="right", overflow="fold", max_width=24)
    first, second = (
        {
            "when": when(k), "took": duration(k.seconds), "population": k.name, "content hash": k.population[:12],
            "networks": f"{k.networks:,}", "where": k.where, "rules": " ".join(k.rules), "version": _version(k),
        }
        for k in pair
    )  # fmt: skip
    for name in first:
        if first[name] != second[name]:
            out.add_row(name, *(Text(clean(told[name], 60)) for told in (first, second)), "")
    for name in {**pair[0].params, **pair[1].params}:
        a, b = (k.params.get(name) for k in pair)
        if a != b:
            out.add_row(Text(f"parameter {clean(name, 40)}"), _shown(a), _shown(b), "", style="bold")
    out.add_section()
    shown = [d for d in differences if not d.same]
    for d in shown[:ROWS]:
        by = "" if d.difference is None or not math.isfinite(d.difference) else f"{d.difference:+.4g}"
        out.add_row(Text(clean(d.name, 80)), _shown(d.first), _shown(d.second), by)
    same = len(differences) - len(shown)
    more = f"; {len(shown) - ROWS:,} more differ (--json has all)" if len(shown) > ROWS else ""
    out.caption = f"{same:,} of {len(differences):,} values are the same{more}"
    return out


def _version(kept: Kept) -> str:
    return kept.version if kept.current else f"{kept.version}, {OLDER}"


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _shown(value: Any) -> Text:
    if value is None:
        return Text("-")
    if isinstance(value, float):
        return Text(f"{value:.4g}")
    return Text(clean(" ".join(map(str, value)) if isinstance(value, list) else value, 60))
