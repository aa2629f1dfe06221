"""All reproductions one after another: one progress, results kept as they come, one report of them."""

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.text import Text

from workbench import __version__, reproductions
from workbench.analysis import Analysis, Selection, params_json
from workbench.claims import Claim, to_json
from workbench.compute import Compute, available_cores
from workbench.paper import PRINTED
from workbench.population import Population
from workbench.reporting.content import LONGEST, Report, Section, blocks
from workbench.reporting.html import html
from workbench.reporting.markdown import markdown
from workbench.reproducing import made_with
from workbench.results import ResultCache, result_key
from workbench.service import Job
from workbench.storage import write_text
from workbench.text import clean, counted, duration

TITLE = "Agent Embeddings, reproduced"
COSTS = {
    "table1": 30.0, "fig4": 8.0, "architectures": 40.0, "robustness": 4.0, "table2": 16.0, "fig5": 5.0, "fig6": 5.0,
    "fig7": 5.0, "leans": 4.0, "fig8": 8.0, "fig9": 12.0,
}  # fmt: skip
"""Seconds that each takes about on one core where it shall be quick: their shares of the whole progress."""
USUAL_COST = 10.0
PACKAGES = ("numpy", "scipy", "torch", "numba")


@dataclass(frozen=True, eq=False)
class Made:
    """A reproduction that is there."""

    analysis: Analysis
    frame: Any
    params: Any
    seconds: float
    date: str
    reused: bool
    """Whether it was kept from before."""

    @cached_property
    def claims(self) -> list[Claim]:
        """What it answers."""
        found = self.analysis.claims(self.frame) if self.analysis.claims else []
        return [replace(claim, why=clean(claim.why, LONGEST)) for claim in found]

    def summary(self) -> dict[str, Any]:
        """Every number, its claims, and how it was made."""
        made = {"seconds": self.seconds, "date": self.date, "params": params_json(self.params)}
        return {**self.analysis.summary(self.frame), "claims": to_json(self.claims), "made": made}

    def shown(self) -> Group:
        """Its table as a terminal shows it, and how thoroughly that was made."""
        return Group(self.analysis.table(self.frame), Text(f"Made with {made_with(self.params)}."))

    def section(self) -> Section:
        """What the report has of it."""
        analysis, frame = self.analysis, self.frame
        when = f"{self.date}, {'kept from then' if self.reused else 'made in this run'}"
        return Section(
            analysis.name, analysis.title, PRINTED.get(analysis.name, ""), tuple(blocks(analysis.table(frame))),
            analysis.figure(frame) if analysis.figure else "",
            (("made with", made_with(self.params)), ("took", duration(self.seconds)), ("made", when)),
            tuple(self.claims),
        )  # fmt: skip


@dataclass
class Story:
    """A run through several reproductions of one population."""

    population: Population
    params: Any
    names: Sequence[str]
    compute: Compute
    cache: ResultCache
    made: list[Made] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def take(self, job: Job) -> Made:
        """Add a finished job."""
        seconds, date = job.seconds, ""
        if job.cached:
            key = result_key(job.analysis, Selection(self.population), job.params, self.compute.torch_device)
            seconds, date = self.cache.made(key)
        made = Made(job.analysis, job.frame, job.params, seconds, date or _now(), job.cached)
        self.made.append(made)
        return made

    def progress(self, job: Job) -> tuple[int, int, str]:
        """Units done of all, and in words what is at work, how far it is, and how much time is left."""
        total = sum(COSTS.get(name, USUAL_COST) for name in self.names)
        kept = sum(COSTS.get(made.analysis.name, USUAL_COST) for made in self.made)
        reused = sum(COSTS.get(made.analysis.name, USUAL_COST) for made in self.made if made.reused)
        share = job.frame.done / max(1, job.frame.total) if job.frame else 0.0
        done = kept + share * COSTS.get(job.analysis.name, USUAL_COST)
        worked = (done - reused) / max(1e-9, total - reused)
        spent = time.monotonic() - self.began
        left = f"{duration(spent / worked - spent)} left" if worked > 0.02 and spent > 1 else ""
        doing = clean(getattr(job.frame, "doing", "") or "starting", 60)
        place = f"{len(self.made) + 1} of {len(self.names)}, {job.analysis.name}: {doing}"
        return round(done), round(total), f"{100 * done / total:.0f} % {left}  {place}"

    def report(self) -> Report:
        """What there is so far."""
        done = {made.analysis.name for made in self.made}
        missing = tuple(reproductions.find(name).title for name in self.names if name not in done)
        return Report(TITLE, self._about(), tuple(made.section() for made in self.made), missing)

    def write(self, out: Path) -> None:
        """`report.html` and `report.md`, atomically.

        Raises:
            WorkbenchError: they cannot be written.
        """
        report = self.report()
        write_text(out / "report.html", html(report))
        write_text(out / "report.md", markdown(report))

    def _about(self) -> tuple[tuple[str, str], ...]:
        population = self.population
        where = population.path or population.name
        versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
        known = (
            ("population", f"{where}: {counted(len(population), 'network')} of {population.spec.label}"),
            ("hash", population.content_hash),
            ("provenance", _words(population.provenance)),
            ("made with", made_with(self.params)),
            ("program", f"agentemb-tui {__version__}, Python {platform.python_version()}, {versions}"),
            ("machine", f"{_processor()}, {available_cores()} of {os.cpu_count()} cores, {self.compute.workers} used, "
                        f"device {self.compute.torch_device}; {platform.platform()}"),
            ("date", _now()),
        )  # fmt: skip
        return tuple((name, clean(value, 1500)) for name, value in known)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _words(told: Any) -> str:
    """Nested values in words: `count 10, spec (bias True, sizes 4 30 2)`."""
    if isinstance(told, Mapping):
        return ", ".join(
            f"{name} ({_words(value)})" if isinstance(value, Mapping) else f"{name} {_words(value)}"
            for name, value in sorted(told.items())
        )
    return " ".join(map(_words, told)) if isinstance(told, list | tuple) else str(told)


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            named = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        named = []
    return named[0] if named else platform.processor() or platform.machine()
