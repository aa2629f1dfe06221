"""Panes that work with a trained generator: they look for those there are, and change choices by keys and prompts."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from workbench.errors import WorkbenchError
from workbench.tui.panes.folding import FoldingPane
from workbench.tui.sampling import Trained, following, trained
from workbench.tui.widgets.prompt import Prompt

LARGEST_SEED = 2**31
DIGITS = 18
"""More than any number has that is typed in earnest."""


class GeneratingPane(FoldingPane):
    """A pane whose state has `trained`, `change`, and `params` with a generator and a seed.

    A subclass says what follows from a choice, and what is answered to its prompts.
    """

    TRAINS: ClassVar[str] = "t in the Sample pane (2) trains one"
    """Where a generator comes from."""
    ASKED: ClassVar[Mapping[str, tuple[str, str]]] = {}
    """What the prompt may ask for: a label, and words where nothing is typed yet."""
    NETWORKS: ClassVar[Mapping[str, str]] = {}
    """Those of them that are rows of the population, and what they are called."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("G", "generator"),
        Binding("s", "seed"),
        Binding("S", "ask('seed')"),
        Binding("x", "ask('save')"),
        Binding("equals_sign", "command"),
    ]

    def look(self, wanted: Path | None = None) -> None:
        """Look for trained generators, in a thread."""

        async def look() -> None:
            try:
                found = await asyncio.to_thread(trained, self.view.population)
            except (WorkbenchError, OSError) as error:
                self.say(str(error))
                return
            self.take(found, wanted)

        self.run_worker(look(), group="look", exclusive=True)

    def take(self, found: list[Trained], wanted: Path | None) -> None:
        """Go on with the generators there are; one of them may be wanted."""
        raise NotImplementedError

    def chosen(self) -> None:
        """Do what follows from other choices."""
        raise NotImplementedError

    async def answered(self, what: str, text: str) -> None:
        """Take what was typed where the prompt asked for something.

        Raises:
            WorkbenchError: it cannot be.
            OSError: a file that cannot be read or written.
        """
        raise NotImplementedError

    def choose(self, **changes: Any) -> None:
        """Change choices, and do what follows from them."""
        self.say("")
        self.state.change(**changes)
        self.chosen()

    def action_generator(self) -> None:
        """The next trained generator."""
        found = [t.asked for t in self.state.trained or ()]
        if len(found) > 1:
            self.choose(generator=following(found, self.state.params.generator))
        else:
            self.say(f"no other trained generator for these networks; {self.TRAINS}")

    def action_seed(self) -> None:
        """The next seed."""
        self.choose(seed=self.state.params.seed + 1)

    def action_command(self) -> None:
        """Say which command gives the same."""
        self.say(self.state.command)

    def ask(self, what: str, value: str, label: str = "") -> None:
        """Ask for one of `ASKED`, beginning with a value."""
        named, placeholder = self.ASKED[what]
        self.say("")
        self.query_one(Prompt).ask(what, label or named, value, placeholder)

    async def on_prompt_answered(self, message: Prompt.Answered) -> None:
        """What was asked for; what cannot be is said."""
        if message.text:
            try:
                await self.answered(message.what, message.text)
            except (WorkbenchError, OSError) as error:
                self.say(str(error))

    def number(self, what: str, text: str) -> int:
        """A whole number that was typed, with or without the # of a network.

        Raises:
            WorkbenchError: it is none, no seed, or no row of the population.
        """
        name, text, count = self.NETWORKS.get(what, what), text.lstrip("#"), len(self.view.population)
        if not text.isdecimal() or len(text) > DIGITS:
            raise WorkbenchError(f"{name}: expected a number, got {text!r}")
        number = int(text)
        if what == "seed" and number > LARGEST_SEED:
            raise WorkbenchError(f"seed: expected 0 to {LARGEST_SEED:,}, got {text}")
        if what in self.NETWORKS and number >= count:
            there = f"they are #0 to #{count - 1:,}" if count else "there is none"
            raise WorkbenchError(f"{name}: no network #{text}; {there}")
        return number
