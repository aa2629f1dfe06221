"""Planes through the space of weights or latents on which performance is drawn."""

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec, flatten, layers


def plane(points: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The plane through three points (3, p): origin (p,), two directions (2, p) of length 1 at right angles, and where
    the points lie on it (3, 2). The first is the origin, the second lies on the x-axis (Garipov et al., 2018).

    Raises:
        WorkbenchError: points that lie on one line, or that are not three.
    """
    points = np.asarray(points, float)
    if points.ndim != 2 or len(points) != 3:
        raise WorkbenchError(f"plane: expected three points, got shape {points.shape}")
    origin, along, other = points[0], points[1] - points[0], points[2] - points[0]
    length = float(np.linalg.norm(along))
    first = along / length if length else along
    rest = other - (other @ first) * first
    height = float(np.linalg.norm(rest))
    if not height > 1e-9 * max(length, float(np.linalg.norm(other))) or not length:
        raise WorkbenchError("plane: the three agents lie on one line")
    second = rest / height
    return origin, np.stack([first, second]), np.array([[0.0, 0.0], [length, 0.0], [float(other @ first), height]])


def filter_normalised(
    weights: NDArray, spec: PolicySpec, random: np.random.Generator, count: int = 2
) -> NDArray[np.float64]:
    """Random directions (count, p) around a network (p,), each unit's part as long as the unit's own weights are.

    A unit's part are its incoming weights and its bias, which Li et al. (2018, section 4) call a filter.

    Raises:
        WorkbenchError: weights that do not fit the spec.
    """
    drawn = layers(random.standard_normal((count, spec.parameters)), spec)
    own = layers(np.asarray(weights, float)[None], spec)
    parts = []
    for (matrix, bias), (mine, my_bias) in zip(drawn, own, strict=True):
        square, wanted = np.square(matrix).sum(axis=2), np.square(mine).sum(axis=2)
        if bias is not None and my_bias is not None:
            square, wanted = square + np.square(bias), wanted + np.square(my_bias)
        size = np.sqrt(wanted / square)
        parts.append((matrix * size[:, :, None], None if bias is None else bias * size))
    return flatten(parts)
