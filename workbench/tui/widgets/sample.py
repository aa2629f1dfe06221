"""A generated network in a column: where it comes from, then what the inspector shows of any network."""

from textwrap import wrap
from typing import Any

import numpy as np
from textual.app import ComposeResult

from workbench.analyses import dial
from workbench.drawing import Line
from workbench.learning.scoring import COPIED
from workbench.tui.widgets.drawing import Picture
from workbench.tui.widgets.inspector import Inspector

ROOM_FOR_WORDS = 20


class SampleInspector(Inspector):
    """The inspector under a few words about a sample."""

    DEFAULT_CSS = """
    SampleInspector.empty > * { display: none; }
    SampleInspector.empty #origin { display: block; color: $text-muted; }
    """

    def compose(self) -> ComposeResult:
        """The words, then figures, pole and maps."""
        yield Picture(id="origin")
        yield from super().compose()

    def tell(self, words: str, verdict: str = "") -> None:
        """Words above the figures, and what they come to."""
        width = max(ROOM_FOR_WORDS, self.size.width - 1)
        lines: list[Line] = [[(line, "")] for line in wrap(words, width)]
        lines += [[(line, "strong")] for line in wrap(verdict, width)]
        self.query_one("#origin", Picture).draw(lines, grow=True)


def origin(frame: Any, k: int) -> tuple[str, str]:
    """Where network k of a frame comes from: words, and what they come to."""
    if isinstance(frame, dial.Frame):
        predicted, off = frame.predicted[k]
        found = frame.steps[k].mean()
        return (
            f"wanted {frame.target:g} steps, predicted {predicted:.1f} ± {off:.1f}",
            f"off by {found - frame.target:+.1f} steps in fresh episodes",
        )
    row = int(frame.nearest[k])
    if row < 0:
        return "nearest training network: being looked for", ""
    ratio = float(frame.distance[k])
    words = f"nearest training network #{row:,}: same action in {frame.agreement[k]:.0%} of states"
    if np.isnan(ratio):
        return words, ""
    how = "copied" if ratio < COPIED else "not memorised"
    return words, f"{how}: {ratio:.2f} x as far as held-out ones"
