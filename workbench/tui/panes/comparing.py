"""The choices of the Converge pane, changed by one key each, and what its prompt asks for."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from workbench.analyses import converge
from workbench.errors import WorkbenchError
from workbench.numerics.similarity.convergence import MATCHINGS
from workbench.rollouts.reference_set import KINDS
from workbench.service import Job, ModelService
from workbench.tui.arranged import ACTIVATIONS, MATRIX, save
from workbench.tui.converging import ConvergeState, layers
from workbench.tui.panes.folding import FoldingPane
from workbench.tui.sampling import following
from workbench.tui.view import View
from workbench.tui.widgets.prompt import Prompt

ASKED = {
    "networks": ("networks at most", "100"),
    "seed": ("seed", "0"),
    "other": ("networks of (nothing: no others)", "another population, a checkpoint or a folder"),
    "states": ("states from", "a file: .npy, .csv, or a population"),
    MATRIX: ("save to", "a new .npz, .csv or .svg"),
    ACTIVATIONS: ("save to", "a new .npz"),
}


class ComparingPane(FoldingPane):
    """A ConvergeState and the keys that change it; a subclass shows it."""

    state: ConvergeState
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "run"),
        Binding("w", "source"),
        Binding("W", "ask('other')"),
        Binding("n", "ask('networks')"),
        Binding("b", "layer"),
        Binding("p", "matching"),
        Binding("a", "signed"),
        Binding("d", "states"),
        Binding("D", "ask('states')"),
        Binding("s", "seed"),
        Binding("S", "ask('seed')"),
        Binding("c", "column(1)"),
        Binding("v", "column(-1)"),
        Binding("O", "order"),
        Binding("x", f"ask('{MATRIX}')"),
        Binding("X", f"ask('{ACTIVATIONS}')"),
        Binding("equals_sign", "command"),
        Binding("C", "stop"),
        Binding("m", "mark"),
    ]

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self.state = ConvergeState.of(view)

    def watches(self, job: Job) -> bool:
        """Its own run is told here."""
        return job is self.state.job

    # What alters the result.

    def action_run(self) -> None:
        """Compare with the choices as they are."""
        self.say("")
        try:
            self.state.start(self.service)
        except WorkbenchError as error:
            self.say(str(error))
        self.choices_changed()

    def action_stop(self) -> None:
        """Ask what runs to stop; what there is stays."""
        if self.state.running is not None:
            self.state.running.cancel()
        self.choices_changed()

    def _choose(self, **changes: Any) -> None:
        self.say("")
        self.state.params = replace(self.state.params, **changes)
        self._changed()

    def _changed(self) -> None:
        self.state.look()
        if self.state.fast:
            self.action_run()
        self.choices_changed()

    def action_source(self) -> None:
        """Compare marked networks, those shown, or samples: what there is of these."""
        there = self.state.sources
        if there == [self.state.source]:
            self.say("nothing else to compare: mark two networks (1), sample some (2), or name a file (W)")
            return
        self.say("")
        self.state.source = following(there, self.state.source)
        self._changed()

    def action_layer(self) -> None:
        """The next hidden layer."""
        there = layers(self.view.population.spec)
        if len(there) < 2:
            self.say("these networks have one hidden layer at most; outputs have columns of their own (c)")
        else:
            self._choose(layer=following(there, self.state.params.layer))

    def action_matching(self) -> None:
        """Units paired as a whole at best, or greedily."""
        self._choose(matching=following(MATCHINGS, self.state.params.matching))

    def action_signed(self) -> None:
        """Activations as they are, or their absolute values."""
        self._choose(signed=not self.state.params.signed)

    def action_states(self) -> None:
        """The next of the reference sets that are no file."""
        self._choose(states=following(KINDS, self.state.params.states))

    def action_seed(self) -> None:
        """The next seed."""
        self._choose(seed=self.state.params.seed + 1)

    # What alters how it is shown.

    def action_column(self, step: int) -> None:
        """Another column of the same run."""
        there = self.state.columns
        self.state.column = there[(there.index(self.state.shown_column) + step) % len(there)]
        self.choices_changed()

    def action_order(self) -> None:
        """Networks in another order."""
        self.say("")
        self.state.by = following(converge.ORDERS, self.state.by)
        shown = self.state.shown
        if self.state.by == "clustering" and shown is not None and not len(shown.frame.orders):
            ended, name = shown.frame.done == shown.frame.total, shown.frame.measure
            few = f"above {converge.CLUSTERED:,} networks there is no clustering; they are by {name}"
            self.say(few if ended else f"clustering comes with the last pair; until then they are by {name}")
        self.choices_changed()

    def action_mark(self) -> None:
        """Mark the network of the row under the cursor where it comes from, or unmark it."""
        shown = self.state.shown
        if shown is None:
            return
        name, row = shown.frame.names[self.state.pair[0]], shown.row(self.state.pair[0])
        if row is None:
            self.say(f"{name} is of another population: what is marked is of the one that is open")
            return
        if shown.population is not self.view.population:
            samples = self.state.samples
            if samples is None or samples.shown is None or samples.shown.watched is not shown.population:
                self.say("these samples are not those of the Sample pane any more")
                return
            samples.marks ^= {row}
            marked, count, where = row in samples.marks, len(samples.marks), "Sample pane (2)"
        else:
            self.view.marks[row] = not self.view.marks[row]
            marked, count, where = bool(self.view.marks[row]), int(self.view.marks.sum()), "Dataset pane (1)"
        self.state.look()
        self.choices_changed()
        self.say(f"{name} is {'marked' if marked else 'no longer marked'} in the {where}: {count:,} in all")

    # Asking.

    def action_command(self) -> None:
        """Say which command gives what the choices would."""
        self.say(self.state.command)

    def action_ask(self, what: str) -> None:
        """Ask for a number or a file."""
        params, shown = self.state.params, self.state.shown
        label, placeholder = ASKED[what]
        value = {"networks": str(params.networks), "seed": str(params.seed)}.get(what, "")
        if what in (MATRIX, ACTIVATIONS):
            if shown is None or shown.job is self.state.running:
                self.say("nothing to save yet; r compares" if shown is None else "saved once it is whole: wait, or C")
                return
            n, frame = len(shown.order), shown.frame
            value = f"{'converge' if what == MATRIX else 'activations'}-{n}-{frame.seed}.npz"
            if what == ACTIVATIONS:
                label = f"save activations (about {shown.activation_bytes / 1e6:,.0f} MB) to"
        elif what == "states" and params.states not in KINDS:
            value = params.states
        elif what == "other":
            value = params.other
        self.say("")
        self.query_one(Prompt).ask(what, label, value, placeholder)

    async def on_prompt_answered(self, message: Prompt.Answered) -> None:
        """What was asked for."""
        what, text = message.what, message.text
        if what == "other":
            await self._take_other(text)
            return
        if not text:
            return
        if what in (MATRIX, ACTIVATIONS):
            await self._save(what, Path(text).expanduser())
        elif what == "states":
            self._choose(states=text if text in KINDS else str(Path(text).expanduser()))
        else:
            self._number(what, text)

    async def _take_other(self, text: str) -> None:
        """Compare with the networks of a file too, if they can be; with nothing, no longer."""
        params = replace(self.state.params, other=str(Path(text).expanduser()) if text else "")
        self.state.look()
        if text and self.state.selection is not None:
            self.say("opening…")
            try:
                await asyncio.to_thread(converge.compared, self.state.selection, params)
            except WorkbenchError as error:
                self.say(str(error))
                return
        self._choose(other=params.other)

    def _number(self, what: str, text: str) -> None:
        low, high = (2, converge.MOST) if what == "networks" else (0, 2**31)
        if not text.isdecimal():
            self.say(f"{what}: expected a number, got {text!r}")
        elif not low <= int(text) <= high:
            self.say(f"{what}: expected {low:,} to {high:,}, got {text}")
        else:
            self._choose(**{what: int(text)})

    async def _save(self, what: str, path: Path) -> None:
        shown = self.state.shown
        if shown is None:
            return
        self.say("writing…")
        try:
            await asyncio.to_thread(save, self.service.compute, shown, what, path)
        except (WorkbenchError, OSError) as error:
            self.say(str(error))
            return
        self.saved(f"{'activations' if what == ACTIVATIONS else 'written'} to", path.resolve())
