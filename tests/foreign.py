"""Checkpoints as other programs write them, made with torch and zipfile."""

import io
import json
import pickle
import sys
import zipfile
from itertools import pairwise
from types import ModuleType

import numpy as np
import torch

ACTIVATIONS = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "elu": torch.nn.ELU, "sigmoid": torch.nn.Sigmoid}


def mlp(sizes, activation="relu", bias=True, seed=0):
    """Dense layers with an activation between them."""
    generator, layers = torch.Generator().manual_seed(seed), []
    for a, b in pairwise(sizes):
        layers += [torch.nn.Linear(a, b, bias=bias), ACTIVATIONS[activation]()]
    made = torch.nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / 2)
    return made


def flat(module):
    """A module's weights in one vector."""
    return torch.nn.utils.parameters_to_vector(module.parameters()).detach().numpy()


def saved(value, **options):
    """The bytes of a file of torch.save."""
    file = io.BytesIO()
    torch.save(value, file, **options)
    return file.getvalue()


def on_policy(module, shared=0, critic=True):
    """The state dict of PPO or A2C: `shared` of its layers are those that the critic has too."""
    layers, state = [m for m in module if isinstance(m, torch.nn.Linear)], {}
    for k, layer in enumerate(layers[:-1]):
        part, at = ("shared_net", k) if k < shared else ("policy_net", k - shared)
        state[f"mlp_extractor.{part}.{2 * at}.weight"] = layer.weight.detach()
        state[f"mlp_extractor.{part}.{2 * at}.bias"] = layer.bias.detach()
        if part == "policy_net" and critic:
            state[f"mlp_extractor.value_net.{2 * at}.weight"] = torch.zeros_like(layer.weight)
            state[f"mlp_extractor.value_net.{2 * at}.bias"] = torch.zeros_like(layer.bias)
    state["action_net.weight"], state["action_net.bias"] = layers[-1].weight.detach(), layers[-1].bias.detach()
    if critic:
        state["value_net.weight"], state["value_net.bias"] = torch.ones(1, layers[-1].in_features), torch.ones(1)
    return state


def dqn(module, name="q_net"):
    """The state dict of DQN or QR-DQN, with its target network."""
    state = {f"{name}.{name}.{k}": v for k, v in module.state_dict().items()}
    return state | {f"{name}_target.{name}.{k}": torch.zeros_like(v) for k, v in module.state_dict().items()}


def actor_critic_state(sizes=(4, 16, 2), seed=0):
    """A state dict of CleanRL's PPO."""
    actor, critic = mlp(sizes, "tanh", seed=seed), mlp((*sizes[:-1], 1), "tanh", seed=seed + 1000)
    state = {f"critic.{k}": v for k, v in critic.state_dict().items()}
    return state | {f"actor.{k}": v for k, v in actor.state_dict().items()}


def sb3(path, state, data=None, **options):
    """A zip file of Stable-Baselines3."""
    serialized = {":type:": "<class 'function'>", ":serialized:": "gAWVAAAAAA=="}
    data = {"num_timesteps": 5000, "gamma": 0.99, "learning_rate": serialized, **(data or {})}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data", json.dumps(data))
        archive.writestr("policy.pth", state if isinstance(state, bytes) else saved(state, **options))
        archive.writestr("_stable_baselines3_version", "2.4.0")
    return path


def vecnormalize(mean, var, protocol=4, norm_obs=True):
    """The pickle of a VecNormalize, made with classes of the real ones' names."""
    modules = {name: ModuleType(name) for name in ("stable_baselines3", "stable_baselines3.common", RUNNING, VEC)}
    running = type("RunningMeanStd", (), {"__module__": RUNNING})
    normalize = type("VecNormalize", (), {"__module__": VEC})
    modules[RUNNING].RunningMeanStd, modules[VEC].VecNormalize = running, normalize
    sys.modules.update(modules)
    try:
        statistics, made = running(), normalize()
        statistics.mean, statistics.var, statistics.count = np.array(mean, float), np.array(var, float), 1e4
        made.obs_rms, made.ret_rms, made.clip_obs, made.epsilon = statistics, statistics, 10.0, 1e-8
        made.norm_obs, made.gamma, made.old_reward = norm_obs, np.float64(0.99), np.array([0.5])
        made.random = np.random.default_rng(0)
        return pickle.dumps(made, protocol)
    finally:
        for name in modules:
            del sys.modules[name]


RUNNING = "stable_baselines3.common.running_mean_std"
VEC = "stable_baselines3.common.vec_env.vec_normalize"
