"""What the app remembers of a session, and how it takes that up again; what no longer fits is left out."""

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib import import_module
from typing import Any

import numpy as np

from workbench import past, sessions
from workbench.analysis import params_json, read_fields
from workbench.errors import WorkbenchError
from workbench.population import Population
from workbench.results import Kept
from workbench.runs import RunColumns, has_runs
from workbench.tui.panes import PANES
from workbench.tui.view import CURSOR, RUNS, Arrangement, View

STATES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "sample": ("sampling", "SampleState", ("ratios",)),
    "converge": ("converging", "ConvergeState", ("source", "column", "by")),
    "interpolate": ("interpolating", "InterpolateState", ("which", "alpha", "path", "close")),
    "repair": ("repairing", "RepairState", ("counted", "wanted")),
}
"""Panes with parameters: the module and the class of their state, and what else they remember."""
PANE_OF = {"sample": "sample", "dial": "sample", "converge": "converge", "sweep": "interpolate", "repair": "repair"}
"""The pane that shows an analysis."""
MARKS = "marks said"
"""Where a view keeps the marks as they were said last."""


def state_class(pane: str) -> Any:
    """The class of a pane's state; imported only now, since what is on the screen first waits for this module."""
    module, name, _ = STATES[pane]
    return getattr(import_module(f"workbench.tui.{module}"), name)


def remembered(view: View, own: Population, pane: str, rules: str = "") -> dict[str, Any]:
    """A session as JSON values.

    Args:
        view: what is on the screen.
        own: its population as the file has it, whatever rules it is played by.
        pane: the one that is shown.
        rules: other rules, as they were typed.
    """
    said: dict[str, Any] = {"pane": pane, "arrangement": asdict(view.arrangement), "marks": _marks(view, own)}
    said |= {"rules": rules} if rules else {}
    said |= {"runs": list(view.kept[RUNS])} if RUNS in view.kept else {}
    cursor = view.kept.get(CURSOR)
    if cursor is not None and cursor < len(own):
        said["cursor"] = sessions.rows_said(own, np.array([cursor]))
    panes = {}
    for name, (_, _, names) in STATES.items():
        state = view.kept.get(name)
        if state is not None:
            panes[name] = {"params": params_json(state.params), **{n: getattr(state, n) for n in names}}
            panes[name] |= {"shown": state.asked_last}
    return {**said, "panes": panes}


def _marks(view: View, own: Population) -> Any:
    """The marks; reckoned again only when they or the networks are others."""
    now, before = view.marks.tobytes(), view.kept.get(MARKS)
    if before is None or before[0] != now:
        # The view may have grown a moment before its population is taken over.
        before = view.kept[MARKS] = (now, sessions.rows_said(own, np.flatnonzero(view.marks[: len(own)])))
    return before[1]


def recall(view: View, said: Mapping[str, Any]) -> str:
    """Take a session up again, under the rules that the view's population is under; returns the pane that was shown."""
    marked = sessions.rows_found(view.population, said.get("marks"))
    view.marks[marked] = True
    arrangement = Arrangement(**read_fields(Arrangement, said.get("arrangement")))
    if arrangement.group is not None and not 0 <= arrangement.group < len(view.population.groups):
        arrangement = replace(arrangement, group=None)
    unsorted = {"sort": "", "descending": False}
    fewer: tuple[dict[str, Any], ...] = ({}, {"expression": ""}, unsorted, {"expression": "", **unsorted})
    for wanted in (replace(arrangement, **less) for less in fewer):
        with contextlib.suppress(WorkbenchError):
            view.apply(view.arranged(**asdict(wanted)), **asdict(wanted))
            break
    cursor = sessions.rows_found(view.population, said.get("cursor"))
    if len(cursor):
        view.kept[CURSOR] = int(cursor[0])
    runs = said.get("runs")
    if isinstance(runs, list) and len(runs) == 2 and has_runs(view.population, named := RunColumns(*map(str, runs))):
        view.kept[RUNS] = named
    panes = said.get("panes")
    for name, (_, _, names) in STATES.items():
        about = panes.get(name) if isinstance(panes, Mapping) else None
        if isinstance(about, Mapping):
            kind = state_class(name)
            state = kind.of(view)
            for field, value in read_fields(kind, {n: about.get(n) for n in names}).items():
                setattr(state, field, value)
            state.recall(_params(state.params, about.get("params")), about.get("shown"))
    pane = said.get("pane")
    return pane if pane in PANES else PANES[0]


def resume(view: View, kept: Kept) -> str:
    """Let a pane show a result of these networks when it is opened next; returns the pane.

    Raises:
        WorkbenchError: no pane shows such a result, or it does not fit these networks.
    """
    pane = PANE_OF.get(kept.analysis)
    if pane is None:
        raise WorkbenchError(f"{kept.analysis} has no pane of its own; enter shows it")
    if kept.population != view.population.content_hash:
        raise WorkbenchError("it is of other networks than those that are open; ctrl+o opens others")
    before = view.kept.pop(pane, None)
    state = state_class(pane).of(view)
    said = params_json(past.params_of(kept))
    fits = state.recall(_params(state.params, said), {"analysis": kept.analysis, "params": said})
    if pane == "converge":
        fits = fits and state.find_source(kept.rows)
    if not fits:
        view.kept[pane] = before
        raise WorkbenchError("it is of other networks than those that are shown or marked; = says of which")
    return pane


def rules_said(said: Mapping[str, Any]) -> str:
    """The other rules of a session, as they were typed; empty where there were none."""
    rules = said.get("rules")
    return rules if isinstance(rules, str) else ""


def _params(before: Any, said: Any) -> Any:
    return replace(before, **read_fields(type(before), said))
