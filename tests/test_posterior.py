"""What the posterior of missing weights is made of: Bellman residuals, densities of functions, and a few for many."""

from dataclasses import replace
from itertools import combinations

import gymnasium
import numpy as np
import pytest
import torch
from scipy import stats
from test_repair import case_for, held_out
from trainings import ONE

from workbench import generators, repairing
from workbench.learning import posterior
from workbench.learning.bellman import DISCOUNTS, Bellman
from workbench.learning.descent import descend
from workbench.learning.functions import SHARPNESS, FunctionDensity
from workbench.learning.missing import conditional
from workbench.learning.repair import Source
from workbench.numerics.covering import cover
from workbench.numerics.symmetry import permute
from workbench.policies import PolicySpec, forward, initial

SPEC = PolicySpec.cartpole(6)


@pytest.fixture
def source(population, trained):
    return Source.of(population, generators.for_population(population, "functional"), ONE)


def gained(likeness, shares, chosen):
    return (likeness[list(chosen)].max(0) * shares).sum()


def test_a_few_cover_most():
    random = np.random.default_rng(0)
    for _ in range(20):
        likeness, shares = random.random((7, 9)) ** 4, random.dirichlet(np.ones(9))
        chosen = cover(likeness, shares, 3)
        assert chosen[0] == (likeness @ shares).argmax() and len(set(chosen)) == 3
        best = max(gained(likeness, shares, some) for some in combinations(range(7), 3))
        assert gained(likeness, shares, chosen) >= (1 - 1 / np.e) * best
        for k in (1, 2):  # greedy: no other next would add more
            rest = [gained(likeness, shares, (*chosen[:k], j)) for j in range(7)]
            assert gained(likeness, shares, chosen[: k + 1]) == pytest.approx(max(rest))
    assert sorted(cover(likeness, shares, 99)) == list(range(7))
    assert cover(np.eye(3), [0.2, 0.5, 0.3], 2).tolist() == [1, 2]


def test_residuals_are_of_gymnasiums_steps(rng):
    states = np.concatenate([rng.uniform(-0.2, 0.2, (30, 4)), [[2.39, 3, 0, 0], [0, 0, -0.2, -2]]]).astype(np.float32)
    weights = initial(SPEC, 3, 1)
    env = gymnasium.make("CartPole-v1").unwrapped
    expected = []
    for discount in DISCOUNTS:
        squares = np.zeros((3, len(states), 2))
        for k, state in enumerate(states):
            for action in (0, 1):
                env.reset()
                env.state = tuple(state.astype(float))
                after, _, ended, *_ = env.step(action)
                to_come = 0 if ended else forward(weights, SPEC, np.array([after], np.float32))[:, 0].max(1)
                here = forward(weights, SPEC, state[None])[:, 0, action]
                squares[:, k, action] = (here - 1 - discount * to_come) ** 2
        expected.append(np.log(squares.mean((1, 2)) + 1e-6))
    found = Bellman(SPEC, states).log_residual(torch.from_numpy(weights))
    np.testing.assert_allclose(found, np.min(expected, 0), rtol=1e-4, atol=1e-5)


def test_densities_are_of_kernels_on_what_networks_do(rng):
    states = rng.standard_normal((20, 4)).astype(np.float32)
    known, asked = initial(SPEC, 12, 3), initial(SPEC, 5, 4)

    def points(weights):
        out = forward(weights, SPEC, states).astype(float)
        centred = out - out.mean(2, keepdims=True)
        return np.tanh(SHARPNESS * centred / np.sqrt((centred**2).mean((1, 2), keepdims=True))).reshape(
            len(weights), -1
        )

    there = points(known)
    apart = [min(((a - b) ** 2).sum() for j, b in enumerate(there) if j != k) for k, a in enumerate(there)]
    kernel = stats.multivariate_normal(cov=np.median(apart) * np.eye(40))
    expected = np.log([sum(kernel.pdf(p - t) / kernel.pdf(np.zeros(40)) for t in there) for p in points(asked)])
    density = FunctionDensity(known, SPEC, states)
    found = density.log_density(torch.from_numpy(asked)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    # Neither the order of units nor the size of outputs matters.
    shuffled = permute(asked, SPEC, rng.permutation(6))
    shuffled[:, 30:] *= 7
    np.testing.assert_allclose(density.log_density(torch.from_numpy(shuffled)), found, rtol=1e-3)
    same = FunctionDensity(np.repeat(known[:1], 3, 0), SPEC, states)
    assert same.log_density(torch.from_numpy(asked)).isfinite().all(), "copies of one network have no width"


def test_downhill_ends_where_bayes_rule_has_it(population, source):
    _, damaged, case = case_for(population, held_out(population), 0.05)
    mask, weight = damaged.mask, 4.0
    goal = torch.linspace(-0.5, 0.5, int(mask.sum()))
    there = torch.from_numpy(np.flatnonzero(mask))
    networks, left = descend(
        case, source, lambda w: 0.5 * weight * (w[:, there] - goal).square().sum(1), 8, 400, 0.1
    )  # fmt: skip
    mean, covariance = conditional(case, source)
    precision = np.linalg.inv(covariance)
    mode = np.linalg.solve(precision + weight * np.eye(len(mean)), precision @ mean + weight * goal.numpy())
    np.testing.assert_allclose(networks[:, mask], np.tile(mode, (8, 1)), atol=0.02)
    np.testing.assert_allclose(left, 0.5 * weight * np.square(mode - goal.numpy()).sum(), rtol=0.05, atol=0.01)
    assert (networks[:, ~mask] == case.damaged[~mask]).all()


def test_the_first_is_like_most_others(population, source):
    _, _, case = case_for(population, held_out(population), survival=None)
    crowd, strays = np.repeat(source.weights[:1], 6, 0), source.weights[1:5]
    crowd = crowd + np.float32(1e-6) * np.arange(6)[:, None].astype(np.float32)
    networks = np.concatenate([strays, crowd])
    chosen, episodes = posterior.representative(networks, np.zeros(10), case, source)
    acts = repairing.actions_of(chosen, population.spec, source.states(posterior.COMPARED))
    assert (chosen[0] == crowd).all(1).any() and chosen.shape == (5, 212) and episodes == 0
    assert (acts[1:] == acts[0]).mean(1).max() < 1, "then those that are not"
    likely = np.where(np.arange(10) == 2, 0.0, 100.0)
    assert np.array_equal(posterior.representative(networks, likely, case, source)[0][0], strays[2])


def test_the_order_of_units_does_not_matter(population, source):
    *_, case = case_for(population, held_out(population), 0.05)
    order = np.random.default_rng(5).permutation(30)
    moved = lambda flat: permute(np.asarray(flat, float)[None], population.spec, order)[0]  # noqa: E731
    other = replace(case, damaged=moved(case.damaged).astype(np.float32), mask=moved(case.mask) > 0)
    whole = [np.zeros(212), np.zeros(212)]
    for filled, one in zip(whole, (case, other), strict=True):
        filled[one.mask] = conditional(one, source)[0]
    np.testing.assert_allclose(whole[1], moved(whole[0]), atol=1e-6)
    energy = posterior.posterior_energy(case, source)
    shuffled = permute(source.weights[:9], population.spec, order)
    both = [energy(torch.from_numpy(w)).detach() for w in (source.weights[:9], shuffled)]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-3, atol=1e-2)


def test_other_populations_have_less_to_go_by(source):
    spec = PolicySpec((3, 5, 3), "tanh", env="Acrobot-v1")
    weights = initial(spec, 40, 0)

    class Sampler:
        """Stands for a generator without a predictor."""

    other = Source(spec, weights, np.arange(40.0), Sampler(), ONE)
    assert other.predictor is None
    rows = other.nearest(30.0, 3, 0)
    assert sorted(rows.tolist()) == [29, 30, 31]
    assert set(other.nearest(None, 99, 1).tolist()) == set(range(40))
    level = Source(spec, weights, np.full(40, 200.0), Sampler(), ONE)
    assert sorted(level.nearest(200.0, 5, 0).tolist()) != [0, 1, 2, 3, 4], "at random among equals"
