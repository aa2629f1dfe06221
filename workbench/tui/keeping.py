"""What the Results pane keeps while another is shown: what there is, what is looked for, the cursor. No screen."""

from dataclasses import dataclass, field

from workbench import past
from workbench.results import Kept
from workbench.text import clean, counted
from workbench.tui.view import View

MOST = 1000
"""Results that are listed; a filter finds the others."""


@dataclass
class ResultsState:
    """What is kept, what is looked for, and where the cursor stands."""

    kept: list[Kept] | None = None
    """Newest first; None until the folder has been looked at."""
    sought: str = ""
    """What a result must have, with commas between: `converge, seed 4, this one`."""
    key: str = ""
    """The result under the cursor."""
    first: str = ""
    """The one that is to be compared."""
    lines: dict[str, str] = field(default_factory=dict)
    """What is searched of each."""

    @classmethod
    def of(cls, view: View) -> "ResultsState":
        """The state that goes with a view."""
        state = view.kept.get("results")
        if not isinstance(state, cls):
            state = view.kept["results"] = cls()
        return state

    def take(self, kept: list[Kept], population: str) -> None:
        """Take over what there is; `population` is the content hash of the one that is open."""
        self.kept = kept
        self.lines = {
            k.key: f"{k.analysis} {where(k, population)} {k.where} {past.words(past.changed(k))} {past.when(k)} "
            f"{'' if k.current else past.OLDER}".lower()
            for k in kept
        }
        there = {k.key for k in kept}
        self.first = self.first if self.first in there else ""

    @property
    def shown(self) -> list[Kept]:
        """Those that have all that is sought."""
        parts = [part.strip() for part in self.sought.lower().split(",")]
        return [k for k in self.kept or () if all(part in self.lines[k.key] for part in parts)]

    def find(self, key: str) -> Kept | None:
        """The result with a key."""
        return next((k for k in self.kept or () if k.key == key), None)

    @property
    def status(self) -> str:
        """What there is, or what a key would do."""
        if self.kept is None:
            return "looking…"
        if not self.kept:
            return "nothing is kept yet: what takes longer than half a second is"
        shown = self.shown
        some = "" if len(shown) == len(self.kept) else f"{len(shown):,} of "
        words = f"{some}{counted(len(self.kept), 'result')}, {past.size(sum(k.size for k in shown))}"
        if self.sought:
            words += f"   only {self.sought}"
        if len(shown) > MOST:
            words += f"   the newest {MOST:,} are listed"
        if self.first:
            words += f"   c compares with {self.first[:8]}"
        return words


def where(kept: Kept, population: str) -> str:
    """Which population a result is of: the one that is open, or another by its name."""
    return "this one" if kept.population == population else clean(kept.name or kept.population[:8], 40)
