"""All pairs of many networks: activations in blocks that fit into memory, tiles of pairs on the worker threads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.numerics.similarity.family import Family
from workbench.policies import PolicySpec, activations

TILE = 16
"""Networks on each side of a tile: one matrix product of some 50 ms, short enough to cancel between."""
MEMORY = 256e6
"""Bytes of float64 activations a block of networks may take; there are two blocks at a time. Where a whole tile would
take more, tiles are smaller."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer of networks that share an architecture."""

    weights: NDArray[np.float32]
    """(n, p)."""
    spec: PolicySpec
    index: int
    """0 the first layer, -1 the outputs."""

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def width(self) -> int:
        """Its units."""
        return self.spec.sizes[1:][self.index]

    def tiles(self, states: int) -> list[slice]:
        """The networks cut into tiles of which the activations on so many states fit into memory."""
        size = int(MEMORY / (8.0 * max(self.spec.sizes[1:]) * states))
        size = max(1, min(TILE, size))
        return [slice(begin, min(begin + size, len(self))) for begin in range(0, len(self), size)]

    def on(self, states: NDArray, part: slice = slice(None)) -> NDArray[np.float32]:
        """Activations (n, s, units) of some of the networks on states (s, d)."""
        with np.errstate(all="ignore"):  # networks that are not finite are told by what they give
            return activations(np.asarray(self.weights[part]), self.spec, states)[self.index]


@dataclass(frozen=True)
class _Tile:
    """Networks of one architecture that stand next to each other."""

    layer: Layer
    part: slice
    begin: int
    """Where the first of them stands among all."""


def _blocks(layers: Sequence[Layer], states: int) -> list[list[_Tile]]:
    blocks: list[list[_Tile]] = []
    begin, room = 0, 0.0
    for layer in layers:
        for part in layer.tiles(states):
            size = part.stop - part.start
            room -= 8.0 * size * layer.width * states
            if room < 0 or not blocks:
                blocks.append([])
                room = MEMORY - 8.0 * size * layer.width * states
            blocks[-1].append(_Tile(layer, part, begin))
            begin += size
    return blocks


def count_pairs(layers: Sequence[Layer]) -> int:
    """How many pairs `all_pairs` goes through, those of a network with itself among them."""
    n = sum(map(len, layers))
    return n * (n + 1) // 2


def all_pairs(
    layers: Sequence[Layer],
    states: NDArray,
    family: Family,
    compute: Compute,
    out: dict[str, NDArray],
) -> Iterator[int]:
    """Measure all pairs of networks, and each with itself, into matrices; yields how many a tile of them had.

    Args:
        layers: networks in their order, those of one architecture together; n in all.
        states: (s, d).
        family: the measures.
        compute: threads and device.
        out: for each measure a matrix (n, n): row to column. NaN where a measure is not defined.
    """
    blocks = _blocks(layers, len(states))

    def prepare(tile: _Tile) -> Any:
        return family.prepare(tile.layer.on(states, tile.part))

    def compare(job: tuple[_Tile, Any, _Tile, Any]) -> int:
        a, of_a, b, of_b = job
        rows = slice(a.begin, a.begin + a.part.stop - a.part.start)
        columns = slice(b.begin, b.begin + b.part.stop - b.part.start)
        for name, (forward, backward) in family.compare(of_a, of_b).items():
            out[name][columns, rows] = backward.T
            out[name][rows, columns] = forward
        m, n = rows.stop - rows.start, columns.stop - columns.start
        return m * (m + 1) // 2 if rows == columns else m * n

    for k, block in enumerate(blocks):
        left = list(zip(block, compute.map(prepare, block), strict=True))
        for other in blocks[k:]:
            right = left if other is block else list(zip(other, compute.map(prepare, other), strict=True))
            jobs = ((a, x, b, y) for a, x in left for b, y in right if b.begin >= a.begin)
            yield from compute.map(compare, jobs)


def between(layer: Layer, states: NDArray, other: NDArray, family: Family) -> dict[str, NDArray[np.float64]]:
    """Networks on states (s, d) against themselves on other ones, (s, d): for each measure a matrix (n, n)."""
    found = {name: np.full((len(layer), len(layer)), np.nan) for name in family.names}
    for rows in layer.tiles(len(states)):
        left = family.prepare(layer.on(states, rows))
        for columns in layer.tiles(len(other)):
            for name, (forward, _) in family.compare(left, family.prepare(layer.on(other, columns))).items():
                found[name][rows, columns] = forward
    return found
