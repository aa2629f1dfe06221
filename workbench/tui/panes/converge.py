"""The Converge pane: how alike networks are, all pairs as a picture, and what that comes to."""

import asyncio
from typing import Any, ClassVar

import numpy as np
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widgets import Static

from workbench.errors import WorkbenchError
from workbench.service import Job, ModelService
from workbench.tui.arranged import Arranged, Networks, arrange, read_out
from workbench.tui.converging import pair_params
from workbench.tui.pair_screen import PairScreen
from workbench.tui.panes.comparing import ComparingPane
from workbench.tui.panes.folding import FOLLOWED
from workbench.tui.view import View
from workbench.tui.widgets.convergence import ConvergeChoices, GroupFigures
from workbench.tui.widgets.drawing import Picture
from workbench.tui.widgets.heatmap import MatrixMap
from workbench.tui.widgets.matrix import MatrixPanel
from workbench.tui.widgets.prompt import Prompt

ROOM_FOR_ALL, ROOM_FOR_FIGURES, CHOICES = 150, 38, 31
"""Columns from which choices have a place too; columns of figures beside the matrix; of choices."""
TALL = 30
"""Lines from which panels have borders on all sides."""
AROUND = 14, 8
"""Columns and lines of a matrix that are no cells."""


class ConvergePane(ComparingPane):
    """Compare networks, see which are alike, look at two of them."""

    TITLE = "Converge"
    KEYS = (
        ("r", "compare"),
        ("enter", "pair"),
        ("c v", "column"),
        ("w", "which networks"),
        ("W", "those of another population too"),
        ("O", "order"),
        ("z", "whole, cells"),
        ("i", "figures"),
        ("o", "choices"),
        ("x", "save"),
        ("s S", "seed"),
        ("n", "how many networks"),
        ("b", "layer"),
        ("p", "matching: optimal, greedy"),
        ("a", "absolute, signed values"),
        ("d D", "states: rollouts, box, upright; a file"),
        ("X", "save activations"),
        ("=", "the same as a command"),
        ("C", "cancel what runs"),
        ("m", "mark the network of the row"),
        ("↑ ↓ ← → h j k l", "go through pairs"),
        ("home end", "first, last column"),
        ("pageup pagedown", "rows of a screen"),
        ("tab", "matrix, figures"),
        ("escape", "close input or side panel"),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "side('figures')"),
        Binding("o", "side('choices')"),
        Binding("escape", "back"),
    ]

    SCOPED_CSS = False  # the rules ask how wide the pane is
    DEFAULT_CSS = """
    ConvergePane { layout: vertical; }
    ConvergePane #panels { height: 1fr; }
    ConvergePane #choices { width: 31; display: none; }
    ConvergePane #both { width: 1fr; layout: vertical; }
    ConvergePane #matrix { width: 1fr; height: 1fr; }
    ConvergePane GroupFigures { height: auto; max-height: 40%; }
    ConvergePane #choices, ConvergePane #matrix, ConvergePane GroupFigures { border-title-color: $text; }
    ConvergePane #choices { border-right: solid $panel-lighten-2; padding: 0 1; }
    ConvergePane GroupFigures { border-top: solid $panel-lighten-2; padding: 0 1; }
    ConvergePane GroupFigures:focus { border-top: solid $accent; }
    ConvergePane.-beside GroupFigures { border-top: none; border-left: solid $panel-lighten-2; }
    ConvergePane.-beside GroupFigures:focus { border-left: solid $accent; }
    ConvergePane.-tall #choices, ConvergePane.-tall #matrix, ConvergePane.-tall GroupFigures {
        border: round $panel-lighten-2; }
    ConvergePane.-tall #matrix:focus-within, ConvergePane.-tall GroupFigures:focus {
        border: round $accent; border-title-style: bold; }
    ConvergePane #pair { height: 1; padding: 0 1; }
    ConvergePane #line { height: auto; max-height: 4; min-height: 1; padding: 0 1; color: $text-muted; }
    ConvergePane #line.said { color: $warning; }
    ConvergePane.-all #choices, ConvergePane.show-choices #choices { display: block; }
    ConvergePane.-beside #both { layout: horizontal; }
    ConvergePane.-beside GroupFigures { height: 100%; max-height: 100%; }
    ConvergePane.hide-choices #choices, ConvergePane.-swapped GroupFigures { display: none; }
    ConvergePane.only-figures #matrix { display: none; }
    ConvergePane.only-figures GroupFigures { height: 100%; max-height: 100%; display: block; }
    """

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._arranging = False

    def compose(self) -> ComposeResult:
        """Choices, the matrix, and figures beside or below it."""
        with Horizontal(id="panels"):
            yield ConvergeChoices(id="choices")
            with Container(id="both"):
                yield MatrixPanel(id="matrix")
                yield GroupFigures(id="figures")
        yield Picture(id="pair")
        yield Static(id="line", markup=False)
        yield Prompt(id="prompt")

    @property
    def map(self) -> MatrixMap:
        """The matrix."""
        return self.query_one(MatrixPanel).map

    @property
    def figures(self) -> GroupFigures:
        """What it comes to."""
        return self.query_one(GroupFigures)

    def on_mount(self) -> None:
        """Show what was shown before."""
        self.query_one("#choices").border_title = "choices"
        self.figures.border_title = "what it comes to"
        self._timer = self.set_interval(1 / FOLLOWED, self._follow, pause=True)
        self.state.look()
        self._fit(self.app.size.width, self.app.size.height - 2)
        if self.state.recalls(self.service):
            self.action_run()
        self.call_after_refresh(self._redraw)

    def _fit(self, width: int, height: int) -> None:
        """A matrix is a square: what is left beside it, or below it, is for the figures."""
        self.set_class(width >= ROOM_FOR_ALL, "-all")
        self.set_class(height >= TALL, "-tall")
        choices = self.has_class("-all") or self.has_class("show-choices")
        room = width - CHOICES * (choices and not self.has_class("hide-choices"))
        square = 2 * (height - AROUND[1]) + AROUND[0]
        beside = room - square >= ROOM_FOR_FIGURES
        self.set_class(beside, "-beside")
        # Choices that were asked for take the place of figures, where there is no room for both.
        self.set_class(self.has_class("show-choices") and not beside and width < ROOM_FOR_ALL, "-swapped")
        # Beside a small matrix there is no room for both.
        self.figures.put_first(table=beside and height < TALL and not self.has_class("only-figures"))
        wide = min(room - square, room // 2) if beside and not self.has_class("only-figures") else room
        if self.figures.styles.width is None or self.figures.styles.width.value != wide:
            self.figures.styles.width = wide

    def _redraw(self) -> None:
        if not self.is_mounted:
            return
        self._show()
        self._follow()
        if self.screen is self.app.screen and (self.screen.focused is None or not self.screen.focused.display):
            self._focus()

    def _focus(self) -> None:
        (self.figures if self.has_class("only-figures") else self.map).focus()

    # What runs.

    def job_changed(self, job: Job) -> None:
        """A run, or what the pair on the screen asked for."""
        if self.watches(job):
            self._follow()
        for screen in self.app.screen_stack:
            if isinstance(screen, PairScreen):
                screen.job_changed(job)

    def _follow(self) -> None:
        """Show what is new; stop looking when nothing runs."""
        state = self.state
        state.keep()
        job = state.job
        if job is not None and job.frame is not None and not self._arranging and self._outdated(job.frame):
            self._arranging = True
            self.run_worker(self._arrange(job, job.frame), group="arrange")
        self._tell()
        if self._timer is not None:
            (self._timer.resume if state.running else self._timer.pause)()

    def _outdated(self, frame: Any) -> bool:
        shown, state = self.state.shown, self.state
        return shown is None or shown.frame is not frame or (shown.column, shown.by) != (state.shown_column, state.by)

    async def _arrange(self, job: Job, frame: Any) -> None:
        """Take a frame to the screen, with the column and the order that are chosen."""
        state = self.state
        try:
            shown = await asyncio.to_thread(arrange, job, frame, state.compared, state.shown_column, state.by)
        finally:
            self._arranging = False
        if job is state.job:
            self._adopt(shown)
        if state.running is None:
            self._follow()

    def _adopt(self, shown: Arranged) -> None:
        before, self.state.shown = self.state.shown, shown
        if before is None or not np.array_equal(before.frame.rows, shown.frame.rows):
            self.state.pair = int(shown.order[0]), int(shown.order[min(1, len(shown.order) - 1)])
        fills = (
            before is not None
            and before.job is shown.job
            and (before.column, before.by) == (shown.column, shown.by)
            and shown.frame.done < shown.frame.total
        )
        # Once it is whole it gets shades of its own: those of its first pairs go too far.
        if fills:
            self.map.update(shown.values)
            self.figures.show(shown)
            self._read_out()
        else:
            self._show()

    def choices_changed(self) -> None:
        """Show the choices, and what they alter at once."""
        self.query_one(ConvergeChoices).show(self.state)
        if self.state.shown is None:
            self.query_one(MatrixPanel).show(self.state)
        self._read_out()
        self._follow()

    # What is shown.

    def _show(self) -> None:
        """Draw everything for the size as it is."""
        self.query_one(ConvergeChoices).show(self.state)
        self.query_one(MatrixPanel).show(self.state)
        self.figures.show(self.state.shown)
        self._read_out()
        self._tell()

    def _read_out(self) -> None:
        """The pair under the cursor."""
        line, shown = self.query_one("#pair", Picture), self.state.shown
        if shown is None:
            line.draw([])
            return
        own = shown.population is self.view.population
        marks = frozenset(map(int, np.flatnonzero(self.view.marks))) if own else frozenset()
        words = read_out(shown, *self.state.pair, marks, line.size.width)
        line.draw([[(words, "strong")]])

    def on_matrix_map_moved(self, message: MatrixMap.Moved) -> None:
        """Read out the pair that the cursor has come to."""
        if self.state.shown is not None:
            order = self.state.shown.order
            self.state.pair = int(order[message.row]), int(order[message.column])
            self._read_out()

    async def on_matrix_map_opened(self, message: MatrixMap.Opened) -> None:
        """Look at two networks closely."""
        shown = self.state.shown
        if shown is None:
            return
        try:
            networks = await asyncio.to_thread(Networks.of, shown)
        except WorkbenchError as error:
            self.say(str(error))
            return

        def back(at: tuple[int, int] | None) -> None:
            if at is not None and self.state.shown is shown and self.is_mounted:
                self.state.pair = int(shown.order[at[0]]), int(shown.order[at[1]])
                self.map.select(*at)
                self._read_out()

        if self.screen is self.app.screen and self.is_attached:
            at = message.row, message.column
            self.app.push_screen(PairScreen(self.service, networks, pair_params(shown.job.params), at), back)

    # Panels.

    def action_side(self, panel: str) -> None:
        """Show or hide choices or figures; where there is no room beside the matrix, figures take its place."""
        shown = self.query_one(f"#{panel}").display
        if panel == "choices":
            self.set_class(not shown, "show-choices")
            self.set_class(shown, "hide-choices")
        else:
            self.toggle_class("only-figures")
        self._fit(self.size.width, self.size.height)
        self.call_after_refresh(self._redraw)
        self.call_after_refresh(self._focus)

    def suggested(self) -> dict[str, str]:
        """The choices, and the pair under the cursor."""
        p, shown = self.state.params, self.state.shown
        names = ("networks", "layer", "matching", "states", "seed")
        given = {name: str(getattr(p, name)) for name in names} | {"signed": "yes" if p.signed else "no"}
        if shown is None or shown.population is not self.view.population:
            return given
        first, second = (shown.row(k) for k in self.state.pair)
        if first is None or second is None:
            return given
        return {**given, "first": str(first), "second": str(second), "network": str(first)}

    def action_back(self) -> None:
        """Close the innermost thing: the prompt, what was said, a side panel."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            prompt.action_close()
        elif self._said:
            self.say("")
        elif self.has_class("only-figures"):
            self.action_side("figures")
        elif self.has_class("show-choices") and not self.has_class("-all"):
            self.action_side("choices")


PANE = ConvergePane
