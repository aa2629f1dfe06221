"""Results of before, to be looked at and held against one another, whatever program made them."""

import math
import numbers
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from workbench import analyses, reproductions
from workbench.analysis import Analysis, read_fields
from workbench.errors import WorkbenchError
from workbench.results import Kept, ResultCache
from workbench.text import clean, duration

OLDER = "older program"
SHORTEST = 4
"""Characters of a key that tell a result."""
ROWS = 400
"""Numbers of two summaries that a table shows."""


def analysis_of(kept: Kept) -> Analysis:
    """The analysis or reproduction that made a result.

    Raises:
        WorkbenchError: this program has none of that name.
    """
    if kept.analysis in analyses.names():
        return analyses.find(kept.analysis)
    if kept.analysis in reproductions.names():
        return reproductions.find(kept.analysis)
    raise WorkbenchError(f"{kept.key[:8]}: made by {clean(kept.analysis, 40)}, which this program does not have")


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
    try:
        defaults = {f.name: f.default for f in fields(analysis_of(kept).Params)}
    except WorkbenchError:
        defaults = {}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}
    return {n: v for n, v in kept.params.items() if n == "seed" or n not in plain or plain[n] != v}


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
    out = Table(title=f"{len(kept):,} results, {size(sum(k.size for k in kept))}")
    for name in ("key", "analysis", "when", "took", "networks", "population", "parameters", ""):
        out.add_column(name, justify="right" if name in ("took", "networks") else "left", overflow="fold")
    for k in kept:
        population, params = clean(k.name or k.population[:8], 30), words(changed(k))
        cells = (k.key[:8], k.analysis, when(k), duration(k.seconds), f"{k.networks:,}", population, params)
        out.add_row(*(Text(clean(cell, 400)) for cell in cells), "" if k.current else OLDER)
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


def compare(first: Any, second: Any) -> list[Difference]:
    """All values of two summaries, place by place, in the first's order, and then what only the second has."""
    a, b = dict(leaves(first)), dict(leaves(second))
    return [Difference(name, a.get(name), b.get(name)) for name in {**a, **b}]


def leaves(value: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Numbers, words and truths of JSON values, each with its place; lists by position."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{at}.{name}" if at else str(name))
    elif isinstance(value, list | tuple):
        for k, inner in enumerate(value):
            yield from leaves(inner, f"{at}[{k}]")
    else:
        yield at, value


def held_against(cache: ResultCache, first: Kept, second: Kept) -> list[Difference]:
    """All values of two results of one analysis.

    Raises:
        WorkbenchError: they are of two, or one cannot be read.
    """
    if first.analysis != second.analysis:
        raise WorkbenchError(f"results: expected two of one analysis, got {first.analysis} and {second.analysis}")
    analysis = analysis_of(first)
    return compare(*(analysis.summary(frame_of(cache, k)) for k in (first, second)))


def comparison(pair: tuple[Kept, Kept], differences: list[Difference], heading: str = "") -> Table:
    """Two results side by side: parameters that differ, then the values that do."""
    out = Table(title=heading or f"{pair[0].analysis}: two results")
    for name in ("", *(f"{k.key[:8]}  {when(k)}" for k in pair), "difference"):
        out.add_column(name, justify="right" if name else "left", overflow="fold")
    about = ("population", "networks", "where", "version")
    told = [{"population": k.name, "networks": k.networks, "where": k.where, "version": _version(k)} for k in pair]
    for name in about:
        if told[0][name] != told[1][name]:
            out.add_row(name, *(Text(clean(t[name], 60)) for t in told), "")
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
