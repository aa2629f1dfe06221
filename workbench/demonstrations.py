"""What repair by demonstration is shown of the original: states and its actions, drawn, or from a log."""

import csv
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import record
from workbench.rollouts.states import own
from workbench.storage import check_suffix

WAYS = ("mixed", "own", "rollout")
"""Half in states that it visits and half in the population's; in states it visits; the first steps of an episode."""
EPISODES = 4
"""From which states that it visits are taken."""
LONGEST = 1_000_000
"""Rows of a log."""


class Log(NamedTuple):
    """Known actions."""

    states: NDArray[np.float32]
    """(n, d)."""
    actions: NDArray[np.int64]
    """(n,)."""


def demonstrated_states(
    weights: NDArray, spec: PolicySpec, way: str, count: int, pool: NDArray, trial: Episodes, seed: int
) -> NDArray[np.float32]:
    """States (count, d) in which a network (p,) is seen to act.

    Args:
        weights: (p,).
        spec: what it is.
        way: one of `WAYS`.
        count: how many; of `rollout` fewer, where all episodes together are shorter.
        pool: (s, d) the population's states.
        trial: episodes that it plays.
        seed: of what is drawn.

    Raises:
        WorkbenchError: no such way.
    """
    check_way(way)
    if way == "rollout":
        played = record(weights[None], spec, trial)
        parts = [states[:steps] for states, steps in zip(played.states[0], played.steps[0], strict=True)]
        return np.concatenate(parts)[:count].astype(np.float32)
    random, drawn = np.random.default_rng([seed, 19]), count // 2 if way == "mixed" else 0
    each = -(-(count - drawn) // EPISODES)
    visits = np.concatenate([own(weights[None], spec, each, trial.seed + k)[0] for k in range(EPISODES)])
    return np.concatenate([random.permutation(visits)[: count - drawn], random.choice(pool, drawn)])


def check_way(way: str) -> None:
    """Whether there is such a way.

    Raises:
        WorkbenchError: there is not.
    """
    if way not in WAYS:
        raise WorkbenchError(f"demonstrated: expected {', '.join(WAYS)}, got {way!r}")


def log_file(name: str) -> Path | None:
    """The file that a parameter names, if any.

    Raises:
        WorkbenchError: another kind of file.
    """
    if not name:
        return None
    check_suffix("log", Path(name), (".npy", ".csv"))
    return Path(name)


def read_log(path: Path, spec: PolicySpec) -> Log:
    """A row a step: the numbers of the state, then the number of the action; .csv may have a line of names first.

    Raises:
        WorkbenchError: no such file, or not a log of such networks.
    """
    d, actions = spec.sizes[0], spec.sizes[-1]
    wanted = f"{path}: expected {d + 1} columns (the state's {d}, then the action)"
    try:
        if path.suffix == ".npy":
            mapped = np.lib.format.open_memmap(path, mode="r")
            if mapped.ndim != 2 or mapped.shape[1] != d + 1:
                raise WorkbenchError(f"{wanted}, got an array of shape {tuple(mapped.shape)}")
            if mapped.dtype.kind not in "iuf":
                raise WorkbenchError(f"{path}: expected numbers, got {mapped.dtype}")
            _check_rows(path, len(mapped))
            table = np.array(mapped, np.float64)
        else:
            table = _read_csv(path, d + 1, wanted)
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: no such file") from None
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, EOFError, csv.Error) as error:
        raise WorkbenchError(f"{path}: not a log ({error})") from None
    states = table[:, :-1]
    if (bad := ~(np.abs(states) <= np.finfo(np.float32).max).all(1)).any():
        raise WorkbenchError(f"{path}: the state in row {int(bad.argmax()) + 1} is not finite")
    if (bad := ~np.isin(table[:, -1], np.arange(actions))).any():
        row = int(bad.argmax())
        raise WorkbenchError(f"{path}: expected actions 0 to {actions - 1}, got {table[row, -1]:g} in row {row + 1}")
    return Log(states.astype(np.float32), table[:, -1].astype(np.int64))


def _read_csv(path: Path, columns: int, wanted: str) -> NDArray[np.float64]:
    if os.stat(path).st_size > 40 * columns * LONGEST:
        raise WorkbenchError(f"{path}: longer than any log of {LONGEST:,} rows")
    rows: list[list[float]] = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        for number, line in enumerate(csv.reader(file), 1):
            cells = [cell.strip() for cell in line]
            if not any(cells):
                continue
            if len(cells) != columns:
                raise WorkbenchError(f"{wanted}, got {len(cells)} in line {number}")
            try:
                rows.append([float(cell) for cell in cells])
            except ValueError:
                if rows or number > 1:
                    raise WorkbenchError(f"{path}: expected numbers in line {number}, got {line[0][:40]!r}") from None
    _check_rows(path, len(rows))
    return np.array(rows)


def _check_rows(path: Path, count: int) -> None:
    if not 1 <= count <= LONGEST:
        raise WorkbenchError(f"{path}: expected 1 to {LONGEST:,} rows, got {count:,}")
