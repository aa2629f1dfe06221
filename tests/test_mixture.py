"""Gaussian mixtures: SciPy's densities, a fit that climbs and finds what was planted, points without width."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import kstest, multivariate_normal

from workbench.numerics import mixture
from workbench.numerics.mixture import Mixture, fit


def planted(rng, n=3000):
    """Three Gaussians well apart, and points of them."""
    truth = Mixture(
        np.array([0.5, 0.3, 0.2]),
        np.array([[0.0, 0.0, 0.0], [12.0, 0.0, -4.0], [0.0, -15.0, 3.0]]),
        np.array([np.diag([1.0, 2.0, 0.5]), [[2.0, 1.2, 0.0], [1.2, 1.5, 0.3], [0.0, 0.3, 1.0]], np.eye(3)]),
    )
    return truth, truth.sample(n, rng)


def random_mixture(rng, components, k):
    factors = rng.normal(size=(components, k, k))
    covariances = factors @ factors.transpose(0, 2, 1) + 0.2 * np.eye(k)
    return Mixture(rng.dirichlet(np.ones(components)), 3 * rng.normal(size=(components, k)), covariances)


@pytest.mark.parametrize(("components", "k"), [(1, 1), (1, 4), (3, 2), (6, 12)])
def test_densities_are_scipys(rng, components, k):
    found = random_mixture(rng, components, k)
    points = 4 * rng.normal(size=(50, k))
    each = np.stack(
        [
            np.log(w) + multivariate_normal(m, c).logpdf(points)
            for w, m, c in zip(found.weights, found.means, found.covariances, strict=True)
        ],
        axis=1,
    )
    np.testing.assert_allclose(found.log_densities(points), each, rtol=1e-9)
    np.testing.assert_allclose(found.log_density(points), logsumexp(each, axis=1), rtol=1e-9)


def test_far_away_the_density_is_small_and_still_a_number(rng):
    found = random_mixture(rng, 3, 2)
    far = found.log_density(np.array([[1e6, -1e6], [1e3, 0.0]]))
    assert np.isfinite(far).all()
    assert far[0] < far[1] < -1000


def test_a_density_has_an_area_of_one(rng):
    found = random_mixture(rng, 3, 1)
    grid = np.linspace(-40, 40, 40_001)[:, None]
    assert np.exp(found.log_density(grid)).sum() * (grid[1, 0] - grid[0, 0]) == pytest.approx(1, abs=1e-6)


def test_samples_have_the_mixtures_distribution(rng):
    truth, points = planted(rng, 4000)
    assert points.shape == (4000, 3)
    mean = truth.weights @ truth.means
    spread = np.einsum("c,cij->ij", truth.weights, truth.covariances)
    spread += np.einsum("c,ci,cj->ij", truth.weights, truth.means - mean, truth.means - mean)
    np.testing.assert_allclose(points.mean(0), mean, atol=5 * np.sqrt(spread.max() / 4000))
    np.testing.assert_allclose(np.cov(points.T), spread, atol=0.06 * spread.max())
    one = Mixture(np.ones(1), truth.means[1:2], truth.covariances[1:2])
    drawn = one.sample(2000, rng) - truth.means[1]
    whitened = np.linalg.solve(np.linalg.cholesky(truth.covariances[1]), drawn.T)
    assert all(kstest(axis, "norm").pvalue > 1e-3 for axis in whitened)


def test_samples_are_decided_by_their_generator():
    truth = random_mixture(np.random.default_rng(1), 4, 3)
    first, again, other = (truth.sample(20, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.isin(first, other).any()
    assert truth.sample(0, np.random.default_rng(0)).shape == (0, 3)


def test_what_was_planted_is_found(rng):
    truth, points = planted(rng)
    found = fit(points, 3, rng)
    order = [int(np.argmin(((found.means - m) ** 2).sum(1))) for m in truth.means]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(found.weights[order], truth.weights, atol=0.03)
    np.testing.assert_allclose(found.means[order], truth.means, atol=0.2)
    np.testing.assert_allclose(found.covariances[order], truth.covariances, atol=0.3)
    assert found.log_density(points).mean() >= truth.log_density(points).mean() - 1e-3


def test_one_component_is_mean_and_covariance(rng):
    points = rng.normal(size=(200, 3)) @ np.array([[2.0, 0, 0], [1, 1, 0], [0, 0.5, 0.3]])
    found = fit(points, 1, rng)
    np.testing.assert_allclose(found.means[0], points.mean(0), atol=1e-9)
    floor = mixture.FLOOR * points.var(0).mean() * np.eye(3)
    np.testing.assert_allclose(found.covariances[0], np.cov(points.T, bias=True) + floor, rtol=1e-6, atol=1e-9)
    assert found.weights.tolist() == [1.0]


@pytest.mark.parametrize("seed", range(4))
def test_no_step_makes_the_points_less_likely(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    _, points = planted(rng, 400)
    points += rng.normal(size=points.shape) * 3  # blurred, so that it takes steps to come apart
    likelihood = []
    real = mixture._maximise

    def watched(*arguments):
        found = real(*arguments)
        likelihood.append(found.log_density(points).mean())
        return found

    monkeypatch.setattr(mixture, "_maximise", watched)
    found = fit(points, 5, rng, iterations=40, tolerance=0.0)
    assert len(likelihood) > 10
    # The floor under variances costs a little.
    assert np.diff(likelihood).min() > -1e-4
    assert likelihood[-1] > likelihood[0] + 0.01
    assert found.log_density(points).mean() == pytest.approx(likelihood[-1])


def test_it_stops_where_little_is_gained(rng, monkeypatch):
    _, points = planted(rng, 500)
    calls = []
    real = mixture._maximise
    monkeypatch.setattr(mixture, "_maximise", lambda *a: calls.append(1) or real(*a))
    fit(points, 3, rng, iterations=500)
    assert 1 < len(calls) < 100
    calls.clear()
    fit(points, 3, rng, iterations=2, tolerance=-1.0)
    assert len(calls) == 3, "its first guess, and a step each time"


def test_the_same_points_and_generator_give_the_same_mixture(rng):
    _, points = planted(rng, 300)
    first, again = (fit(points, 4, np.random.default_rng(3)) for _ in range(2))
    for name in ("weights", "means", "covariances"):
        assert np.array_equal(getattr(first, name), getattr(again, name))


@pytest.mark.parametrize("n", [1, 2, 5, 12, 13])
def test_few_points_have_few_components(rng, n):
    points = rng.normal(size=(n, 3))
    found = fit(points, 24, rng)
    assert len(found.weights) == max(1, n // 6)
    assert found.weights.sum() == pytest.approx(1)
    assert np.isfinite(found.log_density(points)).all()
    assert np.isfinite(found.sample(50, rng)).all()


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((40, 2)),
        np.full((40, 2), 1e6),
        np.repeat([[1.0, 2.0], [3.0, -1.0]], 20, 0),
        np.column_stack([np.arange(40.0), np.zeros(40)]),
        np.column_stack([np.arange(40.0), 2 * np.arange(40.0)]) * 1e-9,
        np.vstack([np.zeros((39, 2)), [[1e4, 0.0]]]),
    ],
    ids=["zero", "far", "two points", "a line", "a tiny slanted line", "an outlier"],
)
def test_points_without_width_are_no_trouble(rng, points):
    found = fit(points, 5, rng)
    assert found.weights.sum() == pytest.approx(1)
    assert (found.weights > 0).all()
    assert np.isfinite(found.log_density(points)).all()
    drawn = found.sample(200, rng)
    scale = max(1e-5, 1e-9 * np.abs(points).max(), 0.2 * np.abs(points - points.mean(0)).max())
    nearest = np.abs(drawn[:, None] - points[None]).max(2).min(1)
    assert np.median(nearest) < scale, "samples lie where the points do"
    np.linalg.cholesky(found.covariances)


def test_a_component_that_nothing_belongs_to_does_not_break(rng):
    share = np.zeros((30, 2))
    share[:, 0] = 1
    points = rng.normal(size=(30, 3))
    found = mixture._maximise(points, share, 1e-3 * np.eye(3))
    assert np.isfinite(found.log_density(points)).all()
    assert found.weights[1] < 1e-9


def test_no_points_are_refused(rng):
    with pytest.raises(ValueError, match="a mixture of no points"):
        fit(np.zeros((0, 3)), 2, rng)
