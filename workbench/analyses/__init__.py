"""Analyses: one file each, found by being here. A file holds `ANALYSIS`, an `analysis.Analysis`.

Its name is the analysis'; behind one that is a keyword stands an underscore.
"""

from functools import cache
from keyword import iskeyword

from workbench import discovery
from workbench.analysis import Analysis


def names() -> list[str]:
    """Names of all analyses, without importing them."""
    return [name.removesuffix("_") for name in discovery.names(__path__)]


@cache
def find(name: str) -> Analysis:
    """The analysis of this name."""
    analysis: Analysis = discovery.held(__name__, f"{name}_" if iskeyword(name) else name, "ANALYSIS")
    assert analysis.name == name, f"analyses/{name}.py holds {analysis.name!r}"
    return analysis
