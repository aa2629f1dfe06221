"""Means with intervals against SciPy."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from workbench.numerics.statistics import mean_interval, standard_error

numbers = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50)


@given(numbers, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_the_interval_is_students(values, confidence):
    found = mean_interval(np.array(values), confidence)
    error = scipy.stats.sem(values)
    assert found.value == pytest.approx(np.mean(values), abs=1e-6)
    if error > 1e-9:
        low, high = scipy.stats.t.interval(confidence, len(values) - 1, np.mean(values), error)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-6, abs=1e-6)
        assert found.half == pytest.approx((high - low) / 2, rel=1e-6, abs=1e-6)


def test_a_single_value_has_no_width():
    found = mean_interval(np.array([7]))
    assert (found.low, found.value, found.high, found.half) == (7, 7, 7, 0)


@pytest.mark.parametrize(("values", "confidence"), [([], 0.95), ([1, 2], 0), ([1, 2], 1), ([1, 2], np.nan)])
def test_means_that_cannot_be_are_told(values, confidence):
    with pytest.raises(ValueError, match=f"mean of {len(values)} values with confidence {confidence}"):
        mean_interval(np.array(values), confidence)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_the_standard_error_is_scipys(axis, rng):
    values = rng.normal(size=(4, 5, 6))
    np.testing.assert_allclose(standard_error(values, axis), scipy.stats.sem(values, axis))
    assert standard_error(np.zeros((3, 1))).tolist() == [0, 0, 0]


def test_the_interval_covers_the_mean_as_often_as_it_says(rng):
    draws = rng.exponential(1, (2000, 40))
    covered = np.mean([i.low <= 1 <= i.high for i in map(mean_interval, draws)])
    assert 0.90 < covered < 0.97
