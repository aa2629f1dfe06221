"""What measures have in common: those of a family share the arrays made of a layer, and products of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError

SERIAL = Compute("cpu", 1)
"""For what runs within a tile of pairs: its thread is one of the workers already."""
Both = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Values (m, n) from m networks to n others, and those from the others back (m, n); the same where a measure is
symmetric."""


class Family(Protocol):
    """Measures that are computed together."""

    @property
    def names(self) -> tuple[str, ...]:
        """The measures, by name."""
        ...

    def prepare(self, activations: NDArray) -> Any:
        """What is needed of activations (n, s, h): once a network, however many others it is compared with."""
        ...

    def compare(self, a: Any, b: Any) -> dict[str, Both]:
        """All measures between m prepared networks and n others; NaN where one is not defined."""
        ...


@dataclass(frozen=True)
class Measure:
    """A measure of two networks."""

    name: str
    title: str
    source: str
    family: Callable[[], Family]
    alike: bool
    """Whether larger values say that networks are more alike; else they are a distance."""
    symmetric: bool = True

    def __call__(self, a: NDArray, b: NDArray) -> float:
        """Of activations (s, h) and (s, k) on the same states; NaN where it is not defined.

        Raises:
            WorkbenchError: shapes that do not fit.
        """
        a, b = np.asarray(a), np.asarray(b)
        check(a, b)
        family = self.family()
        return float(family.compare(family.prepare(a[None]), family.prepare(b[None]))[self.name][0][0, 0])


def check(a: NDArray, b: NDArray) -> None:
    """Whether activations (s, h) and (s, k) are of the same states.

    Raises:
        WorkbenchError: they are not, or there are none.
    """
    if a.ndim != 2 or b.ndim != 2 or len(a) != len(b) or 0 in a.shape or 0 in b.shape:
        raise WorkbenchError(
            f"similarity: expected activations (states, units) on the same states, got {a.shape} and {b.shape}"
        )


def fine(activations: NDArray) -> NDArray[np.bool_]:
    """Which networks have only finite activations (n, s, h): (n,)."""
    return np.isfinite(activations).all(axis=(1, 2))


def rows_of(activations: NDArray, absolute: bool = False) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Activations (n, s, h), or their absolute values, as rows (n, h, s) less their means; and these means (n, h).

    Networks that are not finite are zeros.
    """
    turned = activations.swapaxes(1, 2)
    rows = np.empty(turned.shape)
    np.copyto(rows, turned, casting="unsafe")
    if absolute:
        np.abs(rows, out=rows)
    rows[~fine(activations)] = 0.0
    means = rows.mean(axis=2)
    rows -= means[:, :, None]
    return rows, means


def products(a: NDArray[np.float64], b: NDArray[np.float64], compute: Compute | None = None) -> NDArray[np.float64]:
    """Inner products of rows (m, h, s) and (n, k, s): (m, n, h, k), by one large matrix product on the device."""
    (m, h, s), (n, k) = a.shape, b.shape[:2]
    left, right = a.reshape(m * h, s), b.reshape(n * k, s)
    device = compute.torch_device if compute else "cpu"
    if device == "cpu":
        found = left @ right.T
    else:
        import torch

        found = (torch.from_numpy(left).to(device) @ torch.from_numpy(right).to(device).T).cpu().numpy()
    return found.reshape(m, h, n, k).transpose(0, 2, 1, 3)
