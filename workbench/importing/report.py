"""What was found of a folder of checkpoints, in figures and words: the frame of scans and imports."""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench.importing.gathering import Gathered, Gathering
from workbench.policies import PolicySpec
from workbench.text import clean, counted

NAMED, NAMED_EACH = 48, 8
"""Files named where a folder holds several specs, of all and of each; all of them are in the JSON."""
REASONS = 12
"""Reasons shown for files left out; all of them are in the JSON."""


@dataclass(frozen=True)
class Row:
    """Networks of one spec."""

    name: str
    """The spec in one word: what `--spec` takes, and part of file names."""
    label: str
    """Layer sizes and activation."""
    env: str
    networks: int
    files: int
    not_finite: int
    """With a NaN or infinite weight."""
    constant: int
    """Whose weights are all the same number."""
    duplicates: int
    """With the weights of one before them."""
    formats: tuple[str, ...]
    assumed: tuple[tuple[str, int], ...]
    """What was assumed, and of how many files."""
    sources: tuple[str, ...]
    """The files, in their order."""
    path: str = ""
    """The population file, once it is written."""
    measured: str = ""
    """What was measured, or why nothing was."""


@dataclass(frozen=True)
class Report:
    """A folder or file in figures."""

    done: int
    total: int
    path: str
    files: int
    """That may be checkpoints."""
    read: int
    """Of them so far."""
    others: int
    """Files that are no checkpoints by their names."""
    rows: tuple[Row, ...]
    """The largest population first."""
    skipped: tuple[tuple[str, str], ...]
    """Files left out, and why."""
    unmatched: int
    """Rows of a user's table that are about no file."""

    @property
    def networks(self) -> int:
        """In all."""
        return sum(row.networks for row in self.rows)


def name_of(spec: PolicySpec) -> str:
    """A spec in one word, as in `4-64-64-2-tanh-CartPole-v1`."""
    about = [spec.label, spec.env, "" if spec.bias else "nobias", "" if spec.action == "greedy" else spec.action]
    beside = [("norm", spec.normaliser), ("args", spec.env_kwargs)]
    for word, value in beside:
        if value:
            about.append(word + hashlib.blake2b(repr(value).encode(), digest_size=3).hexdigest())
    return re.sub(r"[^A-Za-z0-9.]+", "-", " ".join(a for a in about if a))[:120].strip("-")


def rows_of(gathering: Gathering) -> tuple[Row, ...]:
    """A row a spec, the largest first."""
    return tuple(_row(gathered) for gathered in gathering.largest)


def _row(of: Gathered) -> Row:
    return Row(
        name_of(of.spec), of.spec.label, clean(of.spec.env, 60) or "unknown", len(of), of.files,
        of.not_finite, of.constants, of.duplicates, tuple(sorted(of.formats)),
        tuple(of.assumed.most_common()), tuple(of.names),
    )  # fmt: skip


def table(frame: Report) -> Group:
    """A row a population; below it what was assumed, and what was left out and why."""
    out = Table(
        title=Text(
            f"{clean(frame.path, 60)}: {counted(frame.networks, 'network')} in {frame.read:,} of "
            f"{counted(frame.files, 'file')}"
        ),
        box=SIMPLE_HEAD,
        padding=(0, 1),
    )
    for name in ("networks", "files", "spec", "environment", "not finite", "constant", "twice"):
        out.add_column(name, justify="left" if name in ("spec", "environment") else "right", overflow="fold")
    for row in frame.rows:
        counts = (f"{n:,}" for n in (row.not_finite, row.constant, row.duplicates))
        out.add_row(f"{row.networks:,}", f"{row.files:,}", Text(row.label), Text(row.env), *counts)
    parts: list[Any] = [out]
    for row in frame.rows:
        told = "; ".join(what if n == row.files else f"{what} ({counted(n, 'file')})" for what, n in row.assumed)
        parts.append(Text(f"{row.name}: {', '.join(row.formats)}. Assumed: {told or 'nothing'}."))
        parts += [Text(f"  {line}") for line in (row.measured, row.path and f"written to {clean(row.path)}") if line]
        parts += [Text(f"  {line}") for line in (_named(row, len(frame.rows)) if len(frame.rows) > 1 else ())]
    if frame.others:
        are = "is no checkpoint by its name" if frame.others == 1 else "are no checkpoints by their names"
        parts.append(Text(f"{counted(frame.others, 'other file')} {are}"))
    if frame.unmatched:
        are = "is" if frame.unmatched == 1 else "are"
        parts.append(Text(f"{counted(frame.unmatched, 'row')} of tables {are} about no file that was read"))
    reasons = Counter(reason for _, reason in frame.skipped)
    if reasons:
        parts.append(Text(f"left out: {len(frame.skipped):,}"))
    first: dict[str, str] = {}
    for name, reason in frame.skipped:
        first.setdefault(reason, name)
    for reason, count in reasons.most_common(REASONS):
        parts.append(Text(f"  {count:,}: {clean(reason, 200)}, as {clean(first[reason], 80)}"))
    if len(reasons) > REASONS:
        parts.append(Text(f"  and {counted(len(reasons) - REASONS, 'more reason')} (--json has all)"))
    return Group(*parts)


def _named(row: Row, specs: int) -> list[str]:
    """The files of one of several specs, a line each, and how many more there are."""
    shown = row.sources[: max(1, min(NAMED_EACH, NAMED // specs))]
    more = len(row.sources) - len(shown)
    return [clean(name, 120) for name in shown] + ([f"and {counted(more, 'more file')} (--json has all)"] * (more > 0))


def summary(frame: Report) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "path": clean(frame.path),
        "files": frame.files,
        "others": frame.others,
        "networks": frame.networks,
        "populations": [
            {
                "spec": row.name,
                "label": row.label,
                "env": row.env,
                "networks": row.networks,
                "files": row.files,
                "not_finite": row.not_finite,
                "constant": row.constant,
                "duplicates": row.duplicates,
                "formats": list(row.formats),
                "assumed": dict(row.assumed),
                "sources": list(row.sources),
                "path": row.path or None,
                "measured": row.measured or None,
            }
            for row in frame.rows
        ],
        "skipped": [{"file": name, "reason": reason} for name, reason in frame.skipped],
        "unmatched": frame.unmatched,
    }
