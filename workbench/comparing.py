"""What comparisons of networks share: which networks, which layer, which columns of figures, and the run over pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.similarity import MEASURES, ConvergenceFamily, DecisionFamily, GeometryFamily, Measure
from workbench.numerics.similarity.convergence import MATCHINGS, RANDOM, converge, standardise
from workbench.numerics.similarity.family import SERIAL, Family, products
from workbench.numerics.similarity.grouped import mutual
from workbench.numerics.similarity.pairs import Layer, all_pairs, between, count_pairs
from workbench.policies import PolicySpec, initial
from workbench.population import Population
from workbench.rollouts.play import has_discrete_actions
from workbench.rollouts.reference_set import COUNT

OUTPUT = -1
"""The last layer."""


@dataclass(frozen=True)
class Column:
    """A measure of one layer."""

    name: str
    heading: str
    measure: Measure
    output: bool
    """Whether it is of the outputs, whatever hidden layer is compared."""

    @property
    def title(self) -> str:
        """In full."""
        return f"{self.measure.title}, {'outputs' if self.output else 'hidden units'}"


COLUMNS = {
    c.name: c
    for c in (
        Column("cd", "hidden CD", MEASURES["cd"], False),
        Column("output-cd", "output CD", MEASURES["cd"], True),
        Column("agreement", "agreement", MEASURES["agreement"], True),
        Column("jsd", "JSD", MEASURES["jsd"], True),
        Column("cka", "CKA", MEASURES["cka"], False),
        Column("debiased-cka", "CKA debiased", MEASURES["debiased-cka"], False),
        Column("procrustes", "Procrustes", MEASURES["procrustes"], False),
        Column("permutation", "permutation", MEASURES["permutation"], False),
    )
}
HIDDEN_COST, OUTPUT_COST = 20, 1
"""What a pair takes, about, where there are 30 hidden units and 2 outputs."""
CONTROL = 16
"""Networks in a control."""
CONTROLS = ("states shuffled", "units at random", "random weights")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """On which states, and how, layers are compared: what the parameters of all comparisons have in common."""

    layer: str = "hidden"
    """hidden (the last hidden layer), or a layer's number from 1 on; outputs have columns of their own."""
    matching: str = "optimal"
    """How units are paired: optimal, or greedy as the paper tells it."""
    signed: bool = False
    """Correlations of activations as they are; the paper's are of their absolute values."""
    states: str = "rollouts"
    """Reference set: rollouts (of the population's networks), box, upright, or a file (.npy, .csv, a population)."""
    count: int = COUNT
    """States in the reference set; the paper takes 10,000."""
    seed: int = 0
    """Seed of all that is drawn: networks, states, controls, resamples."""


@dataclass(frozen=True)
class How:
    """What is compared, and how."""

    measure: tuple[str, ...] = ()
    layer: str = "hidden"
    matching: str = "optimal"
    signed: bool = False

    def check(self) -> None:
        """Whether all choices are known.

        Raises:
            WorkbenchError: one is not.
        """
        for name in self.measure:
            if name not in COLUMNS:
                raise WorkbenchError(f"measure: expected {', '.join(COLUMNS)}, got {name!r}")
        if self.matching not in MATCHINGS:
            raise WorkbenchError(f"matching: expected {' or '.join(MATCHINGS)}, got {self.matching!r}")
        if self.layer != "hidden" and not (self.layer.isdecimal() and len(self.layer) < 5 and int(self.layer) > 0):
            raise WorkbenchError(f"layer: expected hidden or a layer's number from 1 on, got {self.layer!r}")

    def hidden(self, spec: PolicySpec) -> int | None:
        """The hidden layer that is compared, from 0; None where there is none.

        Raises:
            WorkbenchError: a number beyond the last hidden layer.
        """
        last = len(spec.sizes) - 3
        if self.layer == "hidden":
            return last if last >= 0 else None
        if int(self.layer) - 1 > last:
            layers = "1 hidden layer" if last == 0 else f"{last + 1} hidden layers"
            raise WorkbenchError(f"layer: {spec.label} has {layers}, got {self.layer}")
        return int(self.layer) - 1

    def columns(self, specs: Sequence[PolicySpec]) -> tuple[str, ...]:
        """The columns that can be had of networks of these architectures, in `COLUMNS`' order.

        Raises:
            WorkbenchError: one that was asked for cannot.
        """
        cannot: dict[str, str] = {}
        for spec in specs:
            discrete = None
            for name, column in COLUMNS.items():
                if column.output and name in ("agreement", "jsd"):
                    discrete = has_discrete_actions(spec) if discrete is None else discrete
                    if not discrete:
                        cannot[name] = f"the actions of {spec.env} are not discrete"
                elif not column.output and self.hidden(spec) is None:
                    cannot[name] = f"{spec.label} has no hidden layer"
        for name in self.measure:
            if name in cannot:
                raise WorkbenchError(f"measure: {name} cannot be had: {cannot[name]}")
        return tuple(n for n in COLUMNS if n not in cannot and (not self.measure or n in self.measure))

    def families(self, columns: Sequence[str], compute: Compute) -> list[tuple[Family, bool, dict[str, str]]]:
        """Families to run, whether of the outputs, and the column that each of a family's measures fills."""
        convergence = ConvergenceFamily(self.signed, self.matching, compute)
        found: list[tuple[Family, bool, dict[str, str]]] = []
        deciding = tuple(n for n in ("agreement", "jsd") if n in columns)
        shaped = tuple(n for n in ("cka", "debiased-cka", "procrustes", "permutation") if n in columns)
        if "output-cd" in columns:
            found.append((convergence, True, {"cd": "output-cd"}))
        if deciding:
            found.append((DecisionFamily(deciding), True, {n: n for n in deciding}))
        if "cd" in columns:
            found.append((convergence, False, {"cd": "cd"}))
        if shaped:
            found.append((GeometryFamily(shaped, compute), False, {n: n for n in shaped}))
        return found


@dataclass(frozen=True, eq=False)
class Compared:
    """The networks of a comparison, those of one population together."""

    populations: tuple[Population, ...]
    rows: tuple[NDArray[np.int64], ...]
    """(n_k,) of each population."""

    def __len__(self) -> int:
        return sum(self.sizes)

    @property
    def sizes(self) -> list[int]:
        """Networks of each population."""
        return [len(rows) for rows in self.rows]

    @property
    def specs(self) -> list[PolicySpec]:
        """Of each population."""
        return [p.spec for p in self.populations]

    def layers(self, how: How, output: bool) -> list[Layer]:
        """What is compared of each population's networks."""
        found = []
        for population, rows in zip(self.populations, self.rows, strict=True):
            index = OUTPUT if output else how.hidden(population.spec)
            assert index is not None
            found.append(Layer(np.asarray(population.weights[rows]), population.spec, index))
        return found

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What tells the populations apart: nothing where there is one, `name ` or `name (2) ` where there are more."""
        names = [p.name for p in self.populations]
        if len(names) < 2:
            return ("",)
        counts = [names[:k].count(name) for k, name in enumerate(names)]
        return tuple(f"{name} ({n + 1}) " if n else f"{name} " for name, n in zip(names, counts, strict=True))

    @property
    def names(self) -> tuple[str, ...]:
        """`#12`, or `name #12` where there are several populations."""
        return tuple(
            f"{prefix}#{row}" for prefix, rows in zip(self.prefixes, self.rows, strict=True) for row in rows.tolist()
        )

    @property
    def survival(self) -> NDArray[np.float64]:
        """(n,) steps, or return where that is measured; NaN where a population has no such column."""
        return np.concatenate([p.performance[rows] for p, rows in zip(self.populations, self.rows, strict=True)])

    def groups(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Survival groups, the best first, population by population; networks without survival are one group."""
        names: list[str] = []
        member = np.full(len(self), -1)
        begin, survival = 0, self.survival
        for prefix, rows, of in zip(self.prefixes, self.rows, (p.groups for p in self.populations), strict=True):
            here = slice(begin, begin + len(rows))
            assigned = of.assign(survival[here])
            for g in (*reversed(range(len(of))), -1):
                inside = np.flatnonzero(assigned == g)
                if len(inside):
                    member[begin + inside] = len(names)
                    names.append(prefix + (of.names[g] if g >= 0 else "unmeasured"))
            begin += len(rows)
        return tuple(names), member


def draw(selection: Selection, most: int, seed: int) -> NDArray[np.int64]:
    """Rows of the selection: all, or at most so many, evenly from the survival groups that it has.

    Raises:
        WorkbenchError: nothing is selected.
    """
    rows, population = selection.indices, selection.population
    if not len(rows):
        raise WorkbenchError(f"{population.name}: no networks are selected")
    if len(rows) <= most:
        return rows
    random = np.random.default_rng([seed, 12])
    group = population.groups.assign(population.performance[rows])
    queues = [random.permutation(rows[group == g]) for g in np.unique(group)]
    # One of each group in turn, so that small groups are used up before large ones take their places.
    turns = np.concatenate([np.arange(len(q)) + k / len(queues) for k, q in enumerate(queues)])
    return np.sort(np.concatenate(queues)[np.argsort(turns, kind="stable")[:most]])


def cost(compared: Compared, how: How, columns: Sequence[str], compute: Compute) -> int:
    """Units of work that `run` goes through."""
    families = how.families(columns, compute)
    return sum(
        (OUTPUT_COST if output else HIDDEN_COST) * count_pairs(compared.layers(how, output))
        for _, output, _ in families
    )


def run(
    compared: Compared, states: NDArray, how: How, columns: Sequence[str], compute: Compute, out: NDArray
) -> Iterator[int]:
    """Fill the matrices of all columns, (columns, n, n), from row to column; yields units of work done."""
    for family, output, filled in how.families(columns, compute):
        into = {measure: out[columns.index(column)] for measure, column in filled.items()}
        for pairs in all_pairs(compared.layers(how, output), states, family, compute, into):
            yield pairs * (OUTPUT_COST if output else HIDDEN_COST)


def controls(
    compared: Compared, states: NDArray, how: How, columns: Sequence[str], compute: Compute, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Matrices (columns, m, m), mutual, of what a figure means: NaN where a control has no such column.

    `states shuffled`: each network against others whose states are in another order, so that nothing but the
    distributions of activations is left in common. `units at random`: the mean over all pairings of units instead of a
    matching. `random weights`: networks as torch initialises them. The networks are at most `CONTROL` of the first
    population's.
    """
    random = np.random.default_rng([seed, 13])
    rows = compared.rows[0]
    some = np.sort(random.permutation(len(rows))[:CONTROL])
    spec = compared.populations[0].spec
    few = Compared(compared.populations[:1], (rows[some],))
    untrained = Compared((Population(spec, initial(spec, CONTROL, seed)),), (np.arange(CONTROL),))
    shuffled = states[random.permutation(len(states))]
    found = {}
    for name, networks, other_states, matching in (
        (CONTROLS[0], few, shuffled, how.matching),
        (CONTROLS[1], few, states, RANDOM),
        (CONTROLS[2], untrained, states, how.matching),
    ):
        matrices = np.full((len(columns), len(networks), len(networks)), np.nan)
        used = How(how.measure, how.layer, matching, how.signed)
        for family, output, filled in used.families(columns, compute):
            if matching == RANDOM and not isinstance(family, ConvergenceFamily):
                continue
            values = between(networks.layers(used, output)[0], states, other_states, family)
            for measure, column in filled.items():
                matrices[columns.index(column)] = mutual(values[measure])
        found[name] = matrices
    return found


def matched(
    pair: Compared, states: NDArray, how: How, output: bool
) -> tuple[NDArray, NDArray, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Correlations of units (h, k), partners (h,), and the constant units of both."""
    a, b = (standardise(layer.on(states), how.signed) for layer in pair.layers(how, output))
    correlations = products(a.rows, b.rows)[:, 0]
    found = converge(correlations, a.live, b.live, how.matching, SERIAL)
    left_out = [tuple(np.flatnonzero(~units.live[0]).tolist()) for units in (a, b)]
    return correlations[0], found.partners[0], (left_out[0], left_out[1])


def in_order(correlations: NDArray, partners: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Units of both networks so that partners stand in one place, the closest first; those without one come last.

    Args:
        correlations: (h, k).
        partners: (h,) as `matched` has them.

    Returns:
        Units of the first network (h,) and of the second (k,).
    """
    first = np.flatnonzero(partners >= 0)
    first = first[np.argsort(-correlations[first, partners[first]], kind="stable")]
    rest = (np.setdiff1d(np.arange(n), taken) for n, taken in zip(correlations.shape, (first, partners), strict=True))
    alone, other = rest
    return np.concatenate([first, alone]), np.concatenate([partners[first], other])
