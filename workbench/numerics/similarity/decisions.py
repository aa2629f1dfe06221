"""Measures of what networks decide: actions taken, and probabilities of actions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.numerics.similarity.family import Both, Measure, fine


@dataclass(frozen=True, eq=False)
class Choices:
    """What n networks choose among k actions in s states."""

    taken: NDArray[np.float32]
    """(n, s * k) 1 at the action taken; float32 counts exactly up to 16 million states."""
    probabilities: NDArray[np.float32]
    """(n, s, k)."""
    entropy: NDArray[np.float64]
    """(n,) of the probabilities, in bits, mean over states."""
    defined: NDArray[np.bool_]
    """(n,) whether all outputs are finite."""


def softmax(outputs: NDArray) -> NDArray:
    """Probabilities of actions from outputs (..., k)."""
    with np.errstate(over="ignore", under="ignore"):  # what lies further below than a float reaches has none
        odds = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def entropy(probabilities: NDArray) -> NDArray[np.float64]:
    """Of probabilities (..., s, k), in bits, mean over states: (...,)."""
    # Where a probability is 0, so is its term.
    terms = probabilities * np.log2(np.maximum(probabilities, np.finfo(np.float32).tiny))
    return -terms.sum(axis=(-2, -1), dtype=np.float64) / probabilities.shape[-2]


@dataclass(frozen=True)
class DecisionFamily:
    """Agreement and divergence of outputs that are one number a discrete action."""

    wanted: tuple[str, ...] = ("agreement", "jsd")

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are wanted."""
        return self.wanted

    def prepare(self, activations: NDArray) -> Choices:
        """Actions (the first of equals is taken) and softmax of outputs (n, s, k)."""
        defined = fine(activations)
        outputs = np.where(defined[:, None, None], activations, 0.0)
        n, s, k = outputs.shape
        taken = np.zeros((n, s, k), np.float32)
        np.put_along_axis(taken, outputs.argmax(axis=2)[:, :, None], 1.0, axis=2)
        odds = softmax(outputs).astype(np.float32) if "jsd" in self.wanted else np.zeros((n, 0, k), np.float32)
        spread = entropy(odds) if odds.size else np.zeros(n)
        return Choices(taken.reshape(n, s * k), odds, spread, defined)

    def compare(self, a: Choices, b: Choices) -> dict[str, Both]:
        """All that are wanted, of all pairs.

        Raises:
            WorkbenchError: they have different numbers of actions.
        """
        actions = a.probabilities.shape[2], b.probabilities.shape[2]
        if actions[0] != actions[1]:
            raise WorkbenchError(f"similarity: decisions among {actions[0]} actions and among {actions[1]}")
        undefined = ~(a.defined[:, None] & b.defined[None, :])
        found = {}
        for name in self.wanted:
            values = _agreement(a, b) if name == "agreement" else _divergence(a, b)
            values[undefined] = np.nan
            found[name] = (values, values)
        return found


def _agreement(a: Choices, b: Choices) -> NDArray[np.float64]:
    same = (a.taken @ b.taken.T).astype(np.float64)
    return same / a.taken[:1].sum()


def _divergence(a: Choices, b: Choices) -> NDArray[np.float64]:
    found = np.empty((len(a.taken), len(b.taken)))
    for row, (odds, own) in enumerate(zip(a.probabilities, a.entropy, strict=True)):
        for column, (other, their) in enumerate(zip(b.probabilities, b.entropy, strict=True)):
            found[row, column] = entropy((odds + other) / 2) - (own + their) / 2
    return np.maximum(found, 0.0)


AGREEMENT = Measure(
    "agreement",
    "action agreement",
    "share of states with the same greedy action",
    lambda: DecisionFamily(("agreement",)),
    True,
)
JSD = Measure(
    "jsd", "Jensen-Shannon divergence of actions", "Lin 1991; softmax of outputs, bits, mean over states",
    lambda: DecisionFamily(("jsd",)), False,
)  # fmt: skip
