"""Assignments against SciPy and networkx, and what must not hang or go unseen."""

import subprocess
import sys

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.kernels.assignment import LARGEST, assign, match
from workbench.numerics.matching import CHUNK, chunks, greedy, minimum_cost

ONE = Compute("cpu", 1)


def least(costs):
    """SciPy's totals."""
    return np.array([c[linear_sum_assignment(c)].sum() for c in costs])


def assert_solved(costs, tolerance=1e-12):
    columns, totals = minimum_cost(costs, ONE)
    k = columns.shape[1]
    assert (np.sort(columns, axis=1) == np.arange(k)).all()
    np.testing.assert_allclose(np.take_along_axis(costs, columns[..., None], 2).sum((1, 2)), totals, atol=0, rtol=1e-12)
    scale = max(float(abs(costs).max()), 1e-300)
    np.testing.assert_allclose(totals / scale, least(costs) / scale, atol=tolerance * k, rtol=0)


MAKERS = {
    "uniform": lambda rng, m, k: rng.random((m, k, k)),
    "normal": lambda rng, m, k: rng.normal(size=(m, k, k)),
    "far from 0": lambda rng, m, k: 1e6 + rng.normal(size=(m, k, k)),
    "below 0": lambda rng, m, k: -rng.exponential(size=(m, k, k)),
    "few whole numbers": lambda rng, m, k: rng.integers(-2, 3, (m, k, k)).astype(float),
    "all the same": lambda rng, m, k: np.full((m, k, k), 7.0),
    "zeros of both signs": lambda rng, m, k: np.where(rng.random((m, k, k)) < 0.5, -0.0, 0.0),
    "products": lambda rng, m, k: rng.random((m, k, 1)) * rng.random((m, 1, k)),
    "rows and columns added": lambda rng, m, k: rng.normal(size=(m, k, 1)) + rng.normal(size=(m, 1, k)),
    "many magnitudes": lambda rng, m, k: 10 ** rng.uniform(-20, 20, (m, k, k)),
    "tiny": lambda rng, m, k: 1e-300 * rng.random((m, k, k)),
    "huge": lambda rng, m, k: LARGEST * rng.uniform(-1, 1, (m, k, k)),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("k", [1, 2, 3, 7, 15, 16, 17, 30, 32, 33, 70])
def test_the_total_is_scipys(maker, k, rng):
    assert_solved(MAKERS[maker](rng, 20 if k < 50 else 4, k))


@given(st.integers(1, 6).flatmap(lambda k: st.lists(st.integers(0, 4), min_size=k * k, max_size=k * k)))
def test_small_whole_problems_are_solved_exactly(values):
    k = round(len(values) ** 0.5)
    costs = np.array(values, float).reshape(1, k, k)
    assert minimum_cost(costs, ONE)[1][0] == least(costs)[0]


@given(st.integers(0, 2**32 - 1), st.integers(2, 20))
def test_what_is_added_to_a_row_or_column_moves_the_total_alone(seed, k):
    rng = np.random.default_rng(seed)
    costs, rows, columns = rng.random((1, k, k)), rng.integers(0, 9, (k, 1)), rng.integers(0, 9, k)
    before, after = minimum_cost(costs, ONE), minimum_cost(costs + rows + columns, ONE)
    assert after[1][0] == pytest.approx(before[1][0] + rows.sum() + columns.sum())


def test_the_pairs_are_networkxs(rng):
    costs = rng.random((5, 9, 9))
    for cost, columns in zip(costs, minimum_cost(costs, ONE)[0], strict=True):
        graph = nx.Graph()
        graph.add_weighted_edges_from((("row", i), ("column", j), cost[i, j]) for i in range(9) for j in range(9))
        expected = nx.bipartite.minimum_weight_full_matching(graph, [("row", i) for i in range(9)])
        assert columns.tolist() == [expected["row", i][1] for i in range(9)]


@pytest.mark.parametrize("shape", [(0, 5, 5), (0, 0, 0), (3, 0, 0)])
def test_nothing_to_do(shape):
    columns, totals = minimum_cost(np.zeros(shape), ONE)
    assert columns.shape == shape[:2]
    assert totals.tolist() == [0] * shape[0]


def test_threads_and_cuts_change_nothing(rng, monkeypatch):
    costs = rng.random((50, 12, 12))
    whole = minimum_cost(costs, ONE)
    monkeypatch.setattr("workbench.numerics.matching.CHUNK", 10)
    assert len(chunks(50, 12)) > 3
    for compute in (ONE, Compute("cpu", 3), None):
        for a, b in zip(whole, minimum_cost(costs, compute), strict=True):
            assert (a == b).all()


def test_pieces_cover_all_and_are_small():
    for m, k in [(0, 3), (1, 0), (5, 1000), (10_000, 30), (10**6, 1)]:
        pieces = chunks(m, k)
        assert [i for p in pieces for i in (p.start, p.stop)][1:-1:2] == [p.start for p in pieces[1:]]
        assert sum(p.stop - p.start for p in pieces) == m
        assert all(p.stop - p.start <= max(1, CHUNK / 0.2) for p in pieces)


@pytest.mark.parametrize("costs", [np.zeros((3, 3)), np.zeros((2, 3, 4)), np.zeros(())])
def test_costs_must_be_square(costs):
    with pytest.raises(WorkbenchError, match=r"assignment: expected costs of shape \(m, k, k\), got \("):
        minimum_cost(costs, ONE)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e291, -1e308])
@pytest.mark.parametrize("k", [1, 2, 30])
def test_costs_must_be_finite(bad, k, rng):
    for share in (0, 0.5, 1):
        costs = rng.random((4, k, k))
        costs[2, -1, -1] = bad
        costs[2][rng.random((k, k)) < share] = bad
        with pytest.raises(
            WorkbenchError, match=r"assignment: costs of problem 2 are not all finite and within 1e\+290"
        ):
            minimum_cost(costs, ONE)
        columns, totals = np.zeros((4, k), np.int64), np.zeros(4)
        assign(costs, columns, totals)
        assert np.isnan(totals).tolist() == [False, False, True, False]
        assert (columns[2] == -1).all()
        np.testing.assert_allclose(totals[[0, 1, 3]], least(costs[[0, 1, 3]]))


def test_the_callers_costs_are_left_alone_whatever_their_layout(rng):
    costs = rng.random((6, 5, 5))
    expected = least(costs)
    kept = costs.copy()
    frozen = costs.copy()
    frozen.setflags(write=False)
    for given_ in (costs, frozen, np.asfortranarray(costs), costs.tolist()):
        np.testing.assert_allclose(minimum_cost(given_, ONE)[1], expected)
    assert (costs == kept).all()
    whole = rng.integers(0, 9, (6, 5, 5))
    assert (minimum_cost(whole, ONE)[1] == least(whole)).all()
    np.testing.assert_allclose(minimum_cost(costs.astype(np.float32), ONE)[1], expected, rtol=1e-6)
    assert len(assign.signatures) == 1


@pytest.mark.parametrize("k", [1, 5, 16, 30])
def test_tokens_are_paired_at_the_least_squared_distance(k, rng):
    left, right = rng.normal(size=(6, k, 7)), rng.normal(size=(4, k, 7))
    pairs = np.stack([rng.integers(0, 6, 20), rng.integers(0, 4, 20)], axis=1)
    totals = np.zeros(20)
    match(left, right, pairs, totals)
    costs = ((left[pairs[:, 0], :, None] - right[pairs[:, 1], None]) ** 2).sum(-1)
    np.testing.assert_allclose(totals, least(costs))
    left[0, 0, 0], left[1, 0, 0] = np.nan, 1e200
    match(left, right, pairs, totals)
    assert (np.isnan(totals) == (pairs[:, 0] < 2)).all()
    assert len(match.signatures) == 1


def cheapest_first(cost):
    """The cheapest pair of what is left, again and again; of equals the first row's first column."""
    left, found = [(cost[i, j], i, j) for i in range(len(cost)) for j in range(len(cost))], {}
    while left:
        _, i, j = min(left)
        found[i] = j
        left = [entry for entry in left if entry[1] != i and entry[2] != j]
    return [found[i] for i in range(len(cost))]


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_greedy_is_a_plain_loop(maker, k, rng):
    costs = MAKERS[maker](rng, 8, k)
    kept = costs.copy()
    columns = greedy(costs)
    assert (costs == kept).all(), "the caller's are left alone"
    assert columns.tolist() == [cheapest_first(cost) for cost in costs]
    totals = np.take_along_axis(costs, columns[..., None], 2).sum((1, 2))
    assert (totals >= least(costs) - 1e-9 * np.abs(costs).max()).all()


def test_greedy_may_pay_for_it_and_takes_whole_numbers():
    costs = np.array([[[1, 2], [2, 100]], [[3, 3], [3, 3]]])
    assert greedy(costs).tolist() == [[0, 1], [0, 1]]
    assert minimum_cost(costs, ONE)[0][0].tolist() == [1, 0]
    assert greedy(np.zeros((0, 4, 4))).shape == (0, 4)
    assert greedy(np.zeros((3, 0, 0))).shape == (3, 0)


def test_importing_is_light():
    names = ", ".join(f"workbench.numerics.{name}" for name in ("matching", "symmetry", "novelty", "distributions"))
    code = f"import {names}, sys; print({{'torch', 'numba', 'scipy', 'gymnasium'}} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
