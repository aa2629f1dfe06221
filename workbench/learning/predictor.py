"""A network that predicts survival time from decisions, so that candidates can be chosen without the simulator.

It reads what a policy decides on fixed states, hence does not care how hidden units are ordered, and learns from the
training networks and from noisy copies of them that the simulator has measured.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.compute import Compute
from workbench.learning.data import TrainingData
from workbench.learning.loop import Phase
from workbench.learning.modules import margins, mlp, root_mean_square
from workbench.policies import PolicySpec
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout

STATES = 512
HIDDEN = (512, 256, 128)
COPIES = 3
"""Noisy copies of each training network."""
LOUDEST = 0.3
"""Largest noise of a copy, against the network's mean absolute weight."""
CAP = 200
BATCH = 512
COST = 30.0
"""Of a batch, about milliseconds."""
CHUNK = 1024
BINS = 12
"""Ranges of predicted survival, each with its own interval."""


class SurvivalPredictor:
    """Survival time (mean steps of 100 episodes, cap 200) predicted from weights."""

    def __init__(self, spec: PolicySpec, seeded: torch.Generator, device: str) -> None:
        self.spec, self.device = spec, device
        self.net = mlp((2 * STATES, *HIDDEN, 1), seeded)
        self.states = np.zeros((STATES, spec.sizes[0]), np.float32)
        self.edges = np.linspace(0, CAP, BINS + 1)[1:-1]
        self.errors = np.full(BINS, np.nan)

    def read(self, weights: Tensor) -> Tensor:
        """What it looks at: output differences of networks (n, p) over their root mean square, (n, STATES)."""
        d = margins(weights, self.spec, torch.from_numpy(self.states).to(weights.device))
        return d / root_mean_square(d)

    def forward(self, read: Tensor) -> Tensor:
        """Survival times (n,) from what `read` gives, not yet cut to what is possible."""
        return CAP / 2 * (1 + self.net(torch.cat([torch.tanh(read), torch.tanh(8 * read)], 1))[:, 0])

    def predict(self, weights: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Survival times (n,) of networks (n, p), and by how much 95 % of predictions like these are off, (n,)."""
        parts = [np.zeros(0)]
        with torch.inference_mode():
            for begin in range(0, len(weights), CHUNK):
                part = torch.from_numpy(np.array(weights[begin : begin + CHUNK], np.float32)).to(self.device)
                parts.append(self.forward(self.read(part)).clamp(0, CAP).cpu().numpy().astype(float))
        predicted = np.concatenate(parts)
        return predicted, self.errors[np.searchsorted(self.edges, predicted)]

    def phase(self, data: TrainingData, states: NDArray[np.float32], steps: int, compute: Compute) -> Phase:
        """The optimisation that fits it, on `states` (STATES, d)."""
        self.states = states
        fit = np.flatnonzero(~data.validation)
        held = np.flatnonzero(data.validation)
        everything: list[Tensor] = []

        def prepare() -> None:
            random = np.random.default_rng([0, 4])
            weights, survival = [data.weights[fit]], [data.survival[fit]]
            for _ in range(COPIES):
                clean = data.weights[fit]
                level = random.uniform(0, LOUDEST, (len(fit), 1)) * np.abs(clean).mean(1, keepdims=True)
                noisy = (clean + level * random.standard_normal(clean.shape)).astype(np.float32)
                weights.append(noisy)
                survival.append(rollout(noisy, self.spec, Episodes(cap=CAP), compute).steps.mean(1))
            read = torch.empty((len(weights) * len(fit), STATES), dtype=torch.float16, device=self.device)
            copies = np.concatenate(weights)
            with torch.no_grad():
                for begin in range(0, len(read), CHUNK):
                    part = copies[begin : begin + CHUNK]
                    read[begin : begin + CHUNK] = self.read(torch.from_numpy(part).to(self.device))
            everything.append(read)
            everything.append(torch.from_numpy(np.concatenate(survival).astype(np.float32)).to(self.device))

        def loss(batch: Tensor, _noise: torch.Generator) -> dict[str, Tensor]:
            read, survival = everything
            error = nn.functional.smooth_l1_loss(self.forward(read[batch].float()), survival[batch], beta=2.0)
            return {"loss": error}

        def validate() -> float:
            return float(np.abs(self.predict(data.weights[held])[0] - data.survival[held]).mean())

        rows = np.arange(len(fit) * (1 + COPIES))
        batch = min(BATCH, len(rows))
        epochs = max(1, round(steps / (len(rows) // batch)))
        return Phase(
            "predictor", self.net, rows, loss, epochs, batch, 2e-3, one_cycle=True, clip=10.0,
            validate=validate if len(held) else None, cost=COST, prepare=prepare,
        )  # fmt: skip

    def calibrate(self, data: TrainingData) -> None:
        """Find how far predictions are off, by predicted survival, on validation networks (or all, where too few)."""
        held = np.flatnonzero(data.validation)
        rows = held if len(held) >= 20 * BINS else np.arange(len(data))
        predicted, _ = self.predict(data.weights[rows])
        error = np.abs(predicted - data.survival[rows])
        overall = float(np.quantile(error, 0.95))
        which = np.searchsorted(self.edges, predicted)
        self.errors = np.array(
            [np.quantile(error[which == b], 0.95) if (which == b).sum() >= 20 else overall for b in range(BINS)]
        )

    def arrays(self) -> dict[str, NDArray]:
        """States and errors."""
        return {"predictor_states": self.states, "predictor_errors": self.errors}

    def take_arrays(self, arrays: Mapping[str, NDArray]) -> None:
        """The inverse."""
        self.states, self.errors = arrays["predictor_states"], arrays["predictor_errors"]
