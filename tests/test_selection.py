"""Choosing among candidates: matching against SciPy's assignment, and what each selector promises."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from trainings import ONE

from workbench import generators
from workbench.errors import WorkbenchError
from workbench.learning import selection
from workbench.learning.contract import Samples
from workbench.learning.selection import CANDIDATES, TRIAL_EPISODES, choose, matching, predictor_of
from workbench.rollouts import Episodes, survival

numbers = st.lists(st.one_of(st.floats(-1e6, 1e6), st.integers(0, 5).map(float)), min_size=1, max_size=9)


@given(numbers, st.data())
def test_matching_costs_the_least_possible(values, data):
    wanted = data.draw(st.lists(st.sampled_from([*values, 0.0, 1.0, 2.5, -7.0]), min_size=1, max_size=len(values)))
    values, wanted = np.array(values), np.array(wanted)
    rows = matching(values, wanted)
    assert rows.shape == wanted.shape
    assert rows.dtype == np.int64
    assert len(set(rows.tolist())) == len(rows), "each is taken once"
    assert rows.min() >= 0
    assert rows.max() < len(values)
    cost = np.abs(values - wanted[:, None])
    best = cost[linear_sum_assignment(cost)].sum()
    assert np.abs(values[rows] - wanted).sum() == pytest.approx(best, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "m"), [(1, 40), (30, 30), (60, 240), (120, 121)])
def test_matching_many_costs_the_least_possible(rng, n, m, ties):
    values, wanted = rng.uniform(0, 200, m), rng.uniform(0, 250, n)
    if ties:
        values, wanted = values.round(-1), wanted.round(-1)
    cost = np.abs(values - wanted[:, None])
    rows = matching(values, wanted)
    assert len(np.unique(rows)) == n
    assert np.abs(values[rows] - wanted).sum() == pytest.approx(cost[linear_sum_assignment(cost)].sum())


def test_what_is_there_is_found(rng):
    values = rng.permutation(200).astype(float)
    wanted = rng.permutation(values)[:50]
    assert np.array_equal(values[matching(values, wanted)], wanted)
    assert matching(values, np.zeros(0)).shape == (0,)


class Made:
    """A generator whose candidates are networks that exist; of each it is told how often it was asked."""

    title = "made"

    def __init__(self, weights, spec):
        self.weights, self.spec, self.asked = weights, spec, []

    def sample(self, count, group, seed, training=None):
        self.asked.append((count, group, seed, training is not None))
        rows = np.random.default_rng(seed).permutation(len(self.weights))[:count]
        return Samples(rows[:, None].astype(np.float32), self.weights[rows])

    def decode(self, latents, group, seed):
        return self.weights[latents[:, 0].astype(int)]


class Oracle:
    """A predictor that is right."""

    def __init__(self, spec):
        self.spec = spec

    def predict(self, weights):
        return survival(weights, self.spec, 20).mean(1), np.zeros(len(weights))


@pytest.fixture
def candidates(population):
    return Made(np.array(population.weights), population.spec)


def test_without_a_selector_all_is_kept_as_it_comes(candidates):
    chosen = choose(candidates, 12, "all", 3, selector="none", wanted=np.zeros(0))
    assert candidates.asked == [(12, "all", 3, False)]
    assert np.array_equal(chosen.samples.weights, candidates.sample(12, "all", 3).weights)
    assert (chosen.candidates, chosen.episodes) == (12, 0)


@pytest.mark.parametrize("selector", ["predictor", "simulator"])
def test_a_selector_keeps_the_distribution_wanted(candidates, population, selector):
    wanted = np.random.default_rng(0).uniform(150, 200, 300)
    chosen = choose(
        candidates, 20, "151-200", 3, selector=selector, wanted=wanted, predictor=Oracle(population.spec), compute=ONE
    )
    assert candidates.asked == [(CANDIDATES * 20, "151-200", 3, False)]
    assert chosen.candidates == CANDIDATES * 20
    assert chosen.episodes == (CANDIDATES * 20 * TRIAL_EPISODES if selector == "simulator" else 0)
    rows = chosen.samples.latents[:, 0].astype(int)
    assert len(np.unique(rows)) == 20
    assert np.array_equal(chosen.samples.weights, candidates.weights[rows])
    lasted = population["survival"][rows]
    drawn = population["survival"][candidates.sample(80, "", 3).latents[:, 0].astype(int)]
    assert lasted.mean() > drawn.mean() + 30
    closest = np.sort(np.sort(np.abs(drawn - 175))[:20]).mean()
    assert np.abs(lasted - 175).mean() < closest + 25


def test_candidates_are_tried_in_episodes_that_nothing_is_scored_on(candidates, population, monkeypatch):
    tried = []
    real = selection.performance

    def watched(weights, spec, episodes, compute):
        tried.append(episodes)
        return real(weights, spec, episodes, compute)

    monkeypatch.setattr(selection, "performance", watched)
    for seed in (0, 5, 2**63 - 1):
        choose(candidates, 4, "all", seed, selector="simulator", wanted=np.arange(50.0), compute=ONE)
        (episodes,) = tried
        tried.clear()
        assert episodes.count == TRIAL_EPISODES
        assert not set(episodes.seeds.tolist()) & set(Episodes(100, seed=seed).seeds.tolist())


def test_the_first_few_are_as_good_a_sample_as_all(candidates, population):
    wanted = np.linspace(5, 200, 100)
    chosen = choose(candidates, 20, "all", 0, selector="predictor", wanted=wanted, predictor=Oracle(population.spec))
    lasted = population["survival"][chosen.samples.latents[:, 0].astype(int)]
    assert not np.array_equal(lasted, np.sort(lasted))
    assert abs(np.corrcoef(lasted, np.arange(20))[0, 1]) < 0.6


def test_latents_are_changed_before_they_are_decoded(candidates):
    def next_one(latents):
        return (latents + 1) % 96

    plain = choose(candidates, 10, "all", 1, selector="none", wanted=np.zeros(0))
    moved = choose(candidates, 10, "all", 1, selector="none", wanted=np.zeros(0), change=next_one)
    assert np.array_equal(moved.samples.latents, next_one(plain.samples.latents))
    assert np.array_equal(moved.samples.weights, candidates.weights[moved.samples.latents[:, 0].astype(int)])


def test_training_networks_are_handed_on(candidates, population):
    choose(candidates, 5, "all", 1, selector="none", wanted=np.zeros(0), training=population.weights[:3])
    assert candidates.asked == [(5, "all", 1, True)]


def test_the_seed_decides(candidates, population):
    predictor = Oracle(population.spec)
    first, again, other = (
        choose(candidates, 8, "all", seed, selector="predictor", wanted=np.arange(200.0), predictor=predictor)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.samples.weights, again.samples.weights)
    assert not np.array_equal(first.samples.latents, other.samples.latents)


def test_only_some_generators_have_a_predictor(trained, population):
    found = {name: predictor_of(generators.for_population(population, name)) for name in ("cartpolegen", "functional")}
    assert found["cartpolegen"] is None
    assert found["functional"] is not None


@pytest.mark.parametrize(
    ("selector", "wanted", "message"),
    [
        ("best", np.arange(5.0), "selector: expected none, predictor, simulator, got 'best'"),
        ("predictor", np.arange(5.0), "selector: made has no survival predictor; none or simulator can be had"),
        ("simulator", np.zeros(0), "selector: no training network of group 51-100 whose survival time could"),
    ],
)
def test_what_cannot_be_chosen_is_told(candidates, selector, wanted, message):
    with pytest.raises(WorkbenchError) as told:
        choose(candidates, 5, "51-100", 0, selector=selector, wanted=wanted)
    assert str(told.value).startswith(message)
    assert candidates.asked == []
