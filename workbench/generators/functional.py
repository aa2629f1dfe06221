"""A generator of functions that are then given realistic weights.

1. A *functional autoencoder*: the encoder reads what a network does (its right-minus-left output on fixed states and
   the size of that), the decoder makes weights that do the same. It is blind to the order of hidden units, and every
   network has an exact mirror image (negate the state, swap the actions), which doubles the data.
2. A *mixture prior*: for each survival group a Gaussian mixture over the latents of its training networks.
3. A *unit model*: an exchangeable network of noise proposes the weights of each hidden unit, fitted with the energy
   score (Gneiting and Raftery, 2007) on sliced projections of the set of units, so that weights vary as trained
   networks' do. Ridge regression then moves the output layer until the proposal does what the decoder's network does.
4. A *survival predictor* (`learning.predictor`), with which samples are chosen to a group's distribution or to a wanted
   survival time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning.contract import Generator
from workbench.learning.data import TrainingData
from workbench.learning.loop import Phase
from workbench.learning.modules import linear, margins, mlp, root_mean_square
from workbench.learning.predictor import COST as PREDICTOR_COST
from workbench.learning.predictor import STATES, SurvivalPredictor
from workbench.numerics import mixture
from workbench.numerics.symmetry import has_mirror, mirror
from workbench.policies import PolicySpec, layers
from workbench.rollouts.reference import activations
from workbench.rollouts.states import own, visited

POOL = 16_384
"""States that the loss draws from."""
UNSEEN = 2_048
"""The last of them, on which only validation looks."""
ENCODED = 256
"""States on which the encoder sees a network."""
MATCHED = 512
"""States on which the output layer is fitted."""
A_STEP = 128
"""States a step of the autoencoder looks at."""
OWN, OWN_A_STEP = 64, 32
"""States that each network visits itself, kept, and looked at by a step: there its decisions matter most."""
NEAR = 0.02
"""Output differences on a network's own states are held against their own size, plus this share of the common size."""
BATCH = 256
WHOLE, SINGLE = 16, 8
"""Noise of a network, and of each of its units."""
SLICES = 24
"""Directions onto which a set of units is projected, drawn anew at each step."""
FITTED = 10_000
"""Networks, with as many mirror images, that a group's prior is fitted to, at most."""
COST, UNIT_COST = 25.0, 60.0
"""Of a batch of the autoencoder and of the unit model, about milliseconds."""
LOG_VARIANCE = (-12.0, 4.0)
SHARPNESS = 20.0
"""Output difference, against its root mean square, at which a decision counts as sure in the cross-entropy."""
DECISIONS, FUNCTION = 0.5, 0.05
"""Weights of the decision loss in the autoencoder, and of the function in the unit model."""


@dataclass(frozen=True)
class Settings:
    """Sizes and lengths."""

    latents: int = 16
    """Length of an embedding."""
    beta: float = 1e-4
    """Weight of the divergence from N(0, I)."""
    hidden: int = 256
    """Width of encoder and decoder."""
    steps: int = 9000
    """Batches of 256 networks for the autoencoder."""
    unit_steps: int = 4000
    """Batches of 256 networks for the unit model."""
    predictor_steps: int = 3500
    """Batches of 512 networks for the survival predictor."""
    components: int = 24
    """Gaussians in each group's prior."""
    temperature: float = 0.85
    """Size of the unit model's noise when sampling; in training it is 1."""
    ridge: float = 1e-4
    """Penalty on moving the output layer."""
    patience: int = 0
    """Epochs without a better validation loss after which a phase stops; 0 for never."""

    def __post_init__(self) -> None:
        for name in ("latents", "hidden", "steps", "unit_steps", "predictor_steps", "components"):
            if getattr(self, name) < 1:
                raise WorkbenchError(f"set: {name} must be 1 or more, not {getattr(self, name)}")
        for name in ("beta", "temperature", "patience"):
            if not getattr(self, name) >= 0:
                raise WorkbenchError(f"set: {name} must not be below 0, not {getattr(self, name)}")
        if not self.ridge > 0:
            raise WorkbenchError(f"set: ridge must be above 0, not {self.ridge}")


class UnitModel(nn.Module):
    """Noise and latents to the tokens of hidden units; any order of units is as likely as any other."""

    def __init__(self, latents: int, token: int, outputs: int, seeded: torch.Generator) -> None:
        super().__init__()
        context, width = latents + WHOLE, 96
        self.context = nn.ModuleList([linear(context, width, seeded), linear(context + width, width, seeded)])
        self.single = linear(SINGLE, width, seeded)
        self.each = mlp((width, width), seeded)
        self.last = mlp((width, width, token), seeded)
        self.bias = mlp((context, 64, outputs), seeded)

    def forward(self, latents: Tensor, whole: Tensor, single: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised tokens (n, h, token) and output biases (n, outputs)."""
        silu = nn.functional.silu
        context = torch.cat([latents, whole], 1)
        # What all units of a network share is added once a network, not computed once a unit.
        first = silu(self.context[0](context)[:, None] + self.single(single))
        together = self.context[1](torch.cat([context, first.mean(1)], 1))
        return self.last(silu(self.each(first) + together[:, None])), self.bias(context)


class Functional(Generator):
    """Functions first, weights after."""

    NAME = "functional"
    TITLE = "Functional autoencoder, mixture prior, realistic weights, survival predictor"
    SETTINGS = Settings
    settings: Settings

    @classmethod
    def check_spec(cls, spec: PolicySpec) -> None:
        """One hidden layer with biases, two actions."""
        if len(spec.sizes) != 3 or spec.sizes[-1] != 2 or not spec.bias:
            raise WorkbenchError(
                f"functional: networks with one hidden layer, biases and two outputs are expected, got {spec.label}"
                f"{'' if spec.bias else ' without biases'}"
            )

    @classmethod
    def seconds(cls, networks: int) -> float:
        """As many batches however many networks there are."""
        s = Settings()
        return (s.steps * COST + s.unit_steps * UNIT_COST + s.predictor_steps * PREDICTOR_COST) / 1000

    @property
    def dimensions(self) -> int:
        """Length of an embedding."""
        return self.settings.latents

    def build(self, seeded: torch.Generator) -> dict[str, nn.Module]:
        """Encoder, decoder, unit model, predictor."""
        k, h, d = self.settings.latents, self.settings.hidden, self.spec.sizes[0]
        self.states = np.zeros((MATCHED, d), np.float32)
        self.size = np.array([0.0, 1.0], np.float32)
        self.scale = np.ones(d + 5, np.float32)
        self.priors: dict[str, mixture.Mixture] = {}
        autoencoder = nn.ModuleDict(
            {
                "encoder": mlp((ENCODED + 1, h, h, 2 * k), seeded),
                "decoder": mlp((k, h, h, h, self.spec.parameters), seeded),
            }
        )
        units = UnitModel(k, d + 3, 2, seeded)
        self.predictor = SurvivalPredictor(self.spec, seeded, self.device)
        return {"autoencoder": autoencoder, "units": units, "predictor": self.predictor.net}

    def phases(self, data: TrainingData, compute: Compute) -> list[Phase]:
        """Autoencoder, unit model, predictor."""
        fit, held = np.flatnonzero(~data.validation), np.flatnonzero(data.validation)
        pool = visited(data.weights[fit], self.spec, POOL, self.seed)
        self.states = pool[:MATCHED]
        weights = torch.from_numpy(data.weights).to(self.device)
        images = torch.from_numpy(self._images(data.weights)).to(self.device)
        states = torch.from_numpy(pool).to(self.device)
        _, size = self._read(weights[torch.from_numpy(fit).to(self.device)])
        logs = torch.log(size).cpu().numpy()
        self.size = np.array([logs.mean(), logs.std() + 1e-6], np.float32)
        batch = min(BATCH, len(fit))
        epochs = lambda steps: max(1, round(steps / (len(fit) // batch)))  # noqa: E731
        common: dict[str, Any] = {"one_cycle": True, "clip": 1.0, "patience": self.settings.patience}

        visits = torch.from_numpy(own(data.weights, self.spec, OWN, self.seed)).to(self.device)

        def drawn(batch: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
            mirrored = torch.rand(len(batch), generator=noise, device=self.device) < (0.5 if self._mirrors else 0.0)
            at = torch.randint(0, OWN, (OWN_A_STEP,), generator=noise, device=self.device)
            seen = visits[batch][:, at]
            return (
                torch.where(mirrored[:, None], images[batch], weights[batch]),
                torch.where(mirrored[:, None, None], -seen, seen),
            )

        def loss(batch: Tensor, noise: torch.Generator) -> dict[str, Tensor]:
            x, seen = drawn(batch, noise)
            at = torch.randint(0, POOL - UNSEEN, (A_STEP,), generator=noise, device=self.device)
            return self._functional_loss(x, states[at], seen, noise)

        def validate() -> float:
            with torch.inference_mode():
                rows = torch.from_numpy(held).to(self.device)
                common = states[-UNSEEN:][:: UNSEEN // A_STEP]
                return float(self._functional_loss(weights[rows], common, visits[rows][:, :OWN_A_STEP], None)["loss"])

        out = [
            Phase(
                "autoencoder", self.modules["autoencoder"], fit, loss, epochs(self.settings.steps), batch, 2e-3,
                validate=validate if len(held) else None, cost=COST, **common,
            ),
            self._unit_phase(weights, states, drawn, fit, held, batch, epochs(self.settings.unit_steps), common),
        ]  # fmt: skip
        return [*out, self.predictor.phase(data, pool[-STATES:], self.settings.predictor_steps, compute)]

    def _unit_phase(
        self,
        weights: Tensor,
        states: Tensor,
        drawn_from: Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]],
        fit: NDArray,
        held: NDArray,
        batch: int,
        epochs: int,
        common: dict[str, Any],
    ) -> Phase:
        tokens, bias = self._tokens(weights[torch.from_numpy(fit).to(self.device)])
        self.scale = torch.cat([tokens.std((0, 1)), bias.std(0)]).clamp(min=1e-6).cpu().numpy()
        model = self.modules["units"]

        def terms(x: Tensor, noise: torch.Generator) -> dict[str, Tensor]:
            with torch.no_grad():
                mean, deviation = self.encode_torch(x, "")
                z = mean + deviation * _randn(mean.shape, noise)
            tokens, bias = self._tokens(x)
            scale = torch.from_numpy(self.scale).to(self.device)
            tokens, bias = tokens / scale[:-2], bias / scale[-2:]
            drawn = [self._draw(model, z, noise, 1.0) for _ in range(2)]
            directions = nn.functional.normalize(_randn((tokens.shape[2], SLICES), noise), dim=0)
            real, *made = (torch.sort(t @ directions, 1)[0] for t in (tokens, *(t for t, _ in drawn)))
            units = 0.5 * (_apart(made[0], real) + _apart(made[1], real)) - 0.5 * _apart(*made)
            biases = 0.5 * (_norm(drawn[0][1] - bias) + _norm(drawn[1][1] - bias)) - 0.5 * _norm(
                drawn[0][1] - drawn[1][1]
            )
            at = torch.randint(0, POOL - UNSEEN, (A_STEP // 2,), generator=noise, device=self.device)
            wanted = margins(x, self.spec, states[at])
            size = root_mean_square(wanted)
            function = torch.zeros((), device=self.device)
            for t, b in drawn:
                got = margins(self._assemble(t * scale[:-2], b * scale[-2:]), self.spec, states[at])
                function = function + 0.5 * _norm((got - wanted) / size).clamp(max=200.0).mean() / (A_STEP // 2) ** 0.5
            loss = units.mean() + 0.1 * biases.mean() + FUNCTION * function
            return {"loss": loss, "units": units.mean(), "bias": biases.mean(), "function": function}

        def loss(batch: Tensor, noise: torch.Generator) -> dict[str, Tensor]:
            return terms(drawn_from(batch, noise)[0], noise)

        def validate() -> float:
            with torch.inference_mode():
                noise = torch.Generator(self.device).manual_seed(0)
                return float(terms(weights[torch.from_numpy(held).to(self.device)], noise)["loss"])

        return Phase(
            "units",
            model,
            fit,
            loss,
            epochs,
            batch,
            3e-3,
            validate=validate if len(held) else None,
            cost=UNIT_COST,
            **common,
        )

    def finish(self, data: TrainingData, compute: Compute) -> None:
        """The priors, and how far the predictor is off."""
        for group in self.groups:
            random = np.random.default_rng([self.seed, 5])
            weights = data.weights[random.permutation(data.rows(group))[:FITTED]]
            latents, _ = self.encode(np.concatenate([weights, self._images(weights)]))
            self.priors[group] = mixture.fit(latents, self.settings.components, random)
        self.predictor.calibrate(data)

    def arrays(self) -> dict[str, NDArray]:
        """States, scales, priors, and the predictor's own."""
        out = {"states": self.states, "size": self.size, "scale": self.scale, **self.predictor.arrays()}
        for group, prior in self.priors.items():
            out[f"prior/{group}/weights"] = prior.weights
            out[f"prior/{group}/means"] = prior.means
            out[f"prior/{group}/covariances"] = prior.covariances
        return out

    def take_arrays(self, arrays: Mapping[str, NDArray]) -> None:
        """The inverse."""
        self.states, self.size, self.scale = arrays["states"], arrays["size"], arrays["scale"]
        for group in self.groups:
            parts = (arrays[f"prior/{group}/{part}"] for part in ("weights", "means", "covariances"))
            self.priors[group] = mixture.Mixture(*parts)
        self.predictor.take_arrays(arrays)

    def prior(self, count: int, group: str, random: np.random.Generator) -> NDArray[np.float32]:
        """From the group's mixture."""
        return self.priors[group].sample(count, random).astype(np.float32)

    def encode_torch(self, weights: Tensor, group: str) -> tuple[Tensor, Tensor]:
        """From what the networks do."""
        shape, size = self._read(weights)
        level = (torch.log(size) - float(self.size[0])) / float(self.size[1])
        mean, log_variance = self._part("encoder")(torch.cat([shape, level], 1)).chunk(2, 1)
        return mean, (0.5 * log_variance.clamp(*LOG_VARIANCE)).exp()

    def decode_torch(self, latents: Tensor, group: str, noise: torch.Generator | None) -> Tensor:
        """The decoder's network, or with noise realistic weights that do the same."""
        plain = self._part("decoder")(latents)
        if noise is None:
            return plain
        scale = torch.from_numpy(self.scale).to(self.device)
        tokens, bias = self._draw(self.modules["units"], latents, noise, self.settings.temperature)
        return self._matched(tokens * scale[:-2], bias * scale[-2:], plain)

    def _images(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mirror images; the networks themselves where they have none."""
        return mirror(weights, self.spec) if self._mirrors else weights

    @property
    def _mirrors(self) -> bool:
        return has_mirror(self.spec)

    def _part(self, name: str) -> nn.Module:
        autoencoder = self.modules["autoencoder"]
        assert isinstance(autoencoder, nn.ModuleDict)
        return autoencoder[name]

    def _read(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """What the encoder sees: normalised outputs (n, ENCODED), and their size (n, 1)."""
        d = margins(weights, self.spec, torch.from_numpy(self.states[:ENCODED]).to(self.device))
        size = root_mean_square(d)
        return d / size, size

    def _functional_loss(
        self, x: Tensor, common: Tensor, seen: Tensor, noise: torch.Generator | None
    ) -> dict[str, Tensor]:
        """Of networks (n, p), on common states (s, d) and on states that each visits itself (n, t, d)."""
        mean, deviation = self.encode_torch(x, "")
        z = mean if noise is None else mean + deviation * _randn(mean.shape, noise)
        s = len(common)
        states = torch.cat([common.expand(len(x), -1, -1), seen], 1)
        with torch.no_grad():
            wanted = margins(x, self.spec, states)
            size = root_mean_square(wanted[:, :s])
            near = root_mean_square(wanted[:, s:]) + NEAR * size
            size = torch.cat([size.expand(-1, s), near.expand(-1, seen.shape[1])], 1)
            wanted = wanted / size
        got = margins(self._part("decoder")(z), self.spec, states) / size
        right = (wanted > 0).float()
        outputs = decisions = torch.zeros((), device=x.device)
        for part, sharpness in ((slice(0, s), SHARPNESS), (slice(s, None), SHARPNESS / 2)):
            outputs = outputs + nn.functional.smooth_l1_loss(got[:, part], wanted[:, part], beta=0.1)
            decisions = decisions + nn.functional.binary_cross_entropy_with_logits(
                sharpness * got[:, part], right[:, part]
            )
        divergence = 0.5 * (mean.square() + deviation.square() - 1 - 2 * deviation.log()).sum(1).mean()
        loss = outputs + DECISIONS * decisions + self.settings.beta * divergence
        return {"loss": loss, "outputs": outputs, "decisions": decisions, "divergence": divergence}

    def _tokens(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden units (n, h, d + 3): incoming weights, bias, difference and sum of outgoing ones; output biases."""
        parts: Any = layers(weights, self.spec)  # type: ignore[arg-type]  # slicing is the same in torch
        (into, bias), (out, last) = parts
        difference, total = (out[:, 1] - out[:, 0])[..., None], out.sum(1)[..., None]
        return torch.cat([into, bias[..., None], difference, total], 2), torch.stack(
            [last[:, 1] - last[:, 0], last.sum(1)], 1
        )

    def _assemble(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """The inverse of `_tokens`."""
        d = self.spec.sizes[0]
        difference, total = tokens[..., d + 1], tokens[..., d + 2]
        out = torch.cat([(total - difference) / 2, (total + difference) / 2], 1)
        last = torch.stack([(bias[:, 1] - bias[:, 0]) / 2, (bias[:, 1] + bias[:, 0]) / 2], 1)
        return torch.cat([tokens[..., :d].flatten(1), tokens[..., d], out, last], 1)

    def _draw(self, model: nn.Module, latents: Tensor, noise: torch.Generator, size: float) -> tuple[Tensor, Tensor]:
        n, h = len(latents), self.spec.sizes[1]
        return model(latents, size * _randn((n, WHOLE), noise), size * _randn((n, h, SINGLE), noise))

    def _matched(self, tokens: Tensor, bias: Tensor, wanted: Tensor) -> Tensor:
        """Networks of these units, the difference of their outputs moved by ridge regression to that of `wanted`."""
        states = torch.from_numpy(self.states[:MATCHED]).to(self.device)
        seen = states.expand(len(tokens), *states.shape)
        proposed = self._assemble(tokens, bias)
        hidden, out = activations(proposed, self.spec, seen)
        missing = margins(wanted, self.spec, states) - (out[..., 1] - out[..., 0])
        # In float64: features of near-linear units are nearly the same.
        features = torch.cat([hidden, torch.ones_like(hidden[..., :1])], 2).double()
        gram = features.transpose(1, 2) @ features / len(states)
        penalty = self.settings.ridge * gram.diagonal(dim1=1, dim2=2).mean(1)
        gram.diagonal(dim1=1, dim2=2).add_(penalty[:, None])
        moved = torch.linalg.solve(gram, features.transpose(1, 2) @ missing.double()[..., None] / len(states))
        moved = moved[..., 0].float()
        d = self.spec.sizes[0]
        tokens, bias = tokens.clone(), bias.clone()
        tokens[..., d + 1] += moved[:, :-1]
        bias[:, 0] += moved[:, -1]
        return self._assemble(tokens, bias)


def _randn(shape: tuple[int, ...] | torch.Size, noise: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=noise, device=noise.device)


def _norm(values: Tensor) -> Tensor:
    return (values.square().sum(1) + 1e-6).sqrt()


def _apart(a: Tensor, b: Tensor) -> Tensor:
    """Sliced distance between sorted projections (n, h, slices): (n,)."""
    return ((a - b).square().mean(1) + 1e-6).sqrt().mean(1)


GENERATOR = Functional
