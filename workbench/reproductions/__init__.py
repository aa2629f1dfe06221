"""The paper's tables and figures made again: one file each, found by being here. A file holds `ANALYSIS`."""

from functools import cache

from workbench import discovery
from workbench.analysis import Analysis
from workbench.errors import WorkbenchError
from workbench.paper import PRINTED


def names() -> list[str]:
    """Names of all tables and figures in the paper's order, without importing them."""
    order = list(PRINTED)
    return sorted(
        discovery.names(__path__), key=lambda name: (order.index(name) if name in order else len(order), name)
    )


@cache
def find(name: str) -> Analysis:
    """The reproduction of this table or figure.

    Raises:
        WorkbenchError: no such table or figure.
    """
    if name not in names():
        raise WorkbenchError(f"reproduce: expected {', '.join(names())}, got {name!r}")
    analysis: Analysis = discovery.held(__name__, name, "ANALYSIS")
    assert analysis.name == name, f"reproductions/{name}.py holds {analysis.name!r}"
    return analysis
