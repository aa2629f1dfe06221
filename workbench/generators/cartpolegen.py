"""CartPoleGen, the paper's variational autoencoder over weights (Agent Embeddings, section 3.4 and Figure 3).

Encoder p-128-64-32 and a mirrored decoder, ELU, skip connections by concatenation: each layer sees the output of the
one before and what that one saw. Unit-variance Gaussian likelihood: half the sum of squared errors, plus the divergence
from N(0, I). Adam, 20 epochs, batches of 10. By default a model for each survival group and one for all (the paper's
two settings); a class-conditional model (Sohn et al., 2015) and linear layers are options.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning.contract import Generator
from workbench.learning.data import ALL, TrainingData
from workbench.learning.loop import Phase
from workbench.learning.modules import linear
from workbench.performance import groups_of
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance

WIDTHS = (128, 64)
LARGEST = 15.0
"""Bound of log-variances, smooth: a network with huge weights would make the exponential overflow."""
CLIP = 1000.0
"""Largest norm of a gradient: fifty times the usual one, so that only outliers are cut."""
STEP_COST = 1.0
"""Of a batch, about milliseconds."""
CONDITIONS = ("separate", "class", "none")


@dataclass(frozen=True)
class Settings:
    """As the paper has it, but for Adam's rate, which it does not say."""

    epochs: int = 20
    """Passes over the training networks."""
    batch: int = 10
    """Networks a step."""
    rate: float = 1e-3
    """Adam's learning rate."""
    latents: int = 32
    """Length of an embedding."""
    condition: str = "separate"
    """separate: a model for each group and one for all; class: one model told the group; none: one for all."""
    activation: str = "elu"
    """elu, or identity for linear layers."""
    patience: int = 0
    """Epochs without a better validation loss after which a model stops, at its best; 0 runs all and keeps the last."""

    def __post_init__(self) -> None:
        if self.condition not in CONDITIONS:
            raise WorkbenchError(f"set: condition is one of {', '.join(CONDITIONS)}, not {self.condition!r}")
        if self.activation not in ("elu", "identity"):
            raise WorkbenchError(f"set: activation is elu or identity, not {self.activation!r}")
        for name in ("epochs", "batch", "latents"):
            if getattr(self, name) < 1:
                raise WorkbenchError(f"set: {name} must be 1 or more, not {getattr(self, name)}")
        if not 0 < self.rate < 100 or self.patience < 0:
            raise WorkbenchError(f"set: rate must be above 0 and patience not below, not {self.rate}, {self.patience}")


class VAE(nn.Module):
    """One autoencoder; `classes` numbers that tell the group are appended to its input and to its latents."""

    def __init__(self, p: int, latents: int, classes: int, elu: bool, seeded: torch.Generator) -> None:
        super().__init__()
        a, b = WIDTHS
        self.elu = elu
        self.encoder = nn.ModuleList(
            [linear(p + classes, a, seeded), linear(a + p + classes, b, seeded), linear(b + a, 2 * latents, seeded)]
        )
        self.decoder = nn.ModuleList(
            [linear(latents + classes, b, seeded), linear(b + latents + classes, a, seeded), linear(a + b, p, seeded)]
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z given x), (n, k) each."""
        mean, log_variance = self._through(self.encoder, x).chunk(2, 1)
        return mean, LARGEST * torch.tanh(log_variance / LARGEST)

    def decode(self, z: Tensor) -> Tensor:
        """The mean of p(x given z), (n, p)."""
        return self._through(self.decoder, z)

    def _through(self, layers: nn.ModuleList, x: Tensor) -> Tensor:
        first = layers[0](x)
        first = nn.functional.elu(first) if self.elu else first
        second = layers[1](torch.cat([first, x], 1))
        second = nn.functional.elu(second) if self.elu else second
        return layers[2](torch.cat([second, first], 1))


class CartPoleGen(Generator):
    """The paper's generator."""

    NAME = "cartpolegen"
    TITLE = "CartPoleGen, the paper's variational autoencoder over weights"
    SETTINGS = Settings
    settings: Settings

    @classmethod
    def seconds(cls, networks: int) -> float:
        """Every network is seen with its group and with all."""
        settings = Settings()
        return 2 * settings.epochs * networks / settings.batch * STEP_COST / 1000

    @classmethod
    def groups_of(cls, data: TrainingData, settings: Settings) -> tuple[str, ...]:
        """All groups with enough networks, or only all networks together."""
        return (ALL,) if settings.condition == "none" else data.trainable

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return self.settings.latents

    @property
    def _classes(self) -> tuple[str, ...]:
        """Groups that the one model is told apart, where there is one."""
        return tuple(g for g in self.groups if g != ALL) if self.settings.condition == "class" else ()

    def build(self, seeded: torch.Generator) -> dict[str, nn.Module]:
        """A model a group, or one."""
        elu = self.settings.activation == "elu"
        wanted = self.groups if self.settings.condition == "separate" else (ALL,)
        self.shares = np.ones(len(self._classes), np.float64)
        return {g: VAE(self.spec.parameters, self.settings.latents, len(self._classes), elu, seeded) for g in wanted}

    def phases(self, data: TrainingData, compute: Compute) -> list[Phase]:
        """One optimisation a model."""
        weights = torch.from_numpy(data.weights).to(self.device)
        names = [*self._classes]
        # The last entry is for networks of no group, whose survival is not a number.
        label = np.array([*(names.index(n) if n in names else -1 for n in data.groups.names), -1])[data.group]
        self.shares = np.bincount(label[label >= 0], minlength=len(names)).astype(float)
        told = torch.from_numpy(label).to(self.device)
        return [self._phase(name, data, weights, told) for name in self.modules]

    def _phase(self, name: str, data: TrainingData, weights: Tensor, label: Tensor) -> Phase:
        model = self.modules[name]
        assert isinstance(model, VAE)
        rows = data.rows(name)
        if self._classes:
            rows = rows[label.cpu().numpy()[rows] >= 0]
        fit, held = rows[~data.validation[rows]], rows[data.validation[rows]]

        def elbo(batch: Tensor, noise: torch.Generator | None) -> dict[str, Tensor]:
            x = weights[batch]
            condition = self._one_hot(label[batch])
            mean, log_variance = model.encode(torch.cat([x, condition], 1))
            z = mean
            if noise is not None:
                drawn = torch.randn(mean.shape, generator=noise, device=mean.device)
                z = mean + drawn * (0.5 * log_variance).exp()
            error = 0.5 * (model.decode(torch.cat([z, condition], 1)) - x).square().sum(1).mean()
            divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()
            return {"loss": error + divergence, "reconstruction": error, "divergence": divergence}

        def validate() -> float:
            with torch.inference_mode():
                return float(elbo(torch.from_numpy(held).to(self.device), None)["loss"])

        s = self.settings
        return Phase(
            name, model, fit, elbo, s.epochs, min(s.batch, len(fit)), s.rate, cost=STEP_COST,
            clip=CLIP, validate=validate if len(held) else None, patience=s.patience, keep_best=s.patience > 0,
        )  # fmt: skip

    def arrays(self) -> dict[str, NDArray]:
        """How many networks of each group the class-conditional model has seen."""
        return {"shares": self.shares} if self._classes else {}

    def take_arrays(self, arrays: dict[str, NDArray]) -> None:  # type: ignore[override]
        """The inverse."""
        self.shares = arrays.get("shares", self.shares)

    def encode_torch(self, weights: Tensor, group: str) -> tuple[Tensor, Tensor]:
        """By the group's model; networks of unknown group are played to find it."""
        condition = self._condition(group, len(weights), weights, None)
        mean, log_variance = self._model(group).encode(torch.cat([weights, condition], 1))
        return mean, (0.5 * log_variance).exp()

    def decode_torch(self, latents: Tensor, group: str, noise: torch.Generator | None) -> Tensor:
        """The decoder's mean."""
        condition = self._condition(group, len(latents), None, noise)
        return self._model(group).decode(torch.cat([latents, condition], 1))

    def _model(self, group: str) -> VAE:
        model = self.modules[group if self.settings.condition == "separate" else ALL]
        assert isinstance(model, VAE)
        return model

    def _condition(self, group: str, n: int, weights: Tensor | None, noise: torch.Generator | None) -> Tensor:
        names: Sequence[str] = self._classes
        if not names:
            return torch.zeros((n, 0), device=self.device)
        if group != ALL:
            label = torch.full((n,), names.index(group), device=self.device)
        elif weights is not None:
            label = self._groups_played(weights.cpu().numpy())
        else:
            share = torch.from_numpy(self.shares).to(self.device)
            noise = noise or torch.Generator(self.device).manual_seed(self.seed)
            label = torch.multinomial(share, n, True, generator=noise) if n else torch.zeros(0, dtype=torch.long)
        return self._one_hot(label)

    def _groups_played(self, weights: NDArray[np.float32]) -> Tensor:
        groups = groups_of(self.spec, tuple(self.provenance.get("edges", ())), None)
        played = groups.assign(performance(weights, self.spec, Episodes()).mean(1))
        names = [groups.names[g] for g in played]
        return torch.tensor([self._classes.index(n) if n in self._classes else 0 for n in names], device=self.device)

    def _one_hot(self, label: Tensor) -> Tensor:
        if not self._classes:
            return torch.zeros((len(label), 0), device=self.device)
        return nn.functional.one_hot(label, len(self._classes)).float()


GENERATOR = CartPoleGen
