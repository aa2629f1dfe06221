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

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._width = self._high = 0

    def compose(self) -> ComposeResult:
        """The words, then figures, pole and maps."""
        yield Picture(id="origin")
        yield from super().compose()

    def tell(self, words: tuple[str, ...], verdict: str = "", name: str = "") -> None:
        """What it is, words about it, and what they come to."""
        width, picture = self.size.width - 1, self.query_one("#origin", Picture)
        if width < ROOM_FOR_WORDS:
            return
        said = [(name, "strong"), *((line, "") for line in words), (verdict, "strong")]
        lines: list[Line] = [[(line, style)] for text, style in said for line in wrap(text, width)]
        # Higher when it must be, lower only for another width: every new height lays the screen out anew.
        self._high = max(len(lines), self._high if width == self._width else 0)
        self._width = width
        if picture.styles.height is None or picture.styles.height.value != self._high:
            picture.styles.height = self._high
        picture.draw(lines)


def origin(frame: Any, k: int) -> tuple[tuple[str, ...], str]:
    """Where network k of a frame comes from: words, and what they come to."""
    if isinstance(frame, dial.Frame):
        predicted, off = frame.predicted[k]
        words = f"wanted {frame.target:g}{frame.measure.unit}, predicted {predicted:.1f} ± {off:.1f}"
        off_by = f"{frame.steps[k].mean() - frame.target:+.1f}{frame.measure.unit}"
        return (words,), f"off by {off_by} in fresh episodes"
    row, ratio = int(frame.nearest[k]), float(frame.distance[k])
    if row < 0:
        return ("its nearest training network is looked for",), ""
    nearest = f"nearest training network #{row:,}:", f"same action in {frame.agreement[k]:.0%} of states"
    if np.isnan(ratio):
        return nearest, ""
    return nearest, f"{'copied' if ratio < COPIED else 'not memorised'}: {ratio:.2f} x held-out distance"
