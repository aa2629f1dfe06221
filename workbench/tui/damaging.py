"""Which network the Repair pane damages, and how. No screen."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import repairing
from workbench.analyses import repair
from workbench.errors import WorkbenchError
from workbench.learning.data import held_out_rows
from workbench.numerics.damage import KINDS, LOUDEST, Damage, check, mask_hash
from workbench.places import state_dir
from workbench.policies import PolicySpec
from workbench.population import Population
from workbench.rollouts.episodes import Episodes
from workbench.tui.sampling import Trained
from workbench.tui.unit_grid import UnitGrid
from workbench.tui.view import View

STEP = 0.05
"""By how much a key changes the level."""


def mask_path(mask: NDArray[np.bool_]) -> Path:
    """Where a mask that was drawn by hand is kept, to be read by the same trial on the command line."""
    return state_dir() / "masks" / f"mask-{mask_hash(mask)}.npy"


@dataclass
class DamageState:
    """The choices, and the network as they damage it."""

    view: View
    params: repair.Params = field(default_factory=repair.Params)
    hand: NDArray[np.bool_] | None = None
    """(p,) what was drawn by hand, or read from a file; None where a level says how much is damaged."""
    trained: list[Trained] | None = None
    """None until they have been looked for."""
    fault: str = ""
    """Why there is nothing to repair."""
    damaged: Damage | None = None
    """The network as it is damaged now."""
    _basis: int | None = None
    """What marks and table suggested last."""

    def recall(self, params: repair.Params, _shown: Any) -> bool:
        """Take up choices of before; whether they fit."""
        try:
            Episodes(params.episodes, params.cap, params.seed)
            check(params.kind, params.level)
            found = repairing.mask_file(params.mask)
            hand = None if found is None else repairing.read_mask(found, self.spec.parameters)
        except WorkbenchError:
            return False
        if not 0 <= params.network < len(self.population):
            return False
        # The network stays until marks and table change.
        self.params, self.hand, self._basis = params, hand, self._suggested()
        self.check()
        return True

    # Which network.

    @property
    def population(self) -> Population:
        """Where networks are from."""
        return self.view.population

    @property
    def spec(self) -> PolicySpec:
        """What the networks are."""
        return self.population.spec

    @cached_property
    def grid(self) -> UnitGrid:
        """Where weights lie on the map."""
        return UnitGrid.of(self.spec)

    @cached_property
    def held_out(self) -> NDArray[np.bool_]:
        """(n,) networks that no generator has seen."""
        return held_out_rows(self.population)

    @property
    def unseen(self) -> bool:
        """Whether the network is held out."""
        return bool(self.held_out[self.params.network]) if len(self.population) else False

    @property
    def original(self) -> NDArray[np.float32]:
        """(p,) the network before it is damaged."""
        return np.array(self.population.weights[self.params.network])

    def look(self) -> None:
        """Look at marks and the table, which change in the Dataset pane; what was chosen here stays until those do."""
        basis = self._suggested()
        if basis != self._basis and basis is not None:
            self.params = replace(self.params, network=basis)
        self._basis = basis
        self.check()

    def _suggested(self) -> int | None:
        """The first mark; without one the best held-out network that the table shows."""
        marks = np.flatnonzero(self.view.marks)
        if len(marks):
            return int(marks[0])
        rows = self.view.rows
        rows = rows[np.isfinite(self.population.weights[rows]).all(1)] if len(rows) else rows
        if not len(rows):
            return None
        rows = rows[self.held_out[rows]] if self.held_out[rows].any() else rows
        if self.view.population.measured:
            survival = np.nan_to_num(np.asarray(self.population["survival"])[rows], nan=-np.inf)
            return int(rows[survival.argmax()])
        return int(rows[0])

    def next_network(self, by: int) -> int | None:
        """The next marked network, or without two marks the next held-out one of the table; None if there is none."""
        marks = np.flatnonzero(self.view.marks)
        rows = marks if len(marks) >= 2 else self.view.rows
        if len(marks) < 2:
            rows = rows[self.held_out[rows]]
        at = np.flatnonzero(rows == self.params.network)
        if not len(rows) or (len(rows) == 1 and len(at)):
            return None
        if len(at):
            return int(rows[(at[0] + by) % len(rows)])
        after = rows[rows > self.params.network] if by > 0 else rows[rows < self.params.network][::-1]
        return int(after[0] if len(after) else rows[0 if by > 0 else -1])

    # Damage.

    def change(self, **changes: Any) -> None:
        """Change choices."""
        self.params = replace(self.params, **changes)
        self.check()

    def set_level(self, level: float) -> None:
        """So much damage, at random.

        Raises:
            WorkbenchError: a level out of range.
        """
        check(self.params.kind, level)
        if self.params.kind != "noise":
            self.hand = None
        # As many digits as a command line is given.
        self.change(level=float(f"{level:g}"), mask="" if self.hand is None else self.params.mask)

    def shift(self, by: int) -> None:
        """A step more or less."""
        most = LOUDEST if self.params.kind == "noise" else 1.0
        self.set_level(min(most, max(0.0, round(self.params.level / STEP + by) * STEP)))

    def next_kind(self) -> None:
        """Another kind of damage."""
        kinds = list(KINDS)
        kind = kinds[(kinds.index(self.params.kind) + 1) % len(kinds)]
        most = LOUDEST if kind == "noise" else 1.0
        self.change(kind=kind, level=min(self.params.level, most))

    def take_mask(self, mask: NDArray[np.bool_], path: Path | None = None) -> None:
        """Damage what is drawn, or what a file says."""
        self.hand = mask
        self.change(mask=str(path or mask_path(mask)))

    def toggle(self, positions: NDArray[np.int64]) -> None:
        """Damage weights by hand: all of them, or none if all are."""
        mask = self.hand.copy() if self.hand is not None else self.drawn.copy()
        mask[positions] = not mask[positions].all()
        self.take_mask(mask)

    @property
    def drawn(self) -> NDArray[np.bool_]:
        """(p,) what is damaged now."""
        return self.damaged.mask if self.damaged is not None else np.zeros(self.spec.parameters, bool)

    def check(self) -> None:
        """Damage the network as it is chosen, or say why that cannot be."""
        self.fault, self.damaged, p = "", None, self.params
        count = len(self.population)
        if not count:
            self.fault = "there is no network to damage"
        elif not np.isfinite(self.original).all():
            self.fault = f"network: #{p.network} has weights that are not finite"
        else:
            try:
                repairing.chosen_methods(p.method, p.kind)
                args = self.original, self.spec, p.kind, p.level, p.seed
                self.damaged = repairing.damage_network(*args, self.hand)
            except WorkbenchError as error:
                self.fault = str(error)
        if not self.fault and self.trained == []:
            self.fault = "no trained generator for these networks to repair with; t in the Sample pane (2) trains one"

    @property
    def generator(self) -> Trained | None:
        """The chosen generator, if it is there."""
        return next((t for t in self.trained or () if t.asked == self.params.generator), None)

    def take(self, found: list[Trained]) -> None:
        """Take over which generators there are."""
        self.trained = found
        if self.generator is None and found:
            self.params = replace(self.params, generator=found[0].asked)
        self.check()
