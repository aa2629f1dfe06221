"""The one optimisation loop: phases of mini-batches, logs, early stop, and a state that can be saved and resumed."""

import math
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.errors import WorkbenchError
from workbench.learning.adam import Adam
from workbench.learning.modules import flatten_parameters

WORST = 1e30
"""A validation loss that is not a number, as the log has it."""
PAUSE = 0.1
"""Seconds of work between two looks at whether someone wants it to stop."""

Log = dict[str, dict[str, list[float]]]
"""For each phase the loss terms, one number an epoch; `validation` is the loss on what the gradient never sees."""


@dataclass
class Phase:
    """One optimisation: a module and a loss over mini-batches of rows.

    Attributes:
        name: unique in a training.
        module: what is trained; its parameters are made one vector.
        rows: (n,) rows to learn from.
        loss: (batch of rows, random generator) -> loss terms; `loss` is minimised.
        epochs: passes over the rows.
        batch: rows a step; the last, smaller batch of an epoch is left out.
        rate: Adam's learning rate.
        one_cycle: whether the rate rises over a twentieth of the steps and then falls to nothing along a cosine;
            constant otherwise.
        clip: largest norm of a gradient; 0 for none.
        momentum: Adam's, its first beta.
        validate: the loss on validation rows, or None.
        patience: epochs without a better validation loss after which it stops; 0 for never.
        keep_best: whether it ends with the parameters of the best epoch, not of the last.
        cost: time of a step against other phases', for the time left.
        prepare: called once before the first step, for what takes time.
    """

    name: str
    module: nn.Module
    rows: NDArray[np.int64]
    loss: Callable[[Tensor, torch.Generator], dict[str, Tensor]]
    epochs: int
    batch: int
    rate: float
    one_cycle: bool = False
    clip: float = 0.0
    momentum: float = 0.9
    validate: Callable[[], float] | None = None
    patience: int = 0
    keep_best: bool = True
    cost: float = 1.0
    prepare: Callable[[], None] | None = None

    @property
    def steps_an_epoch(self) -> int:
        """Batches in one pass."""
        return max(1, len(self.rows) // self.batch)

    @property
    def work(self) -> int:
        """Its share of the whole, in units of cost."""
        return round(self.epochs * self.steps_an_epoch * self.cost)


@dataclass
class Optimisation:
    """How far a training is. Arrays and numbers only, so that it can be written down and taken up again."""

    seed: int
    done: int = 0
    """Units of work."""
    total: int = 0
    phase: str = ""
    epoch: int = 0
    """Passes finished in this phase."""
    step: int = 0
    """Batches finished in this pass."""
    log: Log = field(default_factory=dict)
    finished: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    """Parameters of phases that are over."""
    current: dict[str, NDArray] = field(default_factory=dict)
    """Parameters, Adam's moments and the best parameters of the phase at work, as of the last `snapshot`."""
    best: float = math.inf
    """Best validation loss of this phase."""
    best_epoch: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    """Sums of loss terms over this pass."""
    seconds: float = 0.0
    """Spent so far, before it was interrupted too."""
    stop: bool = False
    """Ends the phase at work at its best so far."""
    snapshot: Callable[[], None] = field(default=lambda: None, repr=False)
    """Brings `current` up to date."""


def optimise(phases: list[Phase], state: Optimisation, device: str) -> Iterator[Optimisation]:
    """Run phases one after the other; yields the state (one object, which changes) a few times a second.

    A state that was saved goes on where it stopped, with the same random numbers.

    Raises:
        WorkbenchError: a loss that is not finite.
    """
    state.total = sum(p.work for p in phases)
    # As it comes from a file its phases are in the order of their names.
    state.log = {p.name: state.log[p.name] for p in phases if p.name in state.log}
    before = 0
    for phase in phases:
        flat = flatten_parameters(phase.module)
        if phase.name in state.finished:
            _fill(flat, state.finished[phase.name])
            before += phase.work
            continue
        yield from _run(phase, flat, state, before, device)
        before += phase.work
        state.done = before
        yield state


def _run(phase: Phase, flat: nn.Parameter, state: Optimisation, before: int, device: str) -> Iterator[Optimisation]:
    resumed = state.phase == phase.name and bool(state.current)
    if not resumed:
        state.phase, state.epoch, state.step, state.best, state.best_epoch = phase.name, 0, 0, math.inf, 0
        state.sums, state.current, state.stop = {}, {}, False
        state.log[phase.name] = {}
    yield state
    if phase.prepare is not None:
        phase.prepare()
    adam = Adam([flat], phase.rate, phase.momentum, fused=True)
    noise = torch.Generator(device)
    best = flat.detach().clone()
    if resumed:
        _fill(flat, state.current["parameters"])
        _fill(best, state.current["best"])
        for kept, name in ((adam.exp_avg, "exp_avg"), (adam.exp_avg_sq, "exp_avg_sq"), (adam.steps, "step")):
            _fill(kept[0], state.current[name])
        noise.set_state(torch.tensor(state.current["noise"]))

    def snapshot() -> None:
        state.current = {
            "parameters": _taken(flat),
            "best": _taken(best),
            "exp_avg": _taken(adam.exp_avg[0]),
            "exp_avg_sq": _taken(adam.exp_avg_sq[0]),
            "step": _taken(adam.steps[0]).reshape(1),
            "noise": noise.get_state().numpy().copy(),
        }

    state.snapshot = snapshot
    steps, total = phase.steps_an_epoch, phase.steps_an_epoch * phase.epochs
    told = time.monotonic()
    while state.epoch < phase.epochs and not state.stop:
        stream = [state.seed, zlib.crc32(phase.name.encode()), state.epoch]
        order = torch.from_numpy(np.random.default_rng(stream).permutation(phase.rows)).to(device)
        if state.step == 0:
            noise.manual_seed(int(np.random.SeedSequence([*stream, 1]).generate_state(1, np.uint64)[0] >> 1))
            state.sums = {}
        sums: dict[str, Tensor] = {}
        while state.step < steps:
            if phase.one_cycle:
                adam.rate = phase.rate * _one_cycle((state.epoch * steps + state.step) / total)
            batch = order[state.step * phase.batch : (state.step + 1) * phase.batch]
            terms = phase.loss(batch, noise)
            assert flat.grad is not None
            flat.grad.zero_()
            terms["loss"].backward()
            if phase.clip:
                nn.utils.clip_grad_norm_([flat], phase.clip)
            adam.step()
            for name, value in terms.items():
                sums[name] = sums.get(name, torch.zeros((), device=device)) + value.detach()
            state.step += 1
            if time.monotonic() - told > PAUSE or state.step == steps:
                _add(state.sums, sums, phase, state)
                sums = {}
                state.done = before + round((state.epoch * steps + state.step) * phase.cost)
                if state.step < steps:
                    yield state
                told = time.monotonic()
        _end_epoch(phase, state, flat, best)
        if phase.patience and state.epoch - state.best_epoch >= phase.patience:
            break
        yield state
    with torch.no_grad():
        if state.epoch == 0:  # stopped in its first pass: what there is, not what it began with
            best.copy_(flat)
        flat.copy_(best)
    state.finished[phase.name] = _taken(best)
    state.stop = False
    state.current, state.snapshot = {}, lambda: None


def _end_epoch(phase: Phase, state: Optimisation, flat: nn.Parameter, best: Tensor) -> None:
    log = state.log[phase.name]
    for name, value in state.sums.items():
        log.setdefault(name, []).append(value / phase.steps_an_epoch)
    state.epoch, state.step = state.epoch + 1, 0
    # An outlier may overflow; that is a bad epoch, not the end.
    loss = float(np.nan_to_num(phase.validate(), nan=WORST, posinf=WORST)) if phase.validate else -float(state.epoch)
    if phase.validate is not None:
        log.setdefault("validation", []).append(loss)
    better = loss < state.best
    if better:
        state.best, state.best_epoch = loss, state.epoch
    if better or not phase.keep_best:
        with torch.no_grad():
            best.copy_(flat)


def _add(sums: dict[str, float], new: Mapping[str, Tensor], phase: Phase, state: Optimisation) -> None:
    for name, value in new.items():
        sums[name] = sums.get(name, 0.0) + float(value)
        if not math.isfinite(sums[name]):
            raise WorkbenchError(
                f"{phase.name}: the {name} became {float(value)} in epoch {state.epoch + 1}, step {state.step}; "
                "a smaller learning rate may help"
            )


def _one_cycle(share: float) -> float:
    """Rate against its peak when this share of the steps is done."""
    rise = 0.05
    return max(0.04, share / rise) if share < rise else 0.5 * (1 + math.cos(math.pi * (share - rise) / (1 - rise)))


def _taken(values: Tensor) -> NDArray:
    return values.detach().cpu().numpy().copy()


def _fill(target: Tensor, values: NDArray) -> None:
    if target.numel() != len(values):
        raise WorkbenchError(f"a saved phase has {len(values)} parameters, this one {target.numel()}")
    with torch.no_grad():
        target.copy_(torch.from_numpy(np.array(values)).view_as(target))
