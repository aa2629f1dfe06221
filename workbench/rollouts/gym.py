"""Any Gymnasium environment, through its vector API: whatever the compiled Cart-Pole does not play."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.physics import ENVS, Physics
from workbench.policies import PolicySpec, forward
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.outcomes import Rollouts, Trace

SLOTS = 64
"""Environments that run side by side."""


def make(spec: PolicySpec, cap: int) -> gymnasium.Env:
    """The spec's environment, cut at `cap` steps; Cart-Pole with the spec's physical constants.

    Raises:
        WorkbenchError: the environment is unknown, cannot be made, or does not fit the policy's sizes.
    """
    if ":" in spec.env:  # Gymnasium would import the module before the colon, and ids come from files
        raise WorkbenchError(f"environment {spec.env!r}: ids that name a module to import are not followed")
    kwargs = dict(spec.env_kwargs)
    physics = Physics.of(spec) if spec.env in ENVS else None
    try:
        env = gymnasium.make(spec.env, max_episode_steps=cap, disable_env_checker=True, **({} if physics else kwargs))
    except gymnasium.error.Error as error:
        raise WorkbenchError(f"environment {spec.env!r}: {str(error).strip()}") from None
    except (TypeError, ValueError, ImportError) as error:
        raise WorkbenchError(f"environment {spec.env!r} with {kwargs}: {error}") from None
    if physics is not None:
        inner: Any = env.unwrapped
        for name in Physics.__dataclass_fields__:
            setattr(inner, name, getattr(physics, name))
        inner.total_mass = physics.masspole + physics.masscart
        inner.polemass_length = physics.masspole * physics.length
    observed, acting = env.observation_space, env.action_space
    d = int(np.prod(observed.shape)) if isinstance(observed, gymnasium.spaces.Box) else None
    if isinstance(acting, gymnasium.spaces.Discrete):
        k = int(acting.n)
    elif isinstance(acting, gymnasium.spaces.Box):
        k = int(np.prod(acting.shape))
        if spec.action == "sampled":
            raise WorkbenchError(f"environment {spec.env!r}: continuous actions are not sampled; use the greedy rule")
    else:
        k = None
    if (d, k) != (spec.sizes[0], spec.sizes[-1]):
        raise WorkbenchError(
            f"environment {spec.env!r} has {d or 'no vector of'} observations and {k or 'no vector of'} actions; "
            f"the policy has {spec.sizes[0]} and {spec.sizes[-1]}"
        )
    return env


def play(weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes) -> Rollouts:
    """Lengths and returns (n, episodes) of networks (n, p)."""
    return _run(weights, spec, episodes, lambda *_: None)


def record(weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes) -> Trace:
    """Recorded episodes of networks (n, p)."""
    shape = (len(weights), episodes.count, episodes.cap)
    states = np.zeros((*shape, spec.sizes[0]))
    probe = make(spec, episodes.cap)
    discrete = isinstance(probe.action_space, gymnasium.spaces.Discrete)
    probe.close()
    actions = np.zeros(shape, np.int64) if discrete else np.zeros((*shape, spec.sizes[-1]))
    rewards = np.zeros(shape)

    def keep(network: NDArray, episode: NDArray, age: NDArray, seen: NDArray, done: NDArray, reward: NDArray) -> None:
        states[network, episode, age] = seen
        actions[network, episode, age] = done
        rewards[network, episode, age] = reward

    return Trace(states, actions, _run(weights, spec, episodes, keep).steps, rewards)


def choose(outputs: NDArray, spec: PolicySpec, space: gymnasium.Space, uniforms: NDArray) -> NDArray:
    """Actions of a batch: outputs (s, k), uniforms (s,). Discrete: (s,) indices; continuous: (s, k), clipped."""
    if isinstance(space, gymnasium.spaces.Box):
        return np.clip(outputs, space.low.reshape(-1), space.high.reshape(-1))
    if spec.action == "greedy":
        return outputs.argmax(-1)
    odds = np.exp(outputs - outputs.max(-1, keepdims=True))
    cumulative = np.cumsum(odds / odds.sum(-1, keepdims=True), axis=-1)
    return np.minimum((cumulative <= uniforms[:, None]).sum(-1), outputs.shape[-1] - 1)


def _run(weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes, keep: Callable[..., object]) -> Rollouts:
    jobs = [(i, e) for i in range(len(weights)) for e in range(episodes.count)]
    shape = (len(weights), episodes.count)
    steps, returns = np.zeros(shape, np.int32), np.zeros(shape)
    if not jobs:
        return Rollouts(steps, returns)
    slots = min(SLOTS, len(jobs))
    seeds = episodes.seeds
    uniforms = episodes.uniforms()
    env = SyncVectorEnv([lambda: make(spec, episodes.cap)] * slots, autoreset_mode=AutoresetMode.DISABLED)
    try:
        network = np.array([i for i, _ in jobs[:slots]])
        episode = np.array([e for _, e in jobs[:slots]])
        age = np.zeros(slots, np.int64)
        live = np.ones(slots, bool)
        upcoming = slots
        observations, _ = env.reset(seed=[int(seeds[e]) for e in episode])
        single = env.single_action_space
        while live.any():
            flat = observations.reshape(slots, -1)
            outputs = forward(weights[network], spec, flat[:, None, :])[:, 0]
            actions = choose(outputs, spec, single, uniforms[episode, np.minimum(age, episodes.cap - 1)])
            taken = actions
            if actions.ndim > 1:
                taken = actions.reshape(env.action_space.shape or actions.shape).astype(single.dtype)
            observations, rewards, fell, cut, _ = env.step(taken)
            keep(network[live], episode[live], age[live], flat[live], actions[live], rewards[live])
            age += live
            returns[network[live], episode[live]] += rewards[live]
            over = live & (fell | cut)
            steps[network[over], episode[over]] = age[over]
            renew = np.zeros(slots, bool)
            for slot in np.flatnonzero(over):
                if upcoming < len(jobs):
                    network[slot], episode[slot] = jobs[upcoming]
                    age[slot] = 0
                    renew[slot] = True
                    upcoming += 1
                else:
                    live[slot] = False
            # An environment that has ended must be reset before it is stepped on, wanted or not.
            renew |= ~live & (fell | cut)
            if renew.any() and live.any():
                observations, _ = env.reset(seed=[int(seeds[e]) for e in episode], options={"reset_mask": renew})
    finally:
        env.close()
    return Rollouts(steps, returns)
