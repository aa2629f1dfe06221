"""Everything about one network in a column: figures, episodes, weights by unit, decisions, and the pole itself."""

import numpy as np
from numpy.typing import NDArray
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from workbench.analyses import policy
from workbench.axes import number
from workbench.drawing import Line, bars
from workbench.physics import is_cartpole
from workbench.policies import layers
from workbench.population import FINGERPRINT, HELD_OUT, Population
from workbench.scenes import scene_height
from workbench.text import clean
from workbench.tui.view import format_value, heading
from workbench.tui.widgets.drawing import Picture
from workbench.tui.widgets.rollout import RolloutView

POSITIVE = "·░▒▓█"
NEGATIVE = "·-~=≡"
"""Four sizes of either sign, told apart without colour."""
INPUT_NAMES = ("x", "ẋ", "θ", "θ̇")
PLANE_ROWS = 9


def _add(pieces: list[tuple[str, str]], text: str, style: str) -> None:
    """Add text to a line; text of one style stays one piece, since every piece costs bytes on the wire."""
    if pieces and pieces[-1][1] == style:
        pieces[-1] = (pieces[-1][0] + text, style)
    else:
        pieces.append((text, style))


def shades(values: NDArray, scale: float) -> list[tuple[str, str]]:
    """Numbers (n,) as one character each: size by density, sign by shape and colour; runs of one style are joined."""
    pieces: list[tuple[str, str]] = []
    for value in values:
        if not np.isfinite(value):
            sign, style = "!", "strong"
        else:
            level = min(4, int(np.ceil(4 * abs(value) / scale))) if scale > 0 else 0
            sign = (POSITIVE if value >= 0 else NEGATIVE)[level]
            style = "dim" if level == 0 else "first" if value > 0 else "second"
        _add(pieces, sign, style)
    return pieces


def weight_lines(population: Population, row: int, width: int) -> list[Line]:
    """The weights of one network as a map: for each layer a line an input, a column a unit.

    The output layer is turned on its side, so that one column is one hidden unit from top to bottom.
    """
    spec = population.spec
    weights = np.asarray(population.weights[row])
    finite = np.abs(weights[np.isfinite(weights)])
    # A single large weight must not blank the others.
    scale = float(np.quantile(finite, 0.98)) if len(finite) else 0.0
    legend = f"weights by unit: {POSITIVE[1:]} >0 {NEGATIVE[1:]} <0 full {scale:.2g}"
    lines: list[Line] = [[(legend, "dim")]]
    parts = layers(weights, spec)
    for k, (matrix, bias) in enumerate(parts):
        last = k + 1 == len(parts)
        table = matrix if last else matrix.T
        for j, line in enumerate(table):
            if last:
                name = ("left", "right")[j] if is_cartpole(spec) else f"out {j}"
            elif k == 0:
                name = f"in {INPUT_NAMES[j] if is_cartpole(spec) else j}"
            else:
                name = f"h{k} {j}"
            lines.append([(f"{name:<6}", "dim"), *shades(line[: max(0, width - 7)], scale)])
            # A combining dot takes no cell of its own.
            if "̇" in name:
                lines[-1] = [(f"{name:<7}", "dim"), *lines[-1][1:]]
        if bias is not None and not last:
            lines.append([("bias  ", "dim"), *shades(bias[: max(0, width - 7)], scale)])
    return lines


def episode_lines(frame: policy.Frame, width: int) -> list[Line]:
    """How long the episodes lasted, as a small histogram with its axis."""
    bins = max(10, min(40, width - 2))
    counts, _ = np.histogram(frame.steps, bins=bins, range=(0, frame.cap))
    lines: list[Line] = [[(line, "accent")] for line in bars((counts / max(1, counts.max())).tolist(), 2)]
    axis = f"0{'steps'.center(bins - 1 - len(str(frame.cap)))}{frame.cap}"
    return [*lines, [(axis, "dim")]]


def moving(frame: policy.Frame) -> str:
    """How a network of Cart-Pole moves; of another, its episodes."""
    x, angle, sharpness = frame.behaviour
    if np.isfinite(x):
        return f"lean {x:+.2f} m {np.degrees(angle):+.1f}°  sharpness {sharpness:.2f}"
    if not np.isfinite(frame.values).any():
        return ""
    worst, median, best = (number(float(v)) for v in np.nanquantile(frame.values, [0, 0.5, 1]))
    return f"worst {worst}  median {median}  best {best}"


def plane_lines(frame: policy.Frame, width: int) -> list[Line]:
    """Where it pushes right: pole angle across, angular velocity up, the cart at rest in the middle."""
    if not frame.margin.size:
        return []
    across = min(frame.margin.shape[0], width - 8)
    columns = np.linspace(0, frame.margin.shape[0] - 1, across).round().astype(int)
    rows = np.linspace(frame.margin.shape[1] - 1, 0, PLANE_ROWS).round().astype(int)
    limit, fastest = np.degrees(frame.angles[-1]), frame.velocities[-1]
    lines: list[Line] = [[("in the middle it pushes ", "dim"), ("█ right ", "first"), ("- left", "second")]]
    for k, row in enumerate(rows):
        label = f"{fastest:+.0f}" if k == 0 else f"{-fastest:+.0f}" if k == PLANE_ROWS - 1 else "θ̇" if k == 4 else ""
        pad = 5 + ("̇" in label)
        pieces: list[tuple[str, str]] = [(f"{label:>{pad}} ", "dim")]
        for right in frame.margin[columns, row] > 0:
            _add(pieces, *(("█", "first") if right else ("-", "second")))
        lines.append(pieces)
    axis = f"{-limit:.0f}°{'θ'.center(across - 6)}{limit:+.0f}°"
    return [*lines, [(" " * 6 + axis, "dim")]]


class Inspector(VerticalScroll, can_focus=True):
    """The network under the cursor. Weights and columns at once; the rest when the service has measured it."""

    def compose(self) -> ComposeResult:
        """Figures above, the pole, then the maps."""
        yield Picture(id="figures")
        yield RolloutView(id="rollout")
        yield Picture(id="maps")

    @property
    def rollout(self) -> RolloutView:
        """The episode being watched."""
        return self.query_one(RolloutView)

    def show(self, population: Population | None, row: int | None, frame: policy.Frame | None, note: str = "") -> None:
        """Show a network; `frame` is None until it is measured, and `note` says why that takes time."""
        figures, maps = self.query_one("#figures", Picture), self.query_one("#maps", Picture)
        if population is None or row is None:
            figures.draw([[("no network under the cursor", "dim")]])
            maps.draw([])
            self.rollout.load(None)
            return
        width = max(20, self.size.width - 2)
        lines: list[Line] = [[(f"#{row} ", "strong"), (self._identity(population, row), "dim")]]
        if frame is None:
            lines += [[(note or "measuring…", "dim")], [], [], [], []]
        else:
            half = (frame.high - frame.low) / 2
            lines.append(
                [
                    (f"{frame.measure} {frame.mean:.1f}", "strong"),
                    (f" ± {half:.1f} (95 %, n {len(frame.steps)}, seed {frame.seed})", "dim"),
                ]
            )
            lines.append([(moving(frame), "")])
            lines += episode_lines(frame, width)
        figures.draw(lines, grow=True)
        about = self._hyperparameters(population, row, width)
        below = [*about, *weight_lines(population, row, width), *(plane_lines(frame, width) if frame else [])]
        maps.draw(below, grow=True)
        if frame is not None:
            height = 2 + scene_height(population.spec)
            if not is_cartpole(population.spec) and self.rollout.size.height != height:
                self.rollout.styles.height = height
            self.rollout.show(population.spec, frame)

    @staticmethod
    def _identity(population: Population, row: int) -> str:
        parts = []
        if FINGERPRINT in population.columns:
            parts.append(format_value(FINGERPRINT, population[FINGERPRINT][row]))
        if HELD_OUT in population.columns and population[HELD_OUT][row]:
            parts.append("held out")
        return "  ".join(parts)

    @staticmethod
    def _hyperparameters(population: Population, row: int, width: int) -> list[Line]:
        measure = population.measure
        shown = (measure.name, measure.error, "lean_x", "lean_angle", "sharpness", "index", HELD_OUT, FINGERPRINT)
        words = [
            f"{clean(heading(name), 30)} {clean(value if isinstance(value, str) else format_value(name, value), 30)}"
            for name in population.columns
            if name not in shown
            for value in [_one(population, name, row)]
        ]
        lines: list[Line] = []
        line = ""
        for word in words:
            if line and len(line) + 2 + len(word) > width:
                lines.append([(line, "")])
                line = ""
            line += ("  " if line else "") + word
        return [*lines, [(line, "")]] if line else lines


def _one(population: Population, name: str, row: int) -> object:
    column = population.columns[name][[row]]
    return column.values()[0].item() if hasattr(column, "values") else column[0]
