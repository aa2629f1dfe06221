"""The sides of a matrix in characters: blocks of items, lines between runs of them, and words along them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.axes import axis, nice_step
from workbench.drawing import breadth
from workbench.text import clean

WIDEST_NAME = 12


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a matrix: block k stands for items edges[k] to edges[k + 1] - 1, and takes `wide` characters.

    Where `cuts` (blocks,) is true, a line is drawn before the block. What is shown starts at `first` and fits `room`.
    """

    edges: NDArray
    cuts: NDArray
    wide: int
    room: int
    first: int = 0

    @cached_property
    def offsets(self) -> NDArray:
        """Where each block begins, in characters from the first shown."""
        at = np.arange(len(self.cuts)) * self.wide + np.cumsum(self.cuts)
        return at - at[self.first] if len(at) else at

    @cached_property
    def shown(self) -> range:
        """The blocks that are shown."""
        last = int(np.searchsorted(self.offsets, self.room - self.wide, side="right"))
        return range(self.first, max(self.first, last))

    @cached_property
    def which(self) -> NDArray:
        """Of each character, the block, counted from the first shown; -1 for a line between blocks."""
        offsets = self.offsets[self.first : self.shown.stop]
        blocks = np.full(int(offsets[-1]) + self.wide if len(offsets) else 0, -1)
        for k in range(self.wide):
            blocks[offsets + k] = np.arange(len(offsets))
        return blocks

    @property
    def whole(self) -> bool:
        """Whether every item is shown by itself."""
        return len(self.cuts) == len(self.shown) == self.edges[-1]

    def block(self, item: int) -> int:
        """The block that stands for an item."""
        return int(np.searchsorted(self.edges, item, side="right")) - 1

    def items(self, block: int) -> range:
        """The items of a block."""
        return range(int(self.edges[block]), int(self.edges[block + 1]))

    def showing(self, block: int, first: int) -> "Side":
        """This side from a first block on; with another block in the middle, if that were not in sight."""
        if not len(self.cuts):
            return self
        # From the last start on, everything to the end is in sight.
        last = int(np.searchsorted(self.offsets, self.offsets[-1] + self.wide - self.room))
        last = min(last, len(self.cuts) - 1)
        here = replace(self, first=max(0, min(first, last)))
        if block in here.shown:
            return here
        return replace(self, first=max(0, min(block - len(here.shown) // 2, last)))


def fitted(
    shape: tuple[int, int],
    lengths: tuple[Sequence[int], Sequence[int]],
    height: int,
    width: int,
    stretched: bool = False,
) -> tuple[Side, Side]:
    """Both sides of a whole matrix (r, c), in the finest blocks that a room of characters holds.

    Cells that are `stretched` take as many characters as there is room for.
    """
    if stretched:
        sides = []
        for n, room in zip(shape, (height, width), strict=True):
            block = _finest(n, [n], room)
            sides.append(side([n], block, max(1, room // max(1, -(-n // block))), room))
        return sides[0], sides[1]
    lengths = _lined(shape, lengths, height, width)
    block = _finest(shape[0], lengths[0], height)
    for wide in (2, 1):
        across = _finest(shape[1], lengths[1], (width - len(lengths[1]) + 1) // wide + len(lengths[1]) - 1)
        if wide <= width and across <= (block if shape[0] == shape[1] else 1):
            break
    # A square stays a square.
    down, across = (max(block, across),) * 2 if shape[0] == shape[1] else (block, across)
    return side(lengths[0], down, 1, height), side(lengths[1], across, wide, width)


def unfitted(
    shape: tuple[int, int], lengths: tuple[Sequence[int], Sequence[int]], height: int, width: int
) -> tuple[Side, Side]:
    """Both sides of a matrix (r, c) of which every block is one item, as many as there is room for."""
    lengths = _lined(shape, lengths, height, width)
    wide = 2 if 2 * shape[1] + len(lengths[1]) - 1 <= width else 1
    return side(lengths[0], 1, 1, height), side(lengths[1], 1, wide, width)


def side(lengths: Sequence[int], block: int, wide: int, room: int) -> Side:
    """A side of runs of some lengths, each in blocks of so many items; the last of a run may have fewer."""
    edges, cuts = [np.zeros(1, int)], []
    for k, length in enumerate(lengths):
        ends = np.minimum(np.arange(block, length + block, block), length)
        cuts.append(np.arange(len(ends)) < (k > 0))
        edges.append(ends + edges[-1][-1])
    return Side(np.concatenate(edges), np.concatenate([*cuts, np.zeros(0, bool)]), wide, max(0, room))


def _lined(
    shape: tuple[int, int], lengths: tuple[Sequence[int], Sequence[int]], height: int, width: int
) -> tuple[Sequence[int], Sequence[int]]:
    """The runs of both sides, without any if there are so many that lines would take the room of the cells."""
    many = 3 * max(len(lengths[0]), len(lengths[1])) > min(height, width // 2)
    down, across = ([n] if many or sum(k) != n else k for n, k in zip(shape, lengths, strict=True))
    return down, across


def _finest(n: int, lengths: Sequence[int], room: int) -> int:
    """The fewest items a block has so that runs fit in a room of blocks, with lines between the runs."""
    room = max(len(lengths), room - len(lengths) + 1, 1)
    block = max(1, -(-n // room))
    while sum(-(-length // block) for length in lengths) > room:
        block += 1
    return block


def along(
    side: Side,
    names: Sequence[str],
    limits: tuple[float, float] | None,
    least: int,
    backward: bool = False,
    log: bool = False,
) -> list[tuple[int, str]]:
    """Where along the blocks shown which words stand, at least so many characters apart: ticks, names, or numbers."""
    extent = len(side.which)
    if limits is not None:
        ticks = axis(*limits, max(2, extent // least), log, tight=True)
        shares = 1 - ticks.share(ticks.ticks) if backward else ticks.share(ticks.ticks)
        return [(min(extent - 1, int(s * extent)), t) for s, t in zip(shares, ticks.labels, strict=True)]
    every = -(-least // side.wide)
    every = every if names else round(nice_step(100 * every, 100))
    blocks = side.shown[::-every] if backward else side.shown[::every]
    items = [int(side.edges[-1] - side.edges[k + 1] if backward else side.edges[k]) for k in blocks]
    words = [(short(names[i]) if i < len(names) else "") if names else str(i) for i in items]
    return [(int(side.offsets[k]), text) for k, text in zip(blocks, words, strict=True)]


def run_names(side: Side, runs: Sequence[tuple[str, int]], counted: bool) -> list[tuple[int, str]]:
    """The names of runs (name, length) where they are in the middle of what is shown of each.

    Where they are `counted`, which is across, they fit into it, with their length if there is room.
    """
    ends = np.cumsum([length for _, length in runs])
    run = np.searchsorted(ends, side.edges[side.first : side.shown.stop][side.which], side="right")
    places = []
    for k, (name, length) in enumerate(runs):
        at = np.flatnonzero((run == k) & (side.which >= 0))
        if len(at):
            text = short(name, len(at) if counted else WIDEST_NAME)
            longer = f"{text} ({length:,})"
            text = longer if counted and breadth(longer) < len(at) else text
            room = len(at) - (breadth(text) if counted else 1)
            places.append((int(at[0]) + max(0, room) // 2, text))
    return places


def short(name: str, room: int = WIDEST_NAME) -> str:
    """A name in so many columns."""
    name = clean(name, max(1, room))
    while breadth(name) > room:
        name = name[:-1]
    return name
