"""What a chart shows, whatever draws it: two distributions, lines, or a matrix. Values only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from workbench.axes import Axis, axis, axis_of, nice_step, number


@dataclass(frozen=True, eq=False)
class Series:
    """Points x, y (n,) in order, told from others by a mark; NaN is a gap. `joined`: a line through them.

    In characters, one that is `above` hides others where they meet, and one without a name is in no legend.
    """

    name: str
    x: NDArray
    y: NDArray
    mark: str = "●"
    style: str = "accent"
    joined: bool = True
    above: bool = False


@dataclass(frozen=True)
class Reference:
    """A dashed line across at a value of y, or upright at one of x."""

    at: float
    name: str = ""
    vertical: bool = False


@dataclass(frozen=True, eq=False)
class Lines:
    """Series on common axes. `x_range` holds the x-axis still while series grow."""

    series: Sequence[Series]
    x_label: str
    y_label: str
    references: Sequence[Reference] = ()
    log_y: bool = False
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    title: str = ""
    names: Sequence[str] = ()
    """What the x 0, 1, ... are called, where they are no numbers."""

    def x_axis(self, most: int) -> Axis:
        """An axis with the x of all series and upright references."""
        if self.names:
            return Axis(-0.4, len(self.names) - 0.6, tuple(map(float, range(len(self.names)))), tuple(self.names))
        if self.x_range is not None:
            return axis(*self.x_range, most, tight=True)
        upright = [r.at for r in self.references if r.vertical]
        return axis_of(*(s.x for s in self.series), upright, most=most, tight=True)

    def y_axis(self, most: int) -> Axis:
        """An axis with the y of all series and references."""
        if self.y_range is not None:
            return axis(*self.y_range, most, self.log_y)
        across = [r.at for r in self.references if not r.vertical]
        return axis_of(*(s.y for s in self.series), across, most=most, log=self.log_y)

    def stops(self) -> NDArray:
        """Every finite x of any series, once and in order."""
        every = np.concatenate([np.asarray(s.x, float) for s in self.series] or [np.zeros(0)])
        return np.unique(every[np.isfinite(every)])


@dataclass(frozen=True, eq=False)
class Histogram:
    """A sample (n,) as bars against a reference as a density curve, on one scale: per cent of each per `per` of x.

    Densities (g,) are on `line_grid` (g,) and integrate to 1; `line_values` (n,) is the sample behind the line.
    """

    range: tuple[float, float]
    bars_values: NDArray
    bars_name: str
    line_grid: NDArray
    line_density: NDArray
    line_name: str
    bars_density: NDArray | None = None
    notes: str = ""
    line_values: NDArray | None = None
    x_label: str = "survival time"
    unit: str = "steps"
    title: str = ""

    @property
    def per(self) -> float:
        """The length of x that heights are per cent of."""
        low, high = self.x_axis(2).low, self.x_axis(2).high
        return nice_step(high - low, 20)

    @property
    def y_label(self) -> str:
        """What heights are."""
        return f"% per {number(self.per)} {self.unit}".rstrip()

    def x_axis(self, most: int) -> Axis:
        """The range, with ticks."""
        return axis(*self.range, most, tight=True)

    def heights(self, values: NDArray, bins: int) -> NDArray:
        """Bars (bins,) over the range; their area is the share of all finite values that lies in it."""
        values = np.asarray(values, float)
        values = values[np.isfinite(values)]
        x = self.x_axis(2)
        counts, _ = np.histogram(values, bins=bins, range=(x.low, x.high))
        return counts * (100 * self.per * bins / (x.high - x.low) / max(1, len(values)))

    def curve(self, density: NDArray) -> NDArray:
        """A density (g,) in the bars' unit."""
        return np.asarray(density, float) * (100 * self.per)

    def curves(self) -> list[NDArray]:
        """The line's curve, and the bars' if there is one."""
        return [self.curve(d) for d in (self.line_density, self.bars_density) if d is not None]

    @staticmethod
    def count(values: NDArray) -> int:
        """How many values are finite."""
        return int(np.isfinite(np.asarray(values, float)).sum())


MOST_OF_FEW = 16.0
"""The top of an axis of counts, where there are fewer."""


@dataclass(frozen=True, eq=False)
class HeatMap:
    """A matrix (r, c) in colours; row 0 above, or below if `upward`. NaN is told apart.

    Its sides are named (`x_names`, `y_names`) or measured (`x_range`, `y_range`: the outer edges), along a logarithm
    with `x_log`, `y_log`; `diverging` has its middle at zero. With `log` values are counts, in shades along a logarithm
    in which 0 is told from 1. `marked` cells (row, column) are framed, and called `marked_label`. `joined` are points
    (k, 2) with a line through them, on the sides' scales (of named sides, cell k is from k to k + 1). In characters,
    cells that are `stretched` fill the room; where there is none for all, each is the mean of several `items`.
    """

    values: NDArray
    x_label: str = ""
    y_label: str = ""
    value_label: str = ""
    x_names: Sequence[str] = ()
    y_names: Sequence[str] = ()
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    value_range: tuple[float, float] | None = None
    diverging: bool = False
    upward: bool = False
    marked: Sequence[tuple[int, int]] = ()
    marked_label: str = "marked"
    items: str = "values"
    title: str = ""
    x_log: bool = False
    y_log: bool = False
    log: bool = False
    joined: NDArray | None = None
    stretched: bool = False

    def x_axis(self, most: int) -> Axis:
        """The axis below: of what is measured, or of cells by their number."""
        columns = np.atleast_2d(self.values).shape[1]
        low, high = self.x_range or (0.0, max(1.0, columns))
        return axis(low, high, most, self.x_log, tight=True)

    def y_axis(self, most: int) -> Axis:
        """The axis upwards, in the same way."""
        rows = np.atleast_2d(self.values).shape[0]
        low, high = self.y_range or (0.0, max(1.0, rows))
        return axis(low, high, most, self.y_log, tight=True)

    def value_axis(self, most: int) -> Axis:
        """The axis of colours."""
        finite = np.asarray(self.values, float)
        finite = finite[np.isfinite(finite)]
        low, high = self.value_range or ((finite.min(), finite.max()) if finite.size else (0.0, 1.0))
        if self.diverging:
            most_either = max(abs(low), abs(high))
            low, high = -most_either, most_either
        if self.log:
            # A good fifth of the axis lies below 1: the first shade is for none.
            high = max(MOST_OF_FEW, float(high))
            low = 0.999 * high**-0.25
        along = axis(low, high, most, self.log, tight=True)
        told = [k for k, tick in enumerate(along.ticks) if tick >= 1 or not self.log]
        return replace(along, ticks=tuple(along.ticks[k] for k in told), labels=tuple(along.labels[k] for k in told))


Panel: TypeAlias = Histogram | Lines | HeatMap
