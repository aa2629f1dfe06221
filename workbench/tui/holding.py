"""What the app has open: a population that can be changed for another, played by other rules, followed as it grows, and
come back to.

As little is imported before the first paint as in `app`.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App

from workbench.tui.panes import PANES, pane_class

if TYPE_CHECKING:
    from textual.driver import Driver

    from workbench.population import Population
    from workbench.service import ModelService
    from workbench.tui.opened import Opened
    from workbench.tui.panes.base import Pane
    from workbench.tui.view import View


RULING = "rules"
"""The group of the worker that waits for networks to be measured by other rules."""
CHOSEN = ("pane", "arrangement", "marks")
"""Of what is kept of a session: what a user has chosen, and would miss."""


class HoldingApp(App[None]):
    """An app with a population; a subclass shows it."""

    def __init__(self, path: str | None, remembers: bool, driver_class: "type[Driver] | None") -> None:
        super().__init__(driver_class)
        self.path = path
        self.remembers = remembers
        """Whether it takes up the session of before, and keeps this one."""
        self.service: ModelService | None = None
        self.view: View | None = None
        self.pane: Pane | None = None
        self._own: Population | None = None
        """The population as its file has it."""
        self._rules = ""
        """Other rules that it is played by."""
        self._asked: str | None = None
        """Rules by which it is being measured."""
        self._state = ""
        """Of the files that are open, when they were read."""
        self._looking = False
        self._remembered: tuple[dict[str, Any], Path] | None = None
        """What was kept last, and in which file."""
        self._remembering = False

    async def _show_pane(self, name: str) -> None:
        """Go to a pane, anew if it is there."""
        raise NotImplementedError

    def _retitle(self) -> None:
        """Say what is open."""
        raise NotImplementedError

    def _open_run(self, analysis: object, given: "Mapping[str, str] | None" = None) -> None:
        """The form of an analysis, with values that are given."""
        raise NotImplementedError

    # Opening.

    async def _take(self, opened: "Opened") -> None:
        """Show what was opened, and what was assumed of it."""
        self.path, self.view, self._state = opened.path, opened.view, opened.state
        self._own, self._rules, self._remembered = opened.view.population, "", None
        self.workers.cancel_group(self, RULING)
        self._asked = None
        await self._show_pane(opened.pane)
        if opened.told:
            self.notify("\n".join(map(self._safe, opened.told)), title="imported", timeout=20)
        from workbench.tui.remembering import rules_said

        if rules := rules_said(opened.session):
            self._rule(rules, opened.session)

    def action_open(self) -> None:
        """Choose another population, checkpoint or folder of checkpoints."""
        from workbench.tui.open_screen import OpenScreen

        if self.service is not None:
            self.push_screen(OpenScreen(), self.open_path)

    def open_path(self, path: str | None) -> None:
        """Open what is at a path; of other people's checkpoints, show first what would be assumed."""
        if path is None or self.service is None:
            return
        from workbench.opening import is_population
        from workbench.tui.open_screen import ImportScreen

        def answered(as_it_is: bool | None) -> None:
            if as_it_is:
                self.run_worker(self._reopen(path))
            elif as_it_is is False:
                from workbench.analyses import find

                self._open_run(find("import"), {"path": path})

        if is_population(Path(path)):
            self.run_worker(self._reopen(path))
        else:
            self.push_screen(ImportScreen(self.service, path), answered)

    async def _reopen(self, path: str) -> None:
        from workbench.errors import WorkbenchError
        from workbench.tui.opened import Opened

        await self._remember()
        try:
            opened = await asyncio.to_thread(Opened.of, path, self.remembers)
        except WorkbenchError as error:
            self.notify(self._safe(error), title="not opened", severity="error", timeout=10)
            return
        await self._take(opened)

    # Other rules.

    def action_rules(self) -> None:
        """Play the networks that are open by other rules."""
        from workbench.tui.rules_screen import RulesScreen

        if self.view is not None:
            self.push_screen(RulesScreen(self.view.population), self._rule)

    def _rule(self, text: str | None, session: "Mapping[str, Any] | None" = None) -> None:
        """Play them by these rules; a session that was under them is taken up again once they are measured."""
        if text is not None:
            self._asked = text
            self.run_worker(self._judge(text, session or {}), group=RULING, exclusive=True)

    async def _judge(self, text: str, session: "Mapping[str, Any]") -> None:
        from workbench.errors import WorkbenchError
        from workbench.tui.remembering import recall
        from workbench.tui.rules_screen import judged, measured
        from workbench.tui.view import View

        if self.view is None or self._own is None or self.service is None:
            return
        before = self._said()
        try:
            self.notify("measuring all networks under these rules… (J shows how far it is, and cancels it)", timeout=4)
            population = await measured(self._own, text, self.service)
        except WorkbenchError as error:
            self.notify(self._safe(error), title="not played", severity="error", timeout=10)
            population = None
        else:
            if population is None:
                self.notify("cancelled; the rules stay as they were", timeout=6)
        untouched = all(before[name] == now for name, now in self._said().items() if name in CHOSEN)
        self._asked = None
        if population is None:
            return
        if session and untouched:
            self.view = View(population)
            pane = recall(self.view, session)
        else:  # what was done meanwhile counts for more
            self.view, pane = judged(self.view, population), PANES[0]
        self._rules = text
        await self._show_pane(pane)

    # What is written meanwhile, and what is kept.

    async def _look(self) -> None:
        """Has somebody written what is open? Networks that follow on those that are here join them."""
        if self.view is None or self._looking:
            return
        from workbench.errors import WorkbenchError
        from workbench.tui.opened import Opened, state
        from workbench.tui.rules_screen import measured

        self._looking = True
        try:
            now = await asyncio.to_thread(state, self.path)
            if now == self._state:
                return
            opened = await asyncio.to_thread(Opened.of, self.path)
            had, own, rules = len(self.view.population), opened.view.population, self._rules
            later = await measured(own, rules, self.service) if rules and self.service is not None else own
            if later is None:
                self._state = opened.state  # it was cancelled: not again before more is written
                return
            if self._rules != rules:
                return  # the next look is by the rules of now
            grown = await asyncio.to_thread(self.view.grow, later)
            self._own = own if grown else self._own
        except (WorkbenchError, OSError):
            return  # half written, or gone for a moment; what was read stays
        finally:
            self._looking = False
        self._state = opened.state
        if not grown:
            self.notify("it was written anew with other networks; ctrl+o opens it again", timeout=10)
        elif len(self.view.population) > had:
            if self.pane is not None:
                self.pane.grown()
            self._retitle()

    async def _remember(self) -> None:
        """Keep what one is at, if that has changed."""
        if not self._remembering:
            self._remembering = True
            try:
                await asyncio.to_thread(self.remember)
            finally:
                self._remembering = False

    def remember(self) -> None:
        """Keep what one is at, if that has changed; where nothing can be written, nothing is kept."""
        if not self.remembers or self.view is None or self._own is None or self.pane is None:
            return
        from workbench import sessions
        from workbench.errors import WorkbenchError

        kept = self._remembered
        said, path = self._said(), sessions.file_of(self._own)
        if kept is None or kept != (said, path):
            with contextlib.suppress(WorkbenchError):
                sessions.save(self._own, said, kept[1] if kept else None)
                self._remembered = said, path

    def _said(self) -> dict[str, Any]:
        """What one is at, as JSON values."""
        from workbench.tui.remembering import remembered

        assert self.view is not None and self._own is not None
        name = next((name for name in PANES if isinstance(self.pane, pane_class(name))), PANES[0])
        return remembered(self.view, self._own, name, self._rules if self._asked is None else self._asked)

    @staticmethod
    def _safe(words: object) -> str:
        from workbench.text import clean

        return clean(words).replace("[", "\\[")
