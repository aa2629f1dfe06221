"""What the Repair pane runs, and how it draws what comes of it: a trial, Figure 8, many networks."""

import asyncio
from functools import partial
from typing import Any, ClassVar

import numpy as np
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import Static

from workbench import repairing
from workbench.errors import WorkbenchError
from workbench.numerics.damage import KINDS, mask_hash
from workbench.repairing import DAMAGED, SUCCESSES, chosen_methods, row_names
from workbench.service import Job, JobState, ModelService
from workbench.text import clean
from workbench.tui.damaging import mask_path
from workbench.tui.panes.damaging import SETTLED, DamagingPane
from workbench.tui.panes.together import TogetherPane
from workbench.tui.repairing import PATIENCE, STOPPED
from workbench.tui.unit_grid import became
from workbench.tui.view import View
from workbench.tui.widgets.trial import (
    HEADINGS,
    OF_COST,
    RecoveryChart,
    RepairChoices,
    RepairWords,
    TrialTable,
    many_picture,
    many_rows,
    many_words,
    picture,
    rows,
    trial_title,
    trial_words,
)
from workbench.tui.widgets.units import UnitMap


class TryingPane(TogetherPane, DamagingPane):
    """A pane with a map of units, a table, a figure and words; a subclass says where these go."""

    WATCHED, SLOT = 3, "stood"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left_square_bracket", "turn(-1)"),
        Binding("right_square_bracket", "turn(1)"),
        Binding("w", "columns"),
        Binding("W", "many"),
        Binding("v", "count"),
        Binding("C", "stop"),
    ]

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._first = 0
        """The column of the table that comes first."""
        self._room = 1
        """Rows that there is room for."""
        self._later: Timer | None = None
        self._drawn_many: Any = None
        """The frame of many networks that is on the screen."""

    @property
    def map(self) -> UnitMap:
        """The weights."""
        return self.query_one(UnitMap)

    @property
    def table(self) -> TrialTable:
        """The rows."""
        return self.query_one(TrialTable)

    @property
    def figure(self) -> RecoveryChart:
        """Figure 8, or success over levels."""
        return self.query_one(RecoveryChart)

    @property
    def names(self) -> tuple[str, ...]:
        """Rows of the table, whatever has come of them."""
        frame, campaign = self.state.frame, self.state.campaign
        if self.state.many and campaign is not None and campaign.frame is not None:
            return tuple(campaign.frame.names)
        if frame is not None and frame.done == frame.total:
            return tuple(frame.names)
        if frame is None and self.state.fault:
            return ()
        shown = self.state.shown if frame is not None else None
        params = shown.params if shown is not None else self.state.params
        return row_names(chosen_methods(params.method, params.kind), params.kind)

    # What runs.

    def repair(self) -> None:
        """Repair with the choices as they are; what is shown stays until there is something new."""
        if self._later is not None:
            self._later.stop()
        state = self.state
        state.check()
        if not state.fault and state.trained:
            kept = None if state.hand is None else mask_path(state.hand)
            if kept is not None and state.params.mask == str(kept) and not kept.exists():
                self.run_worker(self._write_first(), group="mask", exclusive=True)
            else:
                self._ask()
        self._show_trial()
        self.choices_changed()

    async def _write_first(self) -> None:
        """Keep what was drawn where the trial, and a command, will read it."""
        mask = self.state.hand
        assert mask is not None
        try:
            await asyncio.to_thread(repairing.write_mask, mask_path(mask), mask)
        except WorkbenchError as error:
            self.say(str(error))
            return
        self._ask()

    def _ask(self) -> None:
        if self.state.fault:  # chosen while the mask was written
            return
        try:
            self.watch_all()
            self.state.chart(self.service)
            job = self.state.ask(self.service)
            self.set_timer(PATIENCE, partial(self._still_repairing, job))
        except WorkbenchError as error:
            self.say(str(error))
        self._follow()

    def repair_later(self, seconds: float = SETTLED) -> None:
        """Show the damage at once, and repair it unless more is drawn until then."""
        if self._later is not None:
            self._later.stop()
        self._later = self.set_timer(seconds, self.repair)
        self.choices_changed()

    def _still_repairing(self, job: Job) -> None:
        if job is self.state.job and not job.state.final and self._timer is not None:
            self._timer.resume()
            self._tell()

    def choices_changed(self) -> None:
        """Show the choices, and the damage as it is chosen."""
        self.query_one(RepairChoices).show(self.state)
        self._show_map()
        self.watch_all()
        self._tell()

    def watches(self, job: Job) -> bool:
        """Its own campaign is told here, while it is shown."""
        return self.state.many and job is self.state.campaign

    def job_changed(self, job: Job) -> None:
        """A trial has come to something, or an episode is there."""
        super().job_changed(job)
        if job in (self.state.job, self.state.charted, self.state.campaign):
            self._follow()

    def _follow(self) -> None:
        """Show what is new; stop looking when nothing runs."""
        state, job = self.state, self.state.job
        if job is not None and (state.adopt(job) or state.failed):
            self._show_trial()
        if job is not None and job.state is JobState.DONE and job is state.shown:
            self.watch_all()
        charted = state.charted
        if charted is not None and charted.frame is not None and charted.frame is not state.recovered:
            state.recovered = charted.frame
            self._show_figure()
        campaign = state.campaign
        if campaign is not None and (campaign.frame is not self._drawn_many or campaign.frame is None):
            self._show_many()
        self._tell()
        if self._timer is not None:
            running = state.working or (job is not None and not job.state.final)
            (self._timer.resume if running else self._timer.pause)()

    # What is shown.

    def _show(self) -> None:
        """Draw everything for the size as it is."""
        self.query_one(RepairChoices).show(self.state)
        self._show_map()
        self._show_figure()
        if self.state.many:
            self._show_many()
        else:
            self._show_trial()
        self._tell()

    def _show_map(self) -> None:
        state, box = self.state, self.query_one("#left")
        if not len(state.population):
            none = np.zeros(0)
            self.map.show(None, none, none, none.astype(int), (0, 0))
            return
        now, damaged, original = state.standing, state.damaged, state.original
        row = state.frame.names[state.row] if state.frame is not None and state.row is not None else ""
        lost = damaged is not None and (now is None or row == DAMAGED) and KINDS[damaged.kind]
        if now is None:
            now = damaged.weights if damaged is not None else original
        found = became(original, now, state.drawn, lost)
        self.map.show(state.grid, original, now, found, state.cell)
        how = f"mask {mask_hash(state.drawn)}" if state.hand is not None else f"level {state.params.level:g}"
        self._entitle(box, f"#{state.params.network} {state.params.kind}, {how}")

    def _show_trial(self) -> None:
        state, frame = self.state, self.state.frame
        if state.many:
            return
        self._show_words(trial_words(state))
        if frame is None:
            waiting = "repairing… the first time takes some seconds"
            words = "nothing repaired; r tries again" if state.failed else waiting
            self.table.show((), [] if state.fault else [(words, [])])
            return
        names = self.names
        at = names.index(frame.names[state.row]) if state.row is not None and frame.names else 0
        found = rows(frame, names)
        start = self._from(at, len(found))
        self.table.show(
            HEADINGS, found[start : start + self._room], at - start, self._first, " w other columns",
            min(len(found), self._room),
        )  # fmt: skip
        self._entitle(self.query_one("#right"), trial_title(state))
        self._show_map()
        self._show_figure()

    def _from(self, at: int, count: int) -> int:
        """The first row in sight, where there is no room for all."""
        return max(0, min(at - self._room // 2, count - self._room))

    def _show_figure(self) -> None:
        if not self.state.many:
            self.figure.show_panel(picture(self.state))

    def _show_many(self) -> None:
        state, campaign = self.state, self.state.campaign
        if campaign is None or not state.many:
            return
        frame = self._drawn_many = campaign.frame
        if frame is None:
            failed = campaign.state in STOPPED
            self.table.show((), [("nothing repaired; W goes back" if failed else "repairing many networks…", [])])
            self.figure.show_panel(None)
            self._show_words([("The first of many networks is being repaired." * (not failed), "strong")])
            self._entitle(self.query_one("#right"), "many networks")
            return
        headings, found = many_rows(frame, state.counted)
        self.table.show(headings, found[: self._room], -1)
        self.figure.show_panel(many_picture(frame, state.counted))
        self._show_words(many_words(frame, state.counted, state.params.level))
        self._entitle(self.query_one("#right"), f"many networks, {frame.kind}: {SUCCESSES[state.counted]}, %")

    def _show_words(self, paragraphs: list[tuple[str, str]]) -> None:
        self.query_one(RepairWords).show(paragraphs)

    @staticmethod
    def _entitle(box: Any, words: str) -> None:
        # A title that stays is left alone: another one sends all of its panel.
        if box.border_title != clean(words, 100):
            box.border_title = clean(words, 100)

    def _tell(self) -> None:
        """What was said last, or what is tried."""
        super()._tell()
        line = self.query_one("#line", Static)
        line.set_class(bool(self._said or self.state.fault or self.state.failed), "said")

    # Going about.

    def on_trial_table_turned(self, message: TrialTable.Turned) -> None:
        """To another row."""
        self.action_turn(message.by)

    def action_turn(self, by: int) -> None:
        """Look at another repair."""
        if not self.state.many:
            self.state.turn(by)
            self._show_trial()
            self.watch_all()

    def on_unit_map_moved(self, message: UnitMap.Moved) -> None:
        """Keep where the cursor is."""
        self.state.cell = message.cell

    def on_unit_map_toggled(self, message: UnitMap.Toggled) -> None:
        """Damage by hand."""
        self.say("")
        self.state.toggle(message.positions)
        self.repair_later()

    def action_columns(self) -> None:
        """Columns that there is no room for come first."""
        self._first = 0 if self._first else OF_COST
        self._show_trial()

    def action_many(self) -> None:
        """Repair many networks and show how that goes; or back to the one."""
        self.say("")
        self.state.many = not self.state.many
        if self.state.many:
            try:
                self.state.repair_many(self.service)
            except WorkbenchError as error:
                self.state.many = False
                self.say(str(error))
        self._drawn_many = None
        self._fit(self.size.width, self.size.height)
        self.call_after_refresh(self._redraw)

    def action_count(self) -> None:
        """Count another success of many networks."""
        if self.state.many:
            self.state.counted = (self.state.counted + 1) % len(SUCCESSES)
            self._show_many()

    def action_stop(self) -> None:
        """Ask what runs to stop; what there is stays."""
        for job in self.state.working:
            job.cancel()
        self._tell()
