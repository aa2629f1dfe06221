"""What results are held against: torch's own modules in Gymnasium's own environments, stepped one by one."""

from itertools import pairwise

import gymnasium
import numpy as np
import torch

from workbench.policies import PolicySpec

MODULES = {
    "identity": torch.nn.Identity,
    "elu": torch.nn.ELU,
    "relu": torch.nn.ReLU,
    "tanh": torch.nn.Tanh,
    "sigmoid": torch.nn.Sigmoid,
}


def torch_policy(flat, spec: PolicySpec) -> torch.nn.Sequential:
    """The network of these flat weights, as torch builds it."""
    modules = []
    for n_in, n_out in pairwise(spec.sizes):
        modules += [torch.nn.Linear(n_in, n_out, bias=spec.bias), MODULES[spec.activation]()]
    net = torch.nn.Sequential(*modules[:-1])
    torch.nn.utils.vector_to_parameters(torch.tensor(np.array(flat, np.float32)), net.parameters())
    return net


@torch.inference_mode()
def torch_outputs(net, spec, observation) -> np.ndarray:
    x = torch.tensor(np.asarray(observation, np.float32))
    if spec.normaliser is not None:
        mean, scale = torch.tensor(spec.normaliser.mean), torch.tensor(spec.normaliser.scale)
        x = ((x - mean) / scale).clamp(-spec.normaliser.clip, spec.normaliser.clip)
    return net(x).numpy()


def cartpole(cap, **constants):
    """Gymnasium's Cart-Pole with other constants, set as its own attributes."""
    env = gymnasium.make("CartPole-v1", max_episode_steps=cap)
    for name, value in constants.items():
        setattr(env.unwrapped, name, value)
    env.unwrapped.total_mass = env.unwrapped.masspole + env.unwrapped.masscart
    env.unwrapped.polemass_length = env.unwrapped.masspole * env.unwrapped.length
    return env


def play_cartpole(env, net, spec, seed):
    """One episode: float64 states before each action, actions, and by how much each was decided."""
    observation, _ = env.reset(seed=int(seed))
    states, actions, surplus = [], [], []
    over = False
    while not over:
        states.append(np.array(env.unwrapped.state, np.float64))
        outputs = torch_outputs(net, spec, observation)
        threshold = 0.0
        action = int(outputs.argmax())
        if spec.action == "sampled":
            u = env.unwrapped.np_random.random()  # the environment's own stream, which its steps leave alone
            action = int(torch.softmax(torch.tensor(outputs), -1)[0].double() <= u)
            threshold = np.log((1 - u) / u)
        actions.append(action)
        surplus.append(abs(float(outputs[1]) - float(outputs[0]) - threshold))
        observation, _, fell, cut, _ = env.step(action)
        over = fell or cut
    return np.array(states), np.array(actions), np.array(surplus)


def play_any(env, net, spec, seed):
    """One episode of any environment: its length and its undiscounted return."""
    observation, _ = env.reset(seed=int(seed))
    length, total, over = 0, 0.0, False
    while not over:
        outputs = torch_outputs(net, spec, observation)
        if isinstance(env.action_space, gymnasium.spaces.Box):
            action = np.clip(outputs, env.action_space.low, env.action_space.high)
        else:
            action = int(outputs.argmax())
        observation, reward, fell, cut, _ = env.step(action)
        length, total, over = length + 1, total + float(reward), fell or cut
    return length, total
