"""The choices of the Repair pane, changed by one key each, and what its prompt asks for."""

import asyncio
from pathlib import Path
from typing import ClassVar

import numpy as np
from textual.binding import Binding, BindingType

from workbench import repairing
from workbench.errors import WorkbenchError
from workbench.learning.repair import SOURCES
from workbench.service import ModelService
from workbench.storage import check_new, ending_in, write_text
from workbench.text import counted
from workbench.tui.panes.generating import GeneratingPane
from workbench.tui.repairing import RepairState
from workbench.tui.sampling import Trained, following
from workbench.tui.view import View

NETWORKS, FIGURE, MASKS = ".safetensors", ".svg", (".npy", ".csv")
SETTLED = 0.3
"""Seconds without another stroke after which damage that is drawn is repaired."""
ASKED = {
    "network": ("network #", "its id"),
    "level": ("level", "0.2"),
    "seed": ("seed", "0"),
    "mask": ("mask from", ending_in(MASKS)),
    "save": ("save to", f"a new {' or '.join(MASKS)} (the mask), {NETWORKS} (candidates) or {FIGURE} (the figure)"),
}


class DamagingPane(GeneratingPane):
    """A RepairState and the keys that change it; a subclass repairs and shows it."""

    state: RepairState
    ASKED, NETWORKS = ASKED, {"network": "network"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "repair"),
        Binding("n", "network(1)"),
        Binding("N", "network(-1)"),
        Binding("slash", "ask('network')"),
        Binding("plus", "level(1)"),
        Binding("minus", "level(-1)"),
        Binding("L", "ask('level')"),
        Binding("c", "kind"),
        Binding("D", "random"),
        Binding("backspace", "clear"),
        Binding("M", "ask('mask')"),
        Binding("p", "source"),
    ]

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self.state = RepairState.of(view)

    def repair(self) -> None:
        """Repair with the choices as they are."""
        raise NotImplementedError

    def repair_later(self, seconds: float) -> None:
        """Repair unless something else is chosen until then."""
        raise NotImplementedError

    def take(self, found: list[Trained], _wanted: Path | None) -> None:
        """Repair with what there is."""
        self.state.take(found)
        if self.state.current:
            self.choices_changed()
        else:
            self.repair()

    def action_repair(self) -> None:
        """Repair again."""
        self.say("")
        self.repair()

    def chosen(self) -> None:
        """Repair anew."""
        self.repair()

    # Which network.

    def action_network(self, by: int) -> None:
        """The next held-out or marked network, or the one before."""
        row = self.state.next_network(by)
        if row is None:
            self.say("no other held-out network in the table; m marks some in the Dataset pane (1), / takes any")
        else:
            self.choose(network=row)

    # Damage.

    def action_level(self, by: int) -> None:
        """A step more or less damage."""
        self.say("")
        self.state.shift(by)
        self.repair()

    def action_kind(self) -> None:
        """Another kind of damage."""
        self.say("")
        self.state.next_kind()
        self.repair()

    def action_random(self) -> None:
        """Damage at random again, instead of what is drawn."""
        self.state.hand = None
        self.choose(mask="")

    def action_clear(self) -> None:
        """Nothing is damaged, to draw on."""
        self.say("")
        self.state.take_mask(np.zeros(self.state.spec.parameters, bool))
        self.repair_later(SETTLED)

    # How.

    def action_source(self) -> None:
        """Where samples come from."""
        self.choose(source=following(SOURCES, self.state.params.source))

    # Asking.

    def action_ask(self, what: str) -> None:
        """Ask for a number or a file."""
        p = self.state.params
        value = {
            "network": "", "level": f"{p.level:g}", "seed": str(p.seed), "mask": p.mask,
            "save": f"repair-{p.network}-{p.seed}{NETWORKS}",
        }[what]  # fmt: skip
        self.ask(what, value)

    async def answered(self, what: str, text: str) -> None:
        """A file or a number."""
        if what == "save":
            await self._save(Path(text).expanduser())
        elif what == "mask":
            await self._load(Path(text).expanduser())
        elif what == "level":
            self._level(text)
        else:
            self.choose(**{what: self.number(what, text)})

    def _level(self, text: str) -> None:
        number = text.removesuffix("%").strip()
        try:
            level = float(number) / (100 if text.endswith("%") else 1)
        except ValueError:
            raise WorkbenchError(f"level: expected a number, got {text!r}") from None
        self.state.set_level(level)
        self.repair()

    async def _load(self, path: Path) -> None:
        found = repairing.mask_file(str(path))
        assert found is not None
        mask = await asyncio.to_thread(repairing.read_mask, found, self.state.spec.parameters)
        self.state.take_mask(mask, found.resolve())
        self.repair()
        if not self._said:
            self.say(f"{int(mask.sum())} of {len(mask)} weights are damaged as {found} says; D damages at random again")

    async def _save(self, path: Path) -> None:
        state = self.state
        check_new(path, (*MASKS, NETWORKS, FIGURE))
        if path.suffix in MASKS:
            if not state.drawn.any():
                raise WorkbenchError("mask: nothing is damaged, so that there is none to save")
            await asyncio.to_thread(repairing.write_mask, path, state.drawn)
            self.saved(f"mask of {int(state.drawn.sum())} weights written to", path.resolve())
            return
        shown, frame = (state.charted, state.recovered) if path.suffix == FIGURE else (state.shown, state.frame)
        if path.suffix == FIGURE and state.many and state.campaign is not None:
            shown, frame = state.campaign, state.campaign.frame
        if shown is None or frame is None:
            raise WorkbenchError("nothing to save yet")
        if path.suffix == FIGURE:
            assert shown.analysis.figure is not None
            await asyncio.to_thread(write_text, path, shown.analysis.figure(frame))
            self.saved("figure written to", path.resolve())
            return
        assert shown.analysis.networks is not None
        made = shown.analysis.networks(frame)
        await asyncio.to_thread(made.save, path)
        self.saved(f"{counted(len(made), 'network')} saved to", path.resolve())
