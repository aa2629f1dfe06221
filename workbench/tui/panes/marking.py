"""Where one stands among what the Sample pane shows: the network under the cursor, and those that are marked."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.analyses import policy
from workbench.text import clean
from workbench.tui.panes.choosing import ChoosingPane
from workbench.tui.widgets.latent import MARK, MapPanel
from workbench.tui.widgets.sample import SampleInspector, origin
from workbench.tui.widgets.scatter import LatentMap
from workbench.tui.widgets.score import ScorePanel


class MarkingPane(ChoosingPane):
    """A pane with figures, a map and an inspector; a subclass says where these go, and what runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k,left_square_bracket", "go(-1)"),
        Binding("down,j,right_square_bracket", "go(1)"),
        Binding("m", "mark"),
        Binding("M", "clear_marks"),
    ]

    @property
    def score(self) -> ScorePanel:
        """Figures of what is shown."""
        return self.query_one(ScorePanel)

    @property
    def places(self) -> MapPanel:
        """Where it lies in latent space."""
        return self.query_one(MapPanel)

    @property
    def inspector(self) -> SampleInspector:
        """The network under the cursor."""
        return self.query_one(SampleInspector)

    def _show_map(self) -> None:
        hidden = not self.places.map.display
        self.places.show(self.state, self.view)
        if hidden and self.places.map.display and self.score.table.has_focus:
            # There is something to go through now.
            self.call_after_refresh(self._focus)

    def _network(self, cursor: int) -> int | None:
        """The row in the population of what is under the cursor, if it is no sample."""
        shown = self.state.shown
        behind = cursor - len(shown.watched) if shown is not None else -1
        return int(self.places.networks[behind]) if 0 <= behind < len(self.places.networks) else None

    def _inspect(self, anew: bool = True) -> None:
        shown, cursor = self.state.shown, self.state.cursor
        if shown is None:
            self.look_at(None, None)
            return
        row = self._network(cursor)
        if row is None and cursor >= len(shown.watched):
            cursor = self.state.cursor = 0
        frame = shown.frame
        params = policy.Params(cursor if row is None else row, shown.episodes, frame.cap, frame.seed)
        self.look_at(shown.watched if row is None else self.view.population, params, anew)

    def show_watched(self) -> None:
        """The network under the cursor, and where it comes from."""
        shown, cursor, panel = self.state.shown, self.state.cursor, self.inspector
        if shown is None:
            panel.tell(("here each sample can be watched",))
        elif self._network(cursor) is not None:
            panel.tell((self._told(),))
        elif cursor < len(shown.watched):
            panel.tell(*origin(shown.frame, cursor), self._told())
        panel.set_class(shown is None, "empty")
        super().show_watched()

    def on_latent_map_moved(self, message: LatentMap.Moved) -> None:
        """Look at the sample that the cursor has come to."""
        self._go_to(message.index)

    def _go_to(self, cursor: int) -> None:
        self.state.cursor = cursor
        self._inspect()
        self._show_cursor()

    def _show_cursor(self) -> None:
        """Where the cursor is and what is marked: in the table of policies, and in words where the sample is hidden."""
        shown = self.state.shown
        if shown is not None and shown.dialled:
            self.score.show(self.state)
        if shown is not None:
            marks = "   x saves the marked" if self.state.marks else ""
            self.say("" if self.inspector.region else f"{self._told()}{marks}")

    def _told(self) -> str:
        """What is under the cursor, and whether it is marked."""
        shown, cursor = self.state.shown, self.state.cursor
        assert shown is not None
        row = self._network(cursor)
        if row is not None:
            return f"network #{row:,} of {clean(self.view.population.name, 40)}, marked there"
        kind = "policy" if shown.dialled else "sample"
        mark = f"  {MARK} marked ({len(self.state.marks)} in all)" if cursor in self.state.marks else ""
        return f"{kind} {cursor} of {len(shown.watched):,}{mark}"

    def action_go(self, by: int) -> None:
        """To the next sample, also where the map has not the keys."""
        shown = self.state.shown
        if shown is not None:
            cursor = max(0, min(self.state.cursor + by, len(shown.watched) + len(self.places.networks) - 1))
            self.places.map.select(cursor)
            self._go_to(cursor)

    def action_mark(self) -> None:
        """Mark the sample under the cursor, or unmark it."""
        shown, cursor = self.state.shown, self.state.cursor
        if shown is None:
            return
        if cursor >= len(shown.watched):
            self.say("this one is marked in the Dataset pane (1), and unmarked there")
            return
        self.state.marks ^= {cursor}
        self._show_marks()

    def action_clear_marks(self) -> None:
        """Unmark all samples."""
        self.state.marks.clear()
        self._show_marks()

    def _show_marks(self) -> None:
        self._show_map()
        self.show_watched()
        self._show_cursor()
