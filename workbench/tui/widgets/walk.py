"""A walk between two agents: Figure 7 with a cursor, the agent under it, what the walk comes to, and the choices."""

from dataclasses import replace
from textwrap import wrap

import numpy as np

from workbench.analyses import sweep
from workbench.drawing import Line, cut
from workbench.panels import Lines
from workbench.performance import SURVIVAL, measure_named
from workbench.sweeping import TOLD
from workbench.text import clean
from workbench.tui.interpolating import CAPS, InterpolateState
from workbench.tui.sampling import following
from workbench.tui.widgets.chart import Chart, LineChart, Tile
from workbench.tui.widgets.drawing import Picture

HERE = "▸"
"""Before the path that one stands on."""
LABEL = 8
TILES = 24
"""More than other charts have: the cursor is a column, and goes far."""
BRIEF = 4
"""Lines below which an agent is told in sentences."""
ACTIONS = (("v", "swap A and B"), ("W", "walk many pairs"), ("L", "landscape"), ("x", "save"), ("=", "as a command"))


class WalkChart(LineChart):
    """Survival along every path."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tiles = [Tile(self) for _ in range(TILES)]

    def show_walk(self, panel: Lines | None, cursor: int | None) -> None:
        """Show a panel with the cursor at one of its stops, drawn once."""
        self.panel, self.cursor = panel, cursor
        self.paint()


def title(frame: sweep.Frame) -> str:
    """Who is at both ends, and how long they survive themselves."""
    a, b = (f"{name} ({steps:.1f})" for name, steps in zip(frame.names, frame.originals, strict=True))
    return f"A {a} → B {b}"


def picture(frame: sweep.Frame, path: str, close: bool = False, name: str = "") -> Lines:
    """Figure 7 in short names: a line goes through the points of one path.

    `close`: the axis of survival shows only what there is; `name`: a title, which leaves no room to name the axes.
    """
    panel = sweep.panel(frame)
    series = [
        replace(s, name=f"{HERE if p == path else ''}{p}", joined=p == path, above=p == path)
        for s, p in zip(panel.series, frame.paths, strict=False)
    ]
    straight = replace(panel.series[-1], name="" if name else "straight line")
    return replace(
        panel, series=(straight, *series), title=name, y_label="" if name else panel.y_label,
        y_range=None if close else measure_named(frame.measure).range(frame.cap, frame.survival),
    )  # fmt: skip


def words(frame: sweep.Frame) -> str:
    """What the walk comes to, and the key that may tell more."""
    text = sweep.sentence(frame)
    higher = following(CAPS, frame.cap)
    if all(frame.pattern(path).saturated for path in frame.paths) and higher > frame.cap:
        text += f" c raises it to {higher}."
    return text


def words_height(frame: sweep.Frame | None, width: int) -> int:
    """Lines that the sentence may take, whatever it says: a height that changes would make the picture jump."""
    paths = len(frame.paths) if frame is not None else 4
    return -(-(46 * paths + 100) // max(20, width))


class WalkWords(Picture):
    """What the walk comes to, and in the lines that are left what that is of."""

    def show(self, frame: sweep.Frame) -> None:
        """Wrap both; what does not fit is cut."""
        width, height = max(20, self.size.width), self.size.height
        lines: list[Line] = []
        for text, style in ((words(frame), "strong"), (sweep.about(frame), "dim")):
            lines += [[(part, style)] for part in wrap(clean(text, 2000), width, break_on_hyphens=False)]
        if len(lines) > height > 0:
            text, style = lines[height - 1][0]
            lines[height - 1] = [(f"{text[: width - 1]}…", style)]
        self.draw(lines[:height])


def agent_words(frame: sweep.Frame, k: int, t: int, brief: bool = False) -> tuple[str, list[str]]:
    """The agent at a place: how long it survives; then whom it is like, its nearest training network, how it moves."""
    network = "" if brief else "training network "
    lasted, off = frame.survival[k, t], 1.96 * frame.error[k, t]
    told = []
    if np.isfinite(frame.agreement[k, t]).all():
        as_a, as_b = frame.agreement[k, t]
        told.append(f"acts as A {as_a:.0%}, as B {as_b:.0%}" + ("" if brief else " of states"))
    if frame.nearest[k, t] >= 0:
        away = frame.distance[k, t]
        far = "" if np.isnan(away) else f", {away:.2f} x held-out distance"
        told.append(f"nearest {network}#{frame.nearest[k, t]:,}{far}")
    if np.isfinite(frame.lean[k, t]).all():
        x, angle, sharpness = frame.lean[k, t]
        told.append(f"lean {x:+.2f} m {np.degrees(angle):+.1f}°  sharpness {sharpness:.2f}")
    measure = measure_named(frame.measure)
    verb = "survives" if measure is SURVIVAL else measure.name
    return f"{verb} {lasted:.1f} ± {off:.1f}{measure.unit}", told


class AgentFigures(Chart):
    """The agent under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.agent: tuple[sweep.Frame, int, int] | None = None

    def show(self, frame: sweep.Frame, k: int, t: int) -> None:
        """Show the agent at one alpha of one path."""
        self.agent = frame, k, t
        self.paint()

    def lines(self, width: int, height: int) -> list[Line]:
        """A line a figure where there is room, else two lines."""
        if self.agent is None:
            return []
        frame, k, t = self.agent
        mark = sweep.MARKS[frame.paths[k]]
        head = [(f"{mark} ", sweep.STYLES[frame.paths[k]]), (f"{frame.paths[k]} at {frame.alphas[t]:.2f}", "strong")]
        lasted, told = agent_words(frame, k, t, height < BRIEF)
        if height < BRIEF:
            like = "".join(f"  {one}" for one in told[:1])
            brief: list[Line] = [[*head, (f"  {lasted}", ""), (like, "dim")], [("  ".join(told[1:]), "dim")]]
            return [cut(line, width) for line in brief[:height]]
        lines: list[Line] = [head, [(lasted, "strong")], []]
        for one in told:
            lines += [[(part, "")] for part in wrap(one, max(20, width), subsequent_indent="  ")]
        return lines[:height]


class WalkChoices(Picture):
    """What is walked, each with the key that changes it."""

    def show(self, state: InterpolateState) -> None:
        """Draw the choices as they are."""
        width = max(20, self.size.width)
        p, chosen, frame = state.params, state.generator, state.frame
        rows = [("a", "A", f"#{p.first}"), ("b", "B", f"#{p.second}")]
        if chosen is not None and state.trained:
            among = f" {state.trained.index(chosen) + 1}/{len(state.trained)}" if len(state.trained) > 1 else ""
            rows += [("G", "generator", f"{chosen.name}{among}"), ("g", "group", p.group)]
        rows += [
            ("R", "alpha", f"{p.low:g} to {p.high:g}"), ("n", "points", str(p.points)), ("c", "cap", str(p.cap)),
            ("s", "seed", str(p.seed)), ("P", "paths", state.which),
        ]  # fmt: skip
        lines: list[Line] = [
            [(f"{key} ", "accent"), (f"{name:<11}", "dim"), (clean(value, 40), "strong")] for key, name, value in rows
        ]
        paths = frame.paths if frame is not None else ()
        told = {path: wrap(TOLD[path], max(10, width - LABEL - 5)) for path in paths}
        if len(lines) + sum(map(len, told.values())) + len(ACTIONS) + 1 > self.size.height:
            told = {path: [""] for path in paths}
        for path, (first, *rest) in told.items():
            sign = HERE if path == state.here else " "
            mark = [(sign, "strong"), (f"{sweep.MARKS[path]} ", sweep.STYLES[path]), (f"{path:<{LABEL + 1}}", "")]
            lines += [[*mark, (first, "dim")], *([(" " * (LABEL + 4) + part, "dim")] for part in rest)]
        if len(lines) + len(ACTIONS) < self.size.height:
            lines.append([])
        lines += [[(f"{key} ", "accent"), (does, "")] for key, does in ACTIONS]
        self.draw(lines)
