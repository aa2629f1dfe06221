"""Distances, densities and bootstrap intervals against SciPy."""

import time

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.numerics.distributions import bootstrap, density, wasserstein

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(numbers, numbers)
def test_the_distance_is_scipys(a, b):
    found = wasserstein(np.array(a), np.array(b))
    assert found == pytest.approx(scipy.stats.wasserstein_distance(a, b), rel=1e-9, abs=1e-6)
    assert found == pytest.approx(wasserstein(np.array(b), np.array(a)), rel=1e-9, abs=1e-6)


@given(numbers, st.floats(-1e3, 1e3))
def test_a_shifted_sample_is_as_far_as_the_shift(values, shift):
    values = np.array(values)
    assert wasserstein(values, values + shift) == pytest.approx(abs(shift), abs=1e-6)
    assert wasserstein(values, np.repeat(values, 3)[::-1]) == pytest.approx(0, abs=1e-6)


def test_the_density_is_scipys_and_adds_up_to_one(rng):
    values, grid = rng.gamma(3, 20, 400), np.linspace(-100, 500, 3001)
    found = density(values, grid)
    np.testing.assert_allclose(found, scipy.stats.gaussian_kde(values, "scott")(grid))
    assert found.sum() * (grid[1] - grid[0]) == pytest.approx(1, abs=1e-6)
    steps = np.array([200] * 50 + [199])
    np.testing.assert_allclose(density(steps, grid), scipy.stats.gaussian_kde(steps)(grid))


@pytest.mark.parametrize(
    "values", [[200.0] * 50, [0, 0], [7], [1e6, 1e6 + 1e-9], [0, 1e-160], [0, 5e-324], [0.1 + 0.2, 0.3]]
)
def test_a_constant_sample_has_no_density(values):
    assert density(np.array(values), np.array([0.0, 7.0, 200.0])).tolist() == [0, 0, 0]


@pytest.mark.parametrize("scale", [1e-90, 1e-6, 1, 1e6])
def test_two_values_have_a_density_on_any_scale(scale):
    found = density(np.array([0, scale]), scale * np.array([0.0, 0.5, 1.0]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0] * scale, density(np.array([0, 1]), np.zeros(1))[0])


@pytest.mark.parametrize("values", [[], [np.nan, 1], [np.inf], [[1, 2]]])
def test_samples_that_cannot_be_are_told(values):
    for call in (lambda v: wasserstein(v, [1]), lambda v: wasserstein([1], v)):
        with pytest.raises(
            WorkbenchError, match="Wasserstein distance: expected a sample of one finite number or more"
        ):
            call(values)
    with pytest.raises(WorkbenchError, match="density: expected a sample of one finite number or more, got shape"):
        density(values, np.zeros(2))


def test_the_interval_is_scipys(rng):
    values = rng.gamma(2, 3, 80)
    found = bootstrap(np.mean, values, resamples=4000, confidence=0.9)
    expected = scipy.stats.bootstrap((values,), np.mean, n_resamples=4000, confidence_level=0.9, method="percentile")
    assert found.value == values.mean()
    assert found.low == pytest.approx(expected.confidence_interval.low, rel=0.02)
    assert found.high == pytest.approx(expected.confidence_interval.high, rel=0.02)


def test_the_interval_covers_as_often_as_it_says(rng):
    hits = 0
    for i in range(200):
        a, b = rng.normal(1, 1, 40), rng.normal(0, 1, 60)
        found = bootstrap(lambda x, y: x.mean() - y.mean(), a, b, resamples=200, seed=i)
        hits += found.low <= 1 <= found.high
    assert 0.88 < hits / 200 < 0.99


def test_the_seed_decides_and_samples_may_be_rows(rng):
    rows = rng.normal(size=(30, 4))

    def spread(x):
        return float(np.linalg.norm(x.mean(0)))

    first = bootstrap(spread, rows, resamples=50, seed=3)
    assert first == bootstrap(spread, rows, resamples=50, seed=3)
    assert first != bootstrap(spread, rows, resamples=50, seed=4)
    constant = bootstrap(np.mean, np.full(9, 2.5), resamples=1)
    assert (constant.low, constant.value, constant.high) == (2.5, 2.5, 2.5)


def test_samples_are_drawn_independently(rng):
    values = rng.normal(size=50)
    assert bootstrap(lambda a, b: abs(a - b).max(), values, values, resamples=20).low > 0


def test_distances_of_a_thousand_are_resampled_quickly(rng):
    a, b = rng.normal(size=1000), rng.normal(0.1, 1, 1000)
    began = time.perf_counter()
    found = bootstrap(wasserstein, a, b, resamples=200)
    assert time.perf_counter() - began < 0.5
    assert found.low < wasserstein(a, b) < found.high + 0.05


@pytest.mark.parametrize("samples", [(), ([],), ([1, 2], []), (3,)])
def test_there_must_be_samples(samples):
    with pytest.raises(WorkbenchError, match="bootstrap: expected samples of one value or more"):
        bootstrap(np.mean, *samples)


@pytest.mark.parametrize(("resamples", "confidence"), [(0, 0.95), (10, 0), (10, 1), (10, np.nan)])
def test_there_must_be_resamples_and_a_confidence(resamples, confidence):
    with pytest.raises(
        WorkbenchError, match=rf"expected 1 resample or more and a confidence .* got {resamples} and {confidence}"
    ):
        bootstrap(np.mean, [1, 2], resamples=resamples, confidence=confidence)
