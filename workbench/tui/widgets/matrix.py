"""The matrix of the Converge pane, or what to do to get one."""

import numpy as np
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from workbench.comparing import COLUMNS
from workbench.text import clean
from workbench.tui.converging import ConvergeState
from workbench.tui.widgets.heatmap import MatrixMap

READY = "r compares {}\n\nall pairs, in both directions, on the same states"
COMING = "comparing…\n\nthe first pairs come in a moment"


class MatrixPanel(Vertical):
    """A MatrixMap, and what it is of."""

    DEFAULT_CSS = """
    MatrixPanel Static { height: 1fr; content-align: center middle; text-align: center; color: $text-muted;
        display: none; }
    MatrixPanel.empty Static { display: block; }
    MatrixPanel.empty MatrixMap { height: 1; }
    """

    def compose(self) -> ComposeResult:
        """The map, which has the focus also while it is empty."""
        yield MatrixMap(id="map")
        yield Static("", markup=False)

    @property
    def map(self) -> MatrixMap:
        """The map."""
        return self.query_one(MatrixMap)

    def show(self, state: ConvergeState) -> None:
        """Draw what is shown, the cursor on its pair."""
        shown = state.shown
        self.set_class(shown is None, "empty")
        title = clean(shown.about if shown is not None else "all pairs", 80)
        # A title that stays is left alone: another one sends all of its panel.
        if self.border_title != title:
            self.border_title = title
        heading = f"{COLUMNS[state.shown_column].heading}, by {state.by}"
        if shown is None:
            words = clean(state.fault) if state.fault else READY.format(clean(state.about))
            self.query_one(Static).update(COMING if state.running is not None else words)
            self.map.show(np.zeros((0, 0)), names=(), title=heading)
            return
        self.map.show(shown.values, names=shown.names, runs=shown.runs, title=heading)
        self.map.select(*(shown.place(k) for k in state.pair))
