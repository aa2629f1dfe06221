"""How generated networks score: a picture, a table, and a sentence."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from workbench.analyses import dial, sample
from workbench.charts import histogram_lines, series_lines
from workbench.drawing import Line, breadth
from workbench.panels import Histogram, Lines, Reference, Series
from workbench.paper import SAMPLED, TABLE_1_SAMPLES
from workbench.performance import SURVIVAL
from workbench.text import clean, counted
from workbench.tui.sampling import SampleState, Shown
from workbench.tui.widgets.chart import Chart
from workbench.tui.widgets.drawing import Picture
from workbench.tui.widgets.latent import MARK

GAPS = (1, 2)
"""Blanks between columns: two, unless too few columns fit then."""
ENOUGH = 4
ROWS = 4 + len(sample.CONTROLS)
"""The paper's row, the generator's, two of the faithful one and the controls'."""

NEAR = 20.0
"""What a chart shows at least on either side of a wanted survival time or return."""


class PanelChart(Chart):
    """A histogram or lines, whatever there is to show."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.panel: Histogram | Lines | None = None

    def show_panel(self, panel: Histogram | Lines | None) -> None:
        """Show a panel; None empties the chart."""
        self.panel = panel
        self.paint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The panel for a size."""
        if isinstance(self.panel, Histogram):
            return histogram_lines(self.panel, width, height)
        return series_lines(self.panel, width, height) if self.panel is not None else []


class ScoreTable(Picture, can_focus=True):
    """A named row a line; columns that do not fit are left out, so that one may ask which come first."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.headings: Sequence[str] = ()
        self.rows: Sequence[tuple[str, Sequence[str]]] = ()
        self.strong = -1
        self.first = 0
        self.other = ""
        self.hidden = 0
        """Columns that there was no room for."""

    def show(
        self,
        headings: Sequence[str],
        rows: Sequence[tuple[str, Sequence[str]]],
        strong: int = -1,
        first: int = 0,
        other: str = "",
        expected: int = 0,
    ) -> None:
        """Show rows of (name, cells), one of them strong.

        Columns begin with `first`, the others follow; `other` says, where there is no room for all, how to see those.
        There is room for `expected` rows at least.
        """
        self.headings, self.rows, self.strong, self.first, self.other = headings, rows, strong, first, other
        height = max(len(rows), expected) + bool(headings)
        # A size of its own lays out the screen anew: only when it has to be another.
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height
        self._paint()

    def on_resize(self, _event: events.Resize) -> None:
        """Other columns may fit."""
        self._paint()

    def _paint(self) -> None:
        order = [*range(self.first, len(self.headings)), *range(min(self.first, len(self.headings)))]
        widths = {
            k: max([breadth(self.headings[k]), *(breadth(cells[k]) for _, cells in self.rows if k < len(cells))])
            for k in order
        }
        names = max([0, *(breadth(name) for name, _ in self.rows)])
        fitting = [(self._fitting(order, widths, names, gap), gap) for gap in GAPS]
        shown, gap = max(fitting, key=lambda f: (min(len(f[0]), ENOUGH), f[1]))
        self.hidden = len(order) - len(shown)
        lines: list[Line] = []
        if self.headings:
            other = self.other[: names + 1] if self.hidden else ""
            lines.append([(other.ljust(names + 1) + self._joined(self.headings, shown, widths, gap), "dim")])
        for row, (name, cells) in enumerate(self.rows):
            sign = "▶" if row == self.strong else " "
            told = f"{sign}{name}{' ' * (names - breadth(name))}{self._joined(cells, shown, widths, gap)}"
            lines.append([(told, "strong" if row == self.strong else "")])
        self.draw(lines)

    def _fitting(self, order: Sequence[int], widths: dict[int, int], names: int, gap: int) -> list[int]:
        room = self.size.width - names - 1
        shown = []
        for k in order:
            room -= widths[k] + gap
            if room < 0:
                break
            shown.append(k)
        return shown

    @staticmethod
    def _joined(cells: Sequence[str], shown: Sequence[int], widths: dict[int, int], gap: int) -> str:
        return "".join(
            " " * (gap + widths[k] - breadth(cells[k] if k < len(cells) else "")) + (cells[k] if k < len(cells) else "")
            for k in shown
        )


def picture(frame: Any) -> Histogram | Lines:
    """Figure 4 of samples; of the dial, what was predicted of each policy and what came of it."""
    if isinstance(frame, sample.Frame):
        return replace(sample.panel(frame), title="")
    at = np.arange(len(frame.weights), dtype=float)
    series = (
        Series("predicted", at, frame.predicted[:, 0], "○", "second", joined=False),
        Series("confirmed", at, frame.steps.mean(1), "●", "accent", joined=False),
    )
    wanted = Reference(frame.target, f"wanted {frame.target:g}")
    away = max([NEAR, *(float(np.abs(s.y - frame.target).max()) * 1.1 for s in series)])
    bottom = 0.0 if frame.measure is SURVIVAL else -np.inf
    span = max(bottom, frame.target - away), min(frame.measure.top(frame.cap), frame.target + away)
    return Lines(series, "policy", frame.measure.label, (wanted,), y_range=span)


def rows(frame: Any) -> tuple[list[str], list[tuple[str, list[str]]], int]:
    """Headings, named rows of cells, and which row is strong."""
    if isinstance(frame, sample.Frame):
        headings = [words for _, words in sample.HEADINGS]
        floor = [name for name, _ in sample.HEADINGS].index("w1")
        headings[floor] = f"W1 (floor {frame.floor:.1f})"
        theirs = TABLE_1_SAMPLES.get(frame.group if frame.measure == SURVIVAL.name else "")
        found = [(clean(name, 40), sample.cells(row)) for name, row in frame.rows.items()]
        if theirs is None:
            return headings, found, 0
        paper = [f"{theirs.mean}", f"{theirs.std}"]
        paper += ["-"] * (len(headings) - len(paper))
        return headings, [(f"paper, {SAMPLED} samples", paper), *found], 1
    out: Any = dial.table(frame).renderables[0]
    columns = [[str(cell) for cell in column.cells] for column in out.columns]
    cells = [list(line) for line in zip(*columns, strict=True)]
    return [str(c.header) for c in out.columns[1:]], [(f"{out.columns[0].header} {c[0]}", c[1:]) for c in cells], -1


def title(shown: Shown) -> str:
    """What is shown, in a line."""
    frame, count = shown.frame, len(shown.watched)
    if shown.dialled:
        return f"{count:,} policies dialled to {frame.target:g}{frame.measure.unit}"
    params = shown.job.params
    without = f" without {params.without}" if params.without else ""
    return f"{counted(count, 'sample')} of {frame.group}{without}  {frame.source}  {frame.selector}  seed {frame.seed}"


class ScorePanel(Vertical):
    """The picture, the figures, and what they come to."""

    DEFAULT_CSS = """
    ScorePanel #empty { height: 1fr; content-align: center middle; text-align: center; color: $text-muted;
        display: none; }
    ScorePanel.empty #empty { display: block; }
    ScorePanel.empty #picture, ScorePanel.empty #verdict, ScorePanel.empty #about { display: none; }
    ScorePanel #verdict { height: auto; text-style: bold; }
    ScorePanel #about { height: auto; color: $text-muted; display: none; }
    ScorePanel.-tall #about { display: block; }
    """

    def compose(self) -> ComposeResult:
        """Above each other."""
        yield PanelChart(id="picture")
        yield Static(id="empty", markup=False)
        yield ScoreTable(id="score")
        yield Static(id="verdict", markup=False)
        yield Static(id="about", markup=False)

    @property
    def table(self) -> ScoreTable:
        """The figures."""
        return self.query_one(ScoreTable)

    def show(self, state: SampleState) -> None:
        """Draw what is shown, or say how to get it."""
        shown, table = state.shown, self.table
        self.set_class(shown is None, "empty")
        name = "samples" if shown is None else clean(title(shown), 100)
        if self.border_title != name:
            self.border_title = name
        if shown is None:
            self._say("#empty", state.empty)
            self.query_one(PanelChart).show_panel(None)
            table.show((), ())
        else:
            frame = shown.frame
            self.query_one(PanelChart).show_panel(picture(frame))
            headings, found, strong = rows(frame)
            if shown.dialled:
                found = [(f"{MARK if k in state.marks else ' '}{name}", told) for k, (name, told) in enumerate(found)]
                strong = state.cursor
            expected = ROWS if frame.done < frame.total else 0
            other = "" if shown.dialled else " w other columns"
            table.show(headings, found, strong, sample.OF_SURVIVAL if state.ratios and other else 0, other, expected)
            self._say("#verdict", dial.sentence(frame) if shown.dialled else frame.sentence)
            about = "" if shown.dialled else sample.about(frame)
            if about and (state.ratios or len(headings) - table.hidden > sample.OF_SURVIVAL):
                about = f"{about}; {sample.RATIOS_ARE}"
            self._say("#about", about)

    def _say(self, where: str, words: str) -> None:
        box = self.query_one(where, Static)
        words = "\n".join(clean(line, 2000) for line in words.split("\n"))
        if box.content != words:
            box.update(words)
