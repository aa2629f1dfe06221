"""Cart-Pole in batched torch: the oracle that the compiled kernel is held against, and the path for a GPU.

Written as Gymnasium's environment and a torch network are, all networks and episodes one batch: float64 physics,
float32 networks.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.physics import Physics
from workbench.policies import PolicySpec, layers
from workbench.rollouts.episodes import Episodes

LOOK_EVERY = 10
"""Steps between looks at whether anyone is still standing: each look waits for the device."""

_ACTIVATIONS = {
    "identity": lambda z: z,
    "elu": torch.nn.functional.elu,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def activations(weights: torch.Tensor, spec: PolicySpec, observations: torch.Tensor) -> list[torch.Tensor]:
    """What each layer of networks (n, p) gives on float32 observations (n, s, d): (n, s, units) each; differentiable.

    The last are the outputs.
    """
    x = observations
    if spec.normaliser is not None:
        mean = torch.tensor(spec.normaliser.mean, dtype=x.dtype, device=x.device)
        scale = torch.tensor(spec.normaliser.scale, dtype=x.dtype, device=x.device)
        x = ((x - mean) / scale).clamp(-spec.normaliser.clip, spec.normaliser.clip)
    parts: list = layers(weights, spec)  # type: ignore[arg-type]  # slicing and reshaping are the same in torch
    found = []
    for k, (matrix, bias) in enumerate(parts):
        x = torch.bmm(x, matrix.transpose(-1, -2))
        if bias is not None:
            x = x + bias[:, None, :]
        if k + 1 < len(parts):
            x = _ACTIVATIONS[spec.activation](x)
        found.append(x)
    return found


def outputs(weights: torch.Tensor, spec: PolicySpec, observations: torch.Tensor) -> torch.Tensor:
    """Outputs (n, s, actions) of networks (n, p) on float32 observations (n, s, d); differentiable."""
    return activations(weights, spec, observations)[-1]


@torch.inference_mode()
def play(weights: NDArray[np.float32], spec: PolicySpec, episodes: Episodes, device: str = "cpu") -> NDArray[np.int32]:
    """Steps survived, (n, episodes) int32, of networks (n, p)."""
    c = Physics.of(spec)
    w = torch.tensor(np.asarray(weights), dtype=torch.float32, device=device)
    n, e = len(w), episodes.count
    starts = torch.tensor(episodes.starts(), device=device)
    x, x_dot, theta, theta_dot = (starts[:, k].expand(n, e).clone() for k in range(4))
    uniforms = torch.tensor(episodes.uniforms(), device=device) if spec.action == "sampled" else None
    steps = torch.zeros((n, e), dtype=torch.int32, device=device)
    standing = torch.ones((n, e), dtype=torch.bool, device=device)
    for t in range(episodes.cap):
        if t % LOOK_EVERY == 0 and not standing.any():
            break
        out = outputs(w, spec, torch.stack((x, x_dot, theta, theta_dot), -1).float())
        if uniforms is None:
            right = out[..., 1] > out[..., 0]
        else:
            right = torch.softmax(out, -1)[..., 0].double() <= uniforms[:, t]
        x, x_dot, theta, theta_dot = pushed((x, x_dot, theta, theta_dot), right, c)
        steps += standing
        standing &= inside(x, theta, c)
    return steps.cpu().numpy()


def pushed(
    state: tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], right: torch.Tensor, c: Physics
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cart position, its velocity, pole angle and its velocity one step on, pushed to the right where `right`."""
    x, x_dot, theta, theta_dot = state
    total, pole_moment = c.masscart + c.masspole, c.masspole * c.length
    force = torch.where(right, c.force_mag, -c.force_mag)
    cosine, sine = torch.cos(theta), torch.sin(theta)
    push = (force + pole_moment * theta_dot.square() * sine) / total
    theta_acc = (c.gravity * sine - cosine * push) / (c.length * (4.0 / 3.0 - c.masspole * cosine.square() / total))
    x_acc = push - pole_moment * theta_acc * cosine / total
    if c.kinematics_integrator == "euler":
        x, x_dot = x + c.tau * x_dot, x_dot + c.tau * x_acc
        theta, theta_dot = theta + c.tau * theta_dot, theta_dot + c.tau * theta_acc
    else:
        x_dot, theta_dot = x_dot + c.tau * x_acc, theta_dot + c.tau * theta_acc
        x, theta = x + c.tau * x_dot, theta + c.tau * theta_dot
    return x, x_dot, theta, theta_dot


def inside(x: torch.Tensor, theta: torch.Tensor, c: Physics) -> torch.Tensor:
    """Whether an episode goes on: the cart is on its track, the pole has not fallen."""
    return (x.abs() <= c.x_threshold) & (theta.abs() <= c.theta_threshold_radians)
