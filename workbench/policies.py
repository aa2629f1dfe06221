"""What a policy is: layer sizes, activation, normaliser, action rule, environment; and a batched forward pass."""

import math
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError

ActionRule = Literal["greedy", "sampled"]

ACTIVATIONS = ("identity", "elu", "relu", "tanh", "sigmoid")
ACTION_RULES = ("greedy", "sampled")


@dataclass(frozen=True)
class Normaliser:
    """An observation normaliser: clip((o - mean) / scale, -clip, clip), as VecNormalize of Stable-Baselines3 has it.

    `mean` and `scale` have one number an observation; `scale` is the standard deviation (not the variance).
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    clip: float = math.inf

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.scale):
            raise WorkbenchError(
                f"normaliser: mean and scale must be of one length, not {len(self.mean)} and {len(self.scale)}"
            )
        if not all(map(math.isfinite, self.mean)) or not all(s > 0 and math.isfinite(s) for s in self.scale):
            raise WorkbenchError("normaliser: means must be finite and scales finite and above 0")
        if not self.clip > 0:
            raise WorkbenchError(f"normaliser: clip must be above 0, not {self.clip}")


@dataclass(frozen=True)
class PolicySpec:
    """The architecture that all networks of a population share, and the rules by which they act.

    The outputs are one number an action where actions are discrete (values or logits: greedy takes the largest, the
    first of equals; sampled draws from the softmax), and the action itself where they are continuous.
    """

    sizes: tuple[int, ...]
    """Layer sizes from observation to output; (4, 2) is linear, (4, 30, 2) has one hidden layer."""
    activation: str = "elu"
    """Between layers: one of identity, elu, relu, tanh, sigmoid."""
    bias: bool = True
    """Whether layers have biases."""
    action: ActionRule = "greedy"
    """How outputs become actions: greedy or sampled."""
    normaliser: Normaliser | None = None
    """Applied to observations before the first layer."""
    env: str = "CartPole-v1"
    """Gymnasium environment id."""
    env_kwargs: tuple[tuple[str, Any], ...] = field(default=())
    """Keyword arguments of the environment, as sorted pairs; for Cart-Pole also its physical constants."""

    def __post_init__(self) -> None:
        if len(self.sizes) < 2 or not all(isinstance(s, int) and s > 0 for s in self.sizes):
            raise WorkbenchError(f"policy: layer sizes must be two or more positive integers, not {self.sizes!r}")
        if self.activation not in ACTIVATIONS:
            raise WorkbenchError(f"policy: activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if self.action not in ACTION_RULES:
            raise WorkbenchError(f"policy: action rule must be greedy or sampled, not {self.action!r}")
        if self.normaliser is not None and len(self.normaliser.mean) != self.sizes[0]:
            raise WorkbenchError(
                f"policy: the normaliser has {len(self.normaliser.mean)} entries, the observation {self.sizes[0]}"
            )

    @classmethod
    def cartpole(cls, hidden: int = 30) -> "PolicySpec":
        """CartPoleNet (Agent Embeddings, section 3.3): 4 - 30 (ELU) - 2, greedy, 212 weights."""
        return cls(sizes=(4, hidden, 2))

    @property
    def parameters(self) -> int:
        """Length of the flat weight vector."""
        return sum(a * b + (b if self.bias else 0) for a, b in pairwise(self.sizes))

    @property
    def label(self) -> str:
        """A short name such as `4-30-2 elu`."""
        name = "-".join(map(str, self.sizes))
        return name if len(self.sizes) == 2 else f"{name} {self.activation}"

    def with_env(self, **kwargs: Any) -> "PolicySpec":
        """The same policy in an environment with other keyword arguments (merged over the present ones)."""
        return replace(self, env_kwargs=tuple(sorted({**dict(self.env_kwargs), **kwargs}.items())))

    def to_json(self) -> dict[str, Any]:
        """A dictionary of JSON values; `from_json` takes it back."""
        norm = self.normaliser
        return {
            "sizes": list(self.sizes),
            "activation": self.activation,
            "bias": self.bias,
            "action": self.action,
            "normaliser": None
            if norm is None
            else {
                "mean": list(norm.mean),
                "scale": list(norm.scale),
                "clip": None if math.isinf(norm.clip) else norm.clip,
            },
            "env": self.env,
            "env_kwargs": dict(self.env_kwargs),
        }

    @classmethod
    def from_json(cls, data: Any) -> "PolicySpec":
        """The inverse of `to_json`.

        Raises:
            WorkbenchError: a field is missing, unknown or of the wrong kind.
        """
        if not isinstance(data, dict):
            raise WorkbenchError(f"policy: expected an object of fields, got {type(data).__name__}")
        unknown = set(data) - {f.name for f in fields(cls)}
        if unknown:
            raise WorkbenchError(f"policy: unknown fields {', '.join(sorted(map(str, unknown)))}")
        try:
            norm = data.get("normaliser")
            return cls(
                sizes=tuple(data["sizes"]),
                activation=data["activation"],
                bias=bool(data.get("bias", True)),
                action=data.get("action", "greedy"),
                normaliser=None
                if norm is None
                else Normaliser(
                    tuple(map(float, norm["mean"])),
                    tuple(map(float, norm["scale"])),
                    math.inf if norm.get("clip") is None else float(norm["clip"]),
                ),
                env=str(data.get("env", "CartPole-v1")),
                env_kwargs=tuple(sorted(dict(data.get("env_kwargs") or {}).items())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise WorkbenchError(f"policy: cannot read its fields ({type(error).__name__}: {error})") from None


def layers(weights: NDArray[np.floating], spec: PolicySpec) -> list[tuple[NDArray, NDArray | None]]:
    """Views of flat weights as matrices, in `torch.nn.utils.parameters_to_vector` order.

    Args:
        weights: (..., p).
        spec: the architecture.

    Returns:
        For each layer the matrix (..., out, in) and the bias (..., out), None where the spec has none.

    Raises:
        WorkbenchError: the last axis is not p long.
    """
    if weights.shape[-1] != spec.parameters:
        raise WorkbenchError(f"{spec.label} has {spec.parameters} weights, these have {weights.shape[-1]}")
    parts: list[tuple[NDArray, NDArray | None]] = []
    at = 0
    for n_in, n_out in pairwise(spec.sizes):
        matrix = weights[..., at : at + n_in * n_out].reshape(*weights.shape[:-1], n_out, n_in)
        at += n_in * n_out
        bias = None
        if spec.bias:
            bias = weights[..., at : at + n_out]
            at += n_out
        parts.append((matrix, bias))
    return parts


def flatten(parts: list[tuple[NDArray, NDArray | None]]) -> NDArray:
    """The inverse of `layers`: flat weights (..., p)."""
    pieces = []
    for matrix, bias in parts:
        pieces.append(matrix.reshape(*matrix.shape[:-2], matrix.shape[-2] * matrix.shape[-1]))  # -1 fails on none
        if bias is not None:
            pieces.append(bias)
    return np.concatenate(pieces, axis=-1)


def activate(name: str, z: NDArray) -> NDArray:
    """An activation by its name, element by element."""
    match name:
        case "elu":
            below = np.minimum(z, 0)
            return np.maximum(z, 0) + np.expm1(below, out=below)
        case "relu":
            return np.maximum(z, 0)
        case "tanh":
            return np.tanh(z)
        case "sigmoid":
            return 0.5 * (np.tanh(0.5 * z) + 1)
        case _:
            return z


def normalise(observations: NDArray, spec: PolicySpec) -> NDArray[np.float32]:
    """Observations (..., d) through the spec's normaliser, as float32."""
    x = np.asarray(observations, np.float32)
    if spec.normaliser is not None:
        mean = np.asarray(spec.normaliser.mean, np.float32)
        scale = np.asarray(spec.normaliser.scale, np.float32)
        x = np.clip((x - mean) / scale, -spec.normaliser.clip, spec.normaliser.clip)
    return x


def activations(weights: NDArray, spec: PolicySpec, observations: NDArray) -> list[NDArray[np.float32]]:
    """What each layer of many networks gives; the last are the outputs.

    Args:
        weights: (n, p).
        spec: the architecture.
        observations: (s, d), the same for all networks, or (n, s, d).

    Returns:
        (n, s, units) float32 for each layer.
    """
    x = normalise(observations, spec)
    if x.ndim == 2:
        x = x[None]
    found = []
    parts = layers(np.asarray(weights, np.float32), spec)
    for k, (matrix, bias) in enumerate(parts):
        x = x @ matrix.swapaxes(-1, -2)
        if bias is not None:
            x = x + bias[:, None, :]
        if k + 1 < len(parts):
            x = activate(spec.activation, x)
        found.append(x)
    return found


def forward(weights: NDArray, spec: PolicySpec, observations: NDArray) -> NDArray[np.float32]:
    """Outputs of many networks, (n, s, outputs) float32: the last of their `activations`."""
    return activations(weights, spec, observations)[-1]


def initial(spec: PolicySpec, count: int, seed: int) -> NDArray[np.float32]:
    """Networks (count, p) as torch initialises them: uniform within 1 / sqrt(inputs of the layer), biases alike."""
    random = np.random.default_rng([seed, 5])
    bounds = flatten(
        [
            (np.full((out, n_in), n_in**-0.5), np.full(out, n_in**-0.5) if spec.bias else None)
            for n_in, out in pairwise(spec.sizes)
        ]
    )
    return (random.uniform(-1, 1, (count, spec.parameters)) * bounds).astype(np.float32)
