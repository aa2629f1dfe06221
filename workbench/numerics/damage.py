"""Damage to a network's weights: some of them gone, whole hidden units gone, others in their place, or noise on all.

A mask (p,) bool is True where a weight is damaged. Whoever repairs a network is told it, or has to do without.
"""

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec, layers

KINDS = {"missing": True, "units": True, "corrupted": False, "noise": False}
"""Kinds of damage, and whether the positions of what is damaged are known."""
LOUDEST = 100.0
"""Largest level of noise."""


@dataclass(frozen=True, eq=False)
class Damage:
    """A damaged network."""

    kind: str
    weights: NDArray[np.float32]
    """(p,), 0 where weights are missing."""
    mask: NDArray[np.bool_]
    """(p,) where it is damaged."""

    @property
    def known(self) -> NDArray[np.bool_] | None:
        """The mask, where positions are known."""
        return self.mask if KINDS[self.kind] else None


def draw_weights(p: int, level: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """A mask (p,) of a share of the weights at random, to the nearest number of them."""
    mask = np.zeros(p, bool)
    mask[random.permutation(p)[: _share(level, p)]] = True
    return mask


def draw_units(spec: PolicySpec, level: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """A mask (p,) of a share of the hidden units at random: all weights into them, their biases, all out of them.

    Raises:
        WorkbenchError: no hidden layer.
    """
    owners = unit_weights(spec)
    mask = np.zeros(spec.parameters, bool)
    for unit in random.permutation(len(owners))[: _share(level, len(owners))]:
        mask[owners[unit]] = True
    return mask


def unit_weights(spec: PolicySpec) -> list[NDArray[np.int64]]:
    """Positions of the weights that each hidden unit has, layer by layer.

    Raises:
        WorkbenchError: no hidden layer.
    """
    if len(spec.sizes) < 3:
        raise WorkbenchError(f"kind: {spec.label} has no hidden units")
    # Positions take the place of weights, so that it is `layers` alone that knows where they lie.
    parts = layers(np.arange(spec.parameters), spec)  # type: ignore[arg-type]
    found = []
    for (into, bias), (out, _) in pairwise(parts):
        for unit in range(len(into)):
            own = [into[unit], out[:, unit], *(() if bias is None else (bias[unit : unit + 1],))]
            found.append(np.sort(np.concatenate(own)))
    return found


def damage(
    weights: NDArray, spec: PolicySpec, kind: str, level: float, seed: int, mask: NDArray[np.bool_] | None = None
) -> Damage:
    """Damage a network (p,).

    Args:
        weights: (p,), finite.
        spec: what it is.
        kind: `missing`, a share of the weights at random is 0 (the paper's damage); `units`, whole hidden units are;
            `corrupted`, a share at random is noise as large as the network's root mean square weight, no one knows
            where; `noise`, all weights have Gaussian noise added.
        level: share of the weights or units, 0 to 1; of `noise`, its size against the root mean square weight.
        seed: of all that is drawn.
        mask: where to damage, instead of at random.

    Raises:
        WorkbenchError: no such kind, a level out of range, weights that are not finite, or a mask of another size.
    """
    check(kind, level)
    weights = np.asarray(weights, np.float32)
    if weights.shape != (spec.parameters,):
        raise WorkbenchError(f"damage: {spec.label} has {spec.parameters} weights, got shape {tuple(weights.shape)}")
    if not np.isfinite(weights).all():
        raise WorkbenchError("damage: the network has weights that are not finite")
    random = np.random.default_rng([seed, 17])
    if mask is None:
        if kind == "units":
            mask = draw_units(spec, level, random)
        elif kind == "noise":
            mask = np.full(spec.parameters, level > 0)
        else:
            mask = draw_weights(spec.parameters, level, random)
    elif mask.shape != weights.shape or mask.dtype != np.bool_:
        raise WorkbenchError(f"mask: expected {len(weights)} of true and false, got {mask.dtype} of shape {mask.shape}")
    size = np.sqrt(np.square(weights, dtype=np.float64).mean())
    noise = (size * random.standard_normal(len(weights))).astype(np.float32)
    there = {"corrupted": noise, "noise": weights + np.float32(level) * noise}.get(kind, np.zeros_like(weights))
    return Damage(kind, np.where(mask, there, weights), mask.copy())


def check(kind: str, level: float) -> None:
    """Whether there is such damage.

    Raises:
        WorkbenchError: no such kind, or a level out of range.
    """
    if kind not in KINDS:
        raise WorkbenchError(f"kind: expected {', '.join(KINDS)}, got {kind!r}")
    most = LOUDEST if kind == "noise" else 1.0
    if not 0 <= level <= most:
        raise WorkbenchError(f"level: expected 0 to {most:g} of {kind}, got {level:g}")


def fill(damaged: NDArray, mask: NDArray[np.bool_], candidates: NDArray) -> NDArray[np.float32]:
    """A damaged network (p,) with what is missing taken from candidates (k, p): (k, p); what exists stays as it is."""
    return np.where(mask, candidates, damaged).astype(np.float32)


def mask_hash(mask: NDArray[np.bool_]) -> str:
    """12 hexadecimal digits of BLAKE2b that tell a mask from others."""
    return hashlib.blake2b(np.ascontiguousarray(mask, np.bool_).tobytes(), digest_size=6).hexdigest()


def _share(level: float, n: int) -> int:
    return int(level * n + 0.5)
