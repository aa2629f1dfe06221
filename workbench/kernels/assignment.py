"""The assignment problem, many small square ones: each row gets a column of its own at the least total cost.

Shortest augmenting paths after Jonker and Volgenant (Computing 38, 1987), without those of their preparations that do
not pay at this size. Rows are padded to a multiple of `WIDTH` and inner loops run over whole rows without a branch, so
that they are vectorised; padding and columns that have left a search are too far away to be the nearest. A column's
price only ever falls, so a cost less its column's price is not below 0 but for rounding.
"""

from typing import Any

import numpy as np
from numba import njit
from numba.core import types
from numba.extending import intrinsic

from workbench.kernels.lanes import FLAGS, INLINE, WIDTH

# What meets costs before they are known to be finite: the fast flags would assume that there is no NaN to be found.
CAREFUL: dict[str, Any] = {"error_model": "numpy", "nogil": True}

FAR = 1e300
"""Distance of columns that are padding or have left the search."""
FAR_BITS = int(np.float64(FAR).view(np.int64))
LARGEST = 1e290
"""Costs beyond this could come near `FAR` in sums."""


@intrinsic
def _bits(_context, value):
    """A float64's bits as int64, and back: they order what is not below 0, and LLVM vectorises their least."""
    other = types.int64 if value == types.float64 else types.float64

    def generate(context, builder, _signature, args):
        return builder.bitcast(args[0], context.get_value_type(other))

    return other(value), generate


@njit(**INLINE)
def _first(row, value, width):
    """The first position of a value that is in the row."""
    at = width
    for j in range(width):
        at = min(at, j if row[j] == value else width)
    return at


@njit(**INLINE)
def _reduced(cost, i, price, row, width):
    """The costs of row i less the columns' prices, into `row`; returns the least."""
    least = FAR_BITS
    for j in range(width):
        reduced = cost[i, j] - price[j]
        row[j] = reduced
        least = min(least, _bits(reduced))
    return _bits(least)


@njit(**FLAGS)
def _reduce_columns(cost, price, origin, column, owner, k, width):
    """Price each column at its least cost, and give it to the row that has this cost if that has no other."""
    for j in range(width):
        price[j], origin[j], owner[j] = cost[0, j], 0, -1
    for i in range(1, k):
        for j in range(width):
            less = cost[i, j] < price[j]
            price[j] = cost[i, j] if less else price[j]
            origin[j] = i if less else origin[j]
    price[k:] = 0.0
    for j in range(k - 1, -1, -1):
        if column[origin[j]] < 0:
            column[origin[j]], owner[j] = j, origin[j]


@njit(**FLAGS)
def _reduce_rows(cost, price, row, column, owner, k, width):
    """Give each free row its best column, at a price that makes the second best as good; who had it is free instead."""
    for i in range(k):
        if column[i] >= 0:
            continue
        best = _reduced(cost, i, price, row, width)
        j, last, second = width, 0, FAR_BITS
        for at in range(width):
            equal = row[at] == best
            j = min(j, at if equal else width)
            last = max(last, at if equal else 0)
            second = min(second, FAR_BITS if equal else _bits(row[at]))
        if j == last:
            price[j] -= _bits(second) - best
        elif owner[j] >= 0:
            j = last
        if owner[j] >= 0:
            column[owner[j]] = -1
        column[i], owner[j] = j, i


@njit(**FLAGS)
def _augment(cost, price, open_price, distance, path, origin, found, column, owner, start, k, width):
    """Give a free row a column by the shortest path to a free one, along which rows pass their columns on."""
    for j in range(width):
        open_price[j], origin[j] = price[j], start
    least = _reduced(cost, start, price, distance, width)
    nearest = _first(distance, least, width)
    steps = 0
    while owner[nearest] >= 0 and steps < k:
        path[steps], found[steps] = least, nearest
        steps += 1
        i = owner[nearest]
        offset = cost[i, nearest] - price[nearest] - least
        open_price[nearest], distance[nearest] = -2 * FAR, FAR
        bits = FAR_BITS
        for j in range(width):
            through = cost[i, j] - open_price[j] - offset
            nearer = through < distance[j]
            distance[j] = through if nearer else distance[j]
            origin[j] = i if nearer else origin[j]
            bits = min(bits, _bits(distance[j]))
        least = _bits(bits)
        nearest = _first(distance, least, width)
    for s in range(steps):
        price[found[s]] -= least - path[s]
    i = -1
    while i != start:
        i = origin[nearest]
        owner[nearest] = i
        nearest, column[i] = column[i], nearest


@njit(**CAREFUL)
def _solve(cost, k, width, reals, integers, column):
    """The column of each row of cost (k, width), into column (k,); returns the total."""
    outside = 0
    for i in range(k):
        column[i] = -1
        for j in range(k):
            outside += not abs(cost[i, j]) <= LARGEST
    if outside:
        return np.nan
    price, open_price, row, path = reals[0], reals[1], reals[2], reals[3]
    origin, owner, found = integers[0], integers[1], integers[2]
    _reduce_columns(cost, price, origin, column, owner, k, width)
    _reduce_rows(cost, price, row, column, owner, k, width)
    for i in range(k):
        if column[i] < 0:
            _augment(cost, price, open_price, row, path, origin, found, column, owner, i, k, width)
    total = 0.0
    for i in range(k):
        total += cost[i, column[i]]
    return total


@njit(cache=True, **CAREFUL)
def assign(costs, columns, totals):
    """Solve m problems.

    Args:
        costs: (m, k, k) float64, of rows and columns.
        columns: out, (m, k) int64, the column of each row.
        totals: out, (m,) float64; NaN, and columns of -1, where a cost is not within +-`LARGEST`.
    """
    m, k = columns.shape
    width = (k + WIDTH - 1) // WIDTH * WIDTH
    cost = np.full((k, width), FAR)
    reals, integers = np.zeros((4, width)), np.zeros((3, width), np.int64)
    for problem in range(m):
        for i in range(k):
            for j in range(k):
                cost[i, j] = costs[problem, i, j]
        totals[problem] = _solve(cost, k, width, reals, integers, columns[problem])


@njit(cache=True, **CAREFUL)
def match(left, right, pairs, totals):
    """Pair the tokens of one thing with another's so that the sum of their squared distances is least.

    Args:
        left: (n, k, d) float64, k tokens of d numbers each.
        right: (l, k, d) float64.
        pairs: (m, 2) int64, which of `left` with which of `right`; not checked.
        totals: out, (m,) float64, the sums; NaN where a squared distance is not within `LARGEST`.
    """
    k, d = left.shape[1:]
    width = (k + WIDTH - 1) // WIDTH * WIDTH
    cost, turned = np.full((k, width), FAR), np.zeros((d, width))
    reals, integers = np.zeros((4, width)), np.zeros((3, width), np.int64)
    column = np.zeros(k, np.int64)
    for pair in range(len(pairs)):
        a, b = pairs[pair, 0], pairs[pair, 1]
        for j in range(k):
            for e in range(d):
                turned[e, j] = right[b, j, e]
        for i in range(k):
            for j in range(width):
                cost[i, j] = 0.0 if j < k else FAR
            for e in range(d):
                x = left[a, i, e]
                for j in range(width):
                    cost[i, j] += (x - turned[e, j]) * (x - turned[e, j])
        totals[pair] = _solve(cost, k, width, reals, integers, column)
