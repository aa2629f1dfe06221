"""Rollouts against Gymnasium's environments and torch's networks, and what must not change them."""

import gymnasium
import numpy as np
import pytest
import torch
from oracles import cartpole, play_any, play_cartpole, torch_policy

import workbench
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.kernels import lanes
from workbench.physics import Physics
from workbench.policies import ACTIVATIONS, Normaliser, PolicySpec
from workbench.rollouts import Episodes, behaviour, gym, record, reference, rollout
from workbench.rollouts import play as front
from workbench.rollouts.baselines import baselines
from workbench.rollouts.play import stream

TIE = 1e-4
"""Two float32 networks may decide differently where the surplus of one action is below this."""

NORMALISER = Normaliser((0.1, -0.2, 0.01, 0.3), (0.4, 0.9, 0.07, 1.1), 1.5)
LIGHT_POLE = {"gravity": 4.2, "length": 0.8, "masspole": 0.3, "masscart": 1.7, "force_mag": 6.0, "tau": 0.03}
SPECS = {
    "linear": PolicySpec((4, 2)),
    "linear without bias": PolicySpec((4, 2), bias=False),
    "one unit": PolicySpec((4, 1, 2), "identity"),
    "elu": PolicySpec.cartpole(),
    "relu without bias": PolicySpec((4, 13, 2), "relu", bias=False),
    "tanh, two layers": PolicySpec((4, 8, 16, 2), "tanh"),
    "sigmoid, three layers": PolicySpec((4, 17, 9, 6, 2), "sigmoid"),
    "elu, wide then narrow": PolicySpec((4, 70, 3, 2), "elu"),
    "normaliser with clip": PolicySpec((4, 12, 2), "tanh", normaliser=NORMALISER),
    "normaliser without clip": PolicySpec((4, 2), normaliser=Normaliser((0.0,) * 4, (0.1, 0.2, 0.3, 0.4))),
    "sampled": PolicySpec((4, 10, 2), "relu", action="sampled"),
    "CartPole-v0": PolicySpec((4, 2), env="CartPole-v0"),
    "other constants": PolicySpec((4, 2)).with_env(**LIGHT_POLE),
    "semi-implicit": PolicySpec((4, 2)).with_env(kinematics_integrator="semi-implicit"),
    "narrow limits": PolicySpec((4, 2)).with_env(theta_threshold_radians=0.06, x_threshold=0.1),
    "wide fall angle": PolicySpec((4, 2)).with_env(theta_threshold_radians=2.5, x_threshold=4.0),
    "sampled, semi-implicit, wide": PolicySpec((4, 6, 2), "elu", action="sampled").with_env(
        theta_threshold_radians=0.7, kinematics_integrator="semi-implicit"
    ),
}


def assert_equals_gymnasium(weights, spec, episodes):
    """Every recorded episode is the one that Gymnasium plays with torch's network; returns how many end in a tie."""
    trace = record(weights, spec, episodes)
    env = cartpole(episodes.cap, **dict(spec.env_kwargs))
    ties = 0
    for i, flat in enumerate(weights):
        net = torch_policy(flat, spec)
        for e, seed in enumerate(episodes.seeds):
            states, actions, surplus = play_cartpole(env, net, spec, seed)
            ours = trace.actions[i, e, : trace.steps[i, e]]
            common = min(len(ours), len(actions))
            differing = np.flatnonzero(ours[:common] != actions[:common])
            until = len(actions)
            if len(differing):
                until = int(differing[0]) + 1
                assert surplus[until - 1] < TIE, f"network {i}, episode {e}, step {until - 1}"
                ties += 1
            else:
                assert trace.steps[i, e] == len(actions), f"network {i}, episode {e}"
                assert not trace.states[i, e, until:].any()
                assert not trace.actions[i, e, until:].any()
            np.testing.assert_allclose(trace.states[i, e, :until], states[:until], rtol=1e-9, atol=1e-9)
    assert np.array_equal(trace.steps, rollout(weights, spec, episodes, Compute("cpu", 1)).steps)
    env.close()
    return ties


@pytest.mark.parametrize("name", SPECS)
def test_episodes_are_those_of_gymnasium_and_torch(name, rng):
    spec = SPECS[name]
    weights = rng.normal(0, 1, (6, spec.parameters)).astype(np.float32)
    ties = assert_equals_gymnasium(weights, spec, Episodes(15, 120, seed=4))
    assert ties <= 1


def test_trained_networks_play_the_episodes_of_gymnasium(population):
    order = np.argsort(population["survival"])
    weights = np.array(population.weights[order[[0, 40, 60, 75, 85, 90, 93, 95]]])
    ties = assert_equals_gymnasium(weights, population.spec, Episodes(30, 200, seed=1))
    # Some 25,000 decisions; torch, which takes the difference of two large outputs, is off by up to 5e-5 in each.
    assert ties <= 5


@pytest.mark.parametrize("cap", [200, 500])
def test_thousands_of_episodes_equal_batched_torch(population, cap):
    weights = np.array(population.weights[:40])
    episodes = Episodes(100, cap, seed=9)
    ours = rollout(weights, population.spec, episodes, Compute("cpu", 1))
    theirs = reference.play(weights, population.spec, episodes)
    assert ours.steps.min() < 30
    assert ours.steps.max() == cap
    # A pole that is pushed alike is still unstable: float64 rounding grows tenfold in about 30 steps, and reaches what
    # a network can see after some 400.
    early, whole = np.minimum(ours.steps, 250) == np.minimum(theirs, 250), ours.steps == theirs
    assert early.mean() >= 0.9985, "beyond what ties in float32 explain"
    assert whole.mean() >= 0.98
    assert ours.steps.mean() == pytest.approx(theirs.mean(), rel=1e-3)
    assert np.array_equal(ours.returns, ours.steps)
    assert ours.steps.dtype == np.int32


@pytest.mark.parametrize("name", ["sampled", "normaliser with clip", "semi-implicit", "other constants", "one unit"])
def test_batched_torch_plays_other_specs_alike(name, rng):
    spec = SPECS[name]
    weights = rng.normal(0, 1, (20, spec.parameters)).astype(np.float32)
    episodes = Episodes(50, 100, seed=2)
    ours = rollout(weights, spec, episodes, Compute("cpu", 1)).steps
    assert (ours == reference.play(weights, spec, episodes)).mean() >= 0.998


def test_a_longer_cap_only_continues_capped_episodes(population):
    weights = np.array(population.weights[:30])
    short = rollout(weights, population.spec, Episodes(20, 200), Compute("cpu", 1)).steps
    long = rollout(weights, population.spec, Episodes(20, 500), Compute("cpu", 1)).steps
    assert np.array_equal(np.minimum(long, 200), short)
    assert (long > 200).any()


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_do_not_change_a_bit(population, threads):
    episodes = Episodes(30, 200, seed=5)
    weights = np.tile(population.weights, (3, 1))  # several chunks
    one = [(d, r.steps, b) for d, r, b in stream(weights, population.spec, episodes, Compute("cpu", 1), measure=True)]
    many = [
        (d, r.steps, b) for d, r, b in stream(weights, population.spec, episodes, Compute("cpu", threads), measure=True)
    ]
    assert [d for d, *_ in one] == [d for d, *_ in many]
    assert one[-1][0] == len(weights)
    for (_, a, p), (_, b, q) in zip(one, many, strict=True):
        assert a.tobytes() == b.tobytes()
        assert p.lean_x.tobytes() == q.lean_x.tobytes()
        assert p.sharpness.tobytes() == q.sharpness.tobytes()


def test_neighbours_order_and_mapping_do_not_change_a_bit(population, rng, compute):
    episodes = Episodes(25, 200)
    spec = population.spec
    assert isinstance(population.weights, np.memmap)
    whole = rollout(population.weights, spec, episodes, compute).steps
    assert np.array_equal(rollout(np.array(population.weights), spec, episodes, compute).steps, whole)
    order = rng.permutation(len(population))
    assert np.array_equal(rollout(population.weights[order], spec, episodes, compute).steps, whole[order])
    for row in (0, 50, 95):
        alone = rollout(population.weights[row : row + 1], spec, episodes, compute).steps
        assert np.array_equal(alone, whole[row : row + 1])
    strided = np.asfortranarray(population.weights)
    assert np.array_equal(rollout(strided, spec, episodes, compute).steps, whole)


def test_the_first_episodes_do_not_depend_on_how_many_follow(population, compute):
    weights = population.weights[:20]
    few, many = Episodes(7, 200, 3), Episodes(150, 200, 3)
    assert np.array_equal(few.seeds, many.seeds[:7])
    assert np.array_equal(few.starts(), many.starts()[:7])
    steps = rollout(weights, population.spec, many, compute).steps
    assert np.array_equal(rollout(weights, population.spec, few, compute).steps, steps[:, :7])
    assert np.array_equal(rollout(weights, population.spec, many.one(140), compute).steps, steps[:, 140:141])
    sampled = PolicySpec((4, 2), action="sampled")
    noise = np.zeros((1, 10), np.float32)
    together = rollout(noise, sampled, many, compute).steps
    assert np.array_equal(rollout(noise, sampled, many.one(77), compute).steps, together[:, 77:78])


def test_starts_are_the_states_after_gymnasium_resets():
    env = gymnasium.make("CartPole-v1")
    episodes = Episodes(40, seed=8)
    for seed, start in zip(episodes.seeds, episodes.starts(), strict=True):
        env.reset(seed=int(seed))
        assert np.array_equal(np.array(env.unwrapped.state), start)
    assert len(set(map(int, episodes.seeds))) == 40
    assert not np.array_equal(Episodes(40, seed=9).starts(), episodes.starts())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rule", ["greedy", "sampled"])
@pytest.mark.parametrize("sizes", [(4, 2), (4, 30, 2), (4, 6, 6, 2)])
def test_weights_that_are_not_finite_push_left_as_argmax_of_nan_does(value, rule, sizes, rng, compute):
    assert torch.tensor([np.nan, np.nan]).argmax() == 0
    spec = PolicySpec(sizes, action=rule)
    weights = rng.normal(0, 1, (5, spec.parameters)).astype(np.float32)
    weights[np.arange(4), [0, 3, spec.parameters // 2, spec.parameters - 1]] = value
    episodes = Episodes(30)
    steps = rollout(weights, spec, episodes, compute).steps
    left = rollout(np.zeros((1, 10), np.float32), PolicySpec((4, 2)), episodes, compute).steps
    assert (steps[:4] == left).all()
    assert np.array_equal(rollout(weights[4:], spec, episodes, compute).steps, steps[4:]), "the sound one beside them"


def test_huge_weights_end(compute):
    spec = PolicySpec((4, 8, 8, 2), "identity")
    weights = np.full((3, spec.parameters), 3e38, np.float32)
    weights[1] *= -1
    weights[2, ::2] *= -1
    steps = rollout(weights, spec, Episodes(20), compute).steps
    assert steps.min() >= 1
    assert steps.max() <= 200


def test_zero_networks_are_played(compute):
    spec = PolicySpec.cartpole()
    result = rollout(np.zeros((0, 212), np.float32), spec, Episodes(5), compute)
    assert result.steps.shape == (0, 5)
    assert result.returns.shape == (0, 5)


def test_survival_takes_one_network_or_many(population):
    many = workbench.survival(population.weights[:3], population.spec, episodes=10, seed=2, threads=1, device="cpu")
    one = workbench.survival(population.weights[1], population.spec, episodes=10, seed=2, threads=1, device="cpu")
    assert many.shape == (3, 10)
    assert np.array_equal(one, many[1:2])


@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a != "identity"])
def test_activations_of_the_kernel_are_accurate(activation):
    z = np.concatenate([np.linspace(-100, 100, 40_001), np.linspace(-1, 1, 20_001), -np.geomspace(1e-30, 1e4, 10_000)])
    z = np.resize(z, (1, len(z) // 16 * 16)).astype(np.float32)
    x = z.astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        expected = {
            "elu": np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
            "relu": np.maximum(x, 0),
            "tanh": np.tanh(x),
            "sigmoid": 1 / (1 + np.exp(-x)),
        }[activation]
    actual = z.copy()
    lanes.activate(actual, 1, lanes.CODES[activation], actual.shape[1])
    # Some processors divide by a refined reciprocal, one or two last places off.
    limit = {"elu": 1.3e-7, "relu": 0, "tanh": 4e-7, "sigmoid": 2e-7}[activation]
    assert np.abs(actual - expected).max() <= limit


def test_the_exponential_of_the_kernel_is_accurate():
    x = -np.concatenate([np.linspace(0, 90, 3000), np.geomspace(1e-12, 1e6, 500)]).astype(np.float32)
    actual = np.array([lanes.exp_nonpositive(v) for v in x])
    assert np.abs(actual - np.exp(x.astype(np.float64))).max() < 1.3e-7


def test_baselines_survive_as_long_as_the_paper_says(compute):
    episodes = Episodes(2000)
    agents = baselines(PolicySpec.cartpole())
    means = {name: rollout(w, spec, episodes, compute).steps for name, (w, spec) in agents.items()}
    assert means["random"].mean() == pytest.approx(22.2, abs=1)
    assert means["constant"].mean() == pytest.approx(9.35, abs=0.15)
    assert (means["rule"] == 200).all()


def test_behaviour_is_what_recorded_episodes_show(population, compute):
    weights, episodes = np.array(population.weights[:12]), Episodes(40, 150, seed=6)
    measured = behaviour(weights, population.spec, episodes, compute)
    trace = record(weights, population.spec, episodes)
    for i in range(len(weights)):
        seen = [trace.states[i, e, :n] for e, n in enumerate(trace.steps[i])]
        assert measured.lean_x[i] == pytest.approx(np.concatenate(seen)[:, 0].mean(), abs=1e-12)
        assert measured.lean_angle[i] == pytest.approx(np.concatenate(seen)[:, 2].mean(), abs=1e-12)
        smoothed = []
        for e, n in enumerate(trace.steps[i]):
            push = 2.0 * trace.actions[i, e, :n] - 1
            running = push[0]
            for way in push:
                running += 0.2 * (way - running)
                smoothed.append(abs(running))
        assert measured.sharpness[i] == pytest.approx(np.mean(smoothed), abs=1e-6)


def test_behaviour_of_a_constant_agent_is_sharp(compute):
    moves = behaviour(np.zeros((1, 10), np.float32), PolicySpec((4, 2)), Episodes(50), compute)
    assert moves.sharpness[0] == 1
    assert moves.lean_x[0] < 0 < moves.lean_angle[0]


def test_behaviour_is_for_cartpole_alone():
    spec = PolicySpec((6, 3), env="Acrobot-v1")
    with pytest.raises(WorkbenchError, match="lean and sharpness are defined for Cart-Pole, not for Acrobot-v1"):
        behaviour(np.zeros((1, spec.parameters), np.float32), spec, Episodes(1))


OTHERS = {
    "Acrobot-v1": PolicySpec((6, 5, 3), "tanh", env="Acrobot-v1"),
    "MountainCar-v0": PolicySpec((2, 6, 3), "relu", env="MountainCar-v0"),
    "Pendulum-v1": PolicySpec((3, 4, 1), "elu", env="Pendulum-v1"),
    "Pendulum on another planet": PolicySpec((3, 4, 1), "elu", env="Pendulum-v1").with_env(g=3.7),
    "MountainCarContinuous-v0": PolicySpec((2, 4, 1), "elu", env="MountainCarContinuous-v0"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_environments_are_played_as_by_hand(name, rng, monkeypatch):
    monkeypatch.setattr(gym, "SLOTS", 5)  # fewer than there are episodes, so that slots are used again
    spec = OTHERS[name]
    weights = rng.normal(0, 1, (3, spec.parameters)).astype(np.float32)
    episodes = Episodes(4, 90, seed=1)
    played = rollout(weights, spec, episodes)
    trace = record(weights, spec, episodes)
    assert np.array_equal(trace.steps, played.steps)
    env = gymnasium.make(spec.env, max_episode_steps=90, **dict(spec.env_kwargs))
    for i, flat in enumerate(weights):
        net = torch_policy(flat, spec)
        for e, seed in enumerate(episodes.seeds):
            length, total = play_any(env, net, spec, seed)
            assert played.steps[i, e] == length
            assert played.returns[i, e] == pytest.approx(total, rel=1e-4, abs=1e-4)
            first, _ = env.reset(seed=int(seed))
            np.testing.assert_allclose(trace.states[i, e, 0], first, rtol=1e-6)


def test_episodes_that_end_early_leave_their_slot_to_others(rng, monkeypatch):
    # Cart-Pole through the vector path: lengths differ, and the kernel knows them.
    monkeypatch.setattr(gym, "SLOTS", 7)
    for spec in (PolicySpec((4, 2)).with_env(**LIGHT_POLE), PolicySpec((4, 3, 2), "tanh", action="sampled")):
        weights = rng.normal(0, 1, (5, spec.parameters)).astype(np.float32)
        episodes = Episodes(12, 60, seed=3)
        assert np.array_equal(
            gym.play(weights, spec, episodes).steps, rollout(weights, spec, episodes, Compute("cpu", 1)).steps
        )
        ours, theirs = record(weights, spec, episodes), gym.record(weights, spec, episodes)
        assert np.array_equal(ours.actions, theirs.actions)
        np.testing.assert_allclose(ours.states, theirs.states, atol=1e-6)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (PolicySpec((4, 2), env="NoSuchPole-v1"), "environment 'NoSuchPole-v1': .*doesn't exist"),
        (PolicySpec((4, 2), env="no_such_module:Pole-v1"), "environment 'no_such_module:Pole-v1'"),
        (PolicySpec((5, 3), env="Acrobot-v1"), "has 6 observations and 3 actions; the policy has 5 and 3"),
        (PolicySpec((6, 2), env="Acrobot-v1"), "has 6 observations and 3 actions; the policy has 6 and 2"),
        (PolicySpec((3, 2)), "'CartPole-v1' has 4 observations and 2 actions; the policy has 3 and 2"),
        (PolicySpec((4, 3), env="CartPole-v0"), "has 4 observations and 2 actions; the policy has 4 and 3"),
        (PolicySpec((16, 4), env="FrozenLake-v1"), "has no vector of observations and 4 actions"),
        (PolicySpec((6, 3), env="Acrobot-v1").with_env(wind=3), "environment 'Acrobot-v1' with {'wind': 3}: .*wind"),
        (PolicySpec((3, 1), action="sampled", env="Pendulum-v1"), "continuous actions are not sampled"),
        (PolicySpec((4, 2)).with_env(wind=3), "CartPole-v1: unknown arguments wind; it has force_mag, gravity"),
        (PolicySpec((4, 2)).with_env(gravity="much"), "physics: gravity must be a finite number, not 'much'"),
        (PolicySpec((4, 2)).with_env(gravity=True), "physics: gravity must be a finite number, not True"),
        (PolicySpec((4, 2)).with_env(length=float("nan")), "physics: length must be a finite number, not nan"),
        (PolicySpec((4, 2)).with_env(length=0), "physics: length must be above 0, not 0"),
        (PolicySpec((4, 2)).with_env(kinematics_integrator="rk4"), "must be euler or semi-implicit, not 'rk4'"),
    ],
)
def test_environments_that_cannot_be_played_are_told(spec, message):
    weights = np.zeros((1, spec.parameters), np.float32)
    with pytest.raises(WorkbenchError, match=message):
        rollout(weights, spec, Episodes(1, 5))
    with pytest.raises(WorkbenchError, match=message):
        record(weights, spec, Episodes(1, 5))


@pytest.mark.parametrize("shape", [(3, 211), (212,), (1, 2, 212)])
def test_weights_of_another_shape_are_told(shape):
    weights = np.zeros(shape, np.float32)
    with pytest.raises(WorkbenchError, match=r"expected weights of shape \(n, 212\) for 4-30-2 elu, got"):
        rollout(weights, PolicySpec.cartpole(), Episodes(1))
    if len(shape) == 2:
        with pytest.raises(WorkbenchError, match=r"got \(3, 211\)"):
            record(weights, PolicySpec.cartpole(), Episodes(1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "episodes: expected 1 to 1000000, got 0"),
        ({"count": 1_000_001}, "episodes: expected 1 to 1000000, got 1000001"),
        ({"cap": 0}, "cap: expected 1 to 1000000, got 0"),
        ({"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ({"seed": 2**63}, "seed: expected 0 to 9223372036854775807"),
        ({"first": -1}, "first: expected 0 to"),
    ],
)
def test_episodes_out_of_range_are_told(arguments, message):
    with pytest.raises(WorkbenchError, match=message):
        Episodes(**arguments)


def test_negative_gravity_and_force_are_allowed():
    assert Physics.of(PolicySpec((4, 2)).with_env(gravity=-1.0, force_mag=-2)).vector()[[0, 4]].tolist() == [-1, -2]


@pytest.fixture
def other_device():
    """A device that is not called `cpu`, so that the path for a GPU is taken."""
    compute = Compute("cpu", 1)
    compute.__dict__["torch_device"] = "cpu:0"
    return compute


def test_a_gpu_is_given_large_batches_only(population, other_device, monkeypatch):
    calls = []
    real = reference.play

    def play(weights, *rest):
        calls.append(len(weights))
        return real(weights, *rest)

    monkeypatch.setattr(reference, "play", play)
    monkeypatch.setattr(front, "GPU_CHUNK", 160)
    weights, episodes = np.tile(population.weights, (3, 1)), Episodes(4, 60)
    steps = rollout(weights, population.spec, episodes, other_device).steps
    assert calls == [160, 128]
    expected = rollout(weights, population.spec, episodes, Compute("cpu", 1)).steps
    assert steps.shape == expected.shape
    assert (steps == expected).mean() > 0.99
    calls.clear()
    rollout(weights[: front.GPU_MINIMUM - 1], population.spec, episodes, other_device)
    behaviour(weights, population.spec, episodes, other_device)
    assert calls == []


def test_a_gpu_without_room_is_given_less(population, other_device, monkeypatch):
    real = reference.play
    room = 50

    def play(weights, *rest):
        if len(weights) > room:
            raise torch.OutOfMemoryError("full")
        return real(weights, *rest)

    monkeypatch.setattr(reference, "play", play)
    weights = np.tile(population.weights, (3, 1))
    steps = rollout(weights, population.spec, Episodes(3, 40), other_device).steps
    assert steps.shape == (288, 3)
    assert steps.min() >= 1
    room = 0
    with pytest.raises(WorkbenchError, match="cpu:0: out of memory with a single network"):
        rollout(weights, population.spec, Episodes(3, 40), other_device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_plays_alike(population):
    weights = np.tile(population.weights, (3, 1))
    gpu = rollout(weights, population.spec, Episodes(20), Compute("cuda", 1)).steps
    assert (gpu == rollout(weights, population.spec, Episodes(20), Compute("cpu", 1)).steps).mean() >= 0.998


def test_an_environment_id_never_makes_gymnasium_import_a_module():
    spec = PolicySpec((4, 2), env="this:CartPole-v1")
    with pytest.raises(WorkbenchError, match="ids that name a module to import are not followed"):
        rollout(np.zeros((1, 10), np.float32), spec, Episodes(1))
