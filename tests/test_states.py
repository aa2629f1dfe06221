"""States that policies visit: each is one that a rollout has really been in."""

import numpy as np
import pytest
from oracles import cartpole, play_cartpole, torch_policy

from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec
from workbench.rollouts import Episodes, record
from workbench.rollouts import states as module
from workbench.rollouts.states import CAP, EPISODES, PER_EPISODE, own, visited


@pytest.fixture
def recorded(monkeypatch):
    """Every rollout that is recorded meanwhile."""
    found = []

    def watched(weights, spec, episodes):
        found.append((np.array(weights), episodes, record(weights, spec, episodes)))
        return found[-1][2]

    monkeypatch.setattr(module, "record", watched)
    return found


def rows(states):
    return {row.tobytes() for row in np.asarray(states, np.float32).reshape(-1, states.shape[-1])}


def seen_of(trace):
    return {
        row
        for states, steps in zip(trace.states, trace.steps, strict=True)
        for episode, length in zip(states, steps, strict=True)
        for row in rows(episode[:length])
    }


def test_states_are_of_rollouts_of_the_networks_given(population, recorded):
    found = visited(population.weights, population.spec, 700)
    assert found.shape == (700, 4)
    assert found.dtype == np.float32
    known = {row.tobytes() for row in np.asarray(population.weights)}
    seen = set()
    for weights, episodes, trace in recorded:
        assert {row.tobytes() for row in weights} <= known
        assert (episodes.count, episodes.cap) == (EPISODES, CAP)
        seen |= seen_of(trace)
    assert rows(found) <= seen
    assert len({episodes.seed for _, episodes, _ in recorded}) == len(recorded), "no episodes are played twice"


def test_gymnasium_visits_them_too(population):
    few = population.weights[[40]]
    found = visited(few, population.spec, 60, seed=4)
    random = np.random.default_rng([4, 2])
    random.integers(0, 1, 64)
    episodes = Episodes(EPISODES, CAP, int(random.integers(2**31)))
    net, env = torch_policy(few[0], population.spec), cartpole(CAP)
    steps = np.concatenate([play_cartpole(env, net, population.spec, seed)[0] for seed in episodes.seeds])
    distance = np.abs(found[:, None] - steps[None]).max(2).min(1)
    assert distance.max() < 1e-6


def test_long_episodes_do_not_crowd_out_short_ones(population, recorded):
    survival = population["survival"]
    pair = population.weights[[survival.argmin(), survival.argmax()]]
    found = visited(pair, population.spec, 4000)
    short, long = set(), set()
    for weights, _, trace in recorded:
        for row, states, steps in zip(weights, trace.states, trace.steps, strict=True):
            target = short if np.array_equal(row, pair[0]) else long
            target |= {r for episode, n in zip(states, steps, strict=True) for r in rows(episode[:n])}
    shares = [np.mean([row.tobytes() in part for row in found]) for part in (short, long)]
    assert min(shares) > 0.35, shares
    assert survival.min() < 12 < PER_EPISODE * 10 < survival.max()


def test_no_more_than_a_few_states_of_an_episode(population, recorded):
    best = population.weights[[population["survival"].argmax()]]
    found = visited(best, population.spec, 64 * EPISODES * PER_EPISODE)
    (_, _, trace), *others = recorded
    assert others == [], "64 networks of four long episodes are enough"
    assert len(rows(found)) > 0.9 * 4 * PER_EPISODE
    for episode, length in zip(trace.states[0], trace.steps[0], strict=True):
        assert length >= PER_EPISODE
        counts = np.array([r.tobytes() in rows(episode[:length]) for r in found])
        assert counts.sum() == 64 * PER_EPISODE


def test_the_seed_decides(population):
    first, again, other = (visited(population.weights, population.spec, 100, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not rows(first) & rows(other)


def test_they_come_in_random_order(population, recorded):
    found = visited(population.weights, population.spec, 600)
    later = {r for _, _, trace in recorded for e, n in zip(trace.states[:, 0], trace.steps[:, 0], strict=True) for r in
             rows(e[n // 2 : n])}  # fmt: skip
    of_a_second_half = np.array([row.tobytes() in later for row in found])
    assert 0.05 < of_a_second_half[:300].mean() < 0.5
    assert of_a_second_half[300:].mean() == pytest.approx(of_a_second_half[:300].mean(), abs=0.15)


def test_a_single_network_that_falls_at_once_is_enough(rng):
    weights = np.zeros((1, 212), np.float32)  # always the same action: about nine steps
    found = visited(weights, PolicySpec.cartpole(), 3000)
    assert found.shape == (3000, 4)
    assert np.isfinite(found).all()
    assert (np.abs(found[:, 2]) < 0.21).all()


def test_no_networks_are_told():
    with pytest.raises(WorkbenchError, match="states: no networks to take them from"):
        visited(np.zeros((0, 212), np.float32), PolicySpec.cartpole(), 10)


def test_own_states_are_each_networks_own(population):
    weights = population.weights[:20]
    found = own(weights, population.spec, 50, seed=3)
    assert found.shape == (20, 50, 4)
    assert found.dtype == np.float32
    trace = record(np.asarray(weights), population.spec, Episodes(1, CAP, 3))
    for k in range(20):
        assert rows(found[k]) <= rows(trace.states[k, 0, : trace.steps[k, 0]])
    again, other = own(weights, population.spec, 50, seed=3), own(weights, population.spec, 50, seed=4)
    assert np.array_equal(found, again)
    assert not rows(found) & rows(other)
    long = int(population["survival"][:20].argmax())
    assert len(rows(found[long])) > 30, "from all of the episode"


def test_nobodys_own_states_are_none():
    assert own(np.zeros((0, 212), np.float32), PolicySpec.cartpole(), 50).shape == (0, 50, 4)
