"""Survival groups: how networks are divided by their survival time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError


@dataclass(frozen=True)
class Groups:
    """Groups of survival time with edges between them, in steps.

    The paper says "1 - 50 steps" and so on (section 3.5), and means of 100 episodes are not integers: the edges lie
    half a step above.
    """

    edges: tuple[float, ...] = (50.5, 100.5, 150.5)
    names: tuple[str, ...] = ("1-50", "51-100", "101-150", "151-200")

    def __post_init__(self) -> None:
        if len(self.names) != len(self.edges) + 1 or list(self.edges) != sorted(set(self.edges)):
            raise WorkbenchError(f"groups: {len(self.edges)} rising edges need {len(self.edges) + 1} names")

    def __len__(self) -> int:
        return len(self.names)

    def assign(self, survival: NDArray) -> NDArray[np.int64]:
        """The group (0, 1, ...) of each survival time (n,); NaN belongs to none and gives -1."""
        survival = np.asarray(survival)
        return np.where(np.isnan(survival), -1, np.searchsorted(self.edges, survival, side="right"))

    def count(self, survival: NDArray) -> NDArray[np.int64]:
        """Networks in each group: (groups,)."""
        group = self.assign(survival)
        return np.bincount(group[group >= 0], minlength=len(self))


CARTPOLE = Groups()
