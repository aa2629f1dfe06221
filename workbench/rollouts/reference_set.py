"""Reference sets: the states that networks are compared on. What a comparison gives depends on them."""

import hashlib
import os
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.physics import START_RANGE, Physics, is_cartpole
from workbench.policies import PolicySpec
from workbench.population import Population, load
from workbench.rollouts.states import visited

KINDS = ("rollouts", "box", "upright")
SUFFIXES = (".npy", ".csv", ".safetensors")
COUNT = 10_000
"""States of the paper's reference set (section 4.1)."""
FASTEST = 3.0
"""The box's largest velocities, m/s and rad/s: Cart-Pole's own bounds on them are infinite."""
LARGEST_FILE = 1 << 30
FEWEST, MOST = 4, 1_000_000
"""States: debiased measures need four."""
CARTPOLE_NAMES = ("x", "ẋ", "θ", "θ̇")


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """States with a name and a hash."""

    name: str
    """Where they come from, in words."""
    states: NDArray[np.float32]
    """(s, d)."""

    @property
    def hash(self) -> str:
        """Of the states alone: 12 hexadecimal digits of BLAKE2b."""
        return hashlib.blake2b(np.ascontiguousarray(self.states, "<f4").tobytes(), digest_size=6).hexdigest()


def dimension_names(spec: PolicySpec) -> tuple[str, ...]:
    """What the numbers of a state are called."""
    return CARTPOLE_NAMES if is_cartpole(spec) else tuple(f"s{k}" for k in range(spec.sizes[0]))


def file_of(kind: str) -> Path | None:
    """The file that a choice of states names, or None if it names none."""
    return Path(kind) if kind not in KINDS and Path(kind).suffix in SUFFIXES else None


def reference_set(kind: str, population: Population, count: int = COUNT, seed: int = 0) -> ReferenceSet:
    """The states that a choice stands for.

    Args:
        kind: `rollouts`, states that randomly drawn networks of the population visit, all networks alike, 12 of an
            episode at most; `box`, uniform between Cart-Pole's limits and +-3 in velocities (of another environment:
            its observation space); `upright`, uniform where episodes start (Cart-Pole: +-0.05 in each); or a file:
            .npy or .csv, an array (s, d), of which at most `count` are drawn, or .safetensors, a population whose
            networks' rollouts are taken.
        population: networks, and what a state is.
        count: how many states.
        seed: of all that is drawn.

    Raises:
        WorkbenchError: no such choice, a file that cannot be used, a box without bounds, or a count out of range.
    """
    if not FEWEST <= count <= MOST:
        raise WorkbenchError(f"count: expected {FEWEST} to {MOST} states, got {count}")
    if seed < 0:
        raise WorkbenchError(f"seed: expected 0 or more, got {seed}")
    spec, random = population.spec, np.random.default_rng([seed, 11])
    if kind == "rollouts":
        return _rolled_out(population, count, seed)
    if kind == "box":
        low, high = _box(spec)
        return ReferenceSet("uniform box", random.uniform(low, high, (count, len(low))).astype(np.float32))
    if kind == "upright":
        if not is_cartpole(spec):
            raise WorkbenchError(f"states: upright is defined for Cart-Pole, not for {spec.env}")
        near = random.uniform(-START_RANGE, START_RANGE, (count, spec.sizes[0]))
        return ReferenceSet(f"upright within {START_RANGE:g}", near.astype(np.float32))
    path = file_of(kind)
    if path is None:
        raise WorkbenchError(
            f"states: expected {', '.join(KINDS)} or a file ({', '.join(SUFFIXES)}), got {kind or 'nothing'!r}"
        )
    if path.suffix == ".safetensors":
        other = load(path)
        if (other.spec.env, other.spec.sizes[0]) != (spec.env, spec.sizes[0]):
            raise WorkbenchError(
                f"{path}: its networks see {other.spec.sizes[0]} numbers of {other.spec.env}, those compared "
                f"{spec.sizes[0]} of {spec.env}"
            )
        return _rolled_out(other, count, seed)
    states = _read(path, spec.sizes[0])
    if len(states) > count:
        states = states[np.sort(random.choice(len(states), count, replace=False))]
    return ReferenceSet(path.name, states)


def _rolled_out(population: Population, count: int, seed: int) -> ReferenceSet:
    whole = np.flatnonzero(np.isfinite(population.weights).all(axis=1))
    if not len(whole):
        raise WorkbenchError(f"{population.name}: no network with finite weights to take states from")
    # Only what is drawn is read, where a large population is mapped and all of it can be used.
    weights = population.weights if len(whole) == len(population) else population.weights[whole]
    return ReferenceSet(f"rollouts of {population.name}", visited(weights, population.spec, count, seed))


def _box(spec: PolicySpec) -> tuple[NDArray, NDArray]:
    if is_cartpole(spec):
        limits = Physics.of(spec)
        high = np.array([limits.x_threshold, FASTEST, limits.theta_threshold_radians, FASTEST])
        return -high, high
    from workbench.rollouts import gym

    env = gym.make(spec, 1)
    space = env.observation_space
    env.close()
    low, high = np.ravel(space.low), np.ravel(space.high)  # type: ignore[attr-defined]
    if not (np.isfinite(low) & np.isfinite(high) & (np.abs(high - low) < 1e6)).all():
        raise WorkbenchError(f"states: the observations of {spec.env} have no bounds to draw a box from")
    return low.astype(float), high.astype(float)


def _read(path: Path, d: int) -> NDArray[np.float32]:
    try:
        size = os.stat(path).st_size
        if size > LARGEST_FILE:
            raise WorkbenchError(f"{path}: {size / 2**30:.1f} GiB; states are read from files of 1 GiB at most")
        # Mapped: what the header says of its size is held against the file, and nothing is unpickled.
        found = np.lib.format.open_memmap(path, mode="r") if path.suffix == ".npy" else _csv(path)
        if found.dtype.kind not in "fiu":
            raise ValueError(f"of kind {found.dtype}")
        with np.errstate(over="ignore"):
            states = found.astype(np.float32)
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: no such file") from None
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, TypeError, EOFError, UnicodeDecodeError, SyntaxError, TokenError) as error:
        raise WorkbenchError(f"{path}: not an array of numbers ({error})") from None
    if states.ndim != 2 or states.shape[1] != d or len(states) < FEWEST:
        raise WorkbenchError(f"{path}: expected {FEWEST} states or more of {d} numbers, got shape {states.shape}")
    if not np.isfinite(states).all():
        count = int((~np.isfinite(states)).any(axis=1).sum())
        raise WorkbenchError(f"{path}: {count} of {len(states)} states are not finite")
    return states


def _csv(path: Path) -> NDArray:
    with open(path, encoding="utf-8-sig") as file:
        lines = (line for line in file if line.partition("#")[0].strip())
        first = next(lines, "")
        if first and not any(map(_is_number, first.split(","))):
            first = next(lines, "")  # after names of columns
        if not first:
            return np.zeros((0, 0))
        return np.loadtxt(chain([first], lines), delimiter=",", ndmin=2, dtype=np.float64)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
