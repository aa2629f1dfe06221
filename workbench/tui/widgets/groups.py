"""The survival groups of a population: how many in each, and the whole distribution with its baselines."""

import numpy as np

from workbench.analyses import info
from workbench.drawing import Line, bars
from workbench.groups import CARTPOLE
from workbench.tui.view import View
from workbench.tui.widgets.drawing import Picture

BAR = 8
BINS_HIGH = 5
SIGNS = {"random": "r", "constant": "c", "rule": "θ"}


class GroupsPanel(Picture):
    """Groups with bars, a histogram of survival, baselines under it."""

    def show(self, view: View, frame: info.Frame | None) -> None:
        """Draw a view's population; baselines appear once they are measured."""
        width = max(20, self.size.width)
        if view.group is None:
            self.draw([[("survival is not measured", "dim")], [("in this population", "dim")]])
            return
        survival = np.asarray(view.population["survival"], float)
        counts = CARTPOLE.count(survival)
        lines: list[Line] = []
        for g, name in enumerate(CARTPOLE.names):
            here = view.arrangement.group == g
            bar = "█" * round(BAR * counts[g] / max(1, counts.max()))
            lines.append(
                [(f"{'▶' if here else ' '}{name:<8}{counts[g]:>7,} ", "strong" if here else ""), (bar, "accent")]
            )
        lines.append([])
        bins = width - 2
        measured = survival[np.isfinite(survival)]
        top = max(200.0, measured.max(initial=0.0))
        histogram, _ = np.histogram(measured, bins=bins, range=(0, top))
        lines += [[(" " + line, "accent")] for line in bars((histogram / max(1, histogram.max())).tolist(), BINS_HIGH)]
        ticks = [" "] * bins
        for edge in CARTPOLE.edges:
            ticks[min(bins - 1, int(edge / top * bins))] = "┴"
        lines.append([(" " + "".join(t if t != " " else "─" for t in ticks), "dim")])
        lines.append([(f" 0{f'{top:.0f}'.rjust(bins - 1)}", "dim")])
        if frame is not None:
            marks = [" "] * bins
            for b, name in enumerate(info.BASELINES):
                marks[min(bins - 1, int(frame.baselines[b, 0] / top * bins))] = SIGNS[name]
            lines.append([(" " + "".join(marks), "second")])
            for b, name in enumerate(info.BASELINES):
                lines.append([(f" {SIGNS[name]} {name} agent", "second"), (f" {frame.baselines[b, 0]:.1f}", "")])
        lines.append([])
        lines.append([(f" {len(survival):,} networks", "")])
        if len(measured):
            lines.append([(f" mean {measured.mean():.1f}  sd {measured.std():.1f} steps", "")])
        if frame is not None:
            lines.append([(f" held out {frame.held_out:,}", "dim")])
            wary = frame.not_finite + frame.constant + frame.duplicates
            if frame.done == frame.total and wary:
                lines.append([(f" ! {frame.not_finite} not finite, {frame.constant} constant,", "second")])
                lines.append([(f"   {frame.duplicates} duplicate", "second")])
        self.draw(lines)
