"""Damage to one network, and every way to repair it beside controls (section 4.3, Algorithm 1)."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import generators, repairing
from workbench.analysis import Analysis, Export, Selection
from workbench.compute import Compute
from workbench.demonstrations import check_way, log_file, read_log
from workbench.errors import WorkbenchError
from workbench.numerics import ranking
from workbench.numerics.damage import KINDS, check, mask_hash
from workbench.policies import PolicySpec
from workbench.population import FINGERPRINT, Population, fingerprints
from workbench.population import Text as TextColumn
from workbench.repairing import ALIKE, RANKINGS, SUCCESSES, Original, Row, Trial
from workbench.rollouts.episodes import Episodes
from workbench.text import clean, counted

MOST = 10_000
"""Samples, candidates and actions."""


@dataclass(frozen=True)
class Params(Trial):
    """Which network, how it is damaged, and what is tried."""

    network: int = 0
    """Row of the network in the population."""
    level: float = 0.2
    """Share of the weights (of units: hidden units) that is damaged; of noise, its size against the rms weight."""
    mask: str = ""
    """A file that says which weights are damaged, instead of a level: .npy of true and false, or .csv of positions."""
    log: str = ""
    """A file of actions of the original for `demonstration`, instead of drawn ones: .csv or .npy, a row a step, the
    state's numbers and then the action's."""


@dataclass(frozen=True)
class Frame:
    """Rows so far: methods first, then controls."""

    done: int
    total: int
    network: int
    held_out: bool
    """Whether no generator has seen it."""
    generator: str
    """Name and file."""
    spec: str
    """The networks' spec, as JSON."""
    kind: str
    level: float
    """Share of the weights that is damaged; of noise, its size."""
    mask: NDArray[np.bool_]
    """(p,) what is damaged."""
    survival: float
    """Of the original in fresh episodes, steps."""
    names: tuple[str, ...]
    """A name a row."""
    knows: tuple[str, ...]
    """What each was told beside the damaged weights."""
    control: NDArray[np.bool_]
    """(rows,)."""
    cost: NDArray[np.int64]
    """(rows, 2) networks drawn, simulator episodes to choose."""
    lasted: NDArray[np.float64]
    """(rows, keep) survival in fresh episodes of each row's candidates, best first; NaN where there are fewer."""
    off: NDArray[np.float64]
    """(rows, keep) its difference from the original's, without sign."""
    actions: NDArray[np.float64]
    """(rows, keep) share of the original's actions on reference states."""
    own: NDArray[np.float64]
    """(rows, keep) the same on states that the original visits itself."""
    moved: NDArray[np.float64]
    """(rows, keep) root mean square difference of damaged weights from the original's."""
    memorised: NDArray[np.bool_]
    """(rows,) whether the first candidate behaves as a training network does."""
    weights: NDArray[np.float32]
    """(m, p) candidates of the methods, row by row."""
    whose: NDArray[np.int64]
    """(m,) their rows."""
    first: NDArray[np.float32]
    """(rows, p) the first candidate of every row, controls too."""
    samples: int
    keep: int
    epsilon: float
    seed: int
    episodes: int
    cap: int
    left: int
    """Existing weights."""
    shown: int = 0
    """Actions of the original that repair by demonstration sees."""
    scores: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    """(rankings, p) how suspect each weight is, where no one knows which are damaged: by the detector (a probability),
    by its size, and at random; without rows otherwise."""
    chosen: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), bool))
    """(rankings, p) those taken to be damaged, as many by each as the detector's probabilities add up to."""

    @property
    def detected(self) -> dict[str, ranking.Found]:
        """What each ranking is worth, by name."""
        pairs = zip(RANKINGS, zip(self.scores, self.chosen, strict=True), strict=False)
        return {name: ranking.found(scores, chosen, self.mask) for name, (scores, chosen) in pairs}

    @property
    def successes(self) -> NDArray[np.bool_]:
        """(rows, keep, len(SUCCESSES)); False where there is no candidate."""
        return repairing.successes(self.off, self.actions, self.own, self.epsilon)


def check_params(params: Any) -> Episodes:
    """The fresh episodes.

    Raises:
        WorkbenchError: a parameter out of range.
    """
    from workbench.learning.repair import SOURCES

    fresh = Episodes(params.episodes, params.cap, params.seed)
    check(params.kind, getattr(params, "level", 0.0))
    if params.source not in SOURCES:
        raise WorkbenchError(f"source: expected {' or '.join(SOURCES)}, got {params.source!r}")
    if not 1 <= params.samples <= MOST:
        raise WorkbenchError(f"samples: expected 1 to {MOST:,}, got {params.samples}")
    if not 1 <= params.keep <= params.samples:
        raise WorkbenchError(f"keep: expected 1 to {params.samples} (the samples), got {params.keep}")
    if not 0 < params.epsilon <= params.cap:
        raise WorkbenchError(f"epsilon: expected above 0 and at most the cap of {params.cap}, got {params.epsilon:g}")
    if not 1 <= params.actions <= MOST:
        raise WorkbenchError(f"actions: expected 1 to {MOST:,}, got {params.actions}")
    check_way(params.demonstrated)
    return fresh


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame as each method and control is done."""
    fresh = check_params(params)
    population, row = selection.population, params.network
    methods = repairing.chosen_methods(params.method, params.kind)
    if not 0 <= row < len(population):
        raise WorkbenchError(f"network: {population.name} has networks 0 to {len(population) - 1:,}, got {row}")
    weights = np.array(population.weights[row])
    if not np.isfinite(weights).all():
        raise WorkbenchError(f"network: #{row} has weights that are not finite")
    file = repairing.mask_file(params.mask)
    mask = None if file is None else repairing.read_mask(file, population.spec.parameters)
    known = log_file(params.log)
    log = None if known is None else read_log(known, population.spec)
    damaged = repairing.damage_network(weights, population.spec, params.kind, params.level, params.seed, mask)
    generator = generators.for_population(population, params.generator, compute)
    from workbench.learning.data import held_out_rows
    from workbench.learning.repair import Source

    source = Source.of(population, generator, compute, params.source, weights)
    states = repairing.reference_states(population, params.seed)
    pool = repairing.shown_states(population, params.seed)
    original = Original.of(weights, population.spec, fresh, states, params.epsilon, compute)
    case = repairing.case_of(
        original,
        damaged,
        repairing.trial_episodes(fresh),
        pool,
        params.actions,
        params.samples,
        params.keep,
        params.seed,
        params.demonstrated,
        log,
    )
    detection = repairing.detection_of(damaged, source, params.seed)
    suspected = () if detection is None else (detection.scores, detection.chosen)
    assert case.states is not None
    shown = len(case.states)
    total = len(repairing.row_names(methods, params.kind))
    told = repairing.Memory(population, params.seed, compute)
    rows: list[Row] = []
    memorised: list[bool] = []
    level = params.level if params.kind == "noise" else float(damaged.mask.mean())

    def frame() -> Frame:
        made = [r.repaired.weights for r in rows if not r.control]
        counts = [len(w) for w in made]
        lasted, off, actions, own, moved = (
            _padded([getattr(r.verdicts, name) for r in rows], params.keep)
            for name in ("survival", "off", "actions", "own", "moved")
        )
        return Frame(
            len(rows), total, row, bool(held_out_rows(population)[row]), f"{generator.NAME} ({generator.title})",
            json.dumps(population.spec.to_json(), sort_keys=True), params.kind, level, damaged.mask,
            original.survival, tuple(r.name for r in rows), tuple(r.knows for r in rows),
            np.array([r.control for r in rows], bool),
            np.array([(r.repaired.samples, r.repaired.episodes) for r in rows], np.int64).reshape(-1, 2),
            lasted, off, actions, own, moved, np.array(memorised, bool),
            np.concatenate([np.zeros((0, len(weights)), np.float32), *made]),
            np.repeat(np.arange(len(counts)), counts),
            np.array([r.repaired.weights[0] for r in rows], np.float32).reshape(-1, len(weights)), params.samples,
            params.keep, params.epsilon, params.seed, params.episodes, params.cap,
            int((~damaged.mask).sum()), shown, *suspected,
        )  # fmt: skip

    yield frame()
    for done in repairing.trial(original, damaged, case, source, methods, detection):
        rows.append(done)
        memorised.append(told.memorised(done.repaired.weights[:1]))
        yield frame()


def _padded(values: list[NDArray], keep: int) -> NDArray[np.float64]:
    out = np.full((len(values), keep), np.nan)
    for row, found in zip(out, values, strict=True):
        row[: len(found)] = found
    return out


def sentences(frame: Frame) -> list[str]:
    """What was damaged, and what the figures are worth."""
    p = len(frame.mask)
    words = {"units": "missing, whole hidden units"}.get(frame.kind, frame.kind)
    what = {"noise": f"noise of {frame.level:g} times the rms weight on {int(frame.mask.sum())} of {p} weights"}.get(
        frame.kind, f"{int(frame.mask.sum())} of {p} weights ({frame.level:.0%}) {words}"
    )
    text = [
        f"#{frame.network} survives {frame.survival:.1f} steps; {what}, mask {mask_hash(frame.mask)}; "
        f"{frame.generator}, {counted(frame.samples, 'sample')}, {counted(frame.keep, 'candidate')}; epsilon "
        f"{frame.epsilon:g} steps, "
        f"{frame.episodes} fresh episodes, cap {frame.cap}, seed {frame.seed}."
    ]
    if not frame.held_out:
        text.append("It is a training network: whatever was trained has seen it, and figures flatter.")
    if not frame.left:
        text.append(
            "Nothing is left of it: Equation 10 is 0 for all candidates, so that the Missing Criterion takes the first "
            "drawn, and the Whole Criterion those with the smallest weights."
        )
    if not KINDS[frame.kind]:
        text.append("No one knows which weights are damaged: candidates take the network's place.")
    if frame.detected:
        each = [
            f"{name} {f.average:.2f} ({f.level:.0%} of as many as are damaged)" for name, f in frame.detected.items()
        ]
        first = frame.detected[RANKINGS[0]]
        text.append(
            f"Of {int(frame.chosen[0].sum())} weights that the detector suspects {first.precision:.0%} are damaged, "
            f"{first.recall:.0%} of those that are; average precision: {', '.join(each)}."
        )
    return text


NOTE = (
    f"first candidate / best of all; dST: difference of survival from the original's; actions: share as the "
    f"original's, in states that the population visits and (own) that it visits itself, {ALIKE:.0%} is success; dW: "
    "rms difference of damaged weights; cost: networks drawn, simulator episodes to choose; knows: "
    "positions, survival, actions (of the original), or everything; *: behaves as a training network"
)


def table(frame: Frame) -> Group:
    """A row a method and control."""
    out = Table(box=SIMPLE_HEAD, padding=0)
    for name in ("", "dST", "actions", "own", "dW", "cost", "knows"):
        out.add_column(name, justify="right" if name not in ("", "knows") else "left", no_wrap=bool(name))
    for r, name in enumerate(frame.names):
        best = [
            f"{frame.off[r, 0]:.1f}/{np.nanmin(frame.off[r]):.1f}",
            *(f"{v[r, 0]:.0%}/{np.nanmax(v[r]):.0%}" for v in (frame.actions, frame.own)),
        ]
        known = " ".join(word[:1] for word in frame.knows[r].split(", ")) or "-"
        cost = "-" if not frame.cost[r].any() else f"{frame.cost[r, 0]}, {frame.cost[r, 1]:,}"
        out.add_row(name + "*" * bool(frame.memorised[r]), *best, f"{frame.moved[r, 0]:.2f}", cost, known)
    return Group(out, Text(NOTE, style="dim"), *(Text(clean(s, 1000)) for s in sentences(frame)))


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    won = frame.successes
    return {
        "network": frame.network,
        "held_out": frame.held_out,
        "generator": frame.generator,
        "kind": frame.kind,
        "level": frame.level,
        "mask": {"hash": mask_hash(frame.mask), "positions": np.flatnonzero(frame.mask).tolist()},
        "survival": frame.survival,
        "samples": frame.samples,
        "keep": frame.keep,
        "epsilon": frame.epsilon,
        "seed": frame.seed,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "actions_shown": frame.shown,
        "detection": {name: asdict(worth) for name, worth in frame.detected.items()},
        "suspected": np.flatnonzero(frame.chosen[0]).tolist() if len(frame.chosen) else None,
        "rows": {
            name: {
                "control": bool(frame.control[r]),
                "knows": frame.knows[r],
                "samples": int(frame.cost[r, 0]),
                "episodes": int(frame.cost[r, 1]),
                "memorised": bool(frame.memorised[r]),
                "survival": frame.lasted[r].tolist(),
                "off": frame.off[r].tolist(),
                "actions": frame.actions[r].tolist(),
                "own_actions": frame.own[r].tolist(),
                "moved": frame.moved[r].tolist(),
                "one": dict(zip(SUCCESSES, won[r, 0].tolist(), strict=True)),
                "any": dict(zip(SUCCESSES, won[r].any(0).tolist(), strict=True)),
            }
            for r, name in enumerate(frame.names)
        },
        "sentences": sentences(frame),
    }


def networks(frame: Frame) -> Population:
    """The candidates of all methods as a population."""
    place = np.arange(len(frame.whose)) - np.searchsorted(frame.whose, frame.whose)
    columns: dict[str, Any] = {
        "survival": frame.lasted[frame.whose, place],
        "recipe": TextColumn.of([f"repaired by {frame.names[r]}" for r in frame.whose]),
        "place": place,
        "actions": frame.actions[frame.whose, place],
        "own_actions": frame.own[frame.whose, place],
        FINGERPRINT: fingerprints(frame.weights),
    }
    made = {k: getattr(frame, k) for k in ("network", "generator", "kind", "level", "samples", "epsilon", "seed")}
    made["mask"] = mask_hash(frame.mask)
    return Population(PolicySpec.from_json(json.loads(frame.spec)), frame.weights, columns, {"repair": made})


def reads(selection: Selection, params: Params) -> tuple[Path, ...]:
    """The generator's file, the mask's and the log's."""
    files = repairing.mask_file(params.mask), log_file(params.log)
    return (*generators.file_of(selection, params), *(file for file in files if file is not None))


def write_mask(_compute: Compute, _selection: Selection, _params: Params, frame: Frame, path: Path) -> None:
    """What was damaged, as `--mask` reads it."""
    repairing.write_mask(path, frame.mask)


ANALYSIS = Analysis(
    "repair", "Damage a network and repair it", Params, Frame, run, table, summary, networks=networks, reads=reads,
    exports={
        "positions": Export("Save the mask as .npy or .csv, to give as --mask.", (".npy", ".csv"), write_mask),
    },
)  # fmt: skip
