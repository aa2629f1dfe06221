"""Analyses: one file each, found by being here. A file holds `ANALYSIS`, an `analysis.Analysis`."""

from functools import cache

from workbench import discovery
from workbench.analysis import Analysis


def names() -> list[str]:
    """Names of all analyses, without importing them."""
    return discovery.names(__path__)


@cache
def find(name: str) -> Analysis:
    """The analysis of this name."""
    analysis: Analysis = discovery.held(__name__, name, "ANALYSIS")
    assert analysis.name == name, f"analyses/{name}.py holds {analysis.name!r}"
    return analysis
