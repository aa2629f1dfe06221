"""Comparing all pairs of networks: this program beside NumPy and SciPy pair by pair, and in one large product."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.bench.measure import SECONDS, Contender, Result, Tell, compare, trained_networks
from workbench.compute import Compute, available_cores
from workbench.numerics.similarity import ConvergenceFamily
from workbench.numerics.similarity.pairs import Layer, all_pairs
from workbench.policies import activations
from workbench.rollouts.states import visited

NAME = "convergence"


@dataclass(frozen=True)
class Size:
    """How much is compared."""

    networks: int = 200
    states: int = 10_000
    plain_pairs: int = 100
    """Pairs that the plain way compares; the rest is extrapolated."""


def measure(repeats: int, tell: Tell, size: Size | None = None) -> list[Result]:
    """Seconds for the convergence distance of hidden units of all pairs, both ways, activations included."""
    size = size or Size()
    population, which = trained_networks(size.networks)
    states = visited(population.weights, population.spec, size.states)
    layer = Layer(population.weights, population.spec, 0)
    pairs = size.networks * (size.networks - 1) // 2

    def ours(threads: int) -> Callable[[], float]:
        def go() -> float:
            began = time.perf_counter()
            out = {"cd": np.empty((size.networks, size.networks))}
            for _ in all_pairs([layer], states, ConvergenceFamily(), Compute("cpu", threads), out):
                pass
            return time.perf_counter() - began

        return go

    def plain() -> float:
        from scipy.optimize import linear_sum_assignment

        began = time.perf_counter()
        for k in range(size.plain_pairs):
            a, b = (np.abs(activations(population.weights[j % size.networks][None], population.spec, states)[0][0])
                    for j in (k, k + 1))  # fmt: skip
            correlations = np.corrcoef(a.T, b.T)[: a.shape[1], a.shape[1] :]
            rows, columns = linear_sum_assignment(correlations, maximize=True)
            matched = correlations[rows, columns].sum()
            _ = correlations.max(1).sum() - matched, correlations.max(0).sum() - matched
        return (time.perf_counter() - began) / size.plain_pairs * pairs

    def one_product() -> float:
        from scipy.optimize import linear_sum_assignment

        began = time.perf_counter()
        rows = _standardised(activations(population.weights, population.spec, states)[0])
        h = rows.shape[0] // size.networks
        for i in range(size.networks):
            block = rows[i * h : (i + 1) * h] @ rows[i * h :].T
            for j in range(1, size.networks - i):
                correlations = block[:, j * h : (j + 1) * h]
                matched = correlations[linear_sum_assignment(correlations, maximize=True)].sum()
                _ = correlations.max(1).sum() - matched, correlations.max(0).sum() - matched
        return time.perf_counter() - began

    words = f"{which}, {size.states:,} states, {pairs:,} pairs, float64"
    two = min(2, available_cores())
    contenders = [
        Contender("this program", f"{words}; one thread", ours(1)),
        *([Contender("this program, two threads", f"{words}; by the clock", ours(2))] if two == 2 else []),
        Contender("all activations kept, SciPy's matching", f"{words}; a product a network, one thread", one_product),
        Contender(
            "numpy.corrcoef and SciPy, pair by pair",
            f"{words}; {size.plain_pairs} pairs, extrapolated, one thread", plain,
        ),
    ]  # fmt: skip
    return compare(NAME, f"all pairs of {size.networks} networks", SECONDS, contenders, repeats, tell)


def _standardised(found: NDArray) -> NDArray[np.float64]:
    """Rows (n * h, s) whose inner products are correlations of absolute activations (n, s, h)."""
    rows = np.abs(found).astype(np.float64).swapaxes(1, 2).reshape(-1, found.shape[1])
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
