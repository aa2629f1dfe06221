"""Two networks compared, in pictures: matrices in shades, and measures in a table."""

import numpy as np
from rich.style import Style

from workbench.analyses import pair
from workbench.comparing import COLUMNS
from workbench.drawing import Line
from workbench.figures import HeatMap
from workbench.matrices import HEAT, SIGN, heat_map_lines
from workbench.text import clean
from workbench.tui.widgets.chart import Chart
from workbench.tui.widgets.shades import shade_rules

SHADES = frozenset((*HEAT, *SIGN))


class HeatMapChart(Chart):
    """A matrix in shades, without a cursor."""

    COMPONENT_CLASSES = {f"matrix--{name}" for name in SHADES}
    DEFAULT_CSS = shade_rules("HeatMapChart")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.panel: HeatMap | None = None
        self.missing = ""

    def on_mount(self) -> None:
        """As many colours as the terminal has; without any, the shades are plain."""
        if not self.app.no_color:
            few = self.app.native_ansi_color or self.app.console.color_system in ("standard", "windows")
            self.add_class("-few" if few else "-many")

    def show(self, panel: HeatMap | None, missing: str = "") -> None:
        """Show a matrix, or why there is none."""
        self.panel, self.missing = panel, missing
        self.paint()

    def lines(self, width: int, height: int) -> list[Line]:
        """The matrix for a size."""
        if self.panel is None:
            return [[(self.missing[:width], "dim")]]
        return heat_map_lines(self.panel, width, height)

    def style_of(self, name: str) -> Style:
        """The style with this name; shades have their own."""
        if name in SHADES:
            return self.rich_style + self.get_component_rich_style(f"matrix--{name}")
        return super().style_of(name)


def measure_lines(frame: pair.Frame, width: int) -> list[Line]:
    """Every measure both ways; in full and with their source where there is room."""
    rows = []
    for name in frame.columns:
        column, (there, back) = COLUMNS[name], frame.value(name)
        alike = f"{'larger' if column.measure.alike else 'smaller'} is more alike"
        rows.append((column.heading, _figure(there), _figure(back), alike, column.title, column.measure.source))
    heads = ("", "→", "←", "", "", "")
    widths = [max(len(line[k]) for line in (heads, *rows)) for k in range(len(heads))]
    fitting = next((k for k in range(len(heads), 3, -1) if sum(widths[:k]) + 2 * (k - 1) <= width), 3)
    lines: list[Line] = [[("  ".join(_aligned(heads, widths, 3)), "dim")]]
    for row in rows:
        cells = _aligned(row, widths, fitting)
        lines.append([("  ".join(cells[:3]), ""), ("".join(f"  {cell}" for cell in cells[3:]), "dim")])
    return lines


def _figure(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _aligned(cells: tuple[str, ...], widths: list[int], count: int) -> list[str]:
    return [c.rjust(w) if k in (1, 2) else c.ljust(w) for k, (c, w) in enumerate(zip(cells, widths, strict=True))][
        :count
    ]


def notes(frame: pair.Frame) -> list[str]:
    """States and options, and units that were left out."""
    left_out = [
        f"constant units of {clean(name, 40)}, left out of CD: {', '.join(map(str, units))}"
        for name, units in zip(frame.names, frame.constant, strict=True)
        if units
    ]
    return [clean(pair.described(frame), 300), *left_out]
