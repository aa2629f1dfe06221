"""Sample new networks from a generator, and hold them against held-out ones (section 3.5, Table 1 and Figure 4)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import generators
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Histogram, figure
from workbench.numerics.distributions import density
from workbench.numerics.statistics import standard_error
from workbench.paper import SAMPLED, TABLE_1_SAMPLES
from workbench.performance import SURVIVAL, measure_named
from workbench.policies import PolicySpec
from workbench.population import FINGERPRINT, Population, fingerprints
from workbench.population import Text as TextColumn
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance
from workbench.text import clean, counted

if TYPE_CHECKING:
    from workbench.learning.contract import Generator
    from workbench.learning.scoring import Yardstick
    from workbench.learning.selection import Chosen

FAITHFUL = "cartpolegen"
"""The reference that every generator is shown beside."""
SOURCES = ("prior", "posterior")
MOST = 10_000
"""Samples at a time: matching them to a group takes memory with their square."""
NOISE = 0.1
"""Size of the noise control, against each network's root mean square weight."""
GRID = 201
CONTROLS = ("noise 10 %", "mean network", "training networks", "held-out networks")
COSTS = ("candidates", "episodes")
"""What it took, beside the score: candidates for each sample, simulator episodes used to choose them."""


@dataclass(frozen=True)
class Params:
    """What to sample, and how it is judged."""

    generator: str = "functional"
    """A trained generator: cartpolegen, functional, or a file that `train` has written."""
    group: str = "all"
    """Survival group: 1-50, 51-100, 101-150, 151-200 or all."""
    count: int = 1000
    """Networks to sample; the paper takes 200."""
    source: str = "prior"
    """prior, or posterior: latents of randomly drawn training networks with the encoder's noise."""
    selector: str = "auto"
    """How candidates are chosen: none, predictor, simulator; auto is the predictor where the generator has one."""
    without: str = ""
    """An attribute to condition away (lean_x, lean_angle, sharpness): latents go where it is the training mean."""
    seed: int = 0
    """Seed of everything drawn."""
    episodes: int = 100
    """Episodes a sample plays."""
    cap: int = 200
    """Steps after which an episode ends."""


@dataclass(frozen=True)
class Frame:
    """Samples, and rows of figures: the generator's first, controls after."""

    done: int
    total: int
    generator: str
    """Name and file."""
    trained_on: str
    group: str
    source: str
    selector: str
    seed: int
    episodes: int
    cap: int
    spec: str
    """The networks' spec, as JSON."""
    names: tuple[str, ...]
    """A name a row."""
    scores: NDArray[np.float64]
    """(rows, len(METRICS) + 2): the score, candidates for each sample, simulator episodes."""
    metrics: tuple[str, ...]
    floor: float
    """W1 of as many training networks from the held-out ones, steps."""
    verdict: str
    """One word."""
    sentence: str
    weights: NDArray[np.float32]
    """(n, p)."""
    latents: NDArray[np.float32]
    """(n, k)."""
    measure: str
    """survival or return: what stands under `survival`."""
    survival: NDArray[np.float64]
    """(n,) mean steps, or returns."""
    error: NDArray[np.float64]
    """(n,) its standard error."""
    nearest: NDArray[np.int64]
    """(n,) the training network that each behaves most like; -1 before it is known."""
    distance: NDArray[np.float64]
    """(n,) how far it is in behaviour, against the median of held-out networks."""
    agreement: NDArray[np.float64]
    """(n,) share of states with the same action."""
    unseen: NDArray[np.float64]
    """(m,) survival times of the group's held-out networks."""
    grid: NDArray[np.float64]
    """(g,) steps."""
    densities: NDArray[np.float64]
    """(2, g) kernel densities of samples and of held-out networks."""

    @property
    def rows(self) -> dict[str, dict[str, float]]:
        """The figures by row and name."""
        return {
            n: dict(zip(self.metrics, map(float, r), strict=True)) for n, r in zip(self.names, self.scores, strict=True)
        }


def check(params: Params) -> Episodes:
    """The episodes that samples play.

    Raises:
        WorkbenchError: a parameter out of range.
    """
    from workbench.learning.selection import SELECTORS

    if params.source not in SOURCES:
        raise WorkbenchError(f"source: expected {' or '.join(SOURCES)}, got {params.source!r}")
    if params.selector not in ("auto", *SELECTORS):
        raise WorkbenchError(f"selector: expected auto, {', '.join(SELECTORS)}, got {params.selector!r}")
    if not 2 <= params.count <= MOST:
        raise WorkbenchError(f"count: expected 2 to {MOST}, got {params.count}")
    return Episodes(params.episodes, params.cap, params.seed)


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield the generator's own row first, then its controls one by one."""
    episodes = check(params)
    population = selection.population if selection.rows is None else selection.population.select(selection.indices)
    from workbench.learning.scoring import METRICS, verdict, yardstick
    from workbench.learning.selection import predictor_of

    generator = generators.for_population(selection.population, params.generator, compute)
    generator.check_group(params.group)
    held_against = yardstick(population, params.group, params.seed, compute)
    floor = held_against.floor(params.count)
    unseen = held_against.unseen
    total = 3 + len(CONTROLS) + (generator.NAME != FAITHFUL)
    selector = params.selector
    if selector == "auto":
        # What predicts has learnt from networks under the generator's own rules.
        usable = predictor_of(generator) and generator.spec == population.spec
        selector = "predictor" if usable else "none"
    chosen = draw(generator, held_against, params, selector, compute)
    weights = chosen.samples.weights
    values = performance(weights, population.spec, episodes, compute)
    survival, measure = values.mean(1), population.measure
    grid = np.linspace(*measure.range(params.cap, np.concatenate([survival, unseen])), GRID)
    densities = np.stack([density(survival, grid), density(unseen, grid)])
    n = len(weights)
    names: list[str] = []
    scores: list[NDArray] = []
    word, sentence = "", "measuring novelty and diversity…"
    near, near_distance, agree = np.full(n, -1), np.full(n, np.nan), np.full(n, np.nan)

    def frame(done: int) -> Frame:
        return Frame(
            done, total, f"{generator.NAME} ({generator.title})", _origin(generator), params.group, params.source,
            selector, params.seed, params.episodes, params.cap, _spec_json(population.spec), tuple(names),
            np.array(scores).reshape(len(names), len(METRICS) + 2), (*METRICS, *COSTS), floor, word, sentence, weights,
            chosen.samples.latents, measure.name, survival, standard_error(values), near, near_distance,
            agree, unseen, grid, densities,
        )  # fmt: skip

    def add(name: str, networks: NDArray, lasted: NDArray, cost: tuple[float, float], found: Any = None) -> None:
        names.append(name)
        with np.errstate(invalid="ignore", divide="ignore"):
            scores.append(np.concatenate([held_against.score(networks, lasted, found), cost]))

    yield frame(1)
    closest = held_against.nearest(weights)
    near, agree = closest.rows, closest.agreement
    near_distance = closest.distances / np.median(held_against.held_out_distances)
    add(label(generator, selector), weights, survival, (chosen.candidates / n, chosen.episodes), closest)
    word, sentence = verdict(scores[0][: len(METRICS)], floor, measure.unit)
    if params.without:
        sentence += _conditioned(held_against, weights, params.without)
    yield frame(2)
    faithful = generator if generator.NAME == FAITHFUL else reference(selection.population, compute)
    done = 2
    for name in dict.fromkeys(["none", selector]) if faithful is not generator else ():
        if faithful is not None and params.group in faithful.groups:
            other = draw(faithful, held_against, params, name, compute, predictor_of(generator))
            played = performance(other.samples.weights, population.spec, episodes, compute).mean(1)
            add(label(faithful, name), other.samples.weights, played, (other.candidates / n, other.episodes))
            done += 1
            yield frame(done)
    done = total - len(CONTROLS)
    yield frame(done)
    for name, networks in controls(held_against, params):
        played = performance(networks, population.spec, episodes, compute).mean(1)
        add(name, networks, played, (np.nan, 0))
        done += 1
        yield frame(done)


def draw(
    generator: "Generator",
    yardstick: "Yardstick",
    params: Params,
    selector: str,
    compute: Compute,
    predictor: Any = None,
) -> "Chosen":
    """Samples of a generator as the parameters ask for them."""
    from workbench.learning.selection import choose, predictor_of

    population = yardstick.population
    change = None
    if params.without:
        change = _neutral(generator, yardstick, params.without)
    return choose(
        generator, params.count, params.group, params.seed, selector=selector, wanted=yardstick.wanted,
        predictor=predictor or predictor_of(generator),
        training=np.asarray(population.weights[yardstick.training]) if params.source == "posterior" else None,
        change=change, spec=population.spec, compute=compute,
    )  # fmt: skip


def _neutral(generator: "Generator", yardstick: "Yardstick", name: str) -> Any:
    from workbench.analyses.attributes import ATTRIBUTES, attribute_direction

    if name not in ATTRIBUTES:
        raise WorkbenchError(f"without: expected {', '.join(ATTRIBUTES)}, got {name!r}")
    found = attribute_direction(generator, yardstick, name)
    return lambda latents: found.set(latents, found.value).astype(np.float32)


def _conditioned(yardstick: "Yardstick", weights: NDArray[np.float32], name: str) -> str:
    """How much of an attribute's variation is left."""
    from workbench.analyses.attributes import attribute_values

    population = yardstick.population
    made = Population(population.spec, weights)
    left = attribute_values(made, name, np.arange(len(weights))).std()
    usual = attribute_values(population, name, yardstick.held_out).std()
    return f" {name} conditioned away: its standard deviation is {left:.2g}, among held-out networks {usual:.2g}."


def reference(population: Population, compute: Compute) -> "Generator | None":
    """The faithful generator for a population, if one is trained."""
    try:
        return generators.for_population(population, FAITHFUL, compute)
    except WorkbenchError:
        return None


def controls(yardstick: "Yardstick", params: Params) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Networks that no generator has made: what a figure means is seen beside them."""
    population = yardstick.population
    random = np.random.default_rng([params.seed, 9])
    drawn = np.asarray(population.weights[random.choice(yardstick.training, params.count)])
    size = np.sqrt((drawn**2).mean(1, keepdims=True))
    yield CONTROLS[0], (drawn + NOISE * size * random.standard_normal(drawn.shape)).astype(np.float32)
    yield CONTROLS[1], np.asarray(population.weights[yardstick.training]).mean(0, keepdims=True).astype(np.float32)
    yield CONTROLS[2], drawn
    yield CONTROLS[3], np.asarray(population.weights[yardstick.reference])


def label(generator: "Generator", selector: str) -> str:
    """A row's name: the generator, and what chose among its candidates."""
    return generator.NAME if selector == "none" else f"{generator.NAME} + {selector}"


def _origin(generator: "Generator") -> str:
    told = generator.provenance.get("population", {})
    return f"{told.get('training', 0):,} networks of {told.get('name', '?')}, seed {generator.seed}"


def _spec_json(spec: PolicySpec) -> str:
    return json.dumps(spec.to_json(), sort_keys=True)


HEADINGS = (
    ("mean", "mean"), ("std", "sd"), ("w1", "W1 [95 %]"), ("inside", "in group"), ("behaviour_novelty", "nov. b"),
    ("weight_novelty", "nov. w"), ("behaviour_diversity", "div. b"), ("weight_diversity", "div. w"),
    ("candidates", "tried"), ("episodes", "eps."),
)  # fmt: skip
"""A score's columns, and what they are called. The first four are of survival times."""
OF_SURVIVAL = 4
NAMED = 12
"""Columns that a row's name takes at least, so that its words are whole."""


def cells(row: dict[str, float]) -> list[str]:
    """A row's figures as the table and the pane show them, one for each of `HEADINGS`."""
    half = (row["mean_high"] - row["mean_low"]) / 2
    return [
        f"{row['mean']:.1f} ± {half:.1f}", f"{row['std']:.1f}",
        f"{row['w1']:.1f} [{row['w1_low']:.1f}, {row['w1_high']:.1f}]", f"{row['inside']:.0%}",
        *(_ratio(row[m]) for m, _ in HEADINGS[4:8]), "-" if np.isnan(row["candidates"]) else f"{row['candidates']:.0f}",
        f"{row['episodes']:,.0f}",
    ]  # fmt: skip


def _ratio(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def about(frame: Frame) -> str:
    """What the figures are of."""
    unit = measure_named(frame.measure).unit.strip() or frame.measure
    return (
        f"trained on {frame.trained_on}; W1 in {unit} from {counted(len(frame.unseen), 'held-out network')}, floor "
        f"{frame.floor:.2f}; "
        f"n {len(frame.weights):,}, {counted(frame.episodes, 'episode')}, cap {frame.cap}, seed {frame.seed}; 95 % "
        f"intervals"
    )


RATIOS_ARE = (
    "novelty: distance to the nearest training network, diversity: distance between samples, in behaviour (b) and "
    "weights (w), against held-out networks'; tried: networks generated for each kept; eps.: simulator episodes used"
)


def table(frame: Frame) -> Group:
    """The Table 1 row of the paper, ours, and the controls: survival times, then ratios."""
    title = f"{frame.generator}: samples of {frame.group}, {frame.source}"
    survival, ratios = Table(title=clean(title)), Table()
    for out, headings in ((survival, HEADINGS[:OF_SURVIVAL]), (ratios, HEADINGS[OF_SURVIVAL:])):
        out.add_column("", min_width=NAMED)
        for _, name in headings:
            out.add_column(name, justify="right")
    if theirs := TABLE_1_SAMPLES.get(frame.group if frame.measure == SURVIVAL.name else ""):
        survival.add_row(f"paper, {SAMPLED} samples", f"{theirs.mean}", f"{theirs.std}", "-", "-")
    for name, row in frame.rows.items():
        figures = cells(row)
        survival.add_row(name, *figures[:OF_SURVIVAL])
        ratios.add_row(name, *figures[OF_SURVIVAL:])
    survival.caption, ratios.caption = Text(clean(about(frame), 1000)), Text(RATIOS_ARE)
    return Group(survival, ratios, Text(frame.sentence, style="bold"))


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    theirs = TABLE_1_SAMPLES.get(frame.group if frame.measure == SURVIVAL.name else "")
    return {
        "generator": frame.generator,
        "trained_on": frame.trained_on,
        "group": frame.group,
        "source": frame.source,
        "selector": frame.selector,
        "seed": frame.seed,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "held_out": len(frame.unseen),
        "floor": frame.floor,
        "verdict": frame.verdict,
        "sentence": frame.sentence,
        "paper": theirs and {"mean": theirs.mean, "std": theirs.std, "n": SAMPLED},
        "rows": frame.rows,
        "measure": frame.measure,
        frame.measure: frame.survival.tolist(),
    }


def panel(frame: Frame) -> Histogram:
    """Figure 4's picture: survival of samples over that of held-out networks."""
    measure = measure_named(frame.measure)
    words, axis = f"{frame.group}{measure.unit}", {}
    if measure is not SURVIVAL:
        words, axis = f"{measure.name} {frame.group}", {"x_label": measure.name, "unit": ""}
    return Histogram(
        (float(frame.grid[0]), float(frame.grid[-1])), frame.survival, "generated", frame.grid,
        frame.densities[1], "held out", bars_density=frame.densities[0], line_values=frame.unseen, title=words, **axis,
    )  # fmt: skip


def svg(frame: Frame) -> str:
    """The same as SVG."""
    return figure([panel(frame)], f"{frame.generator}, {frame.group}")


def networks(frame: Frame) -> Population:
    """The samples as a population."""
    n = len(frame.weights)
    columns: dict[str, Any] = {
        frame.measure: frame.survival,
        measure_named(frame.measure).error: frame.error.astype(np.float32),
        "recipe": TextColumn.of([f"sampled from {frame.generator.split(' ')[0]}"] * n),
        "nearest": frame.nearest,
        "nearest_distance": frame.distance.astype(np.float32),
        FINGERPRINT: fingerprints(frame.weights),
    }
    made = {k: getattr(frame, k) for k in ("generator", "trained_on", "group", "source", "selector", "seed")}
    return Population(PolicySpec.from_json(json.loads(frame.spec)), frame.weights, columns, {"sample": made})


def reads(selection: Selection, params: Params) -> tuple[Path, ...]:
    """The generator's file, and the faithful one's."""
    own = generators.file_of(selection, params)
    try:
        return (*own, generators.choose(selection.population, FAITHFUL))
    except WorkbenchError:
        return own


ANALYSIS = Analysis(
    "sample", "Sample new networks from a generator", Params, Frame, run, table, summary, networks=networks, figure=svg,
    reads=reads,
)  # fmt: skip
