"""Directions in latent space: a planted attribute is found, held ones stay, and moving does what it says."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from trainings import ONE

from workbench import generators
from workbench.analyses import find
from workbench.analyses.attributes import ATTRIBUTES, STEPS, _monotone, attribute_direction, attribute_values
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.learning.attributes import Direction, direction
from workbench.learning.contract import Samples
from workbench.learning.scoring import Yardstick
from workbench.population import Population
from workbench.rollouts import Episodes, behaviour, survival

K = 6


@pytest.fixture
def latents(rng):
    """Correlated, of different sizes, and not around the origin."""
    return rng.standard_normal((400, K)) @ rng.normal(size=(K, K)) * np.array([3, 1, 1, 0.5, 1, 1]) + 5


def fitted(latents, values, hold=(), name="planted"):
    return direction(name, latents[:300], values[:300], latents[300:], values[300:], hold)


def test_a_planted_attribute_is_found(latents, rng):
    slopes = rng.normal(size=K)
    values = latents @ slopes - 12
    found = fitted(latents, values)
    np.testing.assert_allclose(found.vector, slopes / np.linalg.norm(slopes), atol=0.02)
    assert np.linalg.norm(found.vector) == pytest.approx(1)
    assert found.slope == pytest.approx(np.linalg.norm(slopes), rel=0.02)
    assert found.fit == pytest.approx(1, abs=1e-3)
    assert found.value == pytest.approx(values[:300].mean())
    np.testing.assert_allclose(found.origin, latents[:300].mean(0))
    np.testing.assert_allclose(found.predict(latents[300:]), values[300:], atol=0.05 * values.std())
    assert found.step == pytest.approx((latents[:300] @ found.vector).std())


def test_the_fit_is_told_on_networks_it_never_saw(latents, rng):
    slopes = rng.normal(size=K)
    signal = latents @ slopes
    values = signal + signal.std() * rng.standard_normal(400)
    found = fitted(latents, values)
    left = values[300:] - found.predict(latents[300:])
    assert found.fit == pytest.approx(1 - (left**2).sum() / ((values[300:] - values[300:].mean()) ** 2).sum(), abs=1e-6)
    assert 0.3 < found.fit < 0.7
    noise = fitted(latents, rng.standard_normal(400))
    assert noise.fit < 0.05


def test_ordinary_least_squares_without_the_penalty(latents, rng, monkeypatch):
    monkeypatch.setattr("workbench.learning.attributes.RIDGE", 0.0)
    values = rng.standard_normal(400)
    found = fitted(latents, values)
    design = np.column_stack([np.ones(300), latents[:300]])
    expected = np.linalg.lstsq(design, values[:300], rcond=None)[0][1:]
    np.testing.assert_allclose(found.vector * found.slope, expected, rtol=1e-6)


def test_moving_grows_the_attribute_by_what_it_says(latents, rng):
    found = fitted(latents, latents @ rng.normal(size=K))
    few = latents[:7]
    for steps in (-2.0, 0.0, 1.5):
        moved = found.move(few, steps)
        np.testing.assert_allclose(found.predict(moved) - found.predict(few), steps * found.step * found.slope)
        across = moved - few
        np.testing.assert_allclose(across, np.outer(across @ found.vector, found.vector), atol=1e-12)
    each = np.linspace(-1, 1, 7)
    one_by_one = np.stack([found.move(few[[k]], s)[0] for k, s in enumerate(each)])
    np.testing.assert_allclose(found.move(few, each), one_by_one)
    np.testing.assert_array_equal(found.move(few, 0.0), few)


def test_setting_brings_it_to_a_value(latents, rng):
    found = fitted(latents, latents @ rng.normal(size=K))
    for value in (found.value, -3.0, 40.0):
        np.testing.assert_allclose(found.predict(found.set(latents, value)), value)
    at = found.set(latents, 2.0)
    np.testing.assert_allclose(found.set(at, 2.0), at)
    across = at - latents
    np.testing.assert_allclose(across, np.outer(across @ found.vector, found.vector), atol=1e-9)


def test_what_is_held_stays(latents, rng):
    values = [latents @ rng.normal(size=K) for _ in range(3)]
    others = tuple(fitted(latents, v, name=f"held {k}") for k, v in enumerate(values[:2]))
    found = fitted(latents, values[2], others)
    for other in others:
        assert found.vector @ other.vector == pytest.approx(0, abs=1e-12)
        np.testing.assert_allclose(other.predict(found.move(latents, 2.0)), other.predict(latents), atol=1e-9)
    free = fitted(latents, values[2])
    assert found.fit == free.fit
    assert np.linalg.norm(found.vector) == pytest.approx(1)
    assert 0 < found.slope < free.slope
    grown = found.predict(found.move(latents, 1.0)) - found.predict(latents)
    np.testing.assert_allclose(free.predict(found.move(latents, 1.0)) - free.predict(latents), grown)


def test_an_attribute_that_is_held_itself_does_not_move(latents, rng):
    values = latents @ rng.normal(size=K)
    found = fitted(latents, values, (fitted(latents, values),))
    assert not found.vector.any()
    assert found.slope == found.step == 0
    assert np.array_equal(found.move(latents, 2.0), latents)
    assert np.array_equal(found.set(latents, 100.0), latents)


def test_an_attribute_that_never_varies_has_no_direction(latents):
    found = fitted(latents, np.full(400, 7.0))
    assert not found.vector.any()
    assert np.isnan(found.fit)
    assert (found.predict(latents) == 7).all()


def test_latents_that_never_vary_are_no_trouble():
    latents = np.ones((20, 3))
    latents[:, 0] = np.arange(20)
    found = direction("first", latents, 2.0 * np.arange(20), latents[:0], np.zeros(0))
    np.testing.assert_allclose(found.vector, [1, 0, 0], atol=1e-9)
    assert np.isnan(found.fit)
    same = direction("same", np.ones((20, 3)), np.arange(20.0), np.ones((5, 3)), np.arange(5.0))
    assert not same.vector.any()
    assert same.value == 9.5


@pytest.mark.parametrize("n", [0, 1])
def test_two_networks_are_needed(n):
    with pytest.raises(ValueError, match="a direction needs two networks"):
        direction("x", np.zeros((n, 3)), np.zeros(n), np.zeros((0, 3)), np.zeros(0))


def test_the_trend_is_spearmans_correlation(rng):
    values = rng.normal(size=(9, 30)).round(1)
    values[3:5] = values[3]
    expected = [spearmanr(column, np.arange(9)).statistic for column in values.T]
    assert _monotone(values) == pytest.approx(np.mean(expected))
    rising = np.arange(9.0)[:, None] ** 3
    assert _monotone(rising) == pytest.approx(1)
    assert _monotone(-rising) == pytest.approx(-1)
    assert _monotone(np.full((9, 4), 200.0)) == 0, "what never changes follows nothing"
    assert _monotone(np.column_stack([rising, np.full(9, 200.0)])) == pytest.approx(0.5)


def test_attributes_come_from_columns_or_are_measured(population):
    rows = np.array([5, 2, 40])
    for name in ATTRIBUTES:
        assert np.array_equal(attribute_values(population, name, rows), population[name][rows].astype(float))
    bare = Population(population.spec, population.weights)
    lasted = survival(population.weights[rows], bare.spec).mean(1)
    assert np.array_equal(attribute_values(bare, "survival", rows), lasted)
    moves = behaviour(population.weights[rows], bare.spec, Episodes())
    for name in ("lean_x", "lean_angle", "sharpness"):
        assert np.array_equal(attribute_values(bare, name, rows), getattr(moves, name))


class Planted:
    """A generator whose latents are a network's first numbers and whose networks are the population's own."""

    NAME = title = "planted"
    groups = ("all",)

    def __init__(self, population):
        self.population = population
        self.coordinate = population["lean_x"].argsort().argsort() / 10.0

    def check_group(self, group):
        assert group in self.groups

    def encode(self, weights, group="all"):
        known = {row.tobytes(): k for k, row in enumerate(np.asarray(self.population.weights))}
        rows = [known[row.tobytes()] for row in np.asarray(weights)]
        noise = np.random.default_rng(0).standard_normal((len(self.coordinate), 2))
        return np.column_stack([self.coordinate, noise])[rows].astype(np.float32), np.ones((len(rows), 3))

    def decode(self, latents, group="all", seed=None):
        nearest = np.abs(latents[:, :1] - self.coordinate).argmin(1)
        return np.asarray(self.population.weights[nearest])

    def sample(self, count, group="all", seed=0, training=None):
        rows = np.random.default_rng(seed).integers(0, len(self.coordinate), count)
        latents, _ = self.encode(self.population.weights[rows])
        return Samples(latents, self.decode(latents))


def test_held_out_networks_play_no_part_in_a_direction(population):
    made = Planted(population)
    found = attribute_direction(made, Yardstick(population, "all", 0, ONE), "lean_x")
    columns = dict(population.columns)
    lean = np.array(columns["lean_x"])
    lean[population["held_out"]] = 1e3
    columns["lean_x"] = lean
    other = Population(population.spec, population.weights, columns)
    again = attribute_direction(made, Yardstick(other, "all", 0, ONE), "lean_x")
    assert np.array_equal(found.vector, again.vector)
    assert found.fit != again.fit
    assert isinstance(found, Direction)
    assert abs(found.vector[0]) > 0.9


def test_networks_whose_attribute_is_unknown_do_not_count(population):
    lean = np.array(population["lean_x"])
    lean[np.flatnonzero(~population["held_out"])[3]] = np.nan
    lean[np.flatnonzero(population["held_out"])[1]] = np.nan
    broken = population.with_columns(lean_x=lean)
    found = attribute_direction(Planted(population), Yardstick(broken, "all", 0, ONE), "lean_x")
    assert np.isfinite(found.vector).all()
    assert np.isfinite(found.fit)
    assert abs(found.vector[0]) > 0.9
    lean[np.flatnonzero(~population["held_out"])[1:]] = np.nan
    unknown = Yardstick(population.with_columns(lean_x=lean), "all", 0, ONE)
    with pytest.raises(WorkbenchError, match="1 training networks of all whose lean_x is known; a direction"):
        attribute_direction(Planted(population), unknown, "lean_x")


def test_networks_moved_along_lean_lean(population, monkeypatch):
    monkeypatch.setattr(generators, "for_population", lambda *_: Planted(population))
    analysis = find("attributes")
    *_, last = analysis.run(ONE, Selection(population), analysis.Params(attribute="lean_x", count=10, episodes=20))
    assert last.moved == 10
    assert last.monotone > 0.9
    lean = last.means[:, ATTRIBUTES.index("lean_x"), 0]
    assert (np.diff(lean) >= 0).all()
    assert lean[-1] > lean[0] + 0.05
    assert (last.means[..., 1] <= last.means[..., 0]).all()
    assert last.steps.tolist() == list(STEPS)
    k = STEPS.index(0.0)
    first = Yardstick(population, "all", 0, ONE).reference[0]
    assert np.array_equal(last.weights[k], population.weights[first]), "not moved, a network is itself"
    one = analysis.Params(attribute="lean_x", network=7, episodes=20)
    *_, last = analysis.run(ONE, Selection(population), one)
    assert last.moved == 1
    assert np.array_equal(last.weights[k], population.weights[7])
    assert last.means[k, 0].tolist() == [population["survival"][7]] * 3
