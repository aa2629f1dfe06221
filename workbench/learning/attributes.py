"""Directions in latent space along which a measured attribute of networks changes (the paper's semantic attributes)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RIDGE = 1e-3
"""Penalty on the coefficients, against the latents' variance."""


@dataclass(frozen=True)
class Direction:
    """Linear regression of an attribute on latents.

    Attributes:
        name: the attribute.
        vector: (k,) unit vector along which it grows fastest.
        slope: growth of the attribute per unit along it.
        origin: (k,) mean latent.
        value: the attribute there.
        fit: share of its variance that is explained, on networks the regression never saw.
        step: standard deviation of the latents along it.
    """

    name: str
    vector: NDArray[np.float64]
    slope: float
    origin: NDArray[np.float64]
    value: float
    fit: float
    step: float

    def move(self, latents: NDArray, steps: float | NDArray) -> NDArray[np.float64]:
        """Latents (n, k) moved by so many standard deviations, a number or (n,)."""
        return latents + np.multiply.outer(np.broadcast_to(steps, len(latents)) * self.step, self.vector)

    def predict(self, latents: NDArray) -> NDArray[np.float64]:
        """The attribute (n,) of latents (n, k), as the regression has it."""
        return self.value + self.slope * ((latents - self.origin) @ self.vector)

    def set(self, latents: NDArray, value: float) -> NDArray[np.float64]:
        """Latents (n, k) moved along the direction until the regression says `value`."""
        away = (value - self.predict(latents)) / self.slope if self.slope else np.zeros(len(latents))
        return latents + np.multiply.outer(away, self.vector)


def direction(
    name: str, latents: NDArray, values: NDArray, unseen: NDArray, unseen_values: NDArray,
    hold: tuple[Direction, ...] = (),
) -> Direction:  # fmt: skip
    """Fit a direction.

    Args:
        name: the attribute.
        latents: (n, k) of training networks.
        values: (n,) their attribute.
        unseen: (m, k) of networks to tell the fit on.
        unseen_values: (m,).
        hold: directions to keep at right angles to, so that moving along this one leaves theirs where it is.

    Raises:
        ValueError: fewer than two networks.
    """
    if len(latents) < 2:
        raise ValueError("a direction needs two networks")
    x, y = np.asarray(latents, float), np.asarray(values, float)
    origin, middle = x.mean(0), float(y.mean())
    spread = (x - origin).T @ (x - origin) / len(x)
    penalty = (RIDGE * np.trace(spread) / len(spread) + 1e-12) * np.eye(len(spread))
    slopes = np.linalg.solve(spread + penalty, (x - origin).T @ (y - middle) / len(x))
    residual = unseen_values - middle - (unseen - origin) @ slopes
    total = float(((unseen_values - unseen_values.mean()) ** 2).sum()) if len(unseen_values) else 0.0
    fit = 1 - float((residual**2).sum()) / total if total > 0 else float("nan")
    vector = slopes.copy()
    if hold:
        basis, _ = np.linalg.qr(np.stack([d.vector for d in hold], 1))
        vector = vector - basis @ (basis.T @ vector)
    length = float(np.linalg.norm(vector))
    vector = vector / length if length > 1e-12 else np.zeros_like(vector)
    step = float(np.sqrt(vector @ spread @ vector))
    return Direction(name, vector, float(slopes @ vector), origin, middle, fit, step)
