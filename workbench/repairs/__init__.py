"""Repairs of damaged networks: one file each, found by being here. A file holds `METHOD`, a `learning.repair.Method`.

Its name is the method's, with underscores for hyphens.
"""

from functools import cache
from typing import TYPE_CHECKING

from workbench import discovery
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.learning.repair import Method


def names() -> list[str]:
    """Names of all methods, without importing them."""
    return [name.replace("_", "-") for name in discovery.names(__path__)]


@cache
def find(name: str) -> "Method":
    """The method of this name.

    Raises:
        WorkbenchError: no such method.
    """
    if name not in names():
        raise WorkbenchError(f"method: expected {', '.join(names())}, got {name!r}")
    method: Method = discovery.held(__name__, name.replace("-", "_"), "METHOD")
    assert name == method.name, f"repairs/{name} holds {method.name!r}"
    return method
