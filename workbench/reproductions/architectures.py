"""What the paper says of other generators (section 3.5): linear layers do as well, and a GAN does not train."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import claims, generators
from workbench.analysis import Analysis, Selection
from workbench.claims import Claim
from workbench.compute import Compute
from workbench.figures import Histogram, Lines, Panel, Reference, Series, figure
from workbench.numerics.distributions import bootstrap, density, wasserstein
from workbench.numerics.novelty import pairwise
from workbench.numerics.overlap import mass_where_none, shares
from workbench.numerics.proportions import wilson
from workbench.numerics.statistics import Interval
from workbench.paper import SAMPLED
from workbench.reproducing import (
    EPSILON,
    GROUPS,
    Params,
    Progress,
    at_work,
    population_of,
    seeds_of,
    seeds_told,
    single,
    trained,
    trainings,
)
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout

KIND = "cartpolegen"
LAYERS = ("ELU", "linear")
GRID = np.linspace(0, 200, 201)
BINS = 20
RESAMPLES = 500


@dataclass(frozen=True)
class Frame(Progress):
    """Figures so far; NaN where they are not made yet."""

    seeds: tuple[int, ...]
    count: int
    survival: NDArray[np.float64]
    """(seeds, layers, groups, n) survival times of samples from the posterior, steps."""
    unseen: NDArray[np.float64]
    """(groups, m) those of held-out networks, NaN behind the last."""
    floor: NDArray[np.float64]
    """(groups,) of W1, steps."""
    adversarial: NDArray[np.float64]
    """(n,) survival times of the GAN's samples, steps."""
    accuracy: NDArray[np.float64]
    """(epochs,) share of networks that its discriminator told right."""
    right: NDArray[np.float64]
    """(2,) held-out networks and fresh samples that it told right in the end, of how many."""
    covered: NDArray[np.float64]
    """(2,) share of training networks whose survival time the VAE's and the GAN's samples reach too."""
    diversity: NDArray[np.float64]
    """(2,) mean distance in behaviour between two samples of either, against held-out networks'."""

    def held_out(self, group: int) -> NDArray[np.float64]:
        """Survival times of a group's held-out networks, (m,)."""
        return self.unseen[group][np.isfinite(self.unseen[group])]

    def w1(self, seed: int, layer: int, group: int) -> float:
        """Wasserstein distance of samples from held-out networks, steps; NaN before they are made."""
        made = self.survival[seed, layer, group]
        return np.nan if np.isnan(made).any() else wasserstein(made, self.held_out(group))


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield frames while generators are trained, and as each is sampled."""
    population, seeds = population_of(selection), seeds_of(params)
    from workbench.learning.adversarial import attempt
    from workbench.learning.contract import train
    from workbench.learning.data import TrainingData
    from workbench.learning.scoring import yardstick

    count = SAMPLED if params.quick else params.count
    data, kind, alone = TrainingData.of(population, compute), generators.find(KIND), single(compute)
    sticks = [yardstick(population, name, seeds[0], compute) for name in GROUPS]
    survival = np.full((len(seeds), len(LAYERS), len(GROUPS), count), np.nan)
    unseen = np.full((len(GROUPS), max(len(s.unseen) for s in sticks)), np.nan)
    for row, stick in zip(unseen, sticks, strict=True):
        row[: len(stick.unseen)] = stick.unseen
    floor = np.array([stick.floor(count) for stick in sticks])
    adversarial, accuracy = np.full(count, np.nan), np.zeros(0)
    right, covered, diversity = (np.full(2, np.nan) for _ in range(3))
    total = 1000 * (2 * len(seeds) + 1)

    def frame(done: float, doing: str) -> Frame:
        return Frame(
            round(done), total, doing, population.name, seeds, count, survival.copy(), unseen, floor,
            adversarial.copy(), accuracy, right.copy(), covered.copy(), diversity.copy(),
        )  # fmt: skip

    def lasted(weights: NDArray, seed: int) -> NDArray[np.float64]:
        return rollout(weights, population.spec, Episodes(seed=seed), compute).steps.mean(1)

    combined = np.zeros((0, population.spec.parameters), np.float32)
    for s, seed in enumerate(seeds):
        for k, layer in enumerate(LAYERS):
            at, doing = 1000 * (2 * s + k), f"{layer} layers, seed {seed}"
            if k == 0:
                for waiting in trained(population, KIND, seed, compute):
                    if isinstance(waiting, str):
                        made = generators.load(waiting, compute.torch_device)
                    else:
                        yield frame(at + 900 * waiting.done / waiting.total, waiting.name)
            else:
                settings = kind.SETTINGS(activation="identity")
                for made, state in train(kind, data, settings, seed, alone):  # noqa: B007
                    yield frame(at + 900 * state.done / state.total, f"training {doing}")
            for g, (name, stick) in enumerate(zip(GROUPS, sticks, strict=True)):
                networks = made.sample(count, name, seed, np.asarray(population.weights[stick.training])).weights
                survival[s, k, g] = lasted(networks, seed)
                yield frame(at + 900 + 100 * (g + 1) / len(GROUPS), f"sampling {doing}")
            if s == k == 0:
                combined = networks
    at, seed, whole = 2000 * len(seeds), seeds[0], sticks[-1]
    for gan, state in attempt(data, kind.SETTINGS(), seed, alone):
        accuracy = np.array(gan.accuracy)
        yield frame(at + 950 * state.done / state.total, f"training a GAN, seed {seed}")
    networks = gan.sample(count, seed)
    adversarial[:] = lasted(networks, seed)
    believed = gan.believed(np.asarray(population.weights[whole.held_out]))
    right[:] = believed.sum() + (~gan.believed(networks)).sum(), len(believed) + count
    known = shares(whole.wanted, 0, 200, BINS)
    base = pairwise(whole.decisions(np.asarray(population.weights[whole.reference])))
    for k, (found, weights) in enumerate(((survival[0, 0, -1], combined), (adversarial, networks))):
        covered[k] = 1 - mass_where_none(known, shares(found, 0, 200, BINS))
        diversity[k] = pairwise(whole.decisions(weights)) / base
    yield frame(total, "done")


@claims.remembered
def answered(frame: Frame) -> list[Claim]:
    """Claims 7 and 8."""
    return [_linear(frame), _adversarial(frame)] if frame.done >= frame.total else []


def _linear(frame: Frame) -> Claim:
    """Linear layers are no worse, by no more than the paper says that survival varies."""
    unseen = [frame.held_out(g) for g in range(len(GROUPS))]

    def worse(*samples: NDArray) -> float:
        """The linear ones' W1 less the others', mean over groups."""
        far = [wasserstein(s, unseen[k % len(GROUPS)]) for k, s in enumerate(samples)]
        return float(np.mean(far[len(GROUPS) :]) - np.mean(far[: len(GROUPS)]))

    gaps = [
        bootstrap(worse, *elu, *linear, resamples=RESAMPLES, seed=seed)
        for (elu, linear), seed in zip(frame.survival, frame.seeds, strict=True)
    ]
    return Claim(
        7, claims.answer(claims.unanimous(claims.below(gap, EPSILON) for gap in gaps)),
        f"W1 with linear layers less W1 with ELU, mean over groups: {'; '.join(map(claims.told, gaps))} steps; it "
        f"should be less than {EPSILON:g}. 95 % intervals over samples, n {frame.count:,} a group; of either kind of "
        f"layers {trainings(frame.seeds)}.",
    )  # fmt: skip


def _adversarial(frame: Frame) -> Claim:
    """The GAN's samples are farther from held-out networks than CartPoleGen's."""
    gap, right = _behind(frame), _told_right(frame)
    return Claim(
        8, claims.answer(claims.above(gap)),
        f"one attempt, as many steps and as wide as CartPoleGen, on all networks: W1 {_w1(frame):.1f} steps, "
        f"{claims.told(gap)} more than CartPoleGen's (above 0 counts as not trained; 95 % interval over samples, n "
        f"{frame.count:,}, seed {frame.seeds[0]}). Its samples reach the survival times of {frame.covered[1]:.0%} of "
        f"training networks (CartPoleGen {frame.covered[0]:.0%}); their behaviour is {frame.diversity[1]:.2f} times as "
        f"diverse as held-out networks' ({frame.diversity[0]:.2f}). The paper has the discriminator win; here it tells "
        f"{claims.told(right, '.0%')} of held-out networks and fresh samples apart.",
    )  # fmt: skip


def _w1(frame: Frame) -> float:
    return wasserstein(frame.adversarial, frame.held_out(-1))


def _behind(frame: Frame) -> Interval:
    unseen = frame.held_out(-1)

    def behind(gan: NDArray, vae: NDArray) -> float:
        return wasserstein(gan, unseen) - wasserstein(vae, unseen)

    return bootstrap(behind, frame.adversarial, frame.survival[0, 0, -1], resamples=RESAMPLES, seed=frame.seeds[0])


def _told_right(frame: Frame) -> Interval:
    return wilson(int(frame.right[0]), int(frame.right[1]))


def table(frame: Frame) -> Group:
    """W1 by group for either kind of layers, and the GAN's figures."""
    out = Table(
        title=f"Linear layers: Wasserstein distance (W1) from held-out networks (steps), {frame.population}, "
        f"n {frame.count:,}"
    )
    for name in ("layers", *GROUPS):
        out.add_column(name, justify="left" if name == "layers" else "right")
    for k, layer in enumerate(LAYERS):
        cells = []
        for g in range(len(GROUPS)):
            made = np.array([frame.w1(s, k, g) for s in range(len(frame.seeds))])
            made = made[np.isfinite(made)]
            spread = f" ± {made.std(ddof=1):.1f}" if len(made) > 1 else ""
            cells.append(f"{made.mean():.1f}{spread}" if len(made) else "-")
        out.add_row(layer, *cells)
    out.add_row("floor", *(f"{f:.2f}" for f in frame.floor))
    over = "mean ± standard deviation over " if len(frame.seeds) > 1 else ""
    out.caption = f"CartPoleGen, samples from the posterior; {over}{seeds_told(frame.seeds)}"
    if frame.done < frame.total:
        return Group(out, Text(at_work(frame)))
    gan = Table(title=f"A GAN of the same widths and as many steps, all networks, seed {frame.seeds[0]}")
    for name in ("generator", "W1 (steps)", "mean survival", "covered", "diversity"):
        gan.add_column(name, justify="left" if name == "generator" else "right")
    both = (frame.w1(0, 0, len(GROUPS) - 1), frame.survival[0, 0, -1]), (_w1(frame), frame.adversarial)
    for k, (name, (w1, lasted)) in enumerate(zip(("CartPoleGen", "GAN"), both, strict=True)):
        gan.add_row(name, f"{w1:.1f}", f"{lasted.mean():.1f}", f"{frame.covered[k]:.0%}", f"{frame.diversity[k]:.2f}")
    gan.caption = (
        f"covered: training networks whose survival time samples reach too; the discriminator told "
        f"{frame.accuracy[0]:.0%} of networks right in its first epoch, {frame.accuracy[-1]:.0%} in its last"
    )
    return Group(out, gan, *claims.lines(answered(frame)))


def summary(frame: Frame) -> dict[str, Any]:
    """Every figure."""
    seeds = range(len(frame.seeds))
    return {
        "seeds": list(frame.seeds),
        "n": frame.count,
        "w1": {
            layer: {name: [frame.w1(s, k, g) for s in seeds] for g, name in enumerate(GROUPS)}
            for k, layer in enumerate(LAYERS)
        },
        "floor": dict(zip(GROUPS, frame.floor.tolist(), strict=True)),
        "gan": {
            "survival": frame.adversarial.tolist(),
            "accuracy": frame.accuracy.tolist(),
            "told_right": frame.right.tolist(),
            "covered": dict(zip((KIND, "gan"), frame.covered.tolist(), strict=True)),
            "diversity": dict(zip((KIND, "gan"), frame.diversity.tolist(), strict=True)),
        },
    }


def svg(frame: Frame) -> str:
    """W1 by group; the GAN's samples; how well its discriminator does."""
    x = np.arange(len(GROUPS), dtype=float)
    series = [
        Series(layer, x, np.array([frame.w1(0, k, g) for g in range(len(GROUPS))]), mark)
        for k, (layer, mark) in enumerate(zip(LAYERS, "●○", strict=True))
    ]
    series.append(Series("floor", x, frame.floor, "×"))
    title = f"layers, seed {frame.seeds[0]}"
    panels: list[Panel] = [Lines(series, "survival group", "W1 (steps)", title=title, names=GROUPS)]
    if np.isfinite(frame.adversarial).all():
        unseen, made = frame.held_out(-1), frame.adversarial
        panels += [
            Histogram(
                (0.0, 200.0), made, "GAN", GRID, density(unseen, GRID), "held-out networks",
                bars_density=density(made, GRID), title="samples of a GAN",
            ),
            Lines(
                [Series("told right", np.arange(1.0, len(frame.accuracy) + 1), frame.accuracy)], "epoch",
                "share of networks", (Reference(0.5, "chance"),), y_range=(0.0, 1.0), title="its discriminator",
            ),
        ]  # fmt: skip
    return figure(panels, "Other generators: linear layers, a GAN")


ANALYSIS = Analysis(
    "architectures",
    "Linear layers, and a GAN",
    Params,
    Frame,
    run,
    table,
    summary,
    figure=svg,
    claims=answered,
    whole=True,
)
