"""The latent map of the Sample pane: a population's density, samples, and networks marked in the population."""

import numpy as np
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.tui.sampling import SampleState
from workbench.tui.widgets.scatter import LatentMap

MARK = "◆"
MOST_NETWORKS = 1000
"""Marked networks that are drawn; more would hide the samples."""


class MapPanel(Vertical):
    """A LatentMap, and what it is of."""

    DEFAULT_CSS = "MapPanel LatentMap { height: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.networks: NDArray[np.int64] = np.zeros(0, np.int64)
        """Marked networks on the map, behind the samples."""

    def compose(self) -> ComposeResult:
        """The map alone."""
        yield LatentMap(id="map")

    @property
    def map(self) -> LatentMap:
        """The map."""
        return self.query_one(LatentMap)

    def show(self, state: SampleState, marked: NDArray[np.bool_]) -> None:
        """Draw what is shown where its embedding puts it; marked (n,) are networks of the population."""
        shown, job = state.shown, state.embedding
        frame = job.frame if job is not None else None
        self.border_title = f"latent map  {len(state.marks)} marked" if state.marks else "latent map"
        told = ""
        if job is not None and not job.state.final:
            told = f"embedding {job.progress or 'starts'}"
        elif job is not None and job.error:
            told = "no map"
        self.border_subtitle = told
        if shown is None or frame is None or job is None or job.params != shown.embedding(state.trained or ()):
            self.networks = np.zeros(0, np.int64)
            self.map.show(np.zeros((0, 2)), np.zeros((0, 2)), {}, "")
            return
        known = frame.project(frame.latents)
        self.networks = np.flatnonzero(marked[: len(known)])[:MOST_NETWORKS]
        places = np.concatenate([frame.project(shown.frame.latents), known[self.networks]])
        of = np.repeat([0, 1], [len(shown.watched), len(self.networks)])
        first, second = (f"component {k + 1} ({share:.0%})" for k, share in enumerate(frame.explained))
        self.map.show(
            known, places, dict.fromkeys(sorted(state.marks), MARK), "", groups=of,
            group_names=("policies" if shown.dialled else "samples", "marked networks"), axis_names=(first, second),
        )  # fmt: skip
        self.map.select(state.cursor)
        state.cursor = self.map.selected or 0
