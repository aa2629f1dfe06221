"""Analyses: one file each, found by being here. A file holds `ANALYSIS`, an `analysis.Analysis`."""

import pkgutil
from functools import cache
from importlib import import_module

from workbench.analysis import Analysis


def names() -> list[str]:
    """Names of all analyses, without importing them."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


@cache
def find(name: str) -> Analysis:
    """The analysis of this name."""
    analysis: Analysis = import_module(f"{__name__}.{name}").ANALYSIS
    assert analysis.name == name, f"analyses/{name}.py holds {analysis.name!r}"
    return analysis
