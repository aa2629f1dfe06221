"""The choices of the Sample pane, changed by one key each, and what its prompt asks for."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from textual.binding import Binding, BindingType

from workbench.analyses import dial, find, sample, train
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.generators import offered
from workbench.service import ModelService
from workbench.storage import refuse_existing
from workbench.tui.commands import command_line
from workbench.tui.panes.generating import GeneratingPane
from workbench.tui.panes.watching import WatchingPane
from workbench.tui.sampling import SELECTORS, WITHOUT, SampleState, Trained, following, training_form
from workbench.tui.view import View

LISTS = {"source": sample.SOURCES, "selector": SELECTORS, "without": WITHOUT}
ASKED = {
    "count": ("networks to sample", "200"),
    "seed": ("seed", "0"),
    "target": ("survival or return that policies shall have", "120"),
    "save": ("save to", "a new file"),
}


class ChoosingPane(WatchingPane, GeneratingPane):
    """A SampleState and the keys that change it; a subclass runs and shows it."""

    state: SampleState
    TRAINS, ASKED = "t trains one", ASKED
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run"),
        Binding("g", "group"),
        Binding("p", "next('source')"),
        Binding("c", "next('selector')"),
        Binding("a", "next('without')"),
        Binding("n", "ask('count')"),
        Binding("d", "ask('target')"),
        Binding("t", "form('train')"),
        Binding("v", "form('attributes')"),
        Binding("C", "stop"),
    ]

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self.state = SampleState.of(view)

    def start(self, name: str, params: Any) -> None:
        """Run `sample` or `dial`, and show it."""
        raise NotImplementedError

    def take(self, found: list[Trained], wanted: Path | None) -> None:
        """Choose the one that is wanted, and show again what was shown."""
        self.state.take(found, wanted)
        self._show_again()
        self.choices_changed()
        if not found:
            self.run_worker(self._look_what_trains(), group="offer", exclusive=True)

    async def _look_what_trains(self) -> None:
        """See what can be trained where nothing is; once, since it loads torch."""
        state = self.state
        if state.trained == [] and state.offer is None and not state.untrainable:
            try:
                state.offer = await asyncio.to_thread(offered, self.view.population, train.Params.generator)
            except WorkbenchError as error:
                state.untrainable = str(error)
            self.choices_changed()

    def _show_again(self) -> None:
        """What a session before has shown, if it is kept."""
        again, self.state.again = self.state.again, None
        if again is not None and self.state.job is None and self.state.generator is not None:
            name, params = again
            same = params.generator == self.state.params.generator
            if same and self.service.knows(find(name), Selection(self.view.population), params):
                self.start(name, params)

    def action_run(self) -> None:
        """Sample with the choices as they are."""
        if self.state.generator is not None:
            self.start("sample", self.state.params)

    def action_stop(self) -> None:
        """Ask what runs to stop; what there is stays."""
        for job in self.state.working[:1]:
            job.cancel()
        self.choices_changed()

    def chosen(self) -> None:
        """Sample anew where that is fast."""
        if self.state.fast:
            self.start("sample", self.state.params)
        self.choices_changed()

    def action_group(self) -> None:
        """The next group that the generator has a model of."""
        self.choose(group=following(self.state.groups or (self.state.params.group,), self.state.params.group))

    def action_next(self, name: str) -> None:
        """The next of a list of choices."""
        self.choose(**{name: following(LISTS[name], getattr(self.state.params, name))})

    def action_form(self, name: str) -> None:
        """The form of another analysis, filled in; of a training, once it is known what can be trained."""
        self.run_worker(self._open_form(name), group="form", exclusive=True)

    async def _open_form(self, name: str) -> None:
        from workbench.tui.run_screen import RunScreen

        if name == "train":
            await self._look_what_trains()
            if self.state.untrainable:
                self.say(self.state.untrainable)
                return
        given = training_form(self.view.population, self.state) if name == "train" else self.suggested()
        self.app.push_screen(RunScreen(self.service, self.view, find(name), given))

    def action_command(self) -> None:
        """Say which command gives what is shown, or what the choices would give."""
        shown = self.state.shown
        analysis = shown.job.analysis if shown else find("sample")
        params = shown.params(self.state.trained or ()) if shown else self.state.params
        self.say(command_line(analysis, params, self.view.population))

    def action_ask(self, what: str) -> None:
        """Ask for a number or a name."""
        params, shown = self.state.params, self.state.shown
        if what == "save" and (shown is None or shown.job is self.state.running):
            self.say("nothing to save yet; r samples" if shown is None else "saved once it is measured: wait, or C")
            return
        stem = f"samples-{params.group}-{params.seed}"
        if shown is not None and shown.dialled:
            stem = f"dialled-{shown.frame.target:g}-{shown.frame.seed}"
        value = {"count": str(params.count), "seed": str(params.seed), "save": f"{stem}.safetensors"}.get(what, "")
        marked = len(self.state.marks) if what == "save" else 0
        self.ask(what, value, f"save {marked} marked to" if marked else "")

    async def answered(self, what: str, text: str) -> None:
        """A file or a number."""
        if what == "save":
            await self._save(Path(text).expanduser())
            return
        try:
            number: Any = float(text) if what == "target" else int(text)
        except ValueError:
            raise WorkbenchError(f"{what}: expected a number, got {text!r}") from None
        if what == "target":
            self._dial(number)
        else:
            sample.check(replace(self.state.params, **{what: number}))
            self.choose(**{what: number})

    def _dial(self, target: float) -> None:
        if self.state.generator is None:
            self.say(self.state.empty.replace("\n", " "))
            return
        params = self.state.params
        selector = "simulator" if params.selector == "simulator" else "predictor"
        self.start("dial", dial.Params(target, generator=params.generator, selector=selector, seed=params.seed))

    async def _save(self, path: Path) -> None:
        shown, marks = self.state.shown, sorted(self.state.marks)
        if shown is None or shown.job.analysis.networks is None:
            return
        make, frame = shown.job.analysis.networks, shown.frame

        def write() -> int:
            refuse_existing(path)
            made = make(frame)
            return len((made.select(np.array(marks)) if marks else made).save(path))

        count = await asyncio.to_thread(write)
        which = "marked networks" if marks else "networks"
        self.saved(f"{count:,} {which} saved to", path.resolve())
