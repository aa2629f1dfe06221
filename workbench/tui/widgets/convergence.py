"""What stands beside the matrix of the Converge pane: the choices, and figures by group."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from workbench.analyses import converge
from workbench.comparing import COLUMNS, CONTROLS
from workbench.drawing import Line, breadth
from workbench.text import clean
from workbench.tui.arranged import Arranged
from workbench.tui.converging import ConvergeState, layers
from workbench.tui.widgets.drawing import Picture

LABEL = 10
ACTIONS = (
    ("r", "compare"), ("enter", "look at the pair"), ("x", "save matrix or figure"), ("X", "save activations"),
    ("=", "the same as a command"),
)  # fmt: skip
GAP = 2
WHOLE, MEAN_AND_INTERVAL = (0, 1, 2), (0, 2)
"""What is said of a group: mean, deviation, interval."""
UNFINISHED = "figures come with the last pair"


class ConvergeChoices(Picture):
    """What will be compared, and how it is shown."""

    def show(self, state: ConvergeState) -> None:
        """Draw the choices as they are."""
        p, width = state.params, max(20, self.size.width)
        several = len(layers(state.view.population.spec)) > 1
        column = COLUMNS[state.shown_column]
        lines: list[Line] = []
        for key, name, value in (
            ("w", "compare", state.own if state.selection is not None else "nothing"),
            ("W", "and", Path(p.other).name if p.other else "no others"),
            ("n", "at most", f"{p.networks:,} networks"),
            ("b", "layer", ("last hidden" if several else "hidden") if p.layer == "hidden" else p.layer),
            ("p", "matching", p.matching),
            ("a", "values", "signed" if p.signed else "absolute"),
            ("d", "states", p.states),
            ("s", "seed", str(p.seed)),
            ("", "", ""),
            ("c", "column", column.heading),
            ("O", "order", f"by {state.by}"),
        ):
            if not key:
                lines.append([])
                continue
            head = [(f"{key} ", "accent"), (f"{name:<{LABEL}}", "dim")]
            room = width - LABEL - 2
            first, *rest = wrap(clean(value, 80), room, break_on_hyphens=False)
            lines += [[*head, (first, "strong")], *([(" " * (LABEL + 2) + more, "strong")] for more in rest)]
        lines.append([])
        wide = max(len(key) for key, _ in ACTIONS) + 1
        lines += [[(f"{key:<{wide}}", "accent"), (words, "")] for key, words in ACTIONS]
        self.draw(lines)


def figure_lines(frame: converge.Frame, column: str, width: int) -> list[Line]:
    """Rows of figures: groups, the best with the worst, controls; the chosen column first, others if they fit."""
    labels = [n for n in converge.shown(frame) if any(frame.statistic(n, c).pairs for c in frame.columns)]
    if not labels:
        return [[(UNFINISHED, "dim")]]
    alike = "larger" if COLUMNS[column].measure.alike else "smaller"
    direction = f"{COLUMNS[column].heading}: {alike} is more alike"
    lines = _side_by_side(frame, column, labels, width)
    told = [direction, _contrast(frame, column)]
    if not lines:
        heads = direction, f"{COLUMNS[column].heading}: {alike}, more alike", COLUMNS[column].heading
        head = next((h for h in heads if breadth(h) <= width), heads[-1])
        lines = [[(head, "strong")], *_narrow(frame, column, labels, width)]
        told = told[head != heads[-1] :]
    return [*lines, *([(part, "dim")] for words in told for part in wrap(words, max(10, width)))]


def _side_by_side(frame: converge.Frame, column: str, labels: Sequence[str], width: int) -> list[Line]:
    """As many columns as fit, all of their figures; no lines if not even one does."""
    names = max(breadth(clean(n, 40)) for n in labels)
    pairs = [f"{max(frame.statistic(n, c).pairs for c in frame.columns):,}" for n in labels]
    counts = max(map(len, (*pairs, "pairs")))
    at, gap = frame.columns.index(column), " " * GAP
    found = [_column(frame, c, labels, WHOLE) for c in (*frame.columns[at:], *frame.columns[:at])]
    room, fitting = width - names - GAP - counts, 0
    for head, _ in found:
        room -= GAP + len(head)
        fitting += room >= 0
    if not fitting:
        return []
    heads, cells = zip(*found[:fitting], strict=True)
    first = " " * names + f"{gap}{'pairs':>{counts}}"
    lines: list[Line] = [
        [(first, "dim"), *((gap + head, "strong" if k == 0 else "dim") for k, head in enumerate(heads))]
    ]
    for row, label in enumerate(labels):
        start = f"{_padded(label, names)}{gap}{pairs[row]:>{counts}}"
        lines.append([(start + "".join(gap + column_cells[row] for column_cells in cells), _style(label))])
    return lines


def _narrow(frame: converge.Frame, column: str, labels: Sequence[str], width: int) -> list[Line]:
    """Means with their intervals in one column, without the number of pairs; below the names, if not beside them."""
    names = max(breadth(clean(n, 40)) for n in labels)
    _, cells = _column(frame, column, labels, MEAN_AND_INTERVAL)
    gap = next((" " * k for k in (GAP, 1) if names + k + max(map(len, cells)) <= width), "")
    if gap:
        return [
            [(_padded(label, names) + gap + cell, _style(label))] for label, cell in zip(labels, cells, strict=True)
        ]
    return [
        [(text, _style(label))]
        for label, cell in zip(labels, cells, strict=True)
        for text in (clean(label, 40), " " * GAP + cell)
    ]


def _padded(label: str, width: int) -> str:
    name = clean(label, 40)
    return name + " " * (width - breadth(name))


def _style(label: str) -> str:
    return "dim" if label in CONTROLS else ""


def _column(frame: converge.Frame, column: str, labels: Sequence[str], parts: Sequence[int]) -> tuple[str, list[str]]:
    """A heading and cells of one width, of some of: mean, deviation, interval."""
    rows = []
    for c in (frame.statistic(label, column) for label in labels):
        write = converge.short if len(parts) == len(WHOLE) else shorter
        told = (write(c.mean), f"± {write(c.std)}", f"[{write(c.low)}, {write(c.high)}]") if c.pairs else ("-", "", "")
        rows.append([told[k] for k in parts])
    means, *others = zip(*rows, strict=True)
    wide = max(map(len, means))
    padded = [[part.ljust(max(map(len, one))) for part in one] for one in others]
    cells = [" ".join(row) for row in zip((mean.rjust(wide) for mean in means), *padded, strict=True)]
    heading = COLUMNS[column].heading
    wide = max(len(heading), len(cells[0]))
    return heading.ljust(wide), [cell.ljust(wide) for cell in cells]


def shorter(value: float) -> str:
    """In as few characters as possible: `23.8`, `3.56`, `.022`."""
    text = f"{value:.1f}" if abs(value) >= 10 else converge.short(value)
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def _contrast(frame: converge.Frame, column: str) -> str:
    """The best group against the worst in this column."""
    share, p_value = frame.contrasts[frame.columns.index(column)].tolist()
    groups = [name for name in frame.groups if name in frame.labels and "unmeasured" not in name]
    if np.isnan(share) or len(groups) < 2:
        return ""
    smaller = share >= 0.5
    sign, share = ("<", share) if smaller else (">", 1 - share)
    return f"{groups[0]} {sign} {groups[-1]} in {share:.0%} of resamples, p {p_value:.2g}"


class GroupFigures(VerticalScroll, can_focus=True):
    """What it comes to, and the figures by group behind it."""

    DEFAULT_CSS = """
    GroupFigures { scrollbar-size-vertical: 1; }
    GroupFigures Static { height: auto; }
    GroupFigures #sentence { text-style: bold; }
    GroupFigures #table { margin: 1 0; }
    GroupFigures.-table-first #table { margin: 0 0 1 0; }
    GroupFigures #about { color: $text-muted; }
    """

    def compose(self) -> ComposeResult:
        """What it comes to, and the figures behind it."""
        yield Static(id="sentence", markup=False)
        yield Picture(id="table")
        yield Static(id="about", markup=False)

    def put_first(self, table: bool) -> None:
        """The table above the sentence, or below: what is above is seen on small screens too."""
        self.set_class(table, "-table-first")
        first, second = (self.query_one(name) for name in (("#table", "#sentence")[:: 1 if table else -1]))
        if self.children.index(first) > self.children.index(second):
            self.move_child(first, before=second)

    def show(self, shown: Arranged | None) -> None:
        """Draw the figures of what is shown."""
        if shown is None:
            self._say("#sentence", "")
            self._say("#about", "here it says what the matrix comes to: groups, and what controls give")
            self._draw([])
            return
        frame = shown.frame
        lines = figure_lines(frame, shown.column, self.scrollable_content_region.width)
        self._draw(lines)
        self._say("#sentence", frame.sentence)
        caption = [converge.CAPTION] if frame.labels else []
        self._say("#about", "\n".join([*caption, frame.described, *frame.notes]))

    def _draw(self, lines: list[Line]) -> None:
        table = self.query_one("#table", Picture)
        if table.styles.height is None or table.styles.height.value != len(lines):
            table.styles.height = len(lines)
        table.draw(lines)

    def _say(self, where: str, words: str) -> None:
        box = self.query_one(where, Static)
        words = "\n".join(clean(line, 2000) for line in words.split("\n"))
        if box.content != words:
            box.update(words)
