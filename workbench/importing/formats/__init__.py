"""Formats of checkpoints: one file each, found by being here. A file holds `FORMAT`, an `importing.contract.Format`."""

from functools import cache

from workbench import discovery
from workbench.importing.contract import Format


def names() -> list[str]:
    """Names of all formats."""
    return discovery.names(__path__)


@cache
def every() -> tuple[Format, ...]:
    """All formats, in the order in which a file is shown to them."""
    found: list[Format] = [discovery.held(__name__, name, "FORMAT") for name in names()]
    return tuple(sorted(found, key=lambda f: (f.rank, f.name)))


@cache
def suffixes() -> frozenset[str]:
    """Endings of files that may be checkpoints."""
    return frozenset(suffix for f in every() for suffix in f.suffixes)
