"""Paths between two agents: networks along a line in latent space, or through the weights in several ways."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.patterns import MARGIN
from workbench.numerics.symmetry import align, has_mirror, mirror, paired_distance
from workbench.policies import PolicySpec

if TYPE_CHECKING:
    from workbench.learning.contract import Generator

PATHS = ("latent", "tuned", "decoded", "original", "aligned", "mirrored")
"""Figure 7's two (latent space; weights of the decoded endpoints); between them the line through latent space with its
points spaced evenly in predicted survival; weights of the networks themselves, these with B's hidden units in the order
closest to A's, and with B or its mirror image, whichever comes closer."""
TOLD = {
    "latent": "latent space",
    "tuned": "latent space, even in predicted survival",
    "decoded": "weights of the decoded endpoints",
    "original": "weights of the networks themselves",
    "aligned": "weights, units aligned",
    "mirrored": "weights, aligned, or to the mirror image",
}
USUAL = ("latent", "decoded", "original", "aligned")
GRID = 201
"""Points from A to B whose survival is predicted, to space others by it."""
FARTHEST = 100.0
"""Alphas beyond this are out of all reason."""
POINTS = (2, 1000)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """How a line between two agents is walked: what the parameters of single and of many walks have in common."""

    generator: str = "functional"
    """A trained generator: cartpolegen, functional, or a file that `train` has written."""
    group: str = "all"
    """Survival group whose encoder and decoder are used, where the generator has several."""
    path: tuple[str, ...] = ()
    """Only these: latent, tuned, decoded, original, aligned, mirrored; may be repeated. The usual four without any."""
    points: int = 20
    """Points from low to high; alpha 0 and 1 come besides."""
    low: float = 0.0
    """The first alpha."""
    high: float = 1.5
    """The last alpha; beyond 1 the line goes on past B."""
    margin: float = MARGIN
    """Steps that count as a difference where patterns are named."""
    seed: int = 0
    """Seed of all that is drawn: pairs, episodes, states."""
    episodes: int = 100
    """Episodes each network plays."""
    cap: int = 200
    """Steps after which an episode ends."""


def alphas_of(points: int, low: float, high: float) -> NDArray[np.float64]:
    """So many alphas from low to high, and besides 0 and 1, so that both agents are on the line: (t,) rising.

    Raises:
        WorkbenchError: numbers out of range.
    """
    if not POINTS[0] <= points <= POINTS[1]:
        raise WorkbenchError(f"points: expected {POINTS[0]} to {POINTS[1]}, got {points}")
    if not (-FARTHEST <= low < high <= FARTHEST):
        raise WorkbenchError(f"alpha: expected low below high, both within ±{FARTHEST:g}, got {low:g} to {high:g}")
    alphas = np.linspace(low, high, points)
    for whole in (0.0, 1.0):
        alphas[np.abs(alphas - whole) < 1e-9] = whole  # not beside an agent by rounding
    return np.unique(np.concatenate([alphas, [0.0, 1.0]]))


def check_paths(paths: tuple[str, ...], spec: PolicySpec) -> tuple[str, ...]:
    """The paths that are asked for, the usual ones without any, in `PATHS`' order.

    Raises:
        WorkbenchError: one that is unknown, or that these networks do not have.
    """
    for name in paths:
        if name not in PATHS:
            raise WorkbenchError(f"path: expected {', '.join(PATHS)}, got {name!r}")
    if not paths:
        return USUAL if len(spec.sizes) == 3 else USUAL[:-1]
    if len(spec.sizes) != 3 and {"aligned", "mirrored"} & set(paths):
        raise WorkbenchError(f"path: units are aligned in policies of one hidden layer, not in {spec.label}")
    if "mirrored" in paths and not has_mirror(spec):
        raise WorkbenchError(
            f"path: mirror images are of Cart-Pole policies whose normaliser's means are 0, not of {spec.label} in "
            f"{spec.env}"
        )
    return tuple(name for name in PATHS if name in paths)


def needs_generator(paths: tuple[str, ...]) -> bool:
    """Whether a path goes through a generator."""
    return bool({"latent", "tuned", "decoded"} & set(paths))


def walk(
    path: str, a: NDArray, b: NDArray, alphas: NDArray, spec: PolicySpec, compute: Compute,
    generator: "Generator | None" = None, group: str = "",
) -> NDArray[np.float32]:  # fmt: skip
    """Networks (m, t, p) at alphas (t,) on the way from networks a (m, p) to networks b (m, p).

    Args:
        path: one of `PATHS`.
        a: at alpha 0.
        b: at alpha 1.
        alphas: (1 - alpha) A + alpha B.
        spec: the policy.
        compute: threads.
        generator: whose latents are means of q(z given x), and whose decoder is taken without noise.
        group: of the generator.
    """
    if needs_generator((path,)):
        assert generator is not None
        ends = [generator.encode(np.asarray(x, np.float32), group)[0] for x in (a, b)]
        if path != "decoded":
            latents = _between(ends[0], ends[1], alphas)
            if path == "tuned":
                latents = _tuned(ends[0], ends[1], alphas, generator, group)
            m, t, k = latents.shape
            return generator.decode(latents.reshape(m * t, k), group).reshape(m, t, -1)
        a, b = (generator.decode(z, group) for z in ends)
    if path in ("aligned", "mirrored"):
        plain = align(a, b, spec, compute)
        if path == "mirrored":
            rows = np.arange(len(a))[:, None].repeat(2, axis=1)
            image = align(a, mirror(np.asarray(b), spec), spec, compute)
            near = [paired_distance(a, other, rows, spec, compute) for other in (plain, image)]
            plain = np.where((near[1] < near[0])[:, None], image, plain)
        b = plain
    return _between(np.asarray(a, np.float32), np.asarray(b, np.float32), alphas)


def _tuned(a: NDArray, b: NDArray, alphas: NDArray, generator: "Generator", group: str) -> NDArray[np.float32]:
    """Latents (m, t, k) on the lines from a (m, k) to b (m, k), where predicted survival has come alpha of the way."""
    from workbench.learning.selection import predictor_of

    predictor = predictor_of(generator)
    if predictor is None:
        raise WorkbenchError(f"path: tuned wants a survival predictor, and {generator.title} has none")
    grid = np.linspace(0, 1, GRID)
    moved = np.broadcast_to(alphas, (len(a), len(alphas))).copy()
    inside = (alphas > 0) & (alphas < 1)
    for line, (start, end) in enumerate(zip(a, b, strict=True)):
        predicted, _ = predictor.predict(generator.decode(_between(start[None], end[None], grid)[0], group))
        rise = predicted[-1] - predicted[0]
        if abs(rise) < 1:
            continue
        # The share of the way that has been reached at each point: where survival falls back, one has passed already.
        reached = np.maximum.accumulate(((predicted - predicted[0]) / rise).clip(0, 1))
        moved[line, inside] = np.interp(alphas[inside], reached, grid)
    return _between(a, b, moved)


def _between(a: NDArray, b: NDArray, alphas: NDArray) -> NDArray[np.float32]:
    """Vectors (m, t, k) at alphas (t,), or (m, t), between a (m, k) and b (m, k); infinite where float32 ends."""
    t = np.atleast_2d(alphas)[:, :, None]
    with np.errstate(over="ignore"):
        return ((1 - t) * a[:, None, :] + t * b[:, None, :]).astype(np.float32)
