"""Which of a file's tensors are the policy, and in which order: a chain of dense layers from observation to output."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.importing.contract import Holding
from workbench.policies import flatten
from workbench.text import clean

WIDEST = 1 << 16
"""Units of a layer; what is wider is no policy network."""
OTHERS = {"critic", "value", "values", "val", "vf", "v", "baseline", "target", "qf1", "qf2"}
"""Words in the names of networks that stand beside a policy: value functions and targets."""
POLICIES = ("actor_mean", "actor", "policy_net", "policy", "pi", "q_network", "q_net", "network", "net", "model", "mlp")
"""Names of policy networks, the surest first."""
SQUASHED = ("action_scale", "fc_logstd", "latent_pi", "actor.mu.")
"""Parts of names that only actors have whose actions go through a tanh."""


class Lazy(Protocol):
    """An array that is read when it is needed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        ...

    def array(self) -> NDArray:
        """Its numbers."""
        ...


@dataclass(frozen=True, eq=False)
class Here:
    """An array that is there already."""

    numbers: NDArray

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.numbers.shape

    def array(self) -> NDArray:
        """Its numbers."""
        return self.numbers


@dataclass(frozen=True)
class Layer:
    """One dense layer: `path` without its last word, weight (out, in), bias (out,)."""

    path: str
    weight: Lazy
    bias: Lazy | None

    @property
    def ends(self) -> tuple[int, int]:
        """Inputs and outputs."""
        return self.weight.shape[1], self.weight.shape[0]


def dense(tensors: Mapping[str, Lazy]) -> list[Layer]:
    """The dense layers among tensors named as torch names them (`actor.0.weight`), in their order.

    Raises:
        WorkbenchError: there are convolutions, recurrent or normalising layers, or none at all.
    """
    found = []
    for name, tensor in tensors.items():
        path, _, last = name.rpartition(".")
        if last.startswith(("weight_ih", "weight_hh")):
            raise WorkbenchError("recurrent layers, which are not played here")
        if last == "running_mean":
            raise WorkbenchError("normalising layers, which are not played here")
        if last != "weight":
            continue
        if len(tensor.shape) > 2:
            raise WorkbenchError("convolutions, which are not played here")
        if len(tensor.shape) == 1:
            raise WorkbenchError("normalising layers, which are not played here")
        if len(tensor.shape) == 2:
            bias = tensors.get(f"{path}.bias" if path else "bias")
            found.append(Layer(path, tensor, bias))
    if not found:
        raise WorkbenchError("no dense layers (tensors named `….weight` of two dimensions)")
    return found


def chained(layers: Sequence[Layer]) -> bool:
    """Whether each layer takes what the one before gives."""
    return bool(layers) and all(a.ends[1] == b.ends[0] for a, b in pairwise(layers))


def choose(layers: list[Layer], wanted: str = "") -> tuple[list[Layer], str]:
    """The policy's layers, and in words how they were chosen (empty where there was no choice).

    Args:
        layers: all there are.
        wanted: the beginning of their names, where the user has told it.

    Raises:
        WorkbenchError: they are no chain, or it cannot be told which are the policy's.
    """
    if wanted:
        chosen = [layer for layer in layers if f"{layer.path}.".startswith(f"{wanted.rstrip('.')}.")]
        if not chosen:
            raise WorkbenchError(f"no layers named {clean(wanted, 40)!r}; there are {_names(layers)}")
        if not chained(chosen):
            raise WorkbenchError(f"the layers named {clean(wanted, 40)!r} are no chain: {_names(chosen)}")
        return chosen, ""
    acting = [layer for layer in layers if not set(re.split(r"[._]", layer.path.lower())) & OTHERS]
    left = f", {_names([layer for layer in layers if layer not in acting])} left out" if acting != layers else ""
    if chained(acting):
        return acting, f"network {_names(acting)}{left}" if left else ""
    groups: dict[str, list[Layer]] = {}
    for layer in acting:
        groups.setdefault(layer.path.rpartition(".")[0] or layer.path, []).append(layer)
    chains = {name: group for name, group in groups.items() if chained(group)}
    for name in POLICIES:
        fitting = [group for path, group in chains.items() if path.rpartition(".")[2].lower() == name]
        if len(fitting) == 1:
            return fitting[0], f"network {_names(fitting[0])} of {_names(layers)}"
    if len(chains) == 1 and len(acting) == len(next(iter(chains.values()))):
        ((_, only),) = chains.items()
        return only, f"network {_names(only)}{left}"
    raise WorkbenchError(f"it cannot be told which layers are the policy's: {_names(layers)}; --network says it")


def holding(
    layers: Sequence[Layer], activation: str, assumed: tuple[str, ...], env: str = "", **columns: Any
) -> Holding:
    """Layers as one network.

    Raises:
        WorkbenchError: a bias that does not fit, or numbers that are none.
    """
    if not chained(layers):
        raise WorkbenchError(f"layers that are no chain: {_names(layers)}")
    with_bias = any(layer.bias is not None for layer in layers)
    parts, rounded = [], False
    for layer in layers:
        matrix = layer.weight.array()
        bias = layer.bias.array() if layer.bias is not None else np.zeros(layer.ends[1]) if with_bias else None
        if max(matrix.shape) > WIDEST or 0 in matrix.shape:
            raise WorkbenchError(f"a layer of {matrix.shape[1]} inputs and {matrix.shape[0]} outputs")
        if bias is not None and bias.shape != (layer.ends[1],):
            raise WorkbenchError(f"a bias of shape {bias.shape} on a layer of {layer.ends[1]} outputs")
        if matrix.dtype.kind != "f":
            raise WorkbenchError(f"layers of {matrix.dtype} numbers")
        rounded = rounded or matrix.dtype == np.float64
        parts.append((matrix, bias))
    sizes = (layers[0].ends[0], *(layer.ends[1] for layer in layers))
    with np.errstate(over="ignore", invalid="ignore"):
        weights = flatten(parts).astype(np.float32)
    if rounded:
        assumed = (*assumed, "float64 rounded to float32")
    return Holding(sizes, with_bias, weights[None], activation, assumed, env, columns)


def policy(tensors: Mapping[str, Lazy], wanted: str = "") -> Holding:
    """The policy among named tensors of any origin.

    The activation is not in such files: tanh where a critic stands beside it, as CleanRL's PPO has it, ReLU elsewhere.

    Raises:
        WorkbenchError: as `dense`, `choose` and `holding`; or an actor that squashes its actions.
    """
    squashed = next((part for part in SQUASHED if any(part in name for name in tensors)), None)
    if squashed and not wanted:
        raise WorkbenchError(
            f"an actor that squashes its actions ({squashed.rstrip('.')}); --network says what to take"
        )
    if any(name.rpartition(".")[2] == "atoms" for name in tensors):
        raise WorkbenchError("a categorical value network (atoms), whose values are not linear in its outputs")
    layers = dense(tensors)
    chosen, how = choose(layers, wanted)
    actor_critic = any("critic" in layer.path.lower() for layer in layers)
    activation = "tanh" if actor_critic else "relu"
    reason = "an actor beside a critic" if actor_critic else "not in the file"
    # A network without a hidden layer has no activation to assume.
    told = (f"activation {activation} ({reason})",) if len(chosen) > 1 else ()
    return holding(chosen, activation, (*told, *filter(None, [how])))


def _names(layers: Sequence[Layer]) -> str:
    names = [clean(layer.path, 40) or "weight" for layer in layers]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
