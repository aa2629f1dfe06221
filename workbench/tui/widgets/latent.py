"""The latent map of the Sample pane: a population's density, samples, and networks marked in the population."""

import numpy as np
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from workbench.runs import checkpoints, has_runs
from workbench.text import clean
from workbench.tui.sampling import SampleState
from workbench.tui.view import View, runs_of
from workbench.tui.widgets.scatter import LatentMap

MARK = "◆"
MOST_NETWORKS = 1000
"""Marked networks that are drawn; more would hide the samples."""


class MapPanel(Vertical):
    """A LatentMap, and what it is of."""

    DEFAULT_CSS = """
    MapPanel Static { height: 1fr; content-align: center middle; text-align: center; color: $text-muted;
        display: none; }
    MapPanel.empty Static { display: block; }
    MapPanel.empty LatentMap { display: none; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="empty")
        self.networks: NDArray[np.int64] = np.zeros(0, np.int64)
        """Marked networks on the map, behind the samples."""

    def compose(self) -> ComposeResult:
        """The map, or what is missing."""
        yield LatentMap(id="map")
        yield Static("", markup=False)

    @property
    def map(self) -> LatentMap:
        """The map."""
        return self.query_one(LatentMap)

    def show(self, state: SampleState, view: View) -> None:
        """Draw what is shown where its embedding puts it, with the networks marked in a view's population.

        The run of the marked network under the cursor is joined through its checkpoints.
        """
        self.tell(state)
        shown = state.shown
        if shown is None or state.map is None or state.map[0] != shown.embedding(state.trained or ()):
            self.networks = np.zeros(0, np.int64)
            self.add_class("empty")
            when = "with the samples" if shown is None else "when the population is embedded"
            self.query_one(Static).update(f"the map comes {when}")
            return
        self.remove_class("empty")
        _, frame, known = state.map
        self.networks = np.flatnonzero(view.marks[: len(known)])[:MOST_NETWORKS]
        runs, samples = runs_of(view), len(shown.watched)
        traced = view.population if has_runs(view.population, runs) else None

        def path_of(index: int) -> NDArray:
            if traced is None or not 0 <= index - samples < len(self.networks):
                return np.zeros((0, 2))
            rows = checkpoints(traced, int(self.networks[index - samples]), runs)
            return known[rows[rows < len(known)]]

        places = np.concatenate([frame.project(shown.frame.latents), known[self.networks]])
        of = np.repeat([0, 1], [len(shown.watched), len(self.networks)])
        first, second = (f"component {k + 1} ({share:.0%})" for k, share in enumerate(frame.explained))
        self.map.show(
            known, places, dict.fromkeys(sorted(state.marks), MARK), "", groups=of,
            group_names=("policies" if shown.dialled else "samples", "marked networks"), axis_names=(first, second),
            path_of=path_of,
        )  # fmt: skip
        self.map.select(state.cursor)
        state.cursor = self.map.selected or 0

    def tell(self, state: SampleState) -> None:
        """How far the embedding of the population is."""
        job = state.embedding
        told = ""
        if job is not None and not job.state.final:
            told = f"embedding {job.progress or 'starts'}"
        elif job is not None and job.error:
            told = clean(f"no map: {job.error}", 200)
        if told != self.border_subtitle:
            self.border_subtitle = told
