"""The Dataset pane: all networks in a table, their groups by survival or return, and the one under the cursor."""

import asyncio
from functools import partial
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from workbench.analyses import find, info, policy
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.service import Job, JobState, ModelService
from workbench.text import clean, counted
from workbench.tui.panes.asking import AskingPane
from workbench.tui.view import CURSOR, View
from workbench.tui.widgets.groups import GroupsPanel
from workbench.tui.widgets.inspector import Inspector
from workbench.tui.widgets.table import NetworkTable

SLOT = "inspect"
ROOM_FOR_BOTH = 130
"""Columns from which both side panels leave the table room."""
PATIENCE = 0.15
"""Seconds that the last network's figures stay while the next one's are measured."""


class DatasetPane(AskingPane):
    """Browse a population."""

    TITLE = "Dataset"
    KEYS = (
        ("space", "play"),
        ("/", "filter"),
        ("s", "sort"),
        ("m", "mark"),
        ("g", "group"),
        ("d", "density of columns"),
        ("i", "inspector"),
        ("f n N", "find, next, previous"),
        ("#", "jump to a network"),
        ("v", "choose a range"),
        ("M", "clear marks"),
        ("escape", "clear filter, range, input"),
        (", .", "step back, on"),
        ("- +", "slower, faster"),
        ("e E", "next, previous episode"),
        ("o", "overview of groups"),
        ("[ ]", "previous, next checkpoint of a run"),
        ("x", "save networks"),
        ("R", "which columns say run and step"),
        ("↑ ↓ j k", "network"),
        ("← → h l", "column"),
        ("home end", "first, last"),
    )

    BINDINGS = [
        Binding("slash", "ask('filter')"),
        Binding("f", "ask('find')"),
        Binding("number_sign", "ask('jump')"),
        Binding("n", "find_next(False)"),
        Binding("N", "find_next(True)"),
        Binding("s", "sort"),
        Binding("g", "group"),
        Binding("m", "mark"),
        Binding("M", "clear_marks"),
        Binding("v", "range"),
        Binding("d", "density"),
        Binding("left_square_bracket", "checkpoint(-1)"),
        Binding("right_square_bracket", "checkpoint(1)"),
        Binding("R", "ask('runs')"),
        Binding("x", "ask('export')"),
        Binding("i", "side('inspector')"),
        Binding("o", "side('groups')"),
        Binding("space", "play"),
        Binding("full_stop", "step(1)"),
        Binding("comma", "step(-1)"),
        Binding("plus,equals_sign", "speed(1)"),
        Binding("minus", "speed(-1)"),
        Binding("e", "episode(1)"),
        Binding("E", "episode(-1)"),
        Binding("escape", "back"),
    ]

    SCOPED_CSS = False  # the rules ask how wide the screen is
    DEFAULT_CSS = """
    DatasetPane { layout: horizontal; }
    DatasetPane GroupsPanel { width: 31; border: round $panel-lighten-2; border-title-color: $text; }
    DatasetPane #middle { width: 1fr; border: round $panel-lighten-2; border-title-color: $text; }
    DatasetPane Inspector { width: 46; border: round $panel-lighten-2; border-title-color: $text;
        scrollbar-size-vertical: 1; }
    DatasetPane #prompt { height: 1; display: none; }
    DatasetPane #prompt.open { display: block; }
    DatasetPane #prompt Input { border: none; height: 1; padding: 0; width: 1fr; }
    DatasetPane #prompt-label { width: auto; padding: 0 1; color: $accent; }
    DatasetPane #arranged { height: auto; display: none; color: $accent; padding: 0 1; }
    DatasetPane #arranged.open { display: block; }
    DatasetPane #said { height: auto; display: none; color: $warning; padding: 0 1; }
    DatasetPane #said.open { display: block; }
    .-narrow DatasetPane GroupsPanel, .-normal DatasetPane GroupsPanel { display: none; }
    .-narrow DatasetPane Inspector { display: none; }
    .-narrow DatasetPane.show-inspector Inspector { display: block; width: 1fr; }
    .-narrow DatasetPane.show-inspector #middle { display: none; }
    .-narrow DatasetPane.show-groups GroupsPanel, .-normal DatasetPane.show-groups GroupsPanel { display: block; }
    DatasetPane.hide-inspector Inspector { display: none; }
    DatasetPane.hide-groups GroupsPanel { display: none; }
    """

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._episode = 0
        self._inspecting: Job | None = None
        self._overview: Job | None = None
        self._arranging = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """Groups, table and inspector side by side."""
        yield GroupsPanel(id="groups")
        with Vertical(id="middle"):
            yield NetworkTable(id="table")
            yield Static(id="arranged", markup=False)
            yield Static(id="said", markup=False)
            with Horizontal(id="prompt"):
                yield Static(id="prompt-label", markup=False)
                yield Input(id="prompt-input")
        yield Inspector(id="inspector")

    @property
    def inspector(self) -> Inspector:
        """The network under the cursor."""
        return self.query_one(Inspector)

    def on_mount(self) -> None:
        """Show the view, and ask for what the columns do not say."""
        self.query_one("#groups").border_title = f"{self.view.population.measure.name} groups"
        prompt = self.query_one(Input)
        prompt.cursor_blink = False
        row = self.view.kept.get(CURSOR)
        self.table.show(self.view, (self.view.position(row) if row is not None else None) or 0)
        self.table.focus()
        self._survey()

    def _survey(self) -> None:
        """The whole population, from the analysis that the command line runs; it also reads every weight once."""
        self._retitle()
        self.query_one(GroupsPanel).show(self.view, None)
        self._overview = self.service.submit(
            find("info"), Selection(self.view.population), info.Params(), background=True
        )

    def grown(self) -> None:
        """Show what has joined; the cursor stays on its network."""
        row = self.table.row
        self.table.show(self.view, (self.view.position(row) if row is not None else None) or 0)
        self._survey()
        self.say(f"the file has grown to {counted(len(self.view.population), 'network')}")

    def on_resize(self) -> None:
        """Panels draw for their width."""
        self.call_after_refresh(self._redraw)

    def _redraw(self) -> None:
        overview = self._overview.frame if self._overview else None
        self.query_one(GroupsPanel).show(self.view, overview)
        self._show_inspected()

    def job_changed(self, job: Job) -> None:
        """Measured: the network under the cursor, or the population's figures."""
        if job is self._overview:
            if job.state is JobState.FAILED:
                self.say(str(job.error))
            elif job.state is JobState.DONE:
                self.query_one(GroupsPanel).show(self.view, job.frame)
        super().job_changed(job)
        if job is self._inspecting and job.state.final:
            if job.state is JobState.FAILED:
                self.say(str(job.error))
            self._show_inspected()

    def on_network_table_moved(self, message: NetworkTable.Moved) -> None:
        """Measure the network that the cursor has come to; what it left is dropped."""
        self._episode = 0
        self.view.kept[CURSOR] = message.row
        self.inspector.scroll_home(animate=False)
        self._inspect(message.row)

    def on_network_table_chosen(self) -> None:
        """A double click plays."""
        self.action_play()

    def _inspect(self, row: int | None) -> None:
        if row is None:
            self._inspecting = None
            self._show_inspected()
        else:
            params = policy.Params(network=row, cap=self.view.population.cap, episode=self._episode)
            self._inspecting = self.service.ask(SLOT, find("policy"), Selection(self.view.population), params)
            # Measured in a few milliseconds, as a rule: what is shown stays until then, and nothing flickers.
            self.set_timer(PATIENCE, partial(self._still_measuring, self._inspecting))

    def _still_measuring(self, job: Job) -> None:
        if job is self._inspecting and not job.state.final:
            self._show_inspected()

    def _show_inspected(self) -> None:
        job = self._inspecting
        frame = job.frame if job is not None else None
        note = "" if self.app.warm else "compiling kernels, once (about 10 s)…"
        if job is not None and job.state is JobState.FAILED:
            note = clean(job.error)
        self.inspector.show(self.view.population, self.table.row, frame, note)
        self.inspector.border_title = "network"

    def copied(self) -> str:
        """The value under both cursors, or the network's id where there is none."""
        row, name = self.table.row, self.table.column_name
        return "" if row is None else self.view.cell(name, row).strip() or str(row)

    def suggested(self) -> dict[str, str]:
        """The network under the cursor."""
        return {} if self.table.row is None else {"network": str(self.table.row)}

    def say(self, words: str) -> None:
        """A line under the table; empty to take it away."""
        said = self.query_one("#said", Static)
        said.update(clean(words))
        said.set_class(bool(words), "open")

    async def rearrange(self, **changes: Any) -> None:
        """Filter or sort in a thread, then show; the cursor stays on its network if that is still there."""
        async with self._arranging:
            row = self.table.row
            try:
                rows = await asyncio.to_thread(self.view.arranged, **changes)
            except WorkbenchError as error:
                self.say(str(error))
                return
            self.say("")
            self.view.apply(rows, **changes)
            self.table.range_start = None
            # A new order is looked at from its top; a filter leaves the cursor where it was, if it can.
            stays = row is not None and "sort" not in changes and "descending" not in changes
            self.table.place((self.view.position(row) if stays else None) or 0)  # type: ignore[arg-type]
            self._retitle()
            self._redraw()

    def _retitle(self) -> None:
        shown, total, marked = len(self.view.rows), len(self.view.population), int(self.view.marks.sum())
        part = "" if shown == total else f"{shown:,} of "
        middle = self.query_one("#middle")
        middle.border_title = f"{part}{total:,}  {marked} marked" if marked else part + counted(total, "network")
        arranged = self.query_one("#arranged", Static)
        words = self.view.arrangement.describe(self.view.population.groups)
        arranged.update(clean(words))
        arranged.set_class(bool(words), "open")

    def action_density(self) -> None:
        """One column against another, of the networks shown or marked."""
        if not len(self.view.rows):
            self.say("no networks: the filter lets none through")
            return
        from workbench.tui.columns_screen import Answer, ColumnsScreen

        async def answered(answer: Answer | None) -> None:
            if answer is None:
                return
            if answer.filter:
                # Marked networks are counted whatever group is shown.
                group = None if self.view.marks.any() else self.view.arrangement.group
                await self.rearrange(expression=answer.filter, group=group)
            if answer.row is not None and answer.row != self.table.row and not answer.filter:
                self._go_to(answer.row)

        self.app.push_screen(ColumnsScreen(self.service, self.view, self.table.row), answered)

    # Order, groups and marks.

    async def action_sort(self) -> None:
        """Sort by the column under the column cursor: largest first, then smallest first, then not at all."""
        name, now = self.table.column_name, self.view.arrangement
        if now.sort != name:
            await self.rearrange(sort=name, descending=True)
        elif now.descending:
            await self.rearrange(descending=False)
        else:
            await self.rearrange(sort="")

    async def action_group(self) -> None:
        """Show one group after the other, then all."""
        now = self.view.arrangement.group
        following = 0 if now is None else now + 1
        await self.rearrange(group=following if following < len(self.view.population.groups) else None)

    def action_mark(self) -> None:
        """Mark the network or the range, or unmark it if all of it is marked; then go on."""
        chosen = self.table.chosen()
        if not chosen:
            return
        self.view.marks[chosen] = not self.view.marks[chosen].all()
        self._retitle()
        if self.table.range_start is not None:
            self.table.toggle_range()
            self.say("")
        else:
            self.table.refresh()
            self.table.action_move(1)

    def action_clear_marks(self) -> None:
        """Unmark everything."""
        self.view.marks[:] = False
        self._retitle()
        self.table.refresh()

    def action_range(self) -> None:
        """Begin or end a range at the cursor."""
        if self.table.toggle_range():
            self.say("a range: move, then m marks it; v or escape ends it")
        else:
            self.say("")

    async def action_back(self) -> None:
        """Undo the innermost thing: prompt, range, side panel, filter."""
        if self.query_one("#prompt").has_class("open"):
            self._close_prompt()
        elif self.table.range_start is not None:
            self.table.toggle_range()
        elif not self.query_one("#middle").display:
            self.remove_class("show-inspector")
            self.table.focus()
        elif self.view.arrangement.expression or self.view.arrangement.group is not None:
            await self.rearrange(expression="", group=None)
        self.say("")

    def action_side(self, panel: str) -> None:
        """Show or hide a side panel; on a narrow screen the inspector takes the table's place."""
        shown = self.query_one(f"#{panel}").display
        self.set_class(not shown, f"show-{panel}")
        self.set_class(shown, f"hide-{panel}")
        other = "inspector" if panel == "groups" else "groups"
        if not shown and self.app.size.width < ROOM_FOR_BOTH:
            self.remove_class(f"show-{other}")
            self.add_class(f"hide-{other}")
        elif shown and panel == "groups":
            self.remove_class("hide-inspector")
        if not self.query_one("#middle").display:
            self.inspector.focus()
        else:
            self.table.focus()
        self.call_after_refresh(self._redraw)

    # Watching.

    def action_play(self) -> None:
        """Watch the network under the cursor; a hidden inspector is shown first."""
        if not self.inspector.display:
            self.action_side("inspector")
        self.inspector.rollout.toggle()

    def action_step(self, steps: int) -> None:
        """One step of the episode."""
        self.inspector.rollout.step(steps)

    def action_speed(self, by: int) -> None:
        """Slower or faster."""
        self.inspector.rollout.faster(by)

    def action_episode(self, by: int) -> None:
        """Another episode of the same network."""
        count = policy.Params.episodes
        self._episode = (self._episode + by) % count
        self._inspect(self.table.row)


PANE = DatasetPane
