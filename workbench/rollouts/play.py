"""The front door of rollouts: picks the engine, splits the work, and gives every engine's results one shape."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.performance import SURVIVAL, measure_of
from workbench.physics import Physics, is_cartpole
from workbench.policies import PolicySpec
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.outcomes import Behaviour, Rollouts, Trace

CHUNK = 64
"""Networks a kernel call: about 10 ms, short enough to cancel between, long enough to cost nothing."""
GPU_CHUNK = 4096
GPU_MINIMUM = 256
"""Below this many networks the CPU kernel is done before a GPU has begun."""


def stream(
    weights: NDArray[np.float32],
    spec: PolicySpec,
    episodes: Episodes,
    compute: Compute | None = None,
    measure: bool = False,
) -> Iterator[tuple[int, Rollouts, Behaviour | None]]:
    """Play every episode with every network, a chunk of networks at a time, in order.

    Args:
        weights: (n, p).
        spec: the policy.
        episodes: the episodes.
        compute: device and threads.
        measure: whether to measure behaviour too, which only the Cart-Pole kernel does.

    Yields:
        How many networks are done, and the chunk's rollouts and behaviour (None if not measured).

    Raises:
        WorkbenchError: the weights do not fit the spec, or its environment is unknown or does not fit it.
    """
    check_weights(weights, spec)
    compute = compute or Compute()
    if is_cartpole(spec):
        if not measure and len(weights) >= GPU_MINIMUM and compute.torch_device != "cpu":
            yield from _stream_torch(weights, spec, episodes, compute)
        else:
            yield from _stream_kernel(weights, spec, episodes, compute, measure)
    else:
        from workbench.rollouts import gym

        done = 0
        for begin in range(0, len(weights), CHUNK):
            part = gym.play(np.asarray(weights[begin : begin + CHUNK]), spec, episodes)
            done += len(part.steps)
            yield done, part, None


def rollout(
    weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes, compute: Compute | None = None
) -> Rollouts:
    """`stream`, all at once: steps and returns (n, episodes)."""
    parts = [part for _, part, _ in stream(weights, spec, episodes, compute)]
    if not parts:
        return Rollouts(np.zeros((0, episodes.count), np.int32), np.zeros((0, episodes.count)))
    return Rollouts(np.concatenate([p.steps for p in parts]), np.concatenate([p.returns for p in parts]))


def performance(
    weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes, compute: Compute | None = None
) -> NDArray[np.float64]:
    """What policies are judged by, (n, episodes): steps survived, or returns where steps are not worth the same."""
    played = rollout(weights, spec, episodes, compute)
    return judged(played, spec)


def judged(played: Rollouts, spec: PolicySpec) -> NDArray[np.float64]:
    """Of episodes that were played what their policies are judged by, (n, episodes)."""
    return np.asarray(played.steps if measure_of(spec) is SURVIVAL else played.returns, float)


def survival(
    weights: NDArray[np.float32],
    spec: PolicySpec,
    episodes: int = 100,
    cap: int = 200,
    seed: int = 0,
    threads: int = 0,
    device: str = "auto",
) -> NDArray[np.int32]:
    """Survival times: how many steps each network lasts in each episode (Agent Embeddings, section 3.5).

    Args:
        weights: (n, p), or (p,) for one network.
        spec: the policy.
        episodes: number of episodes.
        cap: steps after which an episode ends.
        seed: seed of the episodes; the same for all networks.
        threads: worker threads; 0 takes all cores but one.
        device: auto, cpu, cuda or cuda:N.

    Returns:
        (n, episodes) int32.

    Raises:
        WorkbenchError: weights that do not fit the spec, an unknown environment, or arguments out of range.
    """
    weights = np.atleast_2d(np.asarray(weights, np.float32))
    return rollout(weights, spec, Episodes(episodes, cap, seed), Compute(device, threads)).steps


def behaviour(
    weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes, compute: Compute | None = None
) -> Behaviour:
    """Lean and sharpness of Cart-Pole policies.

    Raises:
        WorkbenchError: the environment is not Cart-Pole.
    """
    if not is_cartpole(spec):
        raise WorkbenchError(f"behaviour: lean and sharpness are defined for Cart-Pole, not for {spec.env}")
    parts = [b for _, _, b in stream(weights, spec, episodes, compute, measure=True)]
    return Behaviour(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("lean_x", "lean_angle", "sharpness")))


def record(weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes) -> Trace:
    """Play and keep every state and action; meant for a few networks.

    Raises:
        WorkbenchError: as `stream`.
    """
    weights = np.atleast_2d(np.asarray(weights, np.float32))
    check_weights(weights, spec)
    if not is_cartpole(spec):
        from workbench.rollouts import gym

        return gym.record(weights, spec, episodes)
    shape = (len(weights), episodes.count, episodes.cap)
    states, actions = np.zeros((*shape, 4)), np.zeros(shape, np.int8)
    steps, _ = _Kernel(spec, episodes)(weights, states, actions)
    return Trace(states, actions, steps)


def has_discrete_actions(spec: PolicySpec) -> bool:
    """Whether outputs are one number an action.

    Raises:
        WorkbenchError: the environment is unknown, or does not fit the policy.
    """
    if is_cartpole(spec) or spec.action == "sampled":
        return True
    import gymnasium

    from workbench.rollouts import gym

    env = gym.make(spec, 1)
    discrete = isinstance(env.action_space, gymnasium.spaces.Discrete)
    env.close()
    return discrete


def check_weights(weights: NDArray, spec: PolicySpec) -> None:
    """Raise a WorkbenchError unless weights are (n, p) of the spec."""
    if weights.ndim != 2 or weights.shape[1] != spec.parameters:
        raise WorkbenchError(
            f"expected weights of shape (n, {spec.parameters}) for {spec.label}, got {tuple(weights.shape)}"
        )


def thresholds(spec: PolicySpec, episodes: Episodes) -> NDArray[np.float32]:
    """What the margin (right output minus left) must exceed for a push to the right, in each step of each episode.

    Greedy actions have threshold 0 and give (0, 0). A sampled action is the first whose cumulative softmax
    probability exceeds a uniform u: right if sigmoid(margin) > 1 - u, that is margin > log((1 - u) / u).
    """
    if spec.action == "greedy":
        return np.zeros((0, 0), np.float32)
    u = episodes.uniforms()
    with np.errstate(divide="ignore"):
        return np.log((1 - u) / u).astype(np.float32)


class _Kernel:
    """The compiled kernel with its constant arguments filled in, in the types it is compiled for."""

    def __init__(self, spec: PolicySpec, episodes: Episodes, measure: bool = False) -> None:
        from workbench.kernels.lanes import CODES

        norm = spec.normaliser
        self.measure = measure
        self.policy = (np.array(spec.sizes, np.int64), spec.bias, CODES[spec.activation])
        self.normaliser = (
            np.zeros(4, np.float32) if norm is None else np.array(norm.mean, np.float32),
            np.ones(4, np.float32) if norm is None else (1 / np.array(norm.scale)).astype(np.float32),
            np.float32(np.inf if norm is None else norm.clip),
        )
        # Copies, since the kernel would be compiled once more for arrays that cannot be written.
        self.episodes = (episodes.starts().copy(), thresholds(spec, episodes), episodes.cap)
        self.physics = Physics.of(spec).vector()

    def __call__(
        self, weights: NDArray, states: NDArray | None = None, actions: NDArray | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        from workbench.kernels.cartpole import rollout

        weights = np.array(weights, np.float32, order="C")
        steps = np.zeros((len(weights), len(self.episodes[0])), np.int32)
        moments = np.zeros((len(weights) if self.measure else 0, 3))
        if states is None or actions is None:
            states, actions = np.zeros((0, 0, 0, 4)), np.zeros((0, 0, 0), np.int8)
        rollout(weights, *self.policy, *self.normaliser, *self.episodes, self.physics, steps, moments, states, actions)
        return steps, moments


def _stream_kernel(
    weights: NDArray, spec: PolicySpec, episodes: Episodes, compute: Compute, measure: bool
) -> Iterator[tuple[int, Rollouts, Behaviour | None]]:
    kernel = _Kernel(spec, episodes, measure)
    chunks = (weights[begin : begin + CHUNK] for begin in range(0, len(weights), CHUNK))
    done = 0
    for steps, moments in compute.map(kernel, chunks):
        done += len(steps)
        yield done, Rollouts(steps, steps.astype(np.float64)), Behaviour(*moments.T) if measure else None


def _stream_torch(
    weights: NDArray, spec: PolicySpec, episodes: Episodes, compute: Compute
) -> Iterator[tuple[int, Rollouts, None]]:
    import torch

    from workbench.rollouts import reference

    done, size = 0, GPU_CHUNK
    while done < len(weights):
        try:
            steps = reference.play(weights[done : done + size], spec, episodes, compute.torch_device)
        except torch.OutOfMemoryError:
            if size == 1:
                raise WorkbenchError(f"{compute.torch_device}: out of memory with a single network") from None
            torch.cuda.empty_cache()
            size //= 2
            continue
        done += len(steps)
        yield done, Rollouts(steps, steps.astype(np.float64)), None
