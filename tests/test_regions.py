"""Where in a space something happens: planted regions are found, and shares are counted one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.numerics import regions
from workbench.numerics.regions import Condition, share_map, where

seeds = st.integers(0, 2**32 - 1)


def holds(region, points):
    inside = np.ones(len(points), bool)
    for c in region.conditions:
        column = points[:, c.dimension]
        inside &= column > c.threshold if c.above else column <= c.threshold
    return inside


def phi(inside, happens):
    return np.corrcoef(inside, happens)[0, 1]


def told(points, happens):
    """The region, whose shares are counted again."""
    found = where(points, happens)
    inside = holds(found, points)
    assert found.size == pytest.approx(inside.mean())
    assert found.inside == pytest.approx(happens[inside].mean())
    assert found.outside == pytest.approx(happens[~inside].mean())
    return found


def test_a_planted_corner_is_found(rng):
    points = rng.uniform(-1, 1, (4000, 4))
    happens = (points[:, 1] > 0.3) & (points[:, 3] <= -0.2)
    found = told(points, happens)
    assert [(c.dimension, c.above) for c in found.conditions] == [(1, True), (3, False)]
    assert found.conditions[0].threshold == pytest.approx(0.3, abs=0.06)
    assert found.conditions[1].threshold == pytest.approx(-0.2, abs=0.06)
    assert found.inside > 0.85 and found.outside < 0.03


def test_a_half_space_takes_one_condition(rng):
    points = rng.normal(size=(3000, 3))
    happens = (points[:, 2] <= 0.5) ^ (rng.random(3000) < 0.05)
    found = told(points, happens)
    assert [(c.dimension, c.above) for c in found.conditions] == [(2, False)]
    assert found.conditions[0].threshold == pytest.approx(0.5, abs=0.1)


def test_a_slab_is_an_interval_of_one_dimension(rng):
    points = rng.uniform(0, 1, (3000, 2))
    happens = (points[:, 0] > 0.4) & (points[:, 0] <= 0.6)
    found = told(points, happens)
    assert [(c.dimension, c.above) for c in found.conditions] == [(0, False), (0, True)]
    low, high = sorted(c.threshold for c in found.conditions)
    assert (low, high) == pytest.approx((0.4, 0.6), abs=0.03)


@settings(max_examples=30)
@given(seeds, st.integers(1, 60), st.integers(1, 3))
def test_no_pair_of_conditions_tells_more(seed, s, d):
    rng = np.random.default_rng(seed)
    points, happens = rng.normal(size=(s, d)), rng.random(s) < 0.4
    found = where(points, happens)
    if found is None:
        assert happens.all() or not happens.any() or s < 3
        return
    best = 0.0
    every = [
        Condition(k, above, float(cut))
        for k in range(d)
        for cut in np.quantile(points[:, k], np.arange(1, 20) / 20)
        for above in (True, False)
    ]
    sides = [holds(regions.Region((c,), 0, 0, 0), points) for c in every]
    for a in sides:
        for b in sides:
            if 0 < (a & b).sum() < s:
                best = max(best, phi(a & b, happens))
    ours = phi(holds(found, points), happens)
    # One condition is taken where a second adds less than a twentieth.
    assert best / 1.05 - 1e-6 <= ours <= best + 1e-6
    assert ours > 0
    told(points, happens)


@pytest.mark.parametrize("happens", [np.zeros(50, bool), np.ones(50, bool)])
def test_always_and_never_are_nowhere(happens, rng):
    assert where(rng.normal(size=(50, 2)), happens) is None


def test_points_that_are_all_the_same_are_nowhere():
    assert where(np.ones((50, 3)), np.arange(50) % 2 == 0) is None
    assert where(np.zeros((0, 3)), np.zeros(0, bool)) is None
    assert where(np.full((4, 2), np.nan), np.array([True, False, True, False])) is None


def test_blocks_of_points_change_nothing(rng, monkeypatch):
    points = rng.normal(size=(500, 3))
    happens = points @ [1, 2, 0] > 0.3
    whole = where(points, happens)
    monkeypatch.setattr(regions, "AT_ONCE", 70)
    assert where(points, happens) == whole


def test_of_many_dimensions_those_that_tell_most_are_tried(rng):
    points = rng.normal(size=(2000, 60))
    happens = (points[:, 41] > 0) & (points[:, 7] > -0.5)
    found = told(points, happens)
    assert [(c.dimension, c.above) for c in found.conditions] == [(7, True), (41, True)]


@pytest.mark.parametrize(("points", "happens"), [((5,), (5,)), ((5, 2), (4,)), ((5, 2), (5, 1)), ((), ())])
def test_shapes_that_do_not_fit_are_told(points, happens):
    with pytest.raises(WorkbenchError, match=r"region: expected points \(s, d\) and \(s,\), got \("):
        where(np.zeros(points), np.zeros(happens, bool))


@settings(max_examples=30)
@given(seeds, st.integers(2, 200), st.integers(1, 7))
def test_shares_are_counted(seed, s, bins):
    rng = np.random.default_rng(seed)
    x, y, happens = rng.normal(size=s), rng.gamma(1, size=s), rng.random(s) < 0.3
    shares, x_edges, y_edges = share_map(x, y, happens, bins)
    assert shares.shape == (bins, bins)
    for edges, values in ((x_edges, x), (y_edges, y)):
        assert len(edges) == bins + 1
        assert (edges[0], edges[-1]) == pytest.approx(tuple(np.quantile(values, [0.01, 0.99])))
        np.testing.assert_allclose(np.diff(edges), (edges[-1] - edges[0]) / bins)
    for row in range(bins):
        for column in range(bins):
            here = np.ones(s, bool)
            for values, edges, k in ((x, x_edges, column), (y, y_edges, row)):
                high = values <= edges[k + 1] if k == bins - 1 else values < edges[k + 1]
                here &= (values >= edges[k]) & high
            expected = happens[here].mean() if here.any() else np.nan
            np.testing.assert_allclose(shares[row, column], expected)


def test_a_map_of_points_on_one_line():
    shares, x_edges, y_edges = share_map(np.arange(5.0), np.full(5, 2.0), np.arange(5) > 2, 2, margin=0)
    assert (x_edges.tolist(), y_edges.tolist()) == ([0, 2, 4], [2, 2.5, 3])
    np.testing.assert_allclose(shares, [[0, 2 / 3], [np.nan, np.nan]])
