"""Panes: one file each, a number key each, in this order."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.tui.panes.base import Pane

PANES = ("dataset", "sample", "converge", "interpolate", "repair", "results")


def pane_class(name: str) -> "type[Pane]":
    """The pane of this name; imported only now, since panes import numpy and analyses."""
    pane: type[Pane] = import_module(f"{__name__}.{name}").PANE
    return pane


def pane_title(name: str) -> str:
    """What the title calls the pane of this name, which need not be imported for it."""
    return name.capitalize()
