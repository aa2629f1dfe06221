"""How agents on the way between two lean, as the authors' blog tells it of three pairs: between, or against both."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import claims, generators
from workbench.analyses.repairs import held_out_networks
from workbench.analysis import Analysis, Selection
from workbench.claims import Claim
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Lines, Series, figure
from workbench.numerics.distributions import bootstrap
from workbench.reproducing import Params, Progress, at_work, population_of, seeds_of, trained
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import behaviour
from workbench.sweeping import TOLD, walk
from workbench.text import counted

KINDS = ("cartpolegen", "functional")
PATHS = ("latent", "decoded")
ALPHAS = np.round(np.linspace(0, 1, 11), 10)
LEANS = ("lean_x", "lean_angle")
WORDS = ("between", "against", "beyond")
"""Where an agent leans: within the range of the two ends, to the other side where both lean to one, or neither."""
PAIRS, QUICK_PAIRS = 240, 40
AGAIN = 5
"""Further measurements of the ends."""
CHUNK = 20
"""Pairs between two frames."""
QUANTILE = 0.95
"""Of what measuring again changes: farther outside the range is outside."""
FEW = 0.05
"""More beyond the ends than noise puts there by less than this is none to speak of."""


@dataclass(frozen=True)
class Frame(Progress):
    """Walks so far."""

    seed: int
    pairs: NDArray[np.int64]
    """(m, 2) held-out networks, rows in the population."""
    lean: NDArray[np.float64]
    """(kinds, paths, leans, m, t) mean cart position (m) and pole angle (rad); NaN before they are measured."""
    again: NDArray[np.float64]
    """(kinds, paths, leans, times, m, 2) of the ends, measured again in other episodes each time."""

    def tolerance(self, kind: int, path: int, lean: int) -> float:
        """What measuring again changes, for most ends."""
        return float(np.quantile(np.abs(self.again[kind, path, lean] - self._ends(kind, path, lean)), QUANTILE))

    def shares(self, kind: int, path: int, lean: int) -> NDArray[np.float64]:
        """(m, 3) share of the agents between the ends that lean in each of `WORDS`."""
        return _shares(
            self.lean[kind, path, lean, :, 1:-1], self._ends(kind, path, lean), self.tolerance(kind, path, lean)
        )

    def noise(self, kind: int, path: int, lean: int) -> NDArray[np.float64]:
        """(m, 3) the same of the ends themselves, measured again: no agent in the range has more by noise alone."""
        ends, tolerance = self._ends(kind, path, lean), self.tolerance(kind, path, lean)
        return np.mean([_shares(again, ends, tolerance) for again in self.again[kind, path, lean]], axis=0)

    def others(self, kind: int, path: int, lean: int) -> NDArray[np.float64]:
        """(m, 3) the same of agents between the ends of another pair."""
        elsewhere = np.roll(self.lean[kind, path, lean, :, 1:-1], 1, axis=0)
        return _shares(elsewhere, self._ends(kind, path, lean), self.tolerance(kind, path, lean))

    def _ends(self, kind: int, path: int, lean: int) -> NDArray[np.float64]:
        return self.lean[kind, path, lean][:, [0, -1]]


def places(lean: NDArray, ends: NDArray, tolerance: float) -> NDArray[np.int64]:
    """Which of `WORDS` each lean (m, t) is against the ends (m, 2) of its pair: (m, t)."""
    low, high = ends.min(1, keepdims=True), ends.max(1, keepdims=True)
    outside = (lean < low - tolerance) | (lean > high + tolerance)
    other_side = (np.sign(low) == np.sign(high)) & (np.sign(lean) == -np.sign(low))
    return np.where(~outside, 0, np.where(other_side, 1, 2))


def _shares(lean: NDArray, ends: NDArray, tolerance: float) -> NDArray[np.float64]:
    found = places(lean, ends, tolerance)
    return np.stack([(found == k).mean(1) for k in range(len(WORDS))], axis=1)


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield frames while generators are trained, and as pairs are walked."""
    population, seed = population_of(selection), seeds_of(params)[0]
    rows, _ = held_out_networks(selection, 2 * (QUICK_PAIRS if params.quick else PAIRS), seed)
    m = len(rows) // 2
    if m < 2:
        raise WorkbenchError(f"{population.name}: {len(rows)} held-out networks; walks of two pairs need four")
    pairs = rows[: 2 * m].reshape(m, 2)
    shape = (len(KINDS), len(PATHS), len(LEANS), m)
    lean, again = np.full((*shape, len(ALPHAS)), np.nan), np.full((*shape[:3], AGAIN, m, 2), np.nan)
    episodes, total = Episodes(seed=seed), 1000
    others = [replace(episodes, first=(k + 1) * episodes.count) for k in range(AGAIN)]
    frame = Frame(0, total, "", population.name, seed, pairs, lean, again)
    loaded = []
    for k, kind in enumerate(KINDS):
        for waiting in trained(population, kind, seed, compute):
            if isinstance(waiting, str):
                loaded.append(generators.load(waiting, compute.torch_device))
            else:
                done = round(300 * (k + waiting.done / waiting.total))
                yield replace(frame, done=done, doing=waiting.name)
    for k, (kind, generator) in enumerate(zip(KINDS, loaded, strict=True)):
        for p, path in enumerate(PATHS):
            for begin in range(0, m, CHUNK):
                part = slice(begin, begin + CHUNK)
                a, b = (np.array(population.weights[pairs[part, side]]) for side in (0, 1))
                networks = walk(path, a, b, ALPHAS, population.spec, compute, generator, "all")
                flat = networks.reshape(-1, networks.shape[-1])
                ends = networks[:, [0, -1]].reshape(-1, networks.shape[-1])
                moves = behaviour(flat, population.spec, episodes, compute)
                moved = [behaviour(ends, population.spec, other, compute) for other in others]
                for n, name in enumerate(LEANS):
                    lean[k, p, n, part] = getattr(moves, name).reshape(len(networks), -1)
                    again[k, p, n, :, part] = [getattr(b, name).reshape(len(networks), 2) for b in moved]
                share = (k * len(PATHS) + p + min(1.0, (begin + CHUNK) / m)) / (len(KINDS) * len(PATHS))
                yield replace(
                    frame, done=600 + round(400 * share), doing=f"walking, {kind}, {TOLD[path]}", lean=lean.copy(),
                    again=again.copy(),
                )  # fmt: skip


@claims.remembered
def answered(frame: Frame) -> list[Claim]:
    """Claim 18, of the paper's generator through latent space, by the mean cart position."""
    if frame.done < frame.total:
        return []
    shares, noise = frame.shares(0, 0, 0), frame.noise(0, 0, 0)
    more = bootstrap(_mean, shares[:, 2] - noise[:, 2], seed=frame.seed)
    between, against, beyond = shares.mean(0)
    other = frame.others(0, 0, 0).mean(0)[2]
    beside = "; ".join(
        f"{kind}, {TOLD[path]} {frame.shares(k, p, 0)[:, 2].mean():.0%}"
        for k, kind in enumerate(KINDS)
        for p, path in enumerate(PATHS)
        if k or p
    )
    why = (
        f"of CartPoleGen's agents in latent space, by mean cart position, {between:.0%} lean between the ends, "
        f"{against:.0%} against both, and {beyond:.0%} beyond; {claims.told(more, '+.0%')} more than noise puts there "
        f"({noise[:, 2].mean():.0%}), less than {FEW:.0%} is "
        f"wanted (the same of agents of another pair: {other:.0%}; {beside}). {counted(len(frame.pairs), 'pair')} of "
        f"held-out "
        f"networks, 95 % interval over pairs, seed {frame.seed}."
    )
    return [Claim(18, claims.answer(claims.below(more, FEW)), why)]


def _mean(values: NDArray) -> float:
    return float(values.mean())


def table(frame: Frame) -> Group:
    """Where agents lean, beside what noise and agents of other pairs give."""
    pairs = counted(len(frame.pairs), "pair")
    out = Table(title=f"Where agents between two lean, {frame.population}, {pairs}, seed {frame.seed}")
    for name in ("generator, path, lean", *WORDS, "noise: beyond", "other pair: beyond", "outside by more than"):
        out.add_column(name, justify="left" if name.startswith("generator") else "right")
    units = {"lean_x": ("mean cart position", "m", 1.0), "lean_angle": ("mean pole angle", "°", float(np.degrees(1)))}
    for k, kind in enumerate(KINDS):
        for p, path in enumerate(PATHS):
            for n, name in enumerate(LEANS):
                if np.isnan(frame.again[k, p, n]).any():
                    continue
                told, unit, scale = units[name]
                found = [f"{share:.0%}" for share in frame.shares(k, p, n).mean(0)]
                controls = (f(k, p, n).mean(0)[2] for f in (frame.noise, frame.others))
                out.add_row(
                    f"{kind}, {TOLD[path]}, {told}", *found, *(f"{c:.0%}" for c in controls),
                    f"{scale * frame.tolerance(k, p, n):.3f} {unit}",
                )  # fmt: skip
    out.caption = (
        "between: within the range of the two ends; against: to the other side where both lean to one; beyond: "
        "neither; noise: the ends themselves, measured again"
    )
    return Group(out, *(claims.lines(answered(frame)) or [Text(at_work(frame))]))


def summary(frame: Frame) -> dict[str, Any]:
    """Shares by generator, path and lean."""
    return {
        "seed": frame.seed,
        "pairs": frame.pairs.tolist(),
        "alphas": ALPHAS.tolist(),
        "shares": {
            kind: {
                path: {
                    name: {
                        what: dict(zip(WORDS, f(k, p, n).mean(0).tolist(), strict=True))
                        for what, f in (("found", frame.shares), ("noise", frame.noise), ("others", frame.others))
                    }
                    | {"tolerance": frame.tolerance(k, p, n)}
                    for n, name in enumerate(LEANS)
                }
                for p, path in enumerate(PATHS)
            }
            for k, kind in enumerate(KINDS)
        },
    }


def svg(frame: Frame) -> str:
    """Shares along the walks, by the mean cart position."""
    panels = []
    for k, kind in enumerate(KINDS):
        for p, path in enumerate(PATHS):
            if np.isnan(frame.again[k, p, 0]).any():
                continue
            lean = frame.lean[k, p, 0]
            found = places(lean[:, 1:-1], lean[:, [0, -1]], frame.tolerance(k, p, 0))
            series = [
                Series(word, ALPHAS[1:-1], 100 * (found == n).mean(0), mark)
                for n, (word, mark) in enumerate(zip(WORDS, "●○×", strict=True))
            ]
            title = f"{kind}, {TOLD[path]}"
            panels.append(Lines(series, "alpha", "% of agents", (), False, (0.0, 1.0), (0.0, 100.0), title))
    return figure(panels, "Where agents between two lean (mean cart position)", columns=2)


ANALYSIS = Analysis(
    "leans", "How agents between two lean", Params, Frame, run, table, summary, figure=svg, claims=answered, whole=True
)
