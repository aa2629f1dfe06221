"""The choices of the Interpolate pane, changed by one key each, and what its prompt asks for."""

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from workbench.service import ModelService
from workbench.storage import check_new, write_text
from workbench.sweeping import alphas_of
from workbench.text import counted
from workbench.tui.interpolating import CAPS, NAMES, InterpolateState
from workbench.tui.panes.generating import GeneratingPane
from workbench.tui.sampling import Trained, following
from workbench.tui.view import View

NETWORKS, FIGURE = ".safetensors", ".svg"
ASKED = {
    "first": ("A is network #", "its id"),
    "second": ("B is network #", "its id"),
    "range": ("alpha from..to", "0..1.5"),
    "points": ("points", "20"),
    "seed": ("seed", "0"),
    "save": ("save to", f"a new {NETWORKS} (its networks) or {FIGURE} (the figure)"),
}


class WalkingPane(GeneratingPane):
    """An InterpolateState and the keys that change it; a subclass walks and shows it."""

    state: InterpolateState
    ASKED, NETWORKS = ASKED, NAMES
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "walk"),
        Binding("a", "end('first')"),
        Binding("b", "end('second')"),
        Binding("A", "ask('first')"),
        Binding("B", "ask('second')"),
        Binding("v", "swap"),
        Binding("g", "group"),
        Binding("P", "paths"),
        Binding("left_square_bracket", "widen(-1)"),
        Binding("right_square_bracket", "widen(1)"),
        Binding("R", "ask('range')"),
        Binding("n", "ask('points')"),
        Binding("c", "cap"),
    ]

    def __init__(self, service: ModelService, view: View) -> None:
        super().__init__(service, view)
        self.state = InterpolateState.of(view)

    def walk(self) -> None:
        """Walk with the choices as they are."""
        raise NotImplementedError

    def take(self, found: list[Trained], _wanted: Path | None) -> None:
        """Walk with what there is."""
        before = self.state.params
        self.state.take(found)
        if self.state.params != before or self.state.frame is None:
            self.walk()
        else:
            self.choices_changed()

    def action_walk(self) -> None:
        """Walk again."""
        self.say("")
        self.walk()

    def chosen(self) -> None:
        """Walk anew."""
        self.walk()

    # Between whom.

    def action_end(self, end: str) -> None:
        """The next marked network for an end, or the next of the table."""
        row = self.state.next_end(end)
        if row is None:
            self.say(
                f"no other network for {NAMES[end]}: m marks more in the Dataset pane (1), {NAMES[end]} takes any, "
                "v swaps the two"
            )
        else:
            self.choose(**{end: row})

    def action_swap(self) -> None:
        """Go from B to A."""
        self.choose(first=self.state.params.second, second=self.state.params.first)

    # How.

    def action_group(self) -> None:
        """The next survival group that the generator has a model of."""
        if len(self.state.groups) > 1:
            self.choose(group=following(self.state.groups, self.state.params.group))
        else:
            self.say("this generator has one model of all groups" if self.state.groups else "no generator, no groups")

    def action_paths(self) -> None:
        """Other paths."""
        self.say("")
        if self.state.next_set():
            self.walk()
        else:
            self.say("these networks have no other paths without a generator")

    def action_widen(self, by: int) -> None:
        """Farther past B, or less far."""
        self.say("")
        self.state.widen(by)
        self.walk()

    def action_cap(self) -> None:
        """Longer episodes."""
        self.choose(cap=following(CAPS, self.state.params.cap))

    # Asking.

    def action_ask(self, what: str) -> None:
        """Ask for a number, a range or a file."""
        p, frame = self.state.params, self.state.frame
        if what == "save" and frame is None:
            self.say("nothing to save yet")
            return
        value = {
            "first": str(p.first), "second": str(p.second), "range": f"{p.low:g}..{p.high:g}",
            "points": str(p.points), "seed": str(p.seed),
        }.get(what, "")  # fmt: skip
        if what == "save" and frame is not None:
            a, b = (name.lstrip("#") for name in frame.names)
            value = f"walk-{a}-{b}-{frame.seed}{NETWORKS}"
        self.ask(what, value)

    async def answered(self, what: str, text: str) -> None:
        """A file, a range or a number."""
        if what == "save":
            await self._save(Path(text).expanduser())
        elif what == "range":
            self.state.set_range(text)
            self.choose()
        else:
            number = self.number(what, text)
            if what == "points":
                alphas_of(number, self.state.params.low, self.state.params.high)
            self.choose(**{what: number})

    async def _save(self, path: Path) -> None:
        shown, frame = self.state.shown, self.state.frame
        if shown is None or frame is None:
            return
        check_new(path, (NETWORKS, FIGURE))
        analysis = shown.analysis
        assert analysis.networks is not None and analysis.figure is not None
        if path.suffix == FIGURE:
            await asyncio.to_thread(write_text, path, analysis.figure(frame))
            self.saved("figure written to", path.resolve())
        else:
            made = analysis.networks(frame)
            await asyncio.to_thread(made.save, path)
            self.saved(f"{counted(len(made), 'network')} saved to", path.resolve())
