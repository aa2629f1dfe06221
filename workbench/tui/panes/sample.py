"""The Sample pane: new networks from a generator, held against networks that it has not seen."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widgets import Static

from workbench.analyses import find
from workbench.errors import WorkbenchError
from workbench.service import Job, JobState, ModelService
from workbench.tui.panes.folding import FOLLOWED
from workbench.tui.panes.marking import MarkingPane
from workbench.tui.panes.watching import WATCHING_KEYS
from workbench.tui.sampling import Shown, can_be_shown, watched
from workbench.tui.view import View
from workbench.tui.widgets.choices import ChoicesPanel
from workbench.tui.widgets.latent import MapPanel
from workbench.tui.widgets.prompt import Prompt
from workbench.tui.widgets.sample import SampleInspector
from workbench.tui.widgets.score import ScorePanel

ROOM_FOR_SIDE, ROOM_FOR_ALL, ROOM_BESIDE = 108, 150, 72
"""Columns from which the map stands beside the figures, the choices too, and the sample beside the map."""
TALL = 36
"""Lines from which there is room to say what the figures are."""


class SamplePane(MarkingPane):
    """Sample networks, see how they score, watch them."""

    TITLE = "Sample"
    KEYS = (
        ("r", "sample"),
        ("g", "group"),
        ("s S", "seed"),
        ("space", "play"),
        ("x", "save"),
        ("d", "dial"),
        ("t", "train"),
        ("i", "map, sample"),
        ("o", "choices"),
        ("G", "generator"),
        ("p", "source: prior, posterior"),
        ("c", "selector of candidates"),
        ("a", "without an attribute"),
        ("n", "how many to sample"),
        ("w", "other columns"),
        ("=", "the same as a command"),
        ("C", "cancel what runs"),
        ("m", "mark the sample"),
        ("M", "clear marks"),
        ("v", "move along an attribute"),
        ("↑ ↓ ← → h j k l", "next sample in a direction"),
        ("[ ]", "previous, next sample"),
        ("home end", "first, last sample"),
        ("T", "run of a marked network"),
        ("tab", "map, figures, sample"),
        *WATCHING_KEYS,
        ("escape", "close input or side panel"),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "columns"),
        Binding("i", "side('side')"),
        Binding("o", "side('choices')"),
        Binding("escape", "back"),
    ]

    SCOPED_CSS = False  # the rules ask how wide the pane is
    DEFAULT_CSS = """
    SamplePane { layout: vertical; }
    SamplePane #panels { height: 1fr; }
    SamplePane #choices { width: 29; display: none; }
    SamplePane #middle { width: 1fr; }
    SamplePane #side { width: 46; layout: vertical; }
    SamplePane MapPanel { height: 2fr; }
    SamplePane SampleInspector { height: 3fr; }
    SamplePane #panels > *, SamplePane MapPanel, SamplePane SampleInspector {
        border: round $panel-lighten-2; border-title-color: $text; border-subtitle-color: $text-muted; }
    SamplePane #side { border: none; }
    SamplePane ScorePanel:focus-within, SamplePane MapPanel:focus-within, SamplePane SampleInspector:focus {
        border: round $accent; border-title-style: bold; }
    SamplePane SampleInspector { scrollbar-size-vertical: 1; }
    SamplePane #line { height: auto; max-height: 4; min-height: 1; padding: 0 1; color: $text-muted; }
    SamplePane #line.said { color: $warning; }
    SamplePane.-all #choices, SamplePane.show-choices #choices { display: block; }
    SamplePane.-all #side { width: 31%; max-width: 70; }
    SamplePane.-tight #side { display: none; }
    SamplePane.-tight.show-side #side { display: block; width: 1fr; }
    SamplePane.-beside.-tight.show-side #side { layout: horizontal; }
    SamplePane.-beside.-tight SampleInspector { width: 46; height: 100%; }
    SamplePane.-beside.-tight MapPanel { width: 1fr; height: 100%; }
    SamplePane.-tight.show-side #middle { display: none; }
    SamplePane.hide-side #side, SamplePane.hide-choices #choices { display: none; }
    """

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self._adopting: Any = None
        self._mapping: Any = None

    def compose(self) -> ComposeResult:
        """Choices, figures, and the map over the sample."""
        with Horizontal(id="panels"):
            yield ChoicesPanel(id="choices")
            yield ScorePanel(id="middle")
            with Container(id="side"):
                yield MapPanel(id="map-box")
                yield SampleInspector(id="inspector")
        yield Static(id="line", markup=False)
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        """Show what was shown before, and look for generators."""
        # Titles stay as they are: another one sends all of its panel.
        for panel, words in ((ChoicesPanel, "choices"), (MapPanel, "latent map"), (SampleInspector, "sample")):
            self.query_one(panel).border_title = words
        self._timer = self.set_interval(1 / FOLLOWED, self._follow, pause=True)
        self._fit(self.app.size.width, self.app.size.height)
        self.look()
        self.call_after_refresh(self._redraw)

    def _fit(self, width: int, height: int) -> None:
        self.set_class(width < ROOM_FOR_SIDE, "-tight")
        self.set_class(width >= ROOM_BESIDE, "-beside")
        self.set_class(width >= ROOM_FOR_ALL, "-all")
        self.score.set_class(height >= TALL, "-tall")

    def _redraw(self) -> None:
        if not self.is_mounted:
            return
        self._show()
        self._embed()
        if self._watched is None:
            self._inspect()
        self._follow()
        if self.screen is self.app.screen and (self.screen.focused is None or not self.screen.focused.display):
            self._focus()

    def _focus(self) -> None:
        at_map = self.places.map.display and self.query_one("#side").display
        (self.places.map if at_map else self.score.table).focus()

    # What runs.

    def watches(self, job: Job) -> bool:
        """Its own jobs are told here."""
        return job is self.state.job or job is self.state.embedding

    def job_changed(self, job: Job) -> None:
        """A run, the map, the network under the cursor, or a training that has made a generator."""
        super().job_changed(job)
        if self.watches(job):
            self._follow()
        elif job.analysis.name == "train" and job.state is JobState.DONE:
            self.look(Path(job.frame.path))

    def _follow(self) -> None:
        """Show what is new; stop looking when nothing runs."""
        state = self.state
        state.keep()
        job, embedding = state.job, state.embedding
        frame = job.frame if job is not None else None
        if (
            can_be_shown(frame)
            and frame is not self._adopting
            and (state.shown is None or state.shown.frame is not frame)
        ):
            self._adopting = frame
            self.run_worker(self._adopt(job, frame), group="adopt", exclusive=True)
        if embedding is not None and embedding.frame is not None and embedding.frame is not self._mapping:
            self._mapping = embedding.frame
            self.run_worker(self._adopt_map(embedding), group="map", exclusive=True)
        self.places.tell(state)
        self._tell()
        if self._timer is not None:
            (self._timer.resume if state.working else self._timer.pause)()

    async def _adopt_map(self, job: Job) -> None:
        """Take a map to the screen, once all networks are placed on it."""
        frame = job.frame
        places = await asyncio.to_thread(frame.project, frame.latents)
        if job is self.state.embedding:
            self.state.map = (job.params, frame, places)
            self._show_map()

    async def _adopt(self, job: Job | None, frame: Any) -> None:
        """Take a frame to the screen; its networks are made a population once a run, in a thread."""
        before = self.state.shown
        same = before is not None and before.job is job
        networks = before.watched if before is not None and same else await asyncio.to_thread(watched, frame)
        if job is None or job is not self.state.job:
            return
        if not same:
            self.state.cursor = 0
            self.state.marks.clear()
        self.state.shown = Shown(job, frame, networks, self.state.path, self.view.population.groups)
        self.score.show(self.state)
        self._tell()
        if same:
            self.show_watched()
        else:
            self._show_map()
            self._embed()
            self._inspect()

    def start(self, name: str, params: Any) -> None:
        """Run `sample` or `dial`, and show what comes."""
        self.say("")
        try:
            self.state.start(self.service, self.view.population, find(name), params)
        except WorkbenchError as error:
            self.say(str(error))
        self.score.show(self.state)
        self._follow()

    def _embed(self) -> None:
        if self.query_one("#side").display:
            try:
                self.state.embed(self.service, self.view.population)
            except WorkbenchError as error:
                self.say(str(error))
            self._follow()

    def choices_changed(self) -> None:
        """Show the choices, and what a key would do."""
        self.query_one(ChoicesPanel).show(self.state)
        if self.state.shown is None:
            self.score.show(self.state)
        self._tell()

    # What is shown.

    def _show(self) -> None:
        """Draw everything for the size as it is."""
        self.query_one(ChoicesPanel).show(self.state)
        self.score.show(self.state)
        self._show_map()
        self.show_watched()
        self._tell()

    def action_columns(self) -> None:
        """Begin the table with survival or return, or with novelty and diversity."""
        self.state.ratios = not self.state.ratios
        self.score.show(self.state)

    # Panels.

    def show_inspector(self) -> None:
        """Bring the side panels to the screen."""
        self.action_side("side")

    def action_side(self, panel: str) -> None:
        """Show or hide the choices, or the map with the sample; on a narrow screen it takes the figures' place."""
        shown = self.query_one(f"#{panel}").display
        tight, other = self.has_class("-tight"), "choices" if panel == "side" else "side"
        self.say("")
        self.set_class(not shown, f"show-{panel}")
        self.set_class(shown and not tight, f"hide-{panel}")
        if not shown and tight:
            self.remove_class(f"show-{other}")
        self.call_after_refresh(self._redraw)
        self.call_after_refresh(self._focus)

    def suggested(self) -> dict[str, str]:
        """The choices, and the network of the population under the cursor."""
        params = self.state.params
        names = ("generator", "group", "count", "source", "selector", "without", "seed")
        row = self._network(self.state.cursor)
        given = {name: str(getattr(params, name)) for name in names}
        if self.state.generator is None and self.state.offer is not None:
            given["generator"] = self.state.offer.name
        return given if row is None else {**given, "network": str(row)}

    def action_back(self) -> None:
        """Close the innermost thing: the prompt, what was said, a side panel on a narrow screen."""
        prompt = self.query_one(Prompt)
        if prompt.is_open:
            prompt.action_close()
        elif self._said:
            self.say("")
        elif not self.score.display:
            self.action_side("side")


PANE = SamplePane
