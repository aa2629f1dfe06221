"""Groups: how networks are divided by their survival time or return."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError


@dataclass(frozen=True)
class Groups:
    """Groups of survival time (steps) or return with edges between them.

    The paper says "1 - 50 steps" and so on (section 3.5), and means of 100 episodes are not integers: the edges lie
    half a step above.
    """

    edges: tuple[float, ...] = (50.5, 100.5, 150.5)
    names: tuple[str, ...] = ("1-50", "51-100", "101-150", "151-200")

    def __post_init__(self) -> None:
        if len(self.names) != len(self.edges) + 1 or list(self.edges) != sorted(set(self.edges)):
            raise WorkbenchError(f"groups: {len(self.edges)} rising edges need {len(self.edges) + 1} names")

    @classmethod
    def between(cls, edges: Sequence[float]) -> "Groups":
        """Groups named after their edges: `below 50`, `50 to 100`, `from 100`.

        Raises:
            WorkbenchError: edges that are not finite or do not rise.
        """
        edges = tuple(map(float, edges))
        if not np.isfinite(edges).all() or list(edges) != sorted(set(edges)):
            raise WorkbenchError(f"groups: expected rising edges, got {', '.join(f'{e:g}' for e in edges)}")
        if not edges:
            return cls((), ("all measured",))
        middle = (f"{a:g} to {b:g}" for a, b in pairwise(edges))
        return cls(edges, (f"below {edges[0]:g}", *middle, f"from {edges[-1]:g}"))

    def __len__(self) -> int:
        return len(self.names)

    def assign(self, values: NDArray) -> NDArray[np.int64]:
        """The group (0, 1, ...) of each survival time or return (n,); NaN belongs to none and gives -1."""
        values = np.asarray(values, float)
        return np.where(np.isnan(values), -1, np.searchsorted(self.edges, values, side="right"))

    def count(self, values: NDArray) -> NDArray[np.int64]:
        """Networks in each group: (groups,)."""
        group = self.assign(values)
        return np.bincount(group[group >= 0], minlength=len(self))


CARTPOLE = Groups()
LONGER = Groups((*CARTPOLE.edges, 200.5), (*CARTPOLE.names, "over 200"))
"""Where some survive longer than the paper's episodes last."""
