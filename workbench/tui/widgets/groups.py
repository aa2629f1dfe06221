"""The groups of a population by survival or return: how many in each, and the whole distribution with its baselines."""

import numpy as np

from workbench.analyses import info
from workbench.drawing import Line, bars
from workbench.text import counted
from workbench.tui.view import View
from workbench.tui.widgets.drawing import Picture

BAR = 8
BINS_HIGH = 5
SIGNS = {"random": "r", "constant": "c", "rule": "θ"}


class GroupsPanel(Picture):
    """Groups with bars, a histogram of survival or return, baselines under it."""

    def show(self, view: View, frame: info.Frame | None) -> None:
        """Draw a view's population; baselines appear once they are measured."""
        width = max(20, self.size.width)
        if view.group is None:
            name = view.population.measure.name
            self.draw([[(f"{name} is not measured", "dim")], [("in this population", "dim")]])
            return
        measure, groups, values = view.population.measure, view.population.groups, view.population.performance
        counts, wide = groups.count(values), max(map(len, groups.names))
        lines: list[Line] = []
        for g, name in enumerate(groups.names):
            here = view.arrangement.group == g
            bar = "█" * round(BAR * counts[g] / max(1, counts.max()))
            bar = bar[: max(1, width - wide - 9)]
            lines.append(
                [(f"{'▶' if here else ' '}{name:<{wide}}{counts[g]:>7,} ", "strong" if here else ""), (bar, "accent")]
            )
        lines.append([])
        bins = width - 2
        measured = values[np.isfinite(values)]
        low, top = measure.range(max(200.0, measured.max(initial=0.0)), measured)
        histogram, _ = np.histogram(measured, bins=bins, range=(low, top))

        def place(value: float) -> int:
            return min(bins - 1, max(0, int((value - low) / (top - low) * bins)))

        lines += [[(" " + line, "accent")] for line in bars((histogram / max(1, histogram.max())).tolist(), BINS_HIGH)]
        ticks = [" "] * bins
        for edge in groups.edges:
            ticks[place(edge)] = "┴"
        lines.append([(" " + "".join(t if t != " " else "─" for t in ticks), "dim")])
        first = f"{low:.0f}"
        lines.append([(f" {first}{f'{top:.0f}'.rjust(bins - len(first))}", "dim")])
        if frame is not None:
            marks = [" "] * bins
            for b, name in enumerate(frame.agents):
                marks[place(frame.baselines[b, 0])] = SIGNS[name]
            lines.append([(" " + "".join(marks), "second")])
            for b, name in enumerate(frame.agents):
                lines.append([(f" {SIGNS[name]} {name} agent", "second"), (f" {frame.baselines[b, 0]:.1f}", "")])
        lines.append([])
        lines.append([(f" {counted(len(values), 'network')}", "")])
        if len(measured):
            lines.append([(f" mean {measured.mean():.1f}  sd {measured.std():.1f}{measure.unit}", "")])
        if frame is not None:
            lines.append([(f" held out {frame.held_out:,}", "dim")])
            wary = frame.not_finite + frame.constant + frame.duplicates
            if frame.done == frame.total and wary:
                lines.append([(f" ! {frame.not_finite} not finite, {frame.constant} constant,", "second")])
                lines.append([(f"   {frame.duplicates} duplicate", "second")])
        self.draw(lines)
