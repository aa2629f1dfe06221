"""Recipes: what is drawn, what is refused, and that training trains."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.policies import Normaliser, PolicySpec
from workbench.rollouts import Episodes, rollout
from workbench.training.distributions import Choices, Span
from workbench.training.recipes import HYPERPARAMETERS, Recipe, check_trainable

SPEC = PolicySpec.cartpole()


def draws(distribution, n=4000):
    rng = np.random.default_rng(5)
    return np.array([distribution.draw(rng) for _ in range(n)])


def test_uniform_and_logarithmic_spans_are_drawn_as_they_say():
    uniform = scipy.stats.uniform(2, 6)
    assert scipy.stats.kstest(draws(Span(2, 8)), uniform.cdf).pvalue > 0.001
    logarithmic = scipy.stats.loguniform(1e-3, 1e-1)
    assert scipy.stats.kstest(draws(Span(1e-3, 1e-1, "log")), logarithmic.cdf).pvalue > 0.001

    def half_of_each(x):
        return (scipy.stats.uniform(1, 99).cdf(x) + scipy.stats.loguniform(1, 100).cdf(x)) / 2

    assert scipy.stats.kstest(draws(Span(1, 100, "mixed")), half_of_each).pvalue > 0.001


def test_whole_numbers_are_drawn_evenly_with_both_ends():
    values, counts = np.unique(draws(Span(3, 7, integer=True)), return_counts=True)
    assert values.tolist() == [3, 4, 5, 6, 7]
    assert scipy.stats.chisquare(counts).pvalue > 0.001
    values, counts = np.unique(draws(Choices((0.9, 0.95, 0.99))), return_counts=True)
    assert values.tolist() == [0.9, 0.95, 0.99]
    assert scipy.stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("recipe", HYPERPARAMETERS)
def test_defaults_make_sense_and_are_described(recipe):
    described = Recipe.of(recipe).describe()
    for h in HYPERPARAMETERS[recipe]:
        values = draws(h.default, 500)
        assert (values >= h.low).all()
        assert (values <= h.high).all()
        assert h.meaning
        again = h.parse(described[h.name].split(" (")[0])
        assert again == h.default, "a description can be given back"


@given(st.sampled_from([h for r in HYPERPARAMETERS.values() for h in r]), st.data())
def test_settings_in_range_are_read_as_written(h, data):
    numbers = st.integers(math.ceil(h.low), int(h.high)) if h.integer else st.floats(h.low, h.high)
    a, b = sorted(data.draw(st.lists(numbers, min_size=2, max_size=2)))
    assert h.parse(repr(a)) == Choices((a,))
    assert h.parse(f"{a!r}, {b!r}") == Choices((a, b))
    span = h.parse(f"{a!r}..{b!r}")
    assert (span.low, span.high, span.integer) == (a, b, h.integer)
    value = span.draw(np.random.default_rng(0))
    assert a <= value <= b or value == pytest.approx(a) or value == pytest.approx(b)


@pytest.mark.parametrize(
    ("recipe", "setting", "message"),
    [
        ("sarsa", "", "recipe: expected one of dqn, reinforce, got 'sarsa'"),
        (
            "dqn",
            "speed=3",
            "dqn: expected NAME=VALUE, got .speed=3.; there are .*, batch .transitions of",
        ),
        ("dqn", "lr", "dqn: expected NAME=VALUE, got .lr.; there are"),
        (
            "reinforce",
            "batch=3",
            "reinforce: expected NAME=VALUE, got .batch=3.; there are .*, gamma .discount.$",
        ),
        ("dqn", "lr=", "lr: expected a number, a list A,B,C or a range LOW..HIGH, got ''"),
        ("dqn", "lr=fast", "lr: expected a number, .* got 'fast'"),
        ("dqn", "lr=1..", "lr: expected a number, .* got '1..'"),
        ("dqn", "lr=.1,", "lr: expected a number, .* got '.1,'"),
        ("dqn", "lr=nan", "lr: expected 1e-06 to 1, got nan"),
        ("dqn", "lr=0", "lr: expected 1e-06 to 1, got 0"),
        ("dqn", "lr=.01..2", "lr: expected 1e-06 to 1, got 2"),
        ("dqn", "lr=.1...01", "lr: the range '.1...01' is empty"),
        ("dqn", "gamma=1.5", "gamma: expected 0 to 1, got 1.5"),
        ("dqn", "gamma=-.1", "gamma: expected 0 to 1, got -.1"),
        ("dqn", "updates=0", r"updates: expected 1 to 1e\+07, got 0"),
        ("dqn", "updates=2.5", "updates: expected a whole number, got 2.5"),
        ("dqn", "updates=inf", "updates: expected a number, .* got 'inf'"),
        ("dqn", "updates=nan", "updates: expected a number, .* got 'nan'"),
        ("dqn", "updates=1..inf", "updates: expected a number, .* got '1..inf'"),
        ("dqn", "batch=10001", "batch: expected 1 to 10000, got 10001"),
        ("dqn", "epsilon=2", "epsilon: expected 0 to 1, got 2"),
        ("dqn", "target=0", r"target: expected 1 to 1e\+07, got 0"),
        ("reinforce", "updates=2000000", r"updates: expected 1 to 1e\+06, got 2000000"),
        ("reinforce", "lr=7", "lr: expected 1e-06 to 1, got 7"),
        ("reinforce", "gamma=7", "gamma: expected 0 to 1, got 7"),
    ],
)
def test_settings_that_cannot_be_are_told(recipe, setting, message):
    with pytest.raises(WorkbenchError, match=message):
        Recipe.of(recipe, (setting,))


def test_later_settings_count():
    recipe = Recipe.of("dqn", ("lr=.1", " lr = .2..0.3 "))
    assert recipe.describe()["lr"] == "0.2..0.3 (log)"


@pytest.mark.parametrize("recipe", HYPERPARAMETERS)
def test_a_network_depends_on_the_seed_and_its_position_alone(recipe):
    made = Recipe.of(recipe, ("updates=5..40",))
    weights, drawn = made.train(7, 0, 12, SPEC)
    part, part_drawn = made.train(7, 4, 9, SPEC)
    assert part.tobytes() == weights[4:9].tobytes()
    assert all(np.array_equal(part_drawn[name], drawn[name][4:9]) for name in drawn)
    assert list(drawn) == [h.name for h in HYPERPARAMETERS[recipe]]
    assert len(np.unique(weights, axis=0)) == 12
    other, _ = made.train(8, 0, 12, SPEC)
    assert not (other == weights).all(1).any()
    assert np.isfinite(weights).all()


def test_columns_have_the_kinds_of_their_hyperparameters():
    _, drawn = Recipe.of("dqn", ("updates=3",)).train(0, 0, 4, SPEC)
    for h in HYPERPARAMETERS["dqn"]:
        assert drawn[h.name].dtype == (np.int64 if h.integer else np.float32)


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("dqn", ("lr=.005", "gamma=.99", "batch=32", "epsilon=.05", "target=100")),
        ("reinforce", ("lr=.02", "gamma=.99")),
    ],
)
@pytest.mark.parametrize("hidden", [30, 7])
def test_training_makes_networks_survive(recipe, settings, hidden):
    spec = PolicySpec.cartpole(hidden)
    means = []
    for updates in (1, 5000 if recipe == "dqn" else 200):
        weights, _ = Recipe.of(recipe, (*settings, f"updates={updates}")).train(1, 0, 8, spec)
        means.append(rollout(weights, spec, Episodes(30), Compute("cpu", 1)).steps.mean())
    assert means[0] < 50
    assert means[1] > 2.5 * means[0]


def test_the_environments_constants_reach_the_trainer():
    light = SPEC.with_env(force_mag=5.0)
    made = Recipe.of("dqn", ("updates=50",))
    assert not np.array_equal(made.train(0, 0, 2, SPEC)[0], made.train(0, 0, 2, light)[0])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            PolicySpec((4, 30, 2), "relu"),
            "expected a greedy 4-H-2 elu policy on Cart-Pole, got 4-30-2 relu on CartPole-v1",
        ),
        (PolicySpec((4, 2)), "got 4-2 on CartPole-v1"),
        (PolicySpec((4, 8, 8, 2)), "got 4-8-8-2 elu"),
        (PolicySpec((4, 8, 2), bias=False), "expected a greedy 4-H-2 elu"),
        (PolicySpec((4, 8, 2), action="sampled"), "expected a greedy 4-H-2 elu"),
        (PolicySpec((4, 8, 2), normaliser=Normaliser((0.0,) * 4, (1.0,) * 4)), "expected a greedy 4-H-2 elu"),
        (PolicySpec((4, 8, 2), env="Acrobot-v1"), "got 4-8-2 elu on Acrobot-v1"),
        (SPEC.with_env(kinematics_integrator="semi-implicit"), "expected the euler integrator .* got semi-implicit"),
        (SPEC.with_env(theta_threshold_radians=0.6), "fallen angle up to 0.5 rad, got euler and 0.6"),
        (SPEC.with_env(wind=1), "unknown arguments wind"),
    ],
)
def test_policies_that_are_not_trained_are_told(spec, message):
    with pytest.raises(WorkbenchError, match=message):
        check_trainable(spec)
    with pytest.raises(WorkbenchError, match=message):
        Recipe.of("dqn").train(0, 0, 1, spec)
