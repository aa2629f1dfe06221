"""Figure 7: walks between pairs of embeddings, through latent space and through weights (section 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.text import Text

from workbench import claims
from workbench.analyses import sweeps
from workbench.analysis import Analysis, Selection
from workbench.claims import Claim
from workbench.compute import Compute
from workbench.figures import Lines, Reference, Series, figure, text_lines
from workbench.numerics.distributions import bootstrap
from workbench.numerics.patterns import pattern
from workbench.numerics.proportions import wilson
from workbench.numerics.statistics import Interval
from workbench.paper import FIGURE_7
from workbench.performance import SURVIVAL
from workbench.reproducing import EPSILON, Params, Progress, at_work, population_of, seeds_of, trained
from workbench.text import counted

KINDS = ("cartpolegen", "functional")
PATHS = ("latent", "decoded", "aligned")
TUNED = "tuned"
WALKS = 240
QUICK_WALKS = 40
SOUGHT = ("slope", "hill", "valley", "boost")
"""What the four walks drawn are examples of: the blog's three patterns, and a boost past B."""
SMALL = 0.6
"""Chance that a hill has the larger distance of two walks, below which hills and distance hardly go together."""


@dataclass(frozen=True)
class Frame(Progress):
    """Walks so far."""

    seed: int
    generators: tuple[str, ...]
    """Those whose walks are there, in `KINDS`' order."""
    alphas: NDArray[np.float64]
    pairs: NDArray[np.int64]
    """(m, 2)."""
    convergence: NDArray[np.float64]
    """(m, 2) hidden convergence distance of the endpoints, both ways."""
    survival: NDArray[np.float64]
    """(kinds, m, paths + 1, t), NaN where there is none yet; the last path is the tuned one, of functional alone."""
    margin: float
    episodes: int
    cap: int

    def walks(self, kind: int) -> sweeps.Frame:
        """The walks of a generator, as `sweeps` has them."""
        paths = PATHS if np.isnan(self.survival[kind, :, -1]).all() else (*PATHS, TUNED)
        return sweeps.Frame(
            len(self.pairs), len(self.pairs), self.generators[kind], "all", "held-out networks", paths, self.alphas,
            self.pairs, self.survival[kind, :, : len(paths)], self.convergence, SURVIVAL.name,
            self.margin, self.seed, self.episodes, self.cap,
        )  # fmt: skip

    def examples(self, kind: int) -> list[tuple[str, int]]:
        """The first walk through latent space of each pattern that is sought, where there is one."""
        found = []
        for name in SOUGHT:
            for m, walked in enumerate(self.survival[kind, :, 0]):
                p = pattern(self.alphas, walked, self.cap, self.margin)
                boosted = p.name == "slope" and p.beyond == "boost"
                if boosted if name == "boost" else name == p.name and not boosted:
                    found.append((name, m))
                    break
        return found


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield frames while generators are trained, and pairs are walked."""
    population, seed = population_of(selection), seeds_of(params)[0]
    how = sweeps.Params(pairs=QUICK_WALKS if params.quick else WALKS, path=PATHS, seed=seed)
    total, names = 1000, []
    files = {}
    empty = Frame(
        0, total, "", population.name, seed, (), np.zeros(0), np.zeros((0, 2), np.int64), np.zeros((0, 2)),
        np.zeros((0, 0, 0, 0)), how.margin, how.episodes, how.cap,
    )  # fmt: skip
    for k, kind in enumerate(KINDS):
        for waiting in trained(population, kind, seed, compute):
            if isinstance(waiting, str):
                files[kind] = waiting
            else:
                yield replace(empty, done=round(300 * (k + waiting.done / waiting.total)), doing=waiting.name)
    frame = empty
    for k, kind in enumerate(KINDS):
        wanted = replace(how, generator=files[kind], path=(*PATHS, TUNED) if kind == "functional" else PATHS)
        walked = None
        for walked in sweeps.run(compute, selection, wanted):
            share = (k + walked.done / walked.total) / len(KINDS)
            yield replace(frame, done=600 + round(399 * share), doing=f"walking, {kind}")
        assert walked is not None
        survival = np.full((len(KINDS), len(walked.pairs), len(PATHS) + 1, len(walked.alphas)), np.nan)
        if k:
            survival[:k] = frame.survival[:k]
        # The order of paths is that of `sweeping.PATHS`; the tuned one comes last here.
        for p, path in enumerate((*PATHS, TUNED)):
            if path in walked.paths:
                survival[k, :, p] = walked.survival[:, walked.paths.index(path)]
        names.append(walked.generator)
        frame = replace(
            frame, generators=tuple(names), alphas=walked.alphas, pairs=walked.pairs, convergence=walked.convergence,
            survival=survival,
        )  # fmt: skip
    yield replace(frame, done=total, doing="done")


def panels(frame: Frame) -> list[Lines]:
    """The examples of each generator."""
    return [panel for panel in side_by_side(frame) if panel is not None]


def side_by_side(frame: Frame) -> list[Lines | None]:
    """The examples, generators side by side; None where a generator has none of a pattern."""
    examples = [dict(frame.examples(k)) for k in range(len(frame.generators))]
    found: list[Lines | None] = []
    for name in (name for name in SOUGHT if any(name in those for those in examples)):
        for k, those in enumerate(examples):
            m = those.get(name)
            if m is None:
                found.append(None)
                continue
            latent, decoded = frame.survival[k, m, 0], frame.survival[k, m, 1]
            inside = (frame.alphas >= 0) & (frame.alphas <= 1)
            a, b = latent[frame.alphas == 0][0], latent[frame.alphas == 1][0]
            straight = np.where(inside, a + (b - a) * frame.alphas, np.nan)
            found.append(
                Lines(
                    [
                        Series("straight line", frame.alphas, straight, "·", "dim"),
                        Series("latent space", frame.alphas, latent, "●", "second", joined=False),
                        Series("weights", frame.alphas, decoded, "○", "first", joined=False),
                    ],
                    "alpha", "survival (steps)", (Reference(1.0, "B", vertical=True),), x_range=(0.0, 1.5),
                    y_range=(0.0, 1.04 * frame.cap),
                    title=f"{KINDS[k]}, {name}: CD {frame.convergence[m].mean():.2f}",
                )
            )  # fmt: skip
    return found


def table(frame: Frame) -> Group:
    """How often each pattern comes, and the examples in characters."""
    theirs = ", ".join(f"{d:g}" for d in FIGURE_7)
    head = Text(
        f"Figure 7: {frame.population}, seed {frame.seed}. Hidden CD of the paper's four pairs: {theirs}; the first "
        f"and the last of them are slopes, the second a hill. {at_work(frame)}".rstrip()
    )
    parts = [sweeps.table(frame.walks(k)) for k in range(len(frame.generators))]
    drawn = (Text(text_lines(panel, 78, 16)) for panel in panels(frame))
    return Group(head, *parts, *drawn, *claims.lines(answered(frame)))


def summary(frame: Frame) -> dict[str, Any]:
    """Every walk."""
    return {
        "seed": frame.seed,
        "paper": {"convergence": list(FIGURE_7)},
        "generators": {KINDS[k]: sweeps.summary(frame.walks(k)) for k in range(len(frame.generators))},
        "drawn": {
            KINDS[k]: {name: frame.pairs[m].tolist() for name, m in frame.examples(k)}
            for k in range(len(frame.generators))
        },
    }


@claims.remembered
def answered(frame: Frame) -> list[Claim]:
    """Claims 9 to 11, of the paper's generator; the other is told beside it."""
    if frame.done < frame.total:
        return []
    found = []
    for number, ask in ((9, _differing), (10, _tracking), (11, _hilly)):
        (part, first), (_, second) = (ask(frame, k) for k in range(len(KINDS)))
        pairs = counted(len(frame.pairs), "pair")
        made = f"{pairs} of held-out networks, 95 % intervals over pairs, seed {frame.seed}."
        found.append(Claim(number, claims.answer(part), f"{first} Beside it, {KINDS[1]}: {second} {made}"))
    return found


def _differing(frame: Frame, kind: int) -> tuple[claims.Part, str]:
    """Latent space against the weights of the decoded ends, between A and B, in the same episodes."""
    between = (frame.alphas > 0) & (frame.alphas < 1)
    away = np.abs(frame.survival[kind, :, 0] - frame.survival[kind, :, 1])[:, between].mean(1)
    gap = bootstrap(np.mean, away, seed=frame.seed)
    part = claims.above(gap, EPSILON)
    return part, (
        f"between the ends the two lines differ in survival by {claims.told(gap)} steps on average, more than "
        f"{EPSILON:g} is wanted: {claims.answer(part)}."
    )


def _tracking(frame: Frame, kind: int) -> tuple[claims.Part, str]:
    """Monotone walks between ends that differ; what lies past B, and whether it falls again."""
    walks = frame.walks(kind)
    f = sweeps.figures_of(walks, PATHS[0])
    if not f["apart"] or not f["room"]:
        return None, "no walks with ends apart and room to gain."
    monotone = wilson(round(f["monotone"] * f["apart"]), f["apart"])
    past = np.flatnonzero(frame.alphas > 1)
    walked = frame.survival[kind, :, 0]
    a, b = (walked[:, frame.alphas == alpha][:, 0] for alpha in (0.0, 1.0))
    room = walked[(b - a > frame.margin) & (b < frame.cap - frame.margin)]
    gains = room[:, past] - room[:, frame.alphas == 1]
    # The best of several points is looked for: each interval is wider by so much.
    each = [bootstrap(np.mean, gain, confidence=1 - 0.05 / len(past), seed=frame.seed) for gain in gains.T]
    best = int(np.argmax([gain.value for gain in each]))
    fall = bootstrap(np.mean, gains[:, -1] - gains[:, best], seed=frame.seed)
    parts = claims.above(monotone, 0.5), claims.some(map(claims.above, each)), claims.below(fall)
    at, last = frame.alphas[past[best]], frame.alphas[-1]
    words = ", ".join(map(claims.answer, parts))
    return claims.every(parts), (
        f"of {counted(f['apart'], 'walk')} between ends more than {sweeps.APART:g} steps apart "
        f"{claims.told(monotone, '.0%')} are monotone (above half is wanted); past B survival changes by "
        f"{claims.told(each[best])} steps at alpha {at:.2f}, where it is best (above 0), of "
        f"{counted(len(room), 'walk')} with room, and from there to alpha {last:g} by "
        f"{claims.told(fall)} (below 0): {words}."
    )


def _hilly(frame: Frame, kind: int) -> tuple[claims.Part, str]:
    """The chance that of a walk with a hill and one without the first has the larger distance between its ends."""
    walks = frame.walks(kind)
    away = frame.convergence.mean(1)
    hill = np.array([p.name in ("hill", "mixed") for p in walks.patterns(PATHS[0])], bool)
    known = np.isfinite(away)
    with_hill, without = away[hill & known], away[~hill & known]
    if len(with_hill) < 2 or len(without) < 2:
        return None, f"of {counted(int(known.sum()), 'walk')} {len(with_hill)} have a hill: too few, or too many."
    chance = bootstrap(_chance, with_hill, without, seed=frame.seed)
    part = hills_answer(chance)
    return part, (
        f"hidden CD is {with_hill.mean():.2f} on average with a hill ({len(with_hill)}), {without.mean():.2f} without; "
        f"that of a walk with a hill is the larger with a chance of {claims.told(chance, '.2f')}: above .5 is wanted, "
        f"and below {SMALL:g} throughout counts as no: {claims.answer(part)}."
    )


def hills_answer(chance: Interval) -> claims.Part:
    """Above one half they go together; below what is small they do not, even where one half is left open."""
    return True if chance.low > 0.5 else False if chance.high < SMALL else None


def _chance(a: NDArray, b: NDArray) -> float:
    """Chance that one of a (m,) is larger than one of b (n,), ties half (Mann and Whitney, 1947)."""
    order = np.sort(b)
    return float((np.searchsorted(order, a, "left") + np.searchsorted(order, a, "right")).mean() / (2 * len(b)))


def svg(frame: Frame) -> str:
    """The paper's four panels for each generator."""
    return figure(side_by_side(frame), "Figure 7: walks between two agents", columns=len(frame.generators))


ANALYSIS = Analysis(
    "fig7",
    "Figure 7: walks between two agents",
    Params,
    Frame,
    run,
    table,
    summary,
    figure=svg,
    claims=answered,
    whole=True,
)
