"""Zip files of Stable-Baselines3 and its contrib: PPO, A2C, TRPO, DQN, QR-DQN, ARS.

`policy.pth` holds the weights. `data` is JSON, in which whatever is no JSON value is a pickle, and left alone; beside
some of those stands in plain text what they are.
"""

import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.importing.archives import Archive, is_archive
from workbench.importing.contract import Format, Hints, Holding
from workbench.importing.layers import Here, Layer, choose, dense, holding
from workbench.importing.torch_files import Tensor, from_archive, from_stream, tensors
from workbench.policies import ACTIVATIONS

POLICY, DATA = "policy.pth", "data"
LARGEST_DATA = 1 << 26
NUMBERS = (
    "num_timesteps", "seed", "n_envs", "learning_rate", "gamma", "batch_size", "n_steps", "gae_lambda", "ent_coef",
    "buffer_size", "tau",
)  # fmt: skip
"""Fields of `data` that become columns where they are plain numbers."""
RATE = "learning_rate"
"""At a rate of 0 nothing is trained: it stands in files that were written anew without the schedule they had."""
QUANTILES = 200
"""The default of QR-DQN."""
ACTIVATION = re.compile(r"activation\.(\w+)'")


def recognises(path: Path, first: bytes) -> bool:
    """A zip archive that no other format claims."""
    return is_archive(first)


def read(path: Path, hints: Hints) -> Holding:
    """The policy of the archive."""
    with open(path, "rb") as file:
        archive = Archive(file)
        policy = archive.read(POLICY)
        data = _data(archive)
    inner = BytesIO(policy)
    found = tensors(from_archive(Archive(inner)) if is_archive(policy[:4]) else from_stream(inner))
    columns = {name: data[name] for name in NUMBERS if type(data.get(name)) in (int, float)}
    if columns.get(RATE) == 0:
        del columns[RATE]
    held = _holding(found, data, hints)
    return replace(held, columns=columns)


def _data(archive: Archive) -> dict[str, Any]:
    if DATA not in archive:
        return {}
    try:
        found = json.loads(archive.read(DATA, LARGEST_DATA))
    except (ValueError, RecursionError):
        raise WorkbenchError("its `data` is not JSON") from None
    return found if isinstance(found, dict) else {}


def _holding(found: dict[str, Tensor], data: dict[str, Any], hints: Hints) -> Holding:
    layers = dense({k: v for k, v in found.items() if not k.startswith("log_std")})
    names = [layer.path for layer in layers]
    if hints.network:
        chosen, _ = choose(layers, hints.network)
        return holding(chosen, *_activation(chosen, data, "relu", "chosen by name"))
    if any("lstm" in name for name in found):
        raise WorkbenchError("recurrent layers, which are not played here")
    if any(name.startswith("quantile_net.") for name in names):
        return _quantiles([layer for layer in layers if layer.path.startswith("quantile_net.")], data)
    if any(name.startswith("q_net.") for name in names):
        chosen = [layer for layer in layers if layer.path.startswith("q_net.")]
        return holding(chosen, *_activation(chosen, data, "relu", "DQN's"))
    if any(name.startswith("actor.") for name in names):
        raise WorkbenchError("an actor that squashes its actions (SAC, TD3), which is not played here")
    if not any(name == "action_net" or name.startswith("action_net.") for name in names):
        raise WorkbenchError(f"no policy network that is known here ({', '.join(names[:4])})")
    beside = any(name == "value_net" for name in names)
    before = ("mlp_extractor.shared_net.", "mlp_extractor.policy_net.", "action_net")
    chosen = [layer for part in before for layer in layers if f"{layer.path}.".startswith(part)]
    if beside:
        return holding(chosen, *_activation(chosen, data, "tanh", "PPO's and A2C's"))
    if len(chosen) > 1 and "box.Box" in str(_type(data, "action_space")):
        raise WorkbenchError("an ARS policy that squashes its actions, which is not played here")
    return holding(chosen, *_activation(chosen, data, "relu", "ARS's"))


def _quantiles(layers: list[Layer], data: dict[str, Any]) -> Holding:
    """A value is the mean over its quantiles, which is linear in them: the mean of the last layer's rows is exact."""
    told = data.get("n_quantiles")
    count = told if type(told) is int and told > 0 else QUANTILES
    *hidden, last = layers
    outputs = last.ends[1]
    if outputs % count:
        raise WorkbenchError(f"{outputs} outputs, which are not a multiple of {count} quantiles")
    matrix = last.weight.array().astype(np.float64).reshape(count, outputs // count, -1).mean(0)
    bias = last.bias.array().astype(np.float64).reshape(count, -1).mean(0) if last.bias is not None else None
    mean = Layer(last.path, Here(matrix.astype(np.float32)), None if bias is None else Here(bias.astype(np.float32)))
    chosen = [*hidden, mean]
    activation, assumed = _activation(chosen, data, "relu", "DQN's")
    source = "as the file says" if count == told else "the default"
    return holding(chosen, activation, (*assumed, f"mean over {count} quantiles ({source})"))


def _activation(layers: list[Layer], data: dict[str, Any], default: str, whose: str) -> tuple[str, tuple[str, ...]]:
    """An activation and the words for it."""
    if len(layers) < 2:
        return default, ()
    kwargs = data.get("policy_kwargs")
    said = ACTIVATION.search(str(kwargs.get("activation_fn"))) if isinstance(kwargs, dict) else None
    if said is None:
        return default, (f"activation {default} ({whose} default)",)
    name = said[1].lower()
    if name not in ACTIVATIONS:
        raise WorkbenchError(f"activation {said[1]}, which is not played here")
    return name, ()


def _type(data: dict[str, Any], field: str) -> Any:
    told = data.get(field)
    return told.get(":type:") if isinstance(told, dict) else None


FORMAT = Format("Stable-Baselines3", (".zip",), recognises, read, rank=9)
