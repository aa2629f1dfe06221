"""What is on the screen as a command line."""

import shlex
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from workbench import reproductions, rules
from workbench.analysis import Analysis
from workbench.places import APP, default_population
from workbench.population import Population


def command_line(
    analysis: Analysis, params: Any, population: Population | Path | None, where: str = "", options: Sequence[str] = ()
) -> str:
    """The sub-command that computes the same: options that are not the defaults, a filter, and rules as options."""
    words = [APP, *(["reproduce"] if analysis.name in reproductions.names() else []), analysis.name]
    path = population.path if isinstance(population, Population) else population
    if population is not None and path != default_population():
        words.append(str(path))
    for f in fields(params):
        value = getattr(params, f.name)
        if f.default is MISSING:
            words.append(str(value))
        elif value != f.default:
            if isinstance(value, bool):
                words.append(f"--{f.name}")
            else:
                for one in value if isinstance(value, tuple) else (value,):
                    words += [f"--{f.name}", f"{one:g}" if isinstance(one, float) else str(one)]
    if isinstance(population, Population):
        words += rules.options(population)
    words += options
    if where:
        words += ["--where", where]
    return shlex.join(words)
