"""Verdicts on samples that are known to be good, copied, collapsed or elsewhere; figures against SciPy's."""

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import wasserstein_distance
from trainings import ONE

from workbench.errors import WorkbenchError
from workbench.learning import scoring
from workbench.learning.scoring import METRICS, STATES, Yardstick, verdict, yardstick
from workbench.numerics.novelty import decisions
from workbench.policies import PolicySpec
from workbench.population import Population, load
from workbench.rollouts import survival


@pytest.fixture(scope="module")
def networks():
    shipped = load()
    return shipped.select(np.arange(0, len(shipped), 12))


@pytest.fixture(scope="module")
def yard(networks):
    return Yardstick(networks, "all", 0, ONE)


@pytest.fixture(scope="module")
def long_lived(networks):
    return Yardstick(networks, "151-200", 0, ONE)


def judge(yard, weights, lasted):
    score = yard.score(weights, lasted)
    return verdict(score, yard.floor(len(weights)))[0], dict(zip(METRICS, score, strict=True))


def test_the_groups_networks_are_taken_training_and_held_out(networks, long_lived, yard):
    inside = networks["survival"] >= 150.5
    assert np.array_equal(long_lived.training, np.flatnonzero(inside & ~networks["held_out"]))
    assert np.array_equal(long_lived.held_out, np.flatnonzero(inside & networks["held_out"]))
    assert np.array_equal(long_lived.wanted, networks["survival"][long_lived.training])
    assert np.array_equal(long_lived.unseen, networks["survival"][long_lived.held_out])
    assert sorted(yard.reference) == np.flatnonzero(networks["held_out"]).tolist()
    assert len(yard.training) + len(yard.held_out) == len(networks)


def test_networks_that_are_not_finite_do_not_count(networks):
    weights, lasted = np.array(networks.weights), np.array(networks["survival"])
    training, held = np.flatnonzero(~networks["held_out"]), np.flatnonzero(networks["held_out"])
    weights[training[0], 3], weights[held[0], 9], lasted[training[1]] = np.nan, np.inf, np.nan
    found = Yardstick(Population(networks.spec, weights, {**networks.columns, "survival": lasted}), "all", 0, ONE)
    assert np.array_equal(found.training, training[2:])
    assert np.array_equal(found.held_out, held[1:])


def test_the_floor_is_what_training_networks_reach(yard):
    found = [yard.floor(n) for n in (20, 100, 1000)]
    assert found == [yard.floor(n) for n in (20, 100, 1000)]
    assert found[0] > found[1] > found[2] > 0
    random = np.random.default_rng(77)
    for n, floor in zip((20, 100, 1000), found, strict=True):
        draws = [wasserstein_distance(random.choice(yard.wanted, n), yard.unseen) for _ in range(200)]
        assert floor == pytest.approx(np.mean(draws), abs=4 * np.std(draws) * np.sqrt(1 / 40 + 1 / 200))


def test_held_out_networks_are_faithful(networks, yard, long_lived):
    for stick in (yard, long_lived):
        word, score = judge(stick, networks.weights[stick.reference], networks["survival"][stick.reference])
        assert word == "faithful"
        assert [score[m] for m in METRICS[-4:]] == [1.0, 1.0, 1.0, 1.0]
        assert score["w1"] == 0
        assert score["inside"] == 1
        assert score["n"] == len(stick.held_out)
        assert score["w1_low"] >= 0


def test_figures_of_survival_are_scipys(networks, yard):
    rows = yard.training[:50]
    lasted = networks["survival"][rows]
    _, score = judge(yard, networks.weights[rows], lasted)
    low, high = student.interval(0.95, 49, lasted.mean(), lasted.std(ddof=1) / np.sqrt(50))
    assert (score["mean"], score["mean_low"], score["mean_high"]) == pytest.approx((lasted.mean(), low, high))
    assert score["std"] == pytest.approx(lasted.std())
    assert score["w1"] == pytest.approx(wasserstein_distance(lasted, yard.unseen))
    assert score["w1_low"] < score["w1_high"]


def test_copies_of_training_networks_are_memorised(networks, yard):
    rows = yard.training[np.linspace(0, len(yard.training) - 1, 120).astype(int)]
    word, score = judge(yard, networks.weights[rows], networks["survival"][rows])
    assert word == "memorised"
    assert score["behaviour_novelty"] == 0
    assert score["weight_novelty"] == pytest.approx(0, abs=1e-6)
    assert score["behaviour_diversity"] == pytest.approx(1, abs=0.15)
    assert score["weight_diversity"] == pytest.approx(1, abs=0.15)
    shuffled = np.array(networks.weights[rows])
    order = np.random.default_rng(0).permutation(30)
    shuffled[:, :120] = shuffled[:, :120].reshape(-1, 30, 4)[:, order].reshape(-1, 120)
    shuffled[:, 120:150] = shuffled[:, 120:150][:, order]
    shuffled[:, 150:210] = shuffled[:, 150:210].reshape(-1, 2, 30)[:, :, order].reshape(-1, 60)
    word, score = judge(yard, shuffled, networks["survival"][rows])
    assert word == "memorised", "hidden units in another order are the same network"
    assert score["weight_novelty"] == pytest.approx(0, abs=1e-6)


def test_nearly_copies_are_memorised_too(networks, yard, rng):
    rows = yard.training[np.linspace(0, len(yard.training) - 1, 120).astype(int)]
    drawn = networks.weights[rows]
    noisy = (drawn * (1 + 0.01 * rng.standard_normal(drawn.shape))).astype(np.float32)
    word, score = judge(yard, noisy, networks["survival"][rows])
    assert word == "memorised"
    assert 0 < score["weight_novelty"] < 0.3


def test_one_network_again_and_again_is_collapsed(networks, yard):
    each = [yard.closeness(networks.weights[[row]])[:2] / yard.own[:2] for row in yard.reference[:40]]
    row = yard.reference[next(k for k, ratios in enumerate(each) if ratios.min() > 0.9)]
    n = len(yard.unseen)
    word, score = judge(yard, np.repeat(networks.weights[[row]], n, 0), yard.unseen)
    assert word == "collapsed"
    assert score["behaviour_diversity"] == pytest.approx(0, abs=1e-3)
    assert score["weight_diversity"] == 0


def test_networks_of_another_group_are_off_target(networks, long_lived):
    short = np.flatnonzero(networks["survival"] < 50)[:60]
    word, score = judge(long_lived, networks.weights[short], networks["survival"][short])
    assert word == "off-target"
    assert score["inside"] == 0
    assert score["w1"] > 100
    half = np.concatenate([long_lived.held_out[:30], short[:5]])
    word, score = judge(long_lived, networks.weights[half], networks["survival"][half])
    assert word == "off-target"
    assert score["inside"] == pytest.approx(30 / 35)


def test_noise_is_scattered_even_where_it_lasts_as_long(yard, rng):
    n = len(yard.unseen)
    noise = 3 * rng.standard_normal((n, 212)).astype(np.float32)
    word, score = judge(yard, noise, yard.unseen)
    assert word == "scattered"
    assert score["weight_novelty"] > 2
    assert score["w1"] == 0


def test_noise_measured_is_off_target(networks, long_lived, rng):
    noise = rng.standard_normal((80, 212)).astype(np.float32)
    word, _ = judge(long_lived, noise, survival(noise, networks.spec, 20).mean(1))
    assert word == "off-target"


def test_a_single_network_has_no_diversity(networks, yard):
    found = yard.closeness(networks.weights[yard.held_out[:1]])
    assert (found[:2] > 0).all()
    assert found[2:].tolist() == [0, 0]


def test_the_nearest_is_the_nearest(networks, yard):
    found = yard.nearest(networks.weights[yard.training[:20]])
    assert np.array_equal(found.rows, yard.training[:20])
    assert found.distances.max() == pytest.approx(0, abs=1e-6)
    assert (found.agreement == 1).all()
    assert yard.states.shape == (STATES, 4)
    few = networks.weights[yard.held_out[:15]]
    found = yard.nearest(few)
    a = decisions(few, networks.spec, yard.states).astype(float)
    b = decisions(networks.weights[yard.training], networks.spec, yard.states).astype(float)
    distances = np.sqrt(((a[:, None] - b) ** 2).mean(2))
    assert np.array_equal(found.rows, yard.training[distances.argmin(1)])
    np.testing.assert_allclose(found.distances, distances.min(1), rtol=1e-5)
    same = ((a > 0) == (b[distances.argmin(1)] > 0)).mean(1)
    np.testing.assert_allclose(found.agreement, same)
    assert not np.isin(found.candidates, yard.held_out).any()


def test_what_is_known_already_changes_nothing(networks, yard):
    weights = networks.weights[yard.held_out[:20]]
    lasted = networks["survival"][yard.held_out[:20]]
    assert np.array_equal(yard.score(weights, lasted, yard.nearest(weights)), yard.score(weights, lasted))


def test_the_seed_decides_and_nothing_else(networks, yard):
    again, other = Yardstick(networks, "all", 0, ONE), Yardstick(networks, "all", 1, ONE)
    assert np.array_equal(again.states, yard.states)
    assert np.array_equal(again.reference, yard.reference)
    assert not np.array_equal(other.states, yard.states)
    assert not np.array_equal(other.reference, yard.reference)


def test_networks_of_two_layers_are_told_by_behaviour_alone(rng):
    spec = PolicySpec((4, 6, 6, 2))
    weights = rng.normal(size=(60, spec.parameters)).astype(np.float32)
    population = Population(spec, weights, {"survival": rng.uniform(5, 200, 60)})
    yard = Yardstick(population, "all", 0, ONE)
    score = yard.score(weights[yard.reference], yard.survival[yard.reference])
    said = dict(zip(METRICS, score, strict=True))
    assert np.isnan([said["weight_novelty"], said["weight_diversity"]]).all()
    assert said["behaviour_novelty"] == said["behaviour_diversity"] == 1
    assert verdict(score, yard.floor(20))[0] == "faithful"
    copies = yard.score(weights[yard.training], yard.survival[yard.training])
    assert verdict(copies, yard.floor(20))[0] in ("memorised", "off-target")


def test_where_held_out_networks_are_copies_copies_are_right(networks):
    few = np.flatnonzero(~networks["held_out"])[:30]
    twice = networks.select(np.concatenate([few, few])).with_columns(held_out=np.arange(60) >= 30)
    yard = Yardstick(twice, "all", 0, ONE)
    word, score = judge(yard, twice.weights[:30], twice["survival"][:30])
    assert (word, score["behaviour_novelty"], score["weight_novelty"]) == ("faithful", 1, 1)
    others = networks.select(np.flatnonzero(networks["held_out"])[:30])
    found = yard.score(others.weights, twice["survival"][30:])
    assert np.isposinf(found[METRICS.index("behaviour_novelty")])
    assert verdict(found, 1.0)[0] == "scattered"


GOOD = {"n": 100, "mean": 180, "mean_low": 178, "mean_high": 182, "std": 15, "w1": 1.0, "w1_low": 0.5, "w1_high": 2,
        "inside": 1.0, **dict.fromkeys(METRICS[-4:], 1.0)}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "word", "said"),
    [
        ({}, "faithful", "Faithful: W1 is 1.0 steps, 1.0 times the sampling floor; neither copied nor collapsed."),
        ({"w1": 1.99}, "faithful", "2.0 times the sampling floor"),
        ({"w1": 2.01}, "off-target", "Off-target: W1 is 2.0 steps, 2.0 times the sampling floor; 100% lie in"),
        ({"inside": 0.89}, "off-target", "89% lie in the group"),
        ({"inside": 0.91}, "faithful", ""),
        ({"behaviour_novelty": 0.79}, "memorised", "Memorised: in behaviour samples lie 0.79 times as far"),
        ({"weight_novelty": 0.5, "behaviour_novelty": 0.6}, "memorised", "Memorised: in weights samples lie 0.50"),
        ({"weight_novelty": np.nan}, "faithful", ""),
        ({"behaviour_diversity": 0.7}, "collapsed", "Collapsed: samples differ 0.70 times as much"),
        ({"weight_diversity": 0.1, "behaviour_novelty": 0.1}, "memorised", "in behaviour samples lie 0.10"),
        ({"weight_diversity": 0.1}, "collapsed", "Collapsed: samples differ 0.10"),
        ({"weight_diversity": 1.3}, "scattered", "On target, but scattered: 1.30 times as far apart"),
        ({"behaviour_novelty": 1.24}, "faithful", ""),
        ({"behaviour_novelty": 1.26}, "scattered", "1.26 times"),
        ({"weight_novelty": 0.1, "w1": 50.0}, "off-target", "50.0 times"),
    ],
)
def test_a_verdict_says_why(changed, word, said):
    score = np.array(list({**GOOD, **changed}.values()), float)
    found, sentence = verdict(score, 1.0)
    assert found == word
    assert said in sentence
    assert sentence.endswith(".")


def test_without_a_floor_every_distance_is_too_far():
    assert verdict(np.array(list(GOOD.values()), float), 0.0)[0] == "off-target"


@pytest.mark.parametrize(
    ("rows", "group", "message"),
    [
        (slice(None), "1-49", "group: expected 1-50, 51-100, 101-150, 151-200, all, got '1-49'"),
        (slice(None), "", "group: expected 1-50, .*, all, got ''"),
        ("training", "all", "population: 0 held-out networks in group all; .*at least 2 are needed"),
        ("held out", "all", "population: 0 training networks in group all; .*at least 2 are needed"),
        ("one of each", "all", "population: 1 training networks in group all; .*at least 2 are needed"),
        ("long-lived", "51-100", "population: 0 training networks in group 51-100; .*at least 2 are needed"),
    ],
)
def test_what_cannot_be_compared_with_is_told(networks, rows, group, message):
    training, held = np.flatnonzero(~networks["held_out"]), np.flatnonzero(networks["held_out"])
    picked = {
        "training": training, "held out": held, "one of each": np.array([training[0], held[0]]),
        "long-lived": np.flatnonzero(networks["survival"] > 160),
    }.get(rows if isinstance(rows, str) else "", rows)  # fmt: skip
    part = networks.select(np.arange(len(networks))[picked])
    with pytest.raises(WorkbenchError, match=message):
        Yardstick(part, group, 0, ONE)


def test_a_yardstick_is_kept_for_the_next_run(networks, monkeypatch):
    monkeypatch.setattr(scoring, "_kept", {})
    first = yardstick(networks, "all", 0, ONE)
    assert yardstick(networks, "all", 0, ONE) is first
    assert yardstick(networks.select(np.arange(len(networks))), "all", 0, ONE) is first, "the same networks"
    others = [yardstick(networks, group, seed, ONE) for group, seed in (("all", 1), ("1-50", 0), ("151-200", 0))]
    assert len({id(y) for y in (first, *others)}) == 4
    fewer = networks.select(np.arange(300))
    assert yardstick(fewer, "all", 0, ONE).population is fewer
    for seed in range(2, 2 + scoring.KEPT):
        yardstick(networks, "all", seed, ONE)
    assert len(scoring._kept) == scoring.KEPT
    assert yardstick(networks, "all", 0, ONE) is not first
