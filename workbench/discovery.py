"""Finding what is added by putting a file into a folder."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from typing import Any


def names(path: Iterable[str]) -> list[str]:
    """Names of the modules in a package, without importing them."""
    return sorted(module.name for module in pkgutil.iter_modules(path))


def held(package: str, name: str, attribute: str) -> Any:
    """What the module of this name holds."""
    return getattr(import_module(f"{package}.{name}"), attribute)
