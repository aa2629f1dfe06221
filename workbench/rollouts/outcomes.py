"""What playing gives, whatever engine played."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rollouts:
    """Lengths and returns of episodes, each (n, episodes)."""

    steps: NDArray[np.int32]
    """Steps survived."""
    returns: NDArray[np.float64]
    """Undiscounted sums of rewards; in Cart-Pole the same as the steps."""


@dataclass(frozen=True)
class Behaviour:
    """How networks move, each (n,), means over all steps of all episodes."""

    lean_x: NDArray[np.float64]
    """Mean cart position, m: to which side it drifts."""
    lean_angle: NDArray[np.float64]
    """Mean pole angle, rad: to which side it leans."""
    sharpness: NDArray[np.float64]
    """Mean absolute push, smoothed over 5 steps (.1 s): 1 pushes the same way all the time, 0 alternates."""


@dataclass(frozen=True)
class Trace:
    """Recorded episodes: what was seen and done."""

    states: NDArray[np.float64]
    """(n, episodes, cap, d): the state before each action; zeros after the end."""
    actions: NDArray
    """(n, episodes, cap), or (n, episodes, cap, k) where actions are continuous; zeros after the end."""
    steps: NDArray[np.int32]
    """(n, episodes)."""
    rewards: NDArray[np.float64] | None = None
    """(n, episodes, cap) what each action brought; None where every step is worth 1."""
