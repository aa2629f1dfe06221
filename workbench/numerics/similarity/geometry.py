"""Measures of a layer's geometry: centred kernel alignment and Procrustes distances of linear representations."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.numerics import matching
from workbench.numerics.similarity.convergence import RESOLUTION
from workbench.numerics.similarity.family import SERIAL, Both, Measure, products, rows_of


@dataclass(frozen=True, eq=False)
class Shapes:
    """Centred representations of n networks, each scaled to Frobenius norm 1; NaN ones are zeros."""

    rows: NDArray[np.float64]
    """(n, h, s)."""
    defined: NDArray[np.bool_]
    """(n,) whether anything varies, and all is finite."""
    squares: NDArray[np.float64]
    """(n, s) squared length of each state's vector."""
    alignment: NDArray[np.float64]
    """(n,) Frobenius norm of its own covariance, squared."""


@dataclass(frozen=True)
class GeometryFamily:
    """CKA and Procrustes, from one cross-covariance a pair. Networks may differ in width: zeros are added."""

    wanted: tuple[str, ...] = ("cka", "debiased-cka", "procrustes", "permutation")
    compute: Compute | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are wanted."""
        return self.wanted

    def prepare(self, activations: NDArray) -> Shapes:
        """Centred and scaled."""
        rows, means = rows_of(activations)
        norm = np.sqrt(np.einsum("nhs,nhs->n", rows, rows))
        size = np.sqrt(norm**2 + rows.shape[2] * np.square(means).sum(axis=1))
        defined = norm > RESOLUTION * size
        rows *= np.divide(1.0, norm, where=defined, out=np.zeros_like(norm))[:, None, None]
        own = rows @ rows.swapaxes(1, 2)
        return Shapes(rows, defined, np.einsum("nhs,nhs->ns", rows, rows), np.square(own).sum(axis=(1, 2)))

    def compare(self, a: Shapes, b: Shapes) -> dict[str, Both]:
        """All that are wanted, of all pairs."""
        cross = products(a.rows, b.rows, self.compute)
        undefined = ~(a.defined[:, None] & b.defined[None, :])
        makers = {
            "cka": self._cka, "debiased-cka": self._debiased, "procrustes": _procrustes, "permutation": _permutation
        }  # fmt: skip
        found = {}
        for name in self.wanted:
            with np.errstate(invalid="ignore", divide="ignore"):
                values = makers[name](a, b, cross)
            values[undefined] = np.nan
            found[name] = (values, values)
        return found

    @staticmethod
    def _cka(a: Shapes, b: Shapes, cross: NDArray) -> NDArray:
        return np.square(cross).sum(axis=(2, 3)) / np.sqrt(np.outer(a.alignment, b.alignment))

    @staticmethod
    def _debiased(a: Shapes, b: Shapes, cross: NDArray) -> NDArray:
        # The unbiased estimator of Song et al. 2012, in the features' covariance instead of the states' kernel matrix:
        # rows are centred and their squares add up to 1.
        s = a.rows.shape[2]
        if s < 4:
            return np.full(cross.shape[:2], np.nan)

        def unbiased(squared_norm: NDArray, squares: NDArray) -> NDArray:
            return squared_norm - s / (s - 2) * squares + 1 / ((s - 1) * (s - 2))

        own = [unbiased(x.alignment, np.square(x.squares).sum(axis=1)) for x in (a, b)]
        both = unbiased(np.square(cross).sum(axis=(2, 3)), a.squares @ b.squares.T)
        return both / np.sqrt(np.outer(*own))


def _distance(overlap: NDArray) -> NDArray:
    """Between two representations of norm 1, from what of them overlaps."""
    return np.sqrt(np.maximum(0.0, 2 - 2 * overlap))


def _procrustes(_a: Shapes, _b: Shapes, cross: NDArray) -> NDArray:
    return _distance(np.linalg.svd(cross, compute_uv=False).sum(axis=2))


def _permutation(_a: Shapes, _b: Shapes, cross: NDArray) -> NDArray:
    m, n, h, k = cross.shape
    costs = np.zeros((m * n, max(h, k), max(h, k)))
    costs[:, :h, :k] = -cross.reshape(m * n, h, k)
    return _distance(-matching.minimum_cost(costs, SERIAL)[1]).reshape(m, n)


def _one(name: str) -> GeometryFamily:
    return GeometryFamily((name,))


CKA = Measure("cka", "linear CKA", "Kornblith et al. 2019, Equation 1 with linear kernels", lambda: _one("cka"), True)
DEBIASED_CKA = Measure(
    "debiased-cka", "debiased linear CKA", "Kornblith et al. 2019 with the unbiased HSIC of Song et al. 2012",
    lambda: _one("debiased-cka"), True,
)  # fmt: skip
PROCRUSTES = Measure(
    "procrustes", "orthogonal Procrustes distance", "Williams et al. 2021; centred, Frobenius norm 1",
    lambda: _one("procrustes"), False,
)  # fmt: skip
PERMUTATION_PROCRUSTES = Measure(
    "permutation", "permutation Procrustes distance", "Williams et al. 2021, over orders of units",
    lambda: _one("permutation"), False,
)  # fmt: skip
