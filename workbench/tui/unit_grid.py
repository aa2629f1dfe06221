"""A network's weights laid out by unit, and which of them a repair has brought back. Arrays only, no screen."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.numerics.damage import unit_weights
from workbench.physics import is_cartpole
from workbench.policies import PolicySpec, layers
from workbench.tui.widgets.inspector import INPUT_NAMES

NOWHERE = -1
CLOSE = 0.25
"""Share of the original's root mean square weight within which a weight has come back."""
INTACT, MISSING, BACK, WRONG = range(4)
"""What has become of a weight."""


@dataclass(frozen=True, eq=False)
class UnitGrid:
    """A row a unit, a column a weight of it; every weight of the network is in it once.

    Hidden units have their inputs and bias, those of the last hidden layer what they give to the outputs too; one more
    row has the outputs' biases. Without hidden units the rows are the outputs.
    """

    spec: PolicySpec
    positions: NDArray[np.int64]
    """(rows, columns) of weights in the flat network, or `NOWHERE`."""
    rows: tuple[str, ...]
    columns: tuple[str, ...]

    @classmethod
    def of(cls, spec: PolicySpec) -> "UnitGrid":
        """The grid of such networks."""
        # Positions take the place of weights, so that it is `layers` alone that knows where they lie.
        parts = layers(np.arange(spec.parameters), spec)  # type: ignore[arg-type]
        hidden, (out, out_bias) = (parts[:-1], parts[-1]) if len(parts) > 1 else (parts, parts[-1])
        deep = len(parts) > 1
        inputs = max(matrix.shape[1] for matrix, _ in hidden)
        width = inputs + spec.bias + (len(out) if deep else 0)
        blocks, names = [], []
        for k, (matrix, bias) in enumerate(hidden):
            block = np.full((len(matrix), width), NOWHERE)
            block[:, : matrix.shape[1]] = matrix
            if bias is not None:
                block[:, inputs] = bias
            if deep and k == len(hidden) - 1:
                block[:, width - len(out) :] = out.T
            blocks.append(block)
            layer = f"{k + 1}." if len(hidden) > 1 else ""
            names += [f"{layer}{unit + 1}" for unit in range(len(matrix))]
        if deep and out_bias is not None:
            last = np.full((1, width), NOWHERE)
            last[0, width - len(out) :] = out_bias
            blocks.append(last)
            names.append("bias")
        known = is_cartpole(spec)
        shallow = len(hidden) == 1
        columns = [INPUT_NAMES[k] if known and shallow else str(k) for k in range(inputs)]
        columns += ["b"] * spec.bias
        if deep:
            columns += [("L", "R")[k] if known else f"o{k}" for k in range(len(out))]
        return cls(spec, np.concatenate(blocks), tuple(names), tuple(columns))

    def unit(self, row: int) -> NDArray[np.int64]:
        """Positions of all weights of the unit in a row: into it, its bias, out of it."""
        if row < len(self._owners):
            return self._owners[row]
        own = self.positions[row]
        return own[own != NOWHERE]

    def column(self, column: int) -> NDArray[np.int64]:
        """Positions of the weights in a column."""
        own = self.positions[:, column]
        return own[own != NOWHERE]

    @cached_property
    def _owners(self) -> list[NDArray[np.int64]]:
        return unit_weights(self.spec) if len(self.spec.sizes) > 2 else []

    def name(self, row: int, column: int) -> str:
        """A weight in words."""
        deep, name = len(self.spec.sizes) > 2, self.columns[column]
        outputs = self.spec.sizes[-1] if deep else 0
        if deep and self.rows[row] == "bias":
            return f"bias of output {name}"
        unit = f"{'unit' if deep else 'output'} {self.rows[row]}"
        if column >= len(self.columns) - outputs:
            return f"{unit} to output {name}"
        return f"bias of {unit}" if name == "b" else f"{unit} from input {name}"


def tolerance(original: NDArray[np.float32]) -> float:
    """How far from the original's (p,) a weight may be that has come back."""
    return CLOSE * float(np.sqrt(np.square(original, dtype=np.float64).mean()))


def became(
    original: NDArray[np.float32], now: NDArray[np.float32], mask: NDArray[np.bool_], missing: bool
) -> NDArray[np.int64]:
    """What has become of weights, all (p,): one of `INTACT`, `MISSING`, `BACK` or `WRONG` each.

    `missing`: those that are damaged are not there, whatever stands in their place.
    """
    same = (now == original) | (np.isnan(now) & np.isnan(original))
    with np.errstate(invalid="ignore"):
        off = np.abs(now.astype(np.float64) - original)
        found = np.where(same | (off <= tolerance(original)), BACK, WRONG)
    found[same & ~mask] = INTACT
    if missing:
        found[mask] = MISSING
    return found
