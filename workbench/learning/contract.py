"""What every generator promises: fit, encode, decode, sample, a log of its training, save and load."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workbench import __version__, storage
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.generators import KIND, SCHEMA
from workbench.learning.data import ALL, TrainingData
from workbench.learning.loop import Log, Optimisation, Phase, optimise
from workbench.policies import PolicySpec

CHUNK = 512
"""Networks that are encoded or decoded at a time."""


@dataclass(frozen=True)
class Samples:
    """Generated networks."""

    latents: NDArray[np.float32]
    """(n, k)."""
    weights: NDArray[np.float32]
    """(n, p)."""


class Generator(ABC):
    """A generative model of the networks of one spec.

    A subclass is one file in `workbench/generators`. It says which phases of optimisation it consists of, and how
    networks become latents and latents networks; training, saving and sampling are here.

    Attributes:
        spec: the networks it is of.
        settings: how it was trained, an instance of `SETTINGS`.
        groups: survival groups it can sample, `all` among them.
        seed: seed of the training.
        log: loss terms by phase and epoch.
        provenance: population (name, hash), training networks, seconds, versions.
    """

    NAME: ClassVar[str]
    TITLE: ClassVar[str]
    SETTINGS: ClassVar[type]
    """A frozen dataclass with a docstring under each field."""

    def __init__(self, spec: PolicySpec, settings: Any, groups: Sequence[str], seed: int = 0, device: str = "cpu"):
        self.check_spec(spec)
        self.spec, self.settings, self.groups, self.seed, self.device = spec, settings, tuple(groups), seed, device
        self.log: Log = {}
        self.provenance: dict[str, Any] = {}
        self.path: Path | None = None
        self.modules = self.build(torch.Generator().manual_seed(seed))
        for module in self.modules.values():
            module.to(device)

    @classmethod
    def check_spec(cls, spec: PolicySpec) -> None:
        """Raise a WorkbenchError for networks that this generator cannot be of; none by default."""
        return

    @classmethod
    @abstractmethod
    def seconds(cls, networks: int) -> float:
        """About how long training on so many networks takes on one core, with all settings at their defaults."""

    @classmethod
    def groups_of(cls, data: TrainingData, settings: Any) -> tuple[str, ...]:
        """The groups it will be able to sample after training on this data."""
        return data.trainable

    @abstractmethod
    def build(self, seeded: torch.Generator) -> dict[str, nn.Module]:
        """Its torch modules by name, with parameters drawn from `seeded`."""

    @abstractmethod
    def phases(self, data: TrainingData, compute: Compute) -> list[Phase]:
        """The optimisations that fit it."""

    def finish(self, data: TrainingData, compute: Compute) -> None:
        """What is fitted in closed form once the phases are over; nothing by default."""
        return

    def arrays(self) -> dict[str, NDArray]:
        """What it keeps beside its modules' parameters."""
        return {}

    def take_arrays(self, arrays: Mapping[str, NDArray]) -> None:
        """The inverse of `arrays`."""
        return

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Length of a latent vector, k."""

    @abstractmethod
    def encode_torch(self, weights: torch.Tensor, group: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation of q(z given x), each (n, k), of networks (n, p)."""

    @abstractmethod
    def decode_torch(self, latents: torch.Tensor, group: str, noise: torch.Generator | None) -> torch.Tensor:
        """Networks (n, p) of latents (n, k); without noise the most typical of each."""

    def prior(self, count: int, group: str, random: np.random.Generator) -> NDArray[np.float32]:
        """Latents (count, k) from the prior, N(0, I) unless a generator has a better one."""
        return random.standard_normal((count, self.dimensions)).astype(np.float32)

    def encode(self, weights: NDArray, group: str = ALL) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of q(z given x), each (n, k), of networks (n, p).

        Raises:
            WorkbenchError: weights of another spec, or a group it has no model of.
        """
        self.check_group(group)
        if weights.ndim != 2 or weights.shape[1] != self.spec.parameters:
            raise WorkbenchError(
                f"{self.title}: is of networks with {self.spec.parameters} weights ({self.spec.label}), "
                f"got {tuple(weights.shape)}"
            )
        means, deviations = [], []
        with torch.inference_mode():
            for begin in range(0, len(weights), CHUNK):
                part = torch.from_numpy(np.array(weights[begin : begin + CHUNK], np.float32)).to(self.device)
                mean, deviation = self.encode_torch(part, group)
                means.append(mean.cpu().numpy())
                deviations.append(deviation.cpu().numpy())
        empty = np.zeros((0, self.dimensions), np.float32)
        return np.concatenate([empty, *means]), np.concatenate([empty, *deviations])

    def decode(self, latents: NDArray, group: str = ALL, seed: int | None = None) -> NDArray[np.float32]:
        """Networks (n, p) of latents (n, k).

        Args:
            latents: (n, k).
            group: whose decoder, where there is one a group.
            seed: of what a latent leaves open; None for the most typical network of each.

        Raises:
            WorkbenchError: latents of another length, or a group it has no model of.
        """
        self.check_group(group)
        if latents.ndim != 2 or latents.shape[1] != self.dimensions:
            raise WorkbenchError(f"{self.title}: latents have {self.dimensions} numbers, got {tuple(latents.shape)}")
        noise = None if seed is None else torch.Generator(self.device).manual_seed(seed)
        parts = [np.zeros((0, self.spec.parameters), np.float32)]
        with torch.inference_mode():
            for begin in range(0, len(latents), CHUNK):
                part = torch.from_numpy(np.array(latents[begin : begin + CHUNK], np.float32)).to(self.device)
                parts.append(self.decode_torch(part, group, noise).cpu().numpy())
        return np.concatenate(parts)

    def sample(self, count: int, group: str = ALL, seed: int = 0, training: NDArray | None = None) -> Samples:
        """New networks: from the prior, or from the posterior of randomly drawn training networks.

        Args:
            count: how many.
            group: the survival group they are meant for.
            seed: of everything that is drawn.
            training: (m, p) networks of that group; given, latents are drawn from q(z given x) of random ones of them.

        Raises:
            WorkbenchError: a group it has no model of, or no training networks to draw from.
        """
        self.check_group(group)
        random = np.random.default_rng([seed, 1])
        if training is None:
            latents = self.prior(count, group, random)
        else:
            if not len(training):
                raise WorkbenchError(f"{self.title}: no training network of group {group} to draw from")
            mean, deviation = self.encode(training[random.integers(0, len(training), count)], group)
            latents = mean + deviation * random.standard_normal(mean.shape).astype(np.float32)
        return Samples(latents, self.decode(latents, group, seed))

    def check_group(self, group: str) -> None:
        """Raise a WorkbenchError unless it can sample this group."""
        if group not in self.groups:
            raise WorkbenchError(f"{self.title}: has no model of group {group!r}; it has {', '.join(self.groups)}")

    def check_population(self, spec: PolicySpec, name: str) -> None:
        """Raise a WorkbenchError unless networks of `spec` are what it is of."""
        if (spec.sizes, spec.activation, spec.bias) != (self.spec.sizes, self.spec.activation, self.spec.bias):
            raise WorkbenchError(
                f"{self.title}: is of {self.spec.label} networks ({self.spec.parameters} weights), "
                f"{name} has {spec.label} ({spec.parameters} weights)"
            )

    @property
    def title(self) -> str:
        """The file's name, or the kind."""
        return self.path.name if self.path else self.NAME

    @cached_property
    def content_hash(self) -> str:
        """What it says, whatever file it lies in."""
        return storage.content_hash(self._arrays(), self._description())

    def save(self, path: Path | str) -> None:
        """Write to one safetensors file, atomically.

        Raises:
            WorkbenchError: it cannot be written.
        """
        header = {**self._description(), "log": self.log, "provenance": self.provenance, "schema": SCHEMA}
        storage.write_tensors(Path(path), self._arrays(), {**header, "hash": self.content_hash})

    def _description(self) -> dict[str, Any]:
        return {
            "kind": KIND,
            "name": self.NAME,
            "spec": self.spec.to_json(),
            "settings": asdict(self.settings),
            "groups": list(self.groups),
            "seed": self.seed,
        }

    def _arrays(self) -> dict[str, NDArray]:
        arrays = {f"array/{name}": value for name, value in self.arrays().items()}
        for name, module in self.modules.items():
            for key, value in module.state_dict().items():
                arrays[f"module/{name}/{key}"] = value.detach().cpu().numpy()
        return arrays

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray], header: Mapping[str, Any], path: Path, device: str) -> "Generator":
        """From what `save` wrote.

        Raises:
            WorkbenchError: missing or unknown settings, or arrays that do not fit.
        """
        try:
            settings = cls.SETTINGS(**header["settings"])
            generator = cls(PolicySpec.from_json(header["spec"]), settings, header["groups"], header["seed"], device)
            for name, module in generator.modules.items():
                prefix = f"module/{name}/"
                state = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
                module.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in state.items()})
            generator.take_arrays(
                {k.removeprefix("array/"): np.array(v) for k, v in arrays.items() if k[:6] == "array/"}
            )
        except WorkbenchError as error:
            raise WorkbenchError(f"{path}: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            told = str(error).splitlines()[0][:200]
            raise WorkbenchError(f"{path}: not a {cls.NAME} generator, cut or damaged ({told})") from None
        log, provenance = header.get("log"), header.get("provenance")
        generator.log = log if isinstance(log, dict) else {}
        generator.provenance = provenance if isinstance(provenance, dict) else {}
        generator.path = path
        return generator


def settings_from(kind: type[Generator], pairs: Sequence[str]) -> Any:
    """Settings of a generator with some changed, each as `name=value`.

    Raises:
        WorkbenchError: no such setting, or a value of another kind.
    """
    types: dict[str, Any] = {f.name: type(f.default) for f in fields(kind.SETTINGS)}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        if name not in types:
            raise WorkbenchError(f"set: {kind.NAME} has no setting {name!r}; it has {', '.join(types)}")
        try:
            values[name] = types[name](text)
        except ValueError:
            raise WorkbenchError(f"set: {name} is a {types[name].__name__}, got {text!r}") from None
    return kind.SETTINGS(**values)


def train(
    kind: type[Generator],
    data: TrainingData,
    settings: Any,
    seed: int,
    compute: Compute,
    state: Optimisation | None = None,
) -> Iterator[tuple[Generator, Optimisation]]:
    """Fit a generator; yields it with how far its training is, a few times a second, and at last fitted.

    Args:
        kind: which generator.
        data: what it learns from.
        settings: an instance of its `SETTINGS`.
        seed: of initialisation, order and noise.
        compute: device and threads.
        state: to go on from, if any.

    Raises:
        WorkbenchError: networks of a spec it cannot be of, no group with enough networks, or a loss that is not finite.
    """
    torch.set_num_threads(compute.workers)
    state = state or Optimisation(seed)
    began = time.monotonic() - state.seconds
    generator = kind(data.spec, settings, kind.groups_of(data, settings), seed, compute.torch_device)
    for _ in optimise(generator.phases(data, compute), state, compute.torch_device):
        state.seconds = time.monotonic() - began
        yield generator, state
    generator.finish(data, compute)
    generator.log = state.log
    generator.provenance = {
        "population": {"name": data.name, "hash": data.population, "training": len(data)},
        "networks": {g: len(data.rows(g)) for g in generator.groups},
        "edges": list(data.groups.edges),
        "seconds": round(time.monotonic() - began, 1),
        "device": compute.torch_device,
        "threads": compute.workers,
        "versions": {"agentemb-tui": __version__, "torch": torch.__version__, "numpy": np.__version__},
    }
    yield generator, state
