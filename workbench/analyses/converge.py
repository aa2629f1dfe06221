"""Convergence: do networks of similar skill learn similar things? All pairs on the same states (section 4.1)."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import comparing, opening
from workbench.analysis import Analysis, Export, Selection
from workbench.comparing import COLUMNS, CONTROLS, Compared, Comparison, How
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import HeatMap, figure
from workbench.numerics.similarity.convergence import standardise
from workbench.numerics.similarity.family import fine
from workbench.numerics.similarity.grouped import Contrast, PairSummary, contrast, dendrogram_order, mutual, summarise
from workbench.numerics.similarity.verdicts import claims
from workbench.rollouts.reference_set import file_of, reference_set
from workbench.storage import write_arrays, write_text
from workbench.text import clean, counted

MOST = 2_000
"""Networks at a time: matrices take memory with their square."""
MOST_RESAMPLES = 10_000
"""They take memory with the networks of a group."""
ORDERS = ("group", "survival", "clustering")
CLUSTERED = 1_000
"""Networks up to which a dendrogram is made of every column."""
STATISTICS = ("pairs", "mean", "std", "low", "high")


@dataclass(frozen=True)
class Params(Comparison):
    """What is compared, on which states."""

    networks: int = 100
    """Networks at most; of more, as many are drawn, evenly from the survival groups."""
    measure: tuple[str, ...] = ()
    """Only these: cd, output-cd, agreement, jsd, cka, debiased-cka, procrustes, permutation. May be repeated."""
    other: str = ""
    """A second population whose networks are compared too; may be of other widths and depths."""
    resamples: int = 1000
    """Bootstrap resamples and permutations behind intervals and p-values."""

    @property
    def how(self) -> How:
        """Which measures, and how units are matched."""
        return How(self.measure, self.layer, self.matching, self.signed)


@dataclass(frozen=True)
class Frame:
    """Matrices as far as they are filled; the summary at the end."""

    done: int
    total: int
    columns: tuple[str, ...]
    """Names of `COLUMNS`."""
    matrices: NDArray[np.float64]
    """(columns, n, n) from row to column; NaN where it is not there yet, or not defined. Filled in place."""
    names: tuple[str, ...]
    """(n,) of the networks."""
    rows: NDArray[np.int64]
    """(n,) in their population."""
    measure: str
    """survival or return: what stands under `survival`."""
    survival: NDArray[np.float64]
    """(n,) steps or return, NaN where it is not known."""
    groups: tuple[str, ...]
    member: NDArray[np.int64]
    """(n,) the group of each network."""
    constant: NDArray[np.int64]
    """(n,) hidden units that are constant on the states, and left out; -1 before it is known."""
    notes: tuple[str, ...]
    """What was left out, in words."""
    states: str
    """Where the reference set comes from."""
    states_hash: str
    count: int
    """States in the reference set."""
    layer: str
    matching: str
    signed: bool
    seed: int
    resamples: int
    labels: tuple[str, ...]
    """Rows of the summary: within groups, between them, controls."""
    statistics: NDArray[np.float64]
    """(labels, columns, 5): pairs, mean, standard deviation, and the interval of the mean (95 %, bootstrap)."""
    contrasts: NDArray[np.float64]
    """(columns, 2) best group against worst: share of resamples in which it has the smaller mean, and p-value."""
    orders: NDArray[np.int64]
    """(columns, n) networks in the order of a dendrogram of each column; (0, n) before it is known."""
    sentence: str
    """What it comes to."""

    def matrix(self, column: str) -> NDArray[np.float64]:
        """(n, n) of a column, the mean of both directions; a network with itself has a value."""
        both = self.matrices[self.columns.index(column)]
        return (both + both.T) / 2

    def order(self, by: str, column: str) -> NDArray[np.int64]:
        """Networks (n,) ordered by `ORDERS`: best group first, highest survival first, or as the column clusters."""
        lasting = -np.nan_to_num(self.survival, nan=-1.0)
        if by == "clustering" and len(self.orders):
            return self.orders[self.columns.index(column)]
        return np.lexsort((lasting, self.member)) if by == "group" else np.argsort(lasting, kind="stable")

    def statistic(self, label: str, column: str) -> PairSummary:
        """A cell of the summary."""
        values = self.statistics[self.labels.index(label), self.columns.index(column)].tolist()
        return PairSummary(int(values[0]), *values[1:])

    @property
    def described(self) -> str:
        """Networks, states and options, in words."""
        kind = "signed" if self.signed else "|a|"
        layer = "last hidden layer" if self.layer == "hidden" else f"layer {self.layer}"
        return (
            f"{len(self.names)} networks, {counted(len(self.names) * (len(self.names) - 1) // 2, 'pair')}, both "
            f"directions; "
            f"{counted(self.count, 'state')}: {self.states} ({self.states_hash}); {layer}, {self.matching} matching, "
            f"{kind}; "
            f"seed {self.seed}"
        )


def compared(selection: Selection, params: Params) -> Compared:
    """The networks that parameters ask for.

    Raises:
        WorkbenchError: too few or too many, or another population that sees other states.
    """
    params.how.check()
    if params.seed < 0:
        raise WorkbenchError(f"seed: expected 0 or more, got {params.seed}")
    if not 2 <= params.networks <= MOST:
        raise WorkbenchError(f"networks: expected 2 to {MOST:,}, got {params.networks}")
    populations, rows = [selection.population], [comparing.draw(selection, params.networks, params.seed)]
    if params.other:
        other, spec = opening.load(params.other), selection.population.spec
        if (other.spec.env, other.spec.sizes[0], other.spec.sizes[-1]) != (spec.env, spec.sizes[0], spec.sizes[-1]):
            raise WorkbenchError(
                f"{other.path}: {other.spec.label} on {other.spec.env} cannot be compared with {spec.label} on "
                f"{spec.env}"
            )
        populations.append(other)
        rows.append(comparing.draw(Selection(other), params.networks, params.seed))
    found = Compared(tuple(populations), tuple(rows))
    if len(found) < 2:
        raise WorkbenchError(f"{selection.population.name}: one network has no other to be compared with; select two")
    return found


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a tile of pairs, the summary last."""
    networks, how = compared(selection, params), params.how
    if not 1 <= params.resamples <= MOST_RESAMPLES:
        raise WorkbenchError(f"resamples: expected 1 to {MOST_RESAMPLES:,}, got {params.resamples}")
    columns = how.columns(networks.specs)
    chosen = reference_set(params.states, selection.population, params.count, params.seed)
    states = chosen.states
    n, survival = len(networks), networks.survival
    groups, member = networks.groups()
    matrices = np.full((len(columns), n, n), np.nan)
    total = comparing.cost(networks, how, columns, compute) + 1
    labels: tuple[str, ...] = ()
    statistics = np.zeros((0, len(columns), len(STATISTICS)))
    contrasts, orders = np.full((len(columns), 2), np.nan), np.zeros((0, n), np.int64)
    constant, sentence = np.full(n, -1), "comparing…"
    notes: tuple[str, ...] = ()
    names, rows = networks.names, np.concatenate(networks.rows)

    def frame(done: int) -> Frame:
        return Frame(
            done, total, columns, matrices, names, rows, selection.population.measure.name, survival, groups,
            member, constant, notes, chosen.name, chosen.hash, len(states), params.layer, params.matching,
            params.signed, params.seed, params.resamples, labels, statistics, contrasts, orders, sentence,
        )  # fmt: skip

    done = 0
    yield frame(done)
    if any(not COLUMNS[c].output for c in columns):
        constant, notes = _left_out(networks, how, states, names)
    for more in comparing.run(networks, states, how, columns, compute, matrices):
        done += more
        yield frame(done)
    labels, statistics = _summary(matrices, columns, groups, member, params)
    null = comparing.controls(networks, states, how, columns, compute, params.seed)
    every = np.arange(comparing.CONTROL)
    for name in CONTROLS:
        inside = every[: null[name].shape[1]]
        cells = [summarise(both, inside, inside, params.resamples, params.seed) for both in null[name]]
        labels += (name,)
        statistics = np.concatenate([statistics, np.array([[_row(c) for c in cells]])])
    sentence, contrasts = _told(matrices, columns, networks, labels, statistics, params)
    if n <= CLUSTERED:
        orders = np.stack(
            [dendrogram_order(mutual(m), COLUMNS[c].measure.alike) for m, c in zip(matrices, columns, strict=True)]
        )
    yield frame(total)


def _row(cell: PairSummary) -> tuple[float, ...]:
    return tuple(float(getattr(cell, name)) for name in STATISTICS)


def _left_out(networks: Compared, how: How, states: NDArray, names: tuple[str, ...]) -> tuple[NDArray, tuple[str, ...]]:
    """How many hidden units of each network are constant, and who they are."""
    counts, words, broken = [], [], []
    at = 0
    for layer in networks.layers(how, output=False):
        for part in layer.tiles(len(states)):
            activations = layer.on(states, part)
            live = standardise(activations, how.signed).live
            for units, whole in zip(live, fine(activations), strict=True):
                counts.append(int((~units).sum()))
                if not whole:
                    broken.append(names[at])
                elif counts[-1]:
                    words.append(f"{names[at]}: {', '.join(str(u) for u in np.flatnonzero(~units))}")
                at += 1
    notes = []
    if broken:
        notes.append(f"not finite, compared with nothing: {_some(broken, ', ')}")
    if words:
        notes.append(f"constant units, left out of CD: {_some(words, '; ')}")
    return np.array(counts), tuple(notes)


def _some(words: list[str], between: str) -> str:
    shown = between.join(words[:8])
    return shown if len(words) <= 8 else f"{shown} and {len(words) - 8} more networks"


def _summary(
    matrices: NDArray, columns: tuple[str, ...], groups: tuple[str, ...], member: NDArray, params: Params
) -> tuple[tuple[str, ...], NDArray]:
    """Rows within groups, then between them."""
    inside = [np.flatnonzero(member == g) for g in range(len(groups))]
    pairs = [(g, g) for g in range(len(groups))] + [
        (g, h) for g in range(len(groups)) for h in range(g + 1, len(groups))
    ]
    pairs = [(g, h) for g, h in pairs if g != h or len(inside[g]) > 1]
    labels = tuple(groups[g] if g == h else f"{groups[g]} × {groups[h]}" for g, h in pairs)
    both = [mutual(m) for m in matrices]
    cells = [[_row(summarise(b, inside[g], inside[h], params.resamples, params.seed)) for b in both] for g, h in pairs]
    return labels, np.array(cells).reshape(len(pairs), len(columns), len(STATISTICS))


def _told(
    matrices: NDArray, columns: tuple[str, ...], networks: Compared, labels: tuple[str, ...], statistics: NDArray,
    params: Params,
) -> tuple[str, NDArray]:  # fmt: skip
    """Claims 1 and 2 of the paper, answered for the best and the worst group that are here."""
    contrasts = np.full((len(columns), 2), np.nan)
    extremes = _extremes(networks)
    if extremes is None:
        return "One group of networks: nothing to hold its distances against but the controls.", contrasts
    (groups, member), (best, worst) = networks.groups(), extremes
    good, bad = np.flatnonzero(member == best), np.flatnonzero(member == worst)
    found: dict[str, tuple[float, float, Contrast]] = {}
    for c, column in enumerate(columns):
        told = contrast(mutual(matrices[c]), good, bad, params.resamples, params.seed)
        contrasts[c] = told.share_below, told.p_value
        a, b = (float(statistics[labels.index(groups[g]), c, 1]) for g in (best, worst))
        found[column] = a, b, told
    return claims(found, groups[best], groups[worst]), contrasts


def _extremes(networks: Compared) -> tuple[int, int] | None:
    """The best and the worst survival group with pairs; of one population, the first that has two, if any has."""
    groups, member = networks.groups()
    whose = np.repeat(np.arange(len(networks.rows)), networks.sizes)
    by = zip(networks.populations, networks.rows, strict=True)
    rank = np.concatenate([p.groups.assign(p.performance[rows]) for p, rows in by])
    first = [int(np.flatnonzero(member == g)[0]) for g in range(len(groups))]
    able = [g for g, k in enumerate(first) if rank[k] >= 0 and (member == g).sum() > 1]
    of_one = ([g for g in able if whose[first[g]] == p] for p in range(len(networks.rows)))
    able = next((own for own in of_one if len(own) > 1), able)
    best, worst = (choose(able, key=lambda g: rank[first[g]], default=-1) for choose in (max, min))
    return (best, worst) if able and rank[first[best]] > rank[first[worst]] else None


def short(value: float) -> str:
    """Two decimals, three where it is small."""
    return f"{value:.2f}" if abs(value) >= 0.095 or value == 0 else f"{value:.3f}"


def figures(cell: PairSummary) -> str:
    """Mean, standard deviation over pairs, interval of the mean; or a dash."""
    if not cell.pairs:
        return "-"
    return f"{short(cell.mean)} ± {short(cell.std)}\n[{short(cell.low)}, {short(cell.high)}]"


def shown(frame: Frame) -> list[str]:
    """Rows of the summary that are printed: each group, the best with the worst, controls."""
    across = [label for label in frame.labels if " × " in label]
    extremes = f"{frame.groups[0]} × {frame.groups[-1]}" if frame.groups else ""
    return [label for label in frame.labels if label not in across or label == extremes]


ACROSS = 3
"""Columns of figures side by side in 80 characters."""
CAPTION = (
    "mean ± standard deviation over pairs, [95 % interval of the mean]; agreement and CKA: larger is more alike, all "
    "others are distances. states shuffled: what unrelated layers give; units at random: without a matching; random "
    "weights: before training"
)


def table(frame: Frame) -> Group:
    """Means over pairs within and between groups, and of controls."""
    tables = []
    for first in range(0, len(frame.columns), ACROSS):
        out = Table()
        out.add_column("pairs of", min_width=15)
        out.add_column("n", justify="right")
        columns = frame.columns[first : first + ACROSS]
        for column in columns:
            out.add_column(COLUMNS[column].heading, min_width=14)
        for label in shown(frame):
            cells = [frame.statistic(label, c) for c in columns]
            if any(cell.pairs for cell in cells):
                out.add_row(clean(label), f"{max(c.pairs for c in cells):,}", *map(figures, cells))
        tables.append(out)
    lines = [clean(frame.described, 1000), *(clean(note, 1000) for note in frame.notes)]
    return Group(
        *tables, Text(CAPTION, style="dim"), *map(Text, lines), Text(clean(frame.sentence, 2000), style="bold")
    )


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values, and the matrices."""
    rows = {
        label: {
            column: dict(zip(STATISTICS, frame.statistics[r, c].tolist(), strict=True))
            for c, column in enumerate(frame.columns)
        }
        for r, label in enumerate(frame.labels)
    }
    return {
        "networks": list(frame.names),
        "measure": frame.measure,
        frame.measure: frame.survival.tolist(),
        "group": [frame.groups[g] if g >= 0 else None for g in frame.member],
        "constant_units": frame.constant.tolist(),
        "notes": list(frame.notes),
        "states": {"from": frame.states, "hash": frame.states_hash, "count": frame.count},
        "layer": frame.layer,
        "matching": frame.matching,
        "signed": frame.signed,
        "seed": frame.seed,
        "resamples": frame.resamples,
        "rows": rows,
        "best_against_worst": {
            column: {"share_smaller": share, "p_value": p}
            for column, (share, p) in zip(frame.columns, frame.contrasts.tolist(), strict=True)
        },
        "sentence": frame.sentence,
        "matrices": {column: frame.matrices[c].tolist() for c, column in enumerate(frame.columns)},
    }


def heat_map(frame: Frame, column: str, by: str = "group") -> HeatMap:
    """One column's matrix, ordered."""
    order = frame.order(by, column)
    names = tuple(frame.names[k] for k in order)
    return HeatMap(
        frame.matrix(column)[np.ix_(order, order)], x_names=names, y_names=names,
        value_label=COLUMNS[column].heading, title=f"{COLUMNS[column].title}, by {by}",
    )  # fmt: skip


def svg(frame: Frame) -> str:
    """Every column's matrix by group, and the first as it clusters."""
    panels = [heat_map(frame, column) for column in frame.columns]
    if len(frame.orders):
        panels.append(heat_map(frame, frame.columns[0], "clustering"))
    return figure(panels, f"{len(frame.names)} networks on {frame.count:,} states: {clean(frame.states, 80)}")


def reads(selection: Selection, params: Params) -> tuple[Path, ...]:
    """Files that states or networks come from."""
    states = file_of(params.states)
    return (*((states,) if states else ()), *((opening.file_of(params.other),) if params.other else ()))


def write_matrix(_compute: Compute, _selection: Selection, _params: Params, frame: Frame, path: Path) -> None:
    """Every pair, both directions: arrays (n, n) by column in .npz, or a line a pair in .csv."""
    if path.suffix == ".npz":
        groups = np.array([frame.groups[g] if g >= 0 else "" for g in frame.member])
        arrays = {column: frame.matrices[c] for c, column in enumerate(frame.columns)}
        told = {"names": np.array(frame.names), "rows": frame.rows, frame.measure: frame.survival, "groups": groups}
        about = {"states": np.array(frame.states), "states_hash": np.array(frame.states_hash)}
        write_arrays(path, {**arrays, **told, **about})
        return
    from io import StringIO

    out = StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(["from", "to", *frame.columns])
    for a, name in enumerate(frame.names):
        for b, other in enumerate(frame.names):
            lines.writerow([name, other, *(repr(float(m[a, b])) for m in frame.matrices)])
    write_text(path, out.getvalue())


def write_activations(_compute: Compute, selection: Selection, params: Params, _frame: Frame, path: Path) -> None:
    """`states` (s, d), and for each network `hidden_K` and `output_K`, (s, units): what netrep and others compare."""
    networks, how = compared(selection, params), params.how
    states = reference_set(params.states, selection.population, params.count, params.seed).states
    arrays = {"states": states, "names": np.array(networks.names)}
    for output, word in ((False, "hidden"), (True, "output")):
        if not output and any(how.hidden(spec) is None for spec in networks.specs):
            continue
        k = 0
        for layer in networks.layers(how, output):
            for j in range(len(layer)):
                arrays[f"{word}_{k:04d}"] = layer.on(states, slice(j, j + 1))[0]
                k += 1
    write_arrays(path, arrays)


ANALYSIS = Analysis(
    "converge", "How alike networks are, all pairs", Params, Frame, run, table, summary, figure=svg, reads=reads,
    exports={
        "matrix": Export("Save every pair's figures as .npz or .csv.", (".npz", ".csv"), write_matrix),
        "activations": Export(
            "Save the activations compared as .npz: an array (states, units) a network.", (".npz",), write_activations
        ),
    },
)  # fmt: skip
