"""Trials of repairs: controls, two kinds of success that are never mixed, fresh episodes, and masks as files.

A repair is confirmed by survival (within epsilon of the original's in episodes that no choice has seen) and by
behaviour: the share of the original's actions, on states that training networks visit and on those it visits itself.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench import repairs
from workbench.compute import Compute
from workbench.demonstrations import Log, demonstrated_states
from workbench.errors import WorkbenchError
from workbench.numerics.conditional import align_existing
from workbench.numerics.damage import KINDS, Damage, damage, fill
from workbench.policies import PolicySpec, forward
from workbench.population import Population
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import has_discrete_actions, rollout
from workbench.rollouts.reference_set import reference_set
from workbench.rollouts.states import own
from workbench.storage import atomic_write, check_suffix, write_text

if TYPE_CHECKING:
    from workbench.learning.detection import Detection
    from workbench.learning.repair import Case, Method, Repaired, Source

STATES = 2000
"""Reference states, rollouts of the population's networks, on which actions are compared."""
OWN, OWN_EPISODES = 128, 4
"""States that the original visits itself and is judged on, taken of each of so many episodes."""
TRIAL_SEED = 104_729
"""Added to the seed of the fresh episodes for those in which candidates are tried."""
ALIKE = 0.95
"""Share of actions from which a network behaves as the original."""
SUCCESSES = ("survival", "actions", "own actions", "joint", "joint own")
"""Survival within epsilon; actions on reference states, on the original's own; survival and either."""
UNTOUCHED, DAMAGED = "undamaged", "damaged"
RANDOM, NEAREST, MEAN, EQUAL = "random candidates", "nearest network", "mean network", "equal survival"
CONTROLS = (UNTOUCHED, DAMAGED, RANDOM, f"{RANDOM}, candidate", NEAREST, MEAN, EQUAL)
CANDIDATE = "candidate"
DETECTABLE = ("corrupted",)
"""Kinds of damage whose positions no one knows, but which can be told from other weights."""
FOUND = "found positions"
RANKINGS = ("detector", "largest", "random")
"""Orders in which weights are suspected (`learning.detection`); the last two are controls."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How networks are damaged and what is tried: what the parameters of single and of many repairs have in common."""

    kind: str = "missing"
    """missing, units (whole ones), corrupted (replaced, no one knows where), or noise (on all weights)."""
    method: tuple[str, ...] = ()
    """Only these methods; may be repeated. All that can be had without any."""
    generator: str = "functional"
    """A trained generator: cartpolegen, functional, or a file that `train` has written."""
    source: str = "prior"
    """Where samples come from: prior, or posterior of random training networks."""
    samples: int = 200
    """Networks that a method may draw; the paper's gamma."""
    keep: int = 10
    """Candidates that each method names, best first; the paper's k."""
    epsilon: float = 5.0
    """Difference of survival times that counts as success, steps."""
    actions: int = 100
    """Actions of the original that `demonstration` is shown."""
    demonstrated: str = "mixed"
    """Where those are: in states it visits (own), half in the population's (mixed), or its first ones (rollout)."""
    seed: int = 0
    """Seed of everything drawn, and of the fresh episodes."""
    episodes: int = 100
    """Episodes a network plays, fresh ones as well as those in which candidates are tried."""
    cap: int = 200
    """Steps after which an episode ends."""


@dataclass(frozen=True, eq=False)
class Original:
    """A network before it is damaged, and how what takes its place is judged."""

    weights: NDArray[np.float32]
    """(p,)."""
    spec: PolicySpec
    fresh: Episodes
    """Episodes that no choice has seen."""
    survival: float
    """In those, steps."""
    states: NDArray[np.float32]
    """(s, d) reference states."""
    actions: NDArray[np.int64]
    """(s,)."""
    own: NDArray[np.float32]
    """(t, d) states that it visits itself."""
    own_actions: NDArray[np.int64]
    """(t,)."""
    epsilon: float
    compute: Compute

    @classmethod
    def of(
        cls, weights: NDArray, spec: PolicySpec, fresh: Episodes, states: NDArray, epsilon: float, compute: Compute
    ) -> "Original":
        """A network (p,), measured."""
        one = np.asarray(weights, np.float32)[None]
        seen = np.concatenate([own(one, spec, OWN, fresh.seed + k)[0] for k in range(OWN_EPISODES)])
        return cls(
            one[0], spec, fresh, float(rollout(one, spec, fresh, compute).steps.mean()), states,
            actions_of(one, spec, states)[0], seen, actions_of(one, spec, seen)[0], epsilon, compute,
        )  # fmt: skip

    def judge(self, weights: NDArray[np.float32], mask: NDArray[np.bool_]) -> "Verdicts":
        """Networks (k, p) that stand in its place, damaged where the mask (p,) is."""
        steps = rollout(weights, self.spec, self.fresh, self.compute).steps
        moved = np.zeros(len(weights))
        if mask.any():
            moved = np.sqrt(np.square(weights[:, mask].astype(float) - self.weights[mask]).mean(1))
        return Verdicts(
            steps.mean(1), np.abs(steps.mean(1) - self.survival),
            (actions_of(weights, self.spec, self.states) == self.actions).mean(1),
            (actions_of(weights, self.spec, self.own) == self.own_actions).mean(1), moved, self.epsilon,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What k candidates come to, (k,) each."""

    survival: NDArray[np.float64]
    """In fresh episodes, steps."""
    off: NDArray[np.float64]
    """Its difference from the original's, without sign."""
    actions: NDArray[np.float64]
    """Share of the original's actions on reference states."""
    own: NDArray[np.float64]
    """The same on states that the original visits itself."""
    moved: NDArray[np.float64]
    """Root mean square difference of damaged weights from the original's."""
    epsilon: float

    @property
    def successes(self) -> NDArray[np.bool_]:
        """(k, len(SUCCESSES))."""
        return successes(self.off, self.actions, self.own, self.epsilon)


def successes(off: NDArray, actions: NDArray, own: NDArray, epsilon: float) -> NDArray[np.bool_]:
    """From differences of survival and shares of actions, (...) each: (..., len(SUCCESSES))."""
    survives, alike, strictly = off < epsilon, actions >= ALIKE, own >= ALIKE
    return np.stack([survives, alike, strictly, survives & alike, survives & strictly], -1)


@dataclass(frozen=True, eq=False)
class Row:
    """One method's or control's candidates for one damaged network."""

    name: str
    knows: str
    """What it was told beside the damaged weights."""
    control: bool
    repaired: "Repaired"
    verdicts: Verdicts


class Memory:
    """Tells whether networks behave as training networks do."""

    def __init__(self, population: Population, seed: int, compute: Compute) -> None:
        from workbench.learning.data import ALL
        from workbench.learning.scoring import yardstick

        self._yardstick, self._usual = None, 0.0
        try:
            self._yardstick = yardstick(population, ALL, seed, compute)
        except WorkbenchError:  # too few networks to say what is usual
            return
        self._usual = float(np.median(self._yardstick.held_out_distances))

    def memorised(self, weights: NDArray[np.float32]) -> bool:
        """Whether the first of (k, p) is a copy in behaviour: `scoring.COPIED` of held-out networks' distance or less.

        False where that is not known.
        """
        from workbench.learning.scoring import COPIED

        if self._yardstick is None:
            return False
        return bool(self._yardstick.nearest(weights[:1]).distances[0] <= COPIED * self._usual)


def actions_of(weights: NDArray, spec: PolicySpec, states: NDArray) -> NDArray[np.int64]:
    """What networks (n, p) do in states (s, d), greedily: (n, s)."""
    with np.errstate(all="ignore"):
        return forward(weights, spec, states).argmax(2)


def reference_states(population: Population, seed: int) -> NDArray[np.float32]:
    """(STATES, d) from rollouts of the population's networks.

    Raises:
        WorkbenchError: the environment's actions are not discrete, so that there is no share of them.
    """
    if not has_discrete_actions(population.spec):
        raise WorkbenchError(f"repair: the actions of {population.spec.env} are not discrete; none can be compared")
    return reference_set("rollouts", population, STATES, seed).states


def shown_states(population: Population, seed: int) -> NDArray[np.float32]:
    """(STATES, d) like `reference_states`, others: for actions that a repair is shown."""
    return reference_set("rollouts", population, STATES, (seed + TRIAL_SEED) % 2**63).states


def trial_episodes(fresh: Episodes) -> Episodes:
    """Episodes for choosing, of another seed than those for confirming."""
    return replace(fresh, seed=(fresh.seed + TRIAL_SEED) % 2**63)


def chosen_methods(wanted: Sequence[str], kind: str) -> list["Method"]:
    """The methods asked for, or all that can do with what is known of such damage.

    Raises:
        WorkbenchError: no such method, or one that wants positions where they are not known.
    """
    told = KINDS[kind] or kind in DETECTABLE
    found = []
    for name in dict.fromkeys(wanted or repairs.names()):
        method = repairs.find(name)
        if told or "positions" not in method.needs:
            found.append(method)
        elif wanted:
            raise WorkbenchError(f"method: {name} wants the positions of damaged weights; {kind} does not tell them")
    return found


def row_names(methods: Sequence["Method"], kind: str) -> tuple[str, ...]:
    """Rows of a trial: methods, each reading of Algorithm 1, controls."""
    named = [name for method in methods for name, _ in readings(method, kind)]
    return (*named, *(c for c in CONTROLS if KINDS[kind] or c != RANDOM))


def readings(method: "Method", kind: str) -> list[tuple[str, str]]:
    """A method's rows by name, and what is taken for ST(C) in each.

    Without positions there are no holes to fill, and candidates stand as they are; a method that cannot do without is
    given those that were found, where they can be.
    """
    if not KINDS[kind] and "positions" in method.needs:
        return [(f"{method.name}, {FOUND}", "filled")]
    those = method.readings if KINDS[kind] else (CANDIDATE,) if CANDIDATE in method.readings else ("filled",)
    return [(method.name if reading == "filled" else f"{method.name}, {reading}", reading) for reading in those]


def detection_of(damaged: Damage, source: "Source", seed: int) -> "Detection | None":
    """Which weights are thought to be damaged, where no one knows and they can be told from others."""
    if damaged.kind not in DETECTABLE:
        return None
    from workbench.learning.detection import detect

    return detect(damaged.weights, source, seed)


def case_of(
    original: Original, damaged: Damage, trial: Episodes, pool: NDArray, shown: int, samples: int, keep: int, seed: int,
    demonstrated: str = "mixed", log: Log | None = None,
) -> "Case":  # fmt: skip
    """The damaged network with all that may be known of it: `shown` of the original's actions, in states that it visits
    itself or of a pool (s, d), as `demonstrated` says; or a log, as it is.
    """
    from workbench.learning.repair import Case

    lasted = float(rollout(original.weights[None], original.spec, trial, original.compute).steps.mean())
    if log is None:
        states = demonstrated_states(original.weights, original.spec, demonstrated, shown, pool, trial, seed)
        log = Log(states, actions_of(original.weights[None], original.spec, states)[0])
    return Case(damaged.weights, damaged.known, lasted, *log, trial, samples, keep, original.epsilon, seed)


def trial(
    original: Original, damaged: Damage, case: "Case", source: "Source", methods: Sequence["Method"],
    detection: "Detection | None" = None,
) -> Iterator[Row]:  # fmt: skip
    """Repair with each method, then each control; yields a row as it is finished.

    Methods that cannot do without positions get those of a detection, where no one knows them.
    """
    from workbench.learning.repair import Repaired

    for method in methods:
        for name, reading in readings(method, damaged.kind):
            known, told = [k for k in method.knows if k != "positions" or damaged.known is not None], case
            if detection is not None and "positions" in method.needs:
                told = replace(case, mask=detection.chosen[0])
            if told.mask is not None and not told.mask.any():
                repaired = Repaired(damaged.weights[None], 0, 0)
            else:
                repaired = method.repair(replace(told.told(method), reading=reading), source)
            yield Row(name, ", ".join(known), False, repaired, original.judge(repaired.weights, damaged.mask))
    for name, knows, repaired in _controls(original, damaged, case, source):
        yield Row(name, knows, True, repaired, original.judge(repaired.weights, damaged.mask))


def _controls(
    original: Original, damaged: Damage, case: "Case", source: "Source"
) -> Iterator[tuple[str, str, "Repaired"]]:
    from workbench.learning.repair import Repaired, rejection

    mask = damaged.known
    placed = "positions" if mask is not None else ""
    yield UNTOUCHED, "everything", Repaired(original.weights[None], 0, 0)
    yield DAMAGED, "", Repaired(damaged.weights[None], 0, 0)
    samples = source.sample(case.samples, case.seed)
    # As Algorithm 1, but for a criterion: the first k that were drawn.
    for reading in ("filled", CANDIDATE) if mask is not None else (CANDIDATE,):
        name = RANDOM if reading == "filled" else f"{RANDOM}, {CANDIDATE}"
        both = "positions, survival" if placed and reading == "filled" else "survival"
        yield name, both, rejection(replace(case, reading=reading), source, samples[: case.keep], np.arange(case.keep))
    there = mask if mask is not None else np.zeros(len(damaged.mask), bool)
    aligned = align_existing(damaged.weights, there, source.weights, source.spec, source.compute)
    away = np.square(aligned.astype(np.float64) - damaged.weights)[:, ~there].sum(1)
    near = aligned[np.argsort(away, kind="stable")[: case.keep]]
    mean = source.weights.mean(0, keepdims=True, dtype=np.float64).astype(np.float32)
    for name, networks in ((NEAREST, near), (MEAN, mean)):
        filled = networks if mask is None else fill(damaged.weights, mask, networks)
        yield name, placed, Repaired(filled, 0, 0)
    assert case.survival is not None
    equal = np.argsort(np.abs(source.survival - case.survival), kind="stable")[: case.keep]
    order = np.random.default_rng([case.seed, 20]).permutation(equal)
    yield EQUAL, "survival", Repaired(source.weights[order], 0, 0)


def damage_network(
    weights: NDArray, spec: PolicySpec, kind: str, level: float, seed: int, mask: NDArray[np.bool_] | None = None
) -> Damage:
    """`damage`, where there is something to repair.

    Raises:
        WorkbenchError: as `damage`, or nothing is damaged.
    """
    done = damage(weights, spec, kind, level, seed, mask)
    if not done.mask.any():
        where = f"a level of {level:g}" if mask is None else "this mask"
        raise WorkbenchError(f"level: {where} damages none of {len(done.mask)} weights; there is nothing to repair")
    return done


def mask_file(name: str) -> Path | None:
    """The file that a parameter names, if any.

    Raises:
        WorkbenchError: another kind of file.
    """
    if not name:
        return None
    check_suffix("mask", Path(name), (".npy", ".csv"))
    return Path(name)


def read_mask(path: Path, p: int) -> NDArray[np.bool_]:
    """A mask (p,): an array of true and false in .npy, or positions from 0, one a line, in .csv.

    Raises:
        WorkbenchError: no such file, or not a mask of p weights.
    """
    try:
        if path.suffix == ".npy":
            found = np.lib.format.open_memmap(path, mode="r")
            if found.dtype != np.bool_ or found.shape != (p,):
                raise WorkbenchError(
                    f"{path}: expected a mask of {p} true and false, got {found.dtype} of shape {tuple(found.shape)}"
                )
            return np.array(found)
        if os.stat(path).st_size > 100 * (p + 10):
            raise WorkbenchError(f"{path}: longer than any list of positions among {p} weights")
        with open(path, encoding="utf-8-sig", newline="") as file:
            cells = [cell.strip() for line in csv.reader(file) for cell in line if cell.strip()]
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: no such file") from None
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, EOFError, csv.Error) as error:
        raise WorkbenchError(f"{path}: not a mask ({error})") from None
    mask = np.zeros(p, bool)
    for cell in cells[1:] if cells and cells[0] == "position" else cells:
        if not cell.isdecimal() or len(cell) > 18 or int(cell) >= p:
            raise WorkbenchError(f"{path}: expected positions 0 to {p - 1}, got {cell[:40]!r}")
        mask[int(cell)] = True
    return mask


def write_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    """What `read_mask` reads, atomically."""
    if path.suffix == ".csv":
        out = StringIO()
        csv.writer(out, lineterminator="\n").writerows([["position"], *([k] for k in np.flatnonzero(mask))])
        write_text(path, out.getvalue())
        return
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.save(file, mask)
