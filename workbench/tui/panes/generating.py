"""Panes that work with a trained generator: they look for those there are, and go from one to the next."""

import asyncio
from pathlib import Path
from typing import ClassVar

from workbench.errors import WorkbenchError
from workbench.tui.panes.folding import FoldingPane
from workbench.tui.sampling import Trained, following, trained


class GeneratingPane(FoldingPane):
    """A pane whose state has `trained`, and `params` with a generator and a seed; a subclass, what a choice does."""

    TRAINS: ClassVar[str] = "t in the Sample pane (2) trains one"
    """Where a generator comes from."""

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

    def _choose(self, **changes: object) -> None:
        """Change choices, and what follows from them."""
        raise NotImplementedError

    def action_generator(self) -> None:
        """The next trained generator."""
        found = [t.asked for t in self.state.trained or ()]
        if len(found) > 1:
            self._choose(generator=following(found, self.state.params.generator))
        else:
            self.say(f"no other trained generator for these networks; {self.TRAINS}")

    def action_seed(self) -> None:
        """The next seed."""
        self._choose(seed=self.state.params.seed + 1)
