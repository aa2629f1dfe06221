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
"""Bytes of float64 activations a block of networks may take; there are two blocks at a time."""


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
        for first in range(0, len(layer), TILE):
            size = min(TILE, len(layer) - first)
            room -= 8.0 * size * layer.width * states
            if room < 0 or not blocks:
                blocks.append([])
                room = MEMORY - 8.0 * size * layer.width * states
            blocks[-1].append(_Tile(layer, slice(first, first + size), begin))
            begin += size
    return blocks


def count_tiles(layers: Sequence[Layer]) -> int:
    """How many tiles `all_pairs` goes through."""
    n = sum(-(-len(layer) // TILE) for layer in layers)
    return n * (n + 1) // 2


def all_pairs(
    layers: Sequence[Layer],
    states: NDArray,
    family: Family,
    compute: Compute,
    out: dict[str, NDArray],
) -> Iterator[None]:
    """Measure all pairs of networks, and each with itself, into matrices; yields after each tile of them.

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

    def compare(job: tuple[_Tile, Any, _Tile, Any]) -> None:
        a, of_a, b, of_b = job
        rows = slice(a.begin, a.begin + a.part.stop - a.part.start)
        columns = slice(b.begin, b.begin + b.part.stop - b.part.start)
        for name, (forward, backward) in family.compare(of_a, of_b).items():
            out[name][columns, rows] = backward.T
            out[name][rows, columns] = forward

    for k, block in enumerate(blocks):
        left = list(zip(block, compute.map(prepare, block), strict=True))
        for other in blocks[k:]:
            right = left if other is block else list(zip(other, compute.map(prepare, other), strict=True))
            jobs = ((a, x, b, y) for a, x in left for b, y in right if b.begin >= a.begin)
            for _ in compute.map(compare, jobs):
                yield


def between(layer: Layer, states: NDArray, other: NDArray, family: Family) -> dict[str, NDArray[np.float64]]:
    """Networks on states (s, d) against themselves on other ones, (s, d): for each measure a matrix (n, n)."""
    found = family.compare(family.prepare(layer.on(states)), family.prepare(layer.on(other)))
    return {name: forward for name, (forward, _) in found.items()}
