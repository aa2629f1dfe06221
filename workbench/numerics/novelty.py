"""How new a policy is among others: by what it decides, and by its weights.

A behaviour vector says by how much a policy prefers one action to the other in each of s states, or each of several
actions to their mean. Distances between such vectors are root mean squares, so that they do not grow with s.
"""

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.symmetry import has_mirror, paired_distance
from workbench.policies import PolicySpec, forward

MEMORY = 64e6
"""Bytes that intermediate arrays take, about."""
EXTRA = 16
"""Points beyond those asked for that are measured exactly."""
LARGEST = 1e15
"""Size up to which vectors can be squared and added up in float32."""


def decisions(weights: NDArray, spec: PolicySpec, states: NDArray) -> NDArray[np.float32]:
    """Behaviour vectors: right output minus left in each state, divided by its root mean square over the states.

    Of more than two outputs each less their mean in that state; a single output as it is.

    Args:
        weights: (n, p).
        spec: the policy.
        states: observations (s, d).

    Returns:
        (n, s), or (n, s k) of k > 2 outputs, a state's next to one another; zeros for a network whose outputs are all
        equal or not all finite.

    Raises:
        WorkbenchError: no states, or states that do not fit the spec.
    """
    states = np.asarray(states)
    if states.ndim != 2 or states.shape[1] != spec.sizes[0] or len(states) == 0:
        raise WorkbenchError(f"behaviour vectors: expected states (s, {spec.sizes[0]}), s > 0, got {states.shape}")
    k = spec.sizes[-1]
    vectors = np.zeros((len(weights), len(states) * (k if k > 2 else 1)), np.float32)
    block = max(1, int(MEMORY / (16 * len(states) * max(spec.sizes))))
    for part in (slice(begin, begin + block) for begin in range(0, len(weights), block)):
        with np.errstate(all="ignore"):
            outputs = forward(weights[part], spec, states)
            if k == 2:
                margin = outputs[:, :, 1] - outputs[:, :, 0]
            else:
                margin = (outputs if k == 1 else outputs - outputs.mean(2, keepdims=True)).reshape(len(outputs), -1)
            size = np.sqrt(np.square(margin, dtype=np.float64).mean(axis=1, keepdims=True))
            np.divide(margin, size, out=vectors[part], where=np.isfinite(size) & (size > 0), casting="same_kind")
    return vectors


def agreement(a: NDArray, b: NDArray, outputs: int = 2) -> NDArray[np.float64]:
    """Share of states where behaviour vectors (n, s) and (n, s) go the same way (right above 0): (n,).

    Of more than two outputs, where the largest is the same.

    Raises:
        WorkbenchError: shapes that differ, or no states.
    """
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] == 0:
        raise WorkbenchError(f"agreement: expected two (n, s) of one shape, s > 0, got {a.shape} and {b.shape}")
    if outputs > 2:
        first, second = (v.reshape(len(v), -1, outputs).argmax(2) for v in (a, b))
        return (first == second).mean(axis=1)
    return ((a > 0) == (b > 0)).mean(axis=1)


def nearest(queries: NDArray, points: NDArray, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k points closest to each query, by root mean square distance.

    Chosen by a float32 matrix product, or a float64 one where rounding could hide one of them; then measured exactly.

    Args:
        queries: (q, s).
        points: (n, s).
        k: 1 to n.

    Returns:
        Rows of `points` and distances, (q, k) each, the closest first.

    Raises:
        WorkbenchError: shapes that do not fit, numbers that are not finite, or k out of range.
    """
    queries, points = _vectors(queries, "queries"), _vectors(points, "points")
    if queries.shape[1] != points.shape[1]:
        raise WorkbenchError(f"nearest: queries have {queries.shape[1]} states, points {points.shape[1]}")
    if not 1 <= k <= len(points):
        raise WorkbenchError(f"nearest: expected k from 1 to {len(points)}, the number of points, got {k}")
    indices, squares = np.empty((len(queries), k), np.int64), np.empty((len(queries), k))
    norms = np.einsum("ij,ij->i", points, points, dtype=np.float64)
    block = max(1, min(1024, int(MEMORY / (32 * queries.shape[1]))))
    for begin in range(0, len(queries), block):
        rows = np.arange(begin, min(begin + block, len(queries)))
        indices[rows], squares[rows], unsure = _closest(queries[rows], points, norms, k, np.float32)
        if len(rows := rows[unsure]):
            indices[rows], squares[rows], _ = _closest(queries[rows], points, norms, k, np.float64)
    return indices, np.sqrt(squares / queries.shape[1])


def behaviour_novelty(queries: NDArray, points: NDArray) -> NDArray[np.float64]:
    """Root mean square distance of behaviour vectors (q, s) to the closest of (n, s): (q,). Raises as `nearest`."""
    return nearest(queries, points, 1)[1][:, 0]


def weight_novelty(
    weights: NDArray, candidates: NDArray, spec: PolicySpec, compute: Compute | None = None
) -> NDArray[np.float64]:
    """Distance of each network to the closest of its candidates and, where the spec has them, their mirror images.

    Args:
        weights: (q, p).
        candidates: (q, k, p).
        spec: the policy, of one hidden layer.
        compute: threads.

    Returns:
        (q,), Euclidean, hidden units matched.

    Raises:
        WorkbenchError: candidates that do not fit the networks, and as `symmetry.matched_distance`.
    """
    q, p = weights.shape
    if candidates.ndim != 3 or (candidates.shape[0], candidates.shape[2]) != (q, p) or candidates.shape[1] == 0:
        raise WorkbenchError(f"novelty: expected candidates of shape ({q}, k, {p}) with k > 0, got {candidates.shape}")
    k = candidates.shape[1]
    block = max(1, int(MEMORY / (32 * k * p)))
    smallest = np.zeros(q)
    for part in (slice(begin, begin + block) for begin in range(0, q, block)):
        own, others = weights[part], candidates[part].reshape(-1, p)
        pairs = np.stack([np.arange(len(others)) // k, np.arange(len(others))], axis=1)
        distances = paired_distance(own, others, pairs, spec, compute, mirrored=has_mirror(spec))
        smallest[part] = distances.reshape(-1, k).min(axis=1)
    return smallest


def weight_spread(
    weights: NDArray, spec: PolicySpec, pairs: NDArray[np.integer], compute: Compute | None = None
) -> NDArray[np.float64]:
    """Distances of pairs (m, 2) of networks (n, p), hidden units matched: (m,), Euclidean.

    To the mirror image where the spec has one and it is the closer. Raises as `symmetry.paired_distance`.
    """
    return paired_distance(weights, weights, pairs, spec, compute, mirrored=has_mirror(spec))


def pairwise(vectors: NDArray) -> float:
    """Mean root mean square distance over all pairs of vectors (n, s), to about 1e-8 of their size.

    Raises:
        WorkbenchError: fewer than two vectors, or numbers that are not finite.
    """
    vectors = _vectors(vectors, "pairwise")
    n, s = vectors.shape
    if n < 2:
        raise WorkbenchError(f"pairwise: expected two vectors or more, got {n}")
    centre = vectors.mean(axis=0, dtype=np.float64)
    block, total = max(1, min(1024, int(MEMORY / (32 * s)))), 0.0
    for i in range(0, n, block):
        a = vectors[i : i + block] - centre
        for j in range(i, n, block):
            b = vectors[j : j + block] - centre
            squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * (a @ b.T)
            distances = np.sqrt(np.maximum(squares, 0))
            total += float(np.triu(distances, 1).sum() if i == j else distances.sum())
    return total / (n * (n - 1) / 2 * np.sqrt(s))


def _closest(
    queries: NDArray, points: NDArray, norms: NDArray[np.float64], k: int, dtype: type[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """The k points closest by products in `dtype`: rows, exact squared distances, and whether one may be missing."""
    keep, s = min(k + EXTRA, len(points)), queries.shape[1]
    block = max(keep, int(MEMORY / (32 * len(queries))))
    cast = queries.astype(dtype)
    chosen, scores = np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), dtype)
    for begin in range(0, len(points), block):
        score = cast @ points[begin : begin + block].astype(dtype).T
        score *= -2
        score += norms[begin : begin + block].astype(dtype)
        rows = np.broadcast_to(np.arange(begin, begin + score.shape[1]), score.shape)
        scores, chosen = np.concatenate([scores, score], axis=1), np.concatenate([chosen, rows], axis=1)
        best = np.argpartition(scores, keep - 1, axis=1)[:, :keep]
        scores, chosen = np.take_along_axis(scores, best, 1), np.take_along_axis(chosen, best, 1)
    chosen.sort(axis=1)
    squares = np.empty(chosen.shape)
    for c in range(keep):
        difference = np.subtract(queries, points[chosen[:, c]], dtype=np.float64)
        squares[:, c] = np.einsum("ij,ij->i", difference, difference)
    best = np.argsort(squares, axis=1, kind="stable")[:, :k]
    chosen, squares = np.take_along_axis(chosen, best, 1), np.take_along_axis(squares, best, 1)
    # Points that were not measured are at least as far as the farthest that was, but for rounding.
    own = np.einsum("ij,ij->i", queries, queries, dtype=np.float64)
    rounding = np.finfo(dtype).eps * (8 + np.sqrt(s)) * (own + norms.max())
    return chosen, squares, (squares[:, -1] > own + scores.max(axis=1) - rounding) & (keep < len(points))


def _vectors(values: NDArray, name: str) -> NDArray:
    values = np.asarray(values)
    if values.ndim != 2 or values.shape[1] == 0:
        raise WorkbenchError(f"{name}: expected vectors (n, s), s > 0, got {values.shape}")
    if not (abs(values) <= LARGEST).all():
        raise WorkbenchError(f"{name}: vectors must be finite and within {LARGEST:g}")
    return values
