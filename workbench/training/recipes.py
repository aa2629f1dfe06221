"""Recipes: an algorithm, and the distributions that each network's hyperparameters are drawn from.

Network i of a collection with seed s is drawn and trained from (s, i) alone: the same network on any number of threads.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.physics import Physics
from workbench.policies import PolicySpec
from workbench.training.distributions import Choices, Distribution, Hyperparameter, Span

REPLAY = 10_000
TRAINING_CAP = 200

_LEARNING_RATE = (1e-6, 1.0, "Adam's learning rate")
_GAMMA = (0.0, 1.0, "discount")

HYPERPARAMETERS: Mapping[str, tuple[Hyperparameter, ...]] = {
    # The paper describes Q-values, an epsilon-decreasing policy and a replay buffer (section 3.3). Its hyperparameters
    # are not printed; these give the mix of its survival groups without discarding anything.
    "dqn": (
        Hyperparameter("updates", Span(100, 8000, "mixed", True), 1, 1e7, "gradient updates, one a step", True),
        Hyperparameter("lr", Span(2e-3, 1.5e-2, "log"), *_LEARNING_RATE),
        Hyperparameter("gamma", Choices((0.9, 0.95, 0.99, 0.999)), *_GAMMA),
        Hyperparameter("batch", Choices((16, 32)), 1, REPLAY, "transitions of an update", True),
        Hyperparameter("epsilon", Choices((0.01, 0.05, 0.1)), 0, 1, "share of random actions after half the updates"),
        Hyperparameter("target", Choices((50, 100, 200)), 1, 1e7, "updates between copies to the target network", True),
    ),
    "reinforce": (
        Hyperparameter("updates", Span(5, 250, "uniform", True), 1, 1e6, "episodes, one gradient update each", True),
        Hyperparameter("lr", Span(3e-3, 5e-2, "log"), *_LEARNING_RATE),
        Hyperparameter("gamma", Choices((0.9, 0.95, 0.99, 0.999)), *_GAMMA),
    ),
}


@dataclass(frozen=True)
class Recipe:
    """An algorithm with its distributions."""

    name: str
    distributions: tuple[tuple[str, Distribution], ...]

    @classmethod
    def of(cls, name: str, settings: Iterable[str] = ()) -> "Recipe":
        """The recipe `name` with settings such as `lr=.001..0.01`, `batch=32` or `gamma=.9,.99` over its defaults.

        Raises:
            WorkbenchError: no such recipe or hyperparameter, or a value out of range.
        """
        if name not in HYPERPARAMETERS:
            raise WorkbenchError(f"recipe: expected one of {', '.join(HYPERPARAMETERS)}, got {name!r}")
        known = {h.name: h for h in HYPERPARAMETERS[name]}
        chosen: dict[str, Distribution] = {h.name: h.default for h in known.values()}
        for setting in settings:
            key, equals, value = setting.partition("=")
            if not equals or key.strip() not in known:
                names = ", ".join(f"{h.name} ({h.meaning})" for h in known.values())
                raise WorkbenchError(f"{name}: expected NAME=VALUE, got {setting!r}; there are {names}")
            chosen[key.strip()] = known[key.strip()].parse(value)
        return cls(name, tuple(chosen.items()))

    def describe(self) -> dict[str, str]:
        """Each hyperparameter's distribution in words."""
        return {name: str(distribution) for name, distribution in self.distributions}

    def train(
        self, seed: int, begin: int, end: int, spec: PolicySpec
    ) -> tuple[NDArray[np.float32], dict[str, NDArray]]:
        """Train networks begin..end-1 of the collection with this seed.

        Args:
            seed: the collection's seed.
            begin, end: positions in the stream of networks.
            spec: 4 - hidden (ELU) - 2 with biases on Cart-Pole.

        Returns:
            Weights (end - begin, p) and a column for each hyperparameter.

        Raises:
            WorkbenchError: the spec is not one that these trainers know.
        """
        from workbench.kernels import training

        check_trainable(spec)
        n = end - begin
        kernel_seeds = np.empty(n, np.uint64)
        drawn: dict[str, NDArray] = {name: np.empty(n) for name, _ in self.distributions}
        for k in range(n):
            rng = np.random.default_rng((seed, begin + k))
            kernel_seeds[k] = rng.integers(2**64, dtype=np.uint64)
            for name, distribution in self.distributions:
                drawn[name][k] = distribution.draw(rng)
        for hyperparameter in HYPERPARAMETERS[self.name]:
            kind = np.int64 if hyperparameter.integer else np.float32
            drawn[hyperparameter.name] = drawn[hyperparameter.name].astype(kind)
        weights = np.zeros((n, spec.parameters), np.float32)
        physics = Physics.of(spec).vector()
        hidden = spec.sizes[1]
        if self.name == "dqn":
            training.train_dqn(
                kernel_seeds, hidden, drawn["updates"], drawn["lr"], drawn["gamma"], drawn["batch"],
                drawn["epsilon"], drawn["target"], REPLAY, TRAINING_CAP, physics, weights,
            )  # fmt: skip
        else:
            training.train_reinforce(
                kernel_seeds, hidden, drawn["updates"], drawn["lr"], drawn["gamma"], TRAINING_CAP, physics, weights
            )
        return weights, drawn


def check_trainable(spec: PolicySpec) -> None:
    """Raise a WorkbenchError unless the trainers know this kind of policy."""
    from workbench.kernels.cartpole import POLYNOMIAL_LIMIT

    expected = replace(PolicySpec.cartpole(spec.sizes[1]), env=spec.env, env_kwargs=spec.env_kwargs)
    physics = Physics.of(spec)
    if spec != expected or not spec.env.startswith("CartPole-"):
        raise WorkbenchError(
            f"training: expected a greedy 4-H-2 elu policy on Cart-Pole, got {spec.label} on {spec.env}"
        )
    if physics.kinematics_integrator != "euler" or physics.theta_threshold_radians > POLYNOMIAL_LIMIT:
        raise WorkbenchError(
            f"training: expected the euler integrator and a fallen angle up to {POLYNOMIAL_LIMIT} rad, "
            f"got {physics.kinematics_integrator} and {physics.theta_threshold_radians:g}"
        )
