"""What analyses run on: the marked networks of a view, else those shown."""

from workbench.analysis import Selection
from workbench.tui.view import View


def chosen(view: View) -> Selection:
    """As a selection."""
    marked = bool(view.marks.any())
    rows = view.marks.nonzero()[0] if marked else view.rows
    every = len(rows) == len(view.population)
    return Selection(view.population, None if every else tuple(rows.tolist()), "" if marked else view.condition)


def where(view: View) -> str:
    """As a filter; empty where it is all."""
    return f"id in {view.marks.nonzero()[0].tolist()}" if view.marks.any() else view.condition
